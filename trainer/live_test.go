package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestLiveErrors(t *testing.T) {
	t.Setenv("ADAIN_TOKEN", "")
	t.Setenv("TMPDIR", t.TempDir())
	missing := filepath.Join(t.TempDir(), "missing")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"film.mp4"}, `"film.mp4" is not an option`},
		{[]string{"--source", missing}, "no such file"},
		{[]string{"--source", "test", "--height", "7"}, "--height is 7"},
		{[]string{"--source", "test", "--alpha", "2"}, "--alpha is 2"},
		{[]string{"--source", "test", "--style", missing, "--listen", "127.0.0.1:0"}, "neither a file nor a built-in style"},
		{[]string{"--source", "test", "--weights", missing, "--listen", "127.0.0.1:0"}, "missing"},
		{[]string{"--source", "test", "--listen", ""}, "nothing to show"},
		{[]string{"--source", "test", "--listen", "0.0.0.0:0"}, "token"},
		{[]string{"--source", "test", "--listen", "0.0.0.0:0", "--token", "short"}, "5 characters"},
		{[]string{"--source", "test", "--listen", "nowhere"}, "nowhere"},
	} {
		if _, _, err := run(append([]string{"live"}, c.args...)...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("live %q: %v, wanted %q", c.args, err, c.want)
		}
	}
	if out, _ := mustRun(t, "live", "--help"); !strings.Contains(out, "Example") {
		t.Errorf("live --help has no example:\n%s", out)
	}
}
