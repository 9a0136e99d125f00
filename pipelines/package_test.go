package pipelines

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
)

// debianPackage is the file that `make deb` made; without it the test is skipped.
func debianPackage(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("../build/adainfilter_*.deb")
	if err != nil {
		t.Fatal(err)
	}
	switch len(found) {
	case 0:
		t.Skip("there is no Debian package in the folder build (make deb)")
	case 1:
		return found[0]
	}
	t.Fatalf("%d Debian packages, wanted one: %v", len(found), found)
	return ""
}

// tool gives what a program prints; the test is skipped where the program is missing.
func tool(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(err)
	}
	out, err := run(t, name, arguments...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, arguments, err, out)
	}
	return out
}

func TestPackageContents(t *testing.T) {
	path := debianPackage(t)
	plugins := strings.TrimSpace(tool(t, "pkg-config", "--variable=pluginsdir", "gstreamer-1.0"))
	want := map[string]string{
		plugins + "/libgstadainfilter.so":                   "-rw-r--r-- root/root",
		"/usr/bin/adain":                                    "-rwxr-xr-x root/root",
		"/usr/share/bash-completion/completions/adain.bash": "-rw-r--r-- root/root",
		"/usr/share/doc/adainfilter/changelog.gz":           "-rw-r--r-- root/root",
		"/usr/share/doc/adainfilter/copyright":              "-rw-r--r-- root/root",
		"/usr/share/doc/adainfilter/notices.gz":             "-rw-r--r-- root/root",
		"/usr/share/fish/vendor_completions.d/adain.fish":   "-rw-r--r-- root/root",
		"/usr/share/man/man1/adain.1.gz":                    "-rw-r--r-- root/root",
		"/usr/share/zsh/vendor-completions/_adain":          "-rw-r--r-- root/root",
	}
	for _, line := range strings.Split(strings.TrimSpace(tool(t, "dpkg-deb", "--contents", path)), "\n") {
		words := strings.Fields(line)
		if len(words) < 6 || strings.HasPrefix(line, "d") {
			continue
		}
		name := strings.TrimPrefix(words[5], ".")
		if found := words[0] + " " + words[1]; found != want[name] {
			t.Errorf("%s is %q, wanted %q", name, found, want[name])
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
}

func TestPackageFields(t *testing.T) {
	path := debianPackage(t)
	field := func(name string) string { return strings.TrimSpace(tool(t, "dpkg-deb", "--field", path, name)) }
	if found := field("Version"); found != model.Version {
		t.Errorf("version is %s, wanted %s: debian/changelog", found, model.Version)
	}
	depends := field("Depends")
	for _, want := range []string{
		`gstreamer1\.0-plugins-base`,
		`libc6 \(`, `libdnnl[0-9.]+ \(`, `libgstreamer1\.0-0 \(>= 1\.`, `libstdc\+\+6 \(`, // which the binaries name
	} {
		if !regexp.MustCompile(`(^|, )` + want).MatchString(depends) {
			t.Errorf("no %s in Depends: %s", want, depends)
		}
	}
}

// TestPackageFiles looks into the files: the command works as installed, and the notices name each module that it is linked with.
func TestPackageFiles(t *testing.T) {
	path, dir := debianPackage(t), t.TempDir()
	tool(t, "dpkg-deb", "--extract", path, dir)
	command := filepath.Join(dir, "usr/bin/adain")
	if out := tool(t, command, "--version"); out != fmt.Sprintf("adain version %s\n", model.Version) {
		t.Errorf("adain --version prints %q", out)
	}
	page := tool(t, "gzip", "-cd", filepath.Join(dir, "usr/share/man/man1/adain.1.gz"))
	if page != tool(t, command, "manual") {
		t.Error("the manual page is another than the command's")
	}
	for shell, file := range map[string]string{
		"bash": "bash-completion/completions/adain.bash",
		"zsh":  "zsh/vendor-completions/_adain",
		"fish": "fish/vendor_completions.d/adain.fish",
	} {
		script, err := os.ReadFile(filepath.Join(dir, "usr/share", file))
		if err != nil || string(script) != tool(t, command, "completion", shell) {
			t.Errorf("the completion for %s is another than the command's (%v)", shell, err)
		}
	}
	notices := strings.Split(tool(t, "gzip", "-cd", filepath.Join(dir, "usr/share/doc/adainfilter/notices.gz")), "\n")
	modules := 0
	for _, line := range strings.Split(tool(t, "go", "version", "-m", command), "\n") {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "dep" {
			modules++
			if want := "==== " + words[1] + " " + words[2]; !slices.Contains(notices, want) {
				t.Errorf("no %q in the notices", want)
			}
		}
	}
	if modules < 5 {
		t.Errorf("the command names %d modules, wanted more: is its build information there?", modules)
	}
}

func TestPackageLint(t *testing.T) {
	path := debianPackage(t)
	if out := tool(t, "lintian", "--allow-root", "--fail-on", "error,warning", path); strings.TrimSpace(out) != "" {
		t.Errorf("lintian says:\n%s", out)
	}
}
