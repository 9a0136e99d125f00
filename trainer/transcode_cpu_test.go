package main

import (
	"flag"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestStaysOnCPU keeps frames out of GPU memory where no GPU computes them.
func TestStaysOnCPU(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		device, precision string
		mixed, want       bool
	}{
		{"auto", "auto", false, false}, {"cuda", "half", false, false}, {"auto", "half", false, false},
		{"cpu", "auto", false, true}, {"auto", "int8", false, true}, {"auto", "auto", true, true},
	} {
		set := flag.NewFlagSet("", flag.ContinueOnError)
		set.String("device", c.device, "")
		set.String("precision", c.precision, "")
		set.Bool("mixed", c.mixed, "")
		if got := staysOnCPU(cli.NewContext(nil, set, nil)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
