package documents

import (
	"io/fs"
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
