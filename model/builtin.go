package model

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed builtin
var builtin embed.FS

// DefaultNetwork is the built-in network that is used when nobody chooses one.
const DefaultNetwork = "lite"

// DefaultStyle is the built-in style that is used when nobody chooses one.
const DefaultStyle = "warm-oil"

var (
	builtinNames    = []string{DefaultNetwork, "fine"}
	builtinNetworks = map[string]func() (*Weights, error){DefaultNetwork: builtinNetwork(DefaultNetwork), "fine": builtinNetwork("fine")}
)

// BuiltinNetworks are the names of the networks that need no file, the default first. Each is also the Network of its weights.
func BuiltinNetworks() []string { return slices.Clone(builtinNames) }

// BuiltinNetwork is the built-in network of a name; another name is an error that lists them. Every call returns the same weights, which must
// not be changed. Any thread.
func BuiltinNetwork(name string) (*Weights, error) {
	load, ok := builtinNetworks[name]
	if !ok {
		return nil, fmt.Errorf("network %q is not built in, wanted one of %s", name, strings.Join(builtinNames, ", "))
	}
	return load()
}

// BuiltinWeights are those of the default network, as BuiltinNetwork gives them.
func BuiltinWeights() (*Weights, error) { return BuiltinNetwork(DefaultNetwork) }

// builtinNetwork reads a network of this program when it is first asked for: who uses one need not have the other in memory.
func builtinNetwork(name string) func() (*Weights, error) {
	return sync.OnceValues(func() (*Weights, error) {
		file := path.Join("builtin", name+".safetensors")
		data, err := builtin.ReadFile(file)
		if err != nil {
			return nil, err
		}
		return ParseWeights(file, data)
	})
}

// BuiltinStyles are the names of the styles that need no file, sorted. Each built-in network has them all.
func BuiltinStyles() []string {
	entries, _ := builtin.ReadDir("builtin/styles/" + DefaultNetwork) // sorted by name; part of the program, so it cannot be missing
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".safetensors"); ok {
			names = append(names, name)
		}
	}
	return names
}

// BuiltinStyle is the built-in style of a name for a built-in network: statistics belong to the network that made them. Errors list the names
// of networks and of styles. Weights that only have the network's name may have another encoder, which Style.Fits tells.
func BuiltinStyle(network, name string) (*Style, error) {
	if !slices.Contains(builtinNames, network) {
		return nil, fmt.Errorf("style %q is built in for the networks %s only, not for %q", name, strings.Join(builtinNames, ", "), network)
	}
	file := path.Join("builtin/styles", network, name+".safetensors")
	data, err := builtin.ReadFile(file)
	if err != nil || strings.Contains(name, "/") {
		return nil, fmt.Errorf("style %q is not built in, wanted one of %s", name, strings.Join(BuiltinStyles(), ", "))
	}
	return ParseStyle(file, data)
}
