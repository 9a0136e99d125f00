package pipelines

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMeson sets up, compiles and installs as documents/install.md says, and looks for each file where Meson was told to bring it.
func TestMeson(t *testing.T) {
	if testing.Short() {
		t.Skip("Meson links plugin and command once more")
	}
	if _, err := exec.LookPath("meson"); err != nil {
		t.Skip("no Meson (Debian: meson): ", err)
	}
	build, to := filepath.Join(t.TempDir(), "build"), t.TempDir()
	for _, arguments := range [][]string{
		{"setup", "--prefix=/usr", "-Dplugindir=plugins", build, ".."}, {"compile", "-C", build}, {"install", "-C", build, "--destdir", to},
	} {
		if out, err := exec.Command("meson", arguments...).CombinedOutput(); err != nil {
			t.Fatalf("meson %v: %v\n%s", arguments, err, out)
		}
	}
	want := []string{
		"usr/bin/adain", "usr/plugins/libgstadainfilter.so", "usr/share/bash-completion/completions/adain.bash",
		"usr/share/fish/vendor_completions.d/adain.fish", "usr/share/man/man1/adain.1", "usr/share/zsh/site-functions/_adain",
	}
	var found []string
	err := filepath.WalkDir(to, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, strings.TrimPrefix(path, to+"/"))
		}
		return err
	})
	slices.Sort(found)
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("%v, %q were installed, wanted %q", err, found, want)
	}
}
