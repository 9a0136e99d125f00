package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// source is a module whose tests pass, fail, are skipped and die.
var source = map[string]string{
	"go.mod":          "module m\n\ngo 1.24\n",
	"good/x_test.go":  "package x\nimport \"testing\"\nfunc TestGood(t *testing.T) { t.Log(\"quiet\") }\nfunc TestNone(t *testing.T) { t.Skip(\"no  piano\\nhere\") }\nfunc TestSub(t *testing.T) { t.Run(\"a\", func(t *testing.T) { t.Skip(\"no flute\") }) }\n",
	"bad/x_test.go":   "package x\nimport \"testing\"\nfunc TestBad(t *testing.T) { t.Error(\"loud\") }\nfunc TestDies(t *testing.T) { panic(\"dead\") }\n",
	"wrong/x_test.go": "package x\nfunc TestWrong( {\n",
}

func TestReport(t *testing.T) {
	dir := t.TempDir()
	for file, text := range source {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	t.Setenv("GOFLAGS", "")
	for _, c := range []struct {
		folder           string
		status           int
		wanted, unwanted []string
	}{
		{"./good", 0, []string{"skipped: no piano here\n    m/good.TestNone\n", "skipped: no flute\n    m/good.TestSub/a\n", "ok  \tm/good\t"}, []string{"quiet", "TestGood"}},
		{"./bad", 1, []string{"x_test.go:3: loud", "--- FAIL: TestBad", "panic: dead", "FAIL\tm/bad\t", "skipped: nothing"}, nil},
		{"./wrong", 1, []string{"x_test.go:2:", "FAIL\tm/wrong [setup failed]"}, nil},
	} {
		t.Run(c.folder, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			status, err := r.run([]string{c.folder})
			if status != c.status || err != nil {
				t.Errorf("status %d, error %v, wanted status %d", status, err, c.status)
			}
			r.end()
			for _, want := range c.wanted {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, &out)
				}
			}
			for _, unwanted := range c.unwanted {
				if strings.Contains(out.String(), unwanted) {
					t.Errorf("%q in\n%s", unwanted, &out)
				}
			}
		})
	}
}
