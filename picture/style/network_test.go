package style

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// TestLoadNetwork loads by name in a folder where files have the names of built-in networks.
func TestLoadNetwork(t *testing.T) {
	t.Chdir(t.TempDir())
	mine := modeltest.RandomWeights(1, model.Widths{4, 8, 16, 32})
	mine.Network = "mine"
	for _, name := range []string{"fine", "lite", "w.safetensors"} {
		if err := mine.Save(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("fin", []byte("junk"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, network string
		builtin       bool
	}{
		{"", "lite", true}, {"lite", "lite", true}, {"fine", "fine", true}, {" fine\t", "fine", true},
		{"./fine", "mine", false}, {"./lite", "mine", false}, {"w.safetensors", "mine", false},
	} {
		w, err := LoadNetwork(c.name)
		if err != nil || w.Network != c.network || IsBuiltinNetwork(c.name) != c.builtin {
			t.Errorf("%q: %v, %v, built in %v, wanted %+v", c.name, w, err, IsBuiltinNetwork(c.name), c)
		}
		if err := StatNetwork(c.name); !c.builtin && err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		name, says string
		missing    bool
	}{
		{"fien", `weights "fien" are neither a file nor a built-in network, which are lite and fine; is fine meant?`, true},
		{"Lite", "which are lite and fine; is lite meant?", true},
		{"./none.safetensors", "which are lite and fine", true},
		{"fin", "fin: ", false},
	} {
		_, err := LoadNetwork(c.name)
		if err == nil || !strings.Contains(err.Error(), c.says) || errors.Is(err, fs.ErrNotExist) != c.missing || strings.Contains(err.Error(), "meant?") != strings.Contains(c.says, "meant?") {
			t.Errorf("%q: error is %v, wanted %q, missing %v", c.name, err, c.says, c.missing)
		}
		if found := StatNetwork(c.name); c.missing && (found == nil || found.Error() != err.Error()) {
			t.Errorf("%q: %v, loading says %v", c.name, found, err)
		}
	}
}

// TestNetworkStyles: the built-in styles of each built-in network go by the same names, and have its channels.
func TestNetworkStyles(t *testing.T) {
	t.Parallel()
	for _, network := range model.BuiltinNetworks() {
		w, err := LoadNetwork(network)
		if err != nil {
			t.Fatal(err)
		}
		if got := Names(w); !slices.Equal(got, model.BuiltinStyles()) {
			t.Errorf("%s has the styles %v", network, got)
		}
		for _, name := range model.BuiltinStyles() {
			s, err := Load(name, 0, &fake{weights: w})
			if err != nil || s.Network != network || s.Name != name || len(s.Mean) != w.Widths[3] {
				t.Errorf("%s: %s is %+v, %v", network, name, s, err)
			}
		}
		trained := *w // from this network on: its name, another encoder
		trained.Layers = slices.Clone(w.Layers)
		trained.Layers[0].Bias = []float32{1, 2, 3}
		if got := Names(&trained); got != nil {
			t.Errorf("a network trained from %s has the styles %v", network, got)
		}
		if _, err := Load("woodcut", 0, &fake{weights: &trained}); !errors.As(err, &UnfitError{}) || !strings.Contains(err.Error(), "the weights are of another") {
			t.Errorf("a network trained from %s takes woodcut: %v", network, err)
		}
		trained.Styles = []*model.Style{{Name: "dunes", Network: network}}
		if got := Names(&trained); !slices.Equal(got, []string{"dunes"}) {
			t.Errorf("its own styles are %v", got)
		}
	}
}
