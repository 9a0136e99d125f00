package model

import (
	"embed"
	"fmt"
	"path"
	"strings"
	"sync"
)

//go:embed builtin
var builtin embed.FS

// DefaultStyle is the built-in style that is used when nobody chooses one.
const DefaultStyle = "warm-oil"

// BuiltinWeights are the network that needs no file. Every call returns the same weights, which must not be changed.
func BuiltinWeights() (*Weights, error) { return builtinWeights() }

var builtinWeights = sync.OnceValues(func() (*Weights, error) {
	const file = "builtin/lite.safetensors"
	data, err := builtin.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return ParseWeights(file, data)
})

// BuiltinStyles are the names of the styles that need no file, sorted. They belong to the built-in network.
func BuiltinStyles() []string {
	entries, _ := builtin.ReadDir("builtin/styles") // sorted by name; part of the program, so it cannot be missing
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".safetensors"); ok {
			names = append(names, name)
		}
	}
	return names
}

// BuiltinStyle is the built-in style of a name; another name is an error that lists them.
func BuiltinStyle(name string) (*Style, error) {
	file := path.Join("builtin/styles", name+".safetensors")
	data, err := builtin.ReadFile(file)
	if err != nil || strings.Contains(name, "/") {
		return nil, fmt.Errorf("style %q is not built in, wanted one of %s", name, strings.Join(BuiltinStyles(), ", "))
	}
	return ParseStyle(file, data)
}
