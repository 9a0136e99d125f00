package model

import (
	"errors"
	"strings"
	"testing"
)

// named is an engine that only says who it is.
type named struct {
	Engine
	name string
}

func (n named) Describe() string { return n.name }

func opens(name string) Opener {
	return func(*Weights, Options) (Engine, error) { return named{name: name}, nil }
}

func fails(*Weights, Options) (Engine, error) { return nil, errors.New("no device found") }

func TestEnginesOpen(t *testing.T) {
	for _, c := range []struct {
		name    string
		engines Engines
		device  Device
		want    string // the engine, or part of the error
	}{
		{"auto with a GPU", Engines{CPU: opens("cpu"), CUDA: opens("cuda")}, "", "cuda"},
		{"auto without a GPU", Engines{CPU: opens("cpu"), CUDA: fails}, Auto, "cpu (no GPU: no device found)"},
		{"auto without CUDA", Engines{CPU: opens("cpu")}, Auto, "cpu"},
		{"the CPU though there is a GPU", Engines{CPU: opens("cpu"), CUDA: opens("cuda")}, CPU, "cpu"},
		{"CUDA fails", Engines{CPU: opens("cpu"), CUDA: fails}, CUDA, "no device found"},
		{"CUDA not built", Engines{CPU: opens("cpu")}, CUDA, `"cuda" is not available`},
		{"unknown", Engines{CPU: opens("cpu")}, "tpu", `"tpu" is not available`},
		{"nothing built", Engines{}, Auto, "no engine for the CPU"},
	} {
		e, err := c.engines.Open(nil, Options{Device: c.device})
		if err != nil && !strings.Contains(err.Error(), c.want) || err == nil && e.Describe() != c.want {
			t.Errorf("%s: %v, %v, wanted %q", c.name, e, err, c.want)
		}
	}
}
