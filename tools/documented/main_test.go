package main

import (
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

func TestUndocumented(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		want   []string
	}{
		"all kinds": {
			"package p\nconst C = 1\nvar V, w int\ntype T struct{}\nfunc F() {}\nfunc (*T) M() {}\nfunc (G[K]) N() {}\ntype i interface{ Hidden() }\n// I is one.\ntype I interface{ Open() }\n",
			[]string{"C", "V", "T", "F", "M", "N", "Open"},
		},
		"with comments": {
			"package p\n// C is one.\nconst C = 1\n// Both.\nvar (\n\tV = 1\n\tW = 2\n)\ntype T struct{} // T is one.\n// F is one.\nfunc F() {}\n// I is one.\ntype I interface {\n\t// Open is one.\n\tOpen()\n}\n",
			nil,
		},
		"an empty comment and a directive say nothing": {"package p\n//\nfunc F() {}\n//go:noinline\nfunc G() {}\n", []string{"F", "G"}},
		"not exported":        {"package p\nfunc f() {}\ntype t struct{}\nfunc (t) M() {}\nfunc (*t) N() {}\n", nil},
		"known to everyone":   {"package p\n// T is one.\ntype T int\nfunc (T) Error() string { return \"\" }\nfunc (T) Other() {}\nfunc Error() {}\n", []string{"Other", "Error"}},
		"of a program itself": {"package main\nfunc F() {}\n", nil},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", c.source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range undocumented(file) {
			got = append(got, n.Name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: found %q, wanted %q", name, got, c.want)
		}
	}
}
