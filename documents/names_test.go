package documents

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// source finds a code span that is the name of a file of the program.
var source = regexp.MustCompile("`([a-z0-9.][A-Za-z0-9_./-]*\\.(?:go|c|h|S|cpp|cu|cuh|py|sh|bash|yaml))`")

// foreign are names of files that are not ours.
var foreign = map[string]bool{"cuda.h": true, "dnnl.h": true, "test.py": true}

// lost are the names in a page that belong to no file: below the page's folder, from the root, or the end of a path in the tree.
func lost(page, text string, tree map[string]bool) (names []string) {
	for _, m := range source.FindAllStringSubmatch(text, -1) {
		name := m[1]
		found := foreign[name] || strings.Contains(name, "NAME") || tree[path.Join(path.Dir(page), name)] || tree[name]
		for file := range tree {
			found = found || strings.HasSuffix(file, "/"+name)
		}
		if !found {
			names = append(names, name)
		}
	}
	return names
}

// TestNames: pages name no file that was renamed or removed.
func TestNames(t *testing.T) {
	tree := map[string]bool{}
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (path == "build" || path == ".git") {
			return fs.SkipDir
		}
		tree[path] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for page, text := range pages(t) {
		for _, name := range lost(page, text, tree) {
			t.Errorf("%s names %s, and there is no such file", page, name)
		}
	}
	if got := lost("a/b.md", "`c.go` `d/e.c` `f.go` `*.go` `e.c` `gone.go` x `d/c.go`", map[string]bool{"a/c.go": true, "d/e.c": true, "g/f.go": true}); strings.Join(got, " ") != "gone.go d/c.go" {
		t.Errorf("the names that are lost are %v, wanted gone.go and d/c.go", got)
	}
}

var folder = regexp.MustCompile(`^( *)((?:\.?[a-z0-9]+/ )+)`)

// drawn are the folders of a drawing of the tree: names that end in /, indented by two blanks for each folder above.
func drawn(text string) map[string]bool {
	found := map[string]bool{}
	var above []string
	for _, l := range strings.Split(text, "\n") {
		m := folder.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		depth := min(len(m[1])/2, len(above))
		for _, name := range strings.Fields(m[2]) {
			above = append(above[:depth], strings.TrimSuffix(name, "/"))
			found[strings.Join(above, "/")] = true
		}
	}
	return found
}

// TestTree: ARCHITECTURE.md draws every folder with Go files, and none that is not there.
func TestTree(t *testing.T) {
	text := pages(t)["ARCHITECTURE.md"]
	_, text, _ = strings.Cut(text, "```\n")
	text, _, _ = strings.Cut(text, "```")
	tree := drawn(text)
	for name := range tree {
		if info, err := os.Stat(path.Join("..", name)); err != nil || !info.IsDir() {
			t.Errorf("ARCHITECTURE.md draws the folder %s, and there is none", name)
		}
	}
	err := fs.WalkDir(os.DirFS(".."), ".", func(file string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (file == "build" || file == ".git" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if in := path.Dir(file); strings.HasSuffix(file, ".go") && !tree[in] {
			t.Errorf("ARCHITECTURE.md does not draw the folder %s", in)
			tree[in] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got := drawn("a/    x\n  b/ c/   y, which reads\n    d/ x\n.e/  z\n")
	if want := map[string]bool{"a": true, "a/b": true, "a/c": true, "a/c/d": true, ".e": true}; !maps.Equal(got, want) {
		t.Errorf("the drawing has the folders %v, wanted %v", got, want)
	}
}
