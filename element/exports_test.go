package element

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoPanicLeaves: every function that C calls begins with a guard, which must be deferred itself to see a panic.
func TestNoPanicLeaves(t *testing.T) {
	guards := map[string]bool{"guard": true, "guardElement": true, "guardMaking": true}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	exported := 0
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Doc == nil || !strings.HasPrefix(f.Doc.List[len(f.Doc.List)-1].Text, "//export ") {
				continue
			}
			exported++
			first, ok := f.Body.List[0].(*ast.DeferStmt)
			if !ok {
				t.Errorf("%s: %s does not begin with a deferred guard", path, f.Name.Name)
				continue
			}
			if name, ok := first.Call.Fun.(*ast.Ident); !ok || !guards[name.Name] {
				t.Errorf("%s: %s defers something else than a guard", path, f.Name.Name)
			}
		}
	}
	if exported < 10 {
		t.Errorf("%d functions for C were found, wanted all", exported)
	}
}
