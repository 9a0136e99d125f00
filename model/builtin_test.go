package model

import (
	"slices"
	"strings"
	"testing"
)

// TestBuiltinNetworks: each is what its name says, carries no styles of its own, and has every built-in style.
func TestBuiltinNetworks(t *testing.T) {
	want := map[string]Widths{"lite": Lite, "fine": {32, 64, 128, 512}}
	names := BuiltinNetworks()
	if names[0] != DefaultNetwork || len(names) != len(want) {
		t.Errorf("built-in networks are %v, wanted %d, %s first", names, len(want), DefaultNetwork)
	}
	styles := BuiltinStyles()
	if !slices.Contains(styles, DefaultStyle) || !slices.IsSorted(styles) || len(styles) != 12 {
		t.Errorf("built-in styles are %v, wanted twelve with %q, sorted", styles, DefaultStyle)
	}
	for i, network := range names {
		w, err := BuiltinNetwork(network)
		if err != nil {
			t.Fatal(err)
		}
		if w.Network != network || w.Widths != want[network] || len(w.Styles) > 0 {
			t.Errorf("built-in network %s is %q of widths %v with styles %v, wanted widths %v and none", network, w.Network, w.Widths, w.StyleNames(), want[network])
		}
		if again, _ := BuiltinNetwork(network); again != w {
			t.Errorf("built-in network %s is read again", network)
		}
		if files, _ := builtin.ReadDir("builtin/styles/" + network); len(files) != len(styles) {
			t.Errorf("built-in network %s has %d styles, wanted %d", network, len(files), len(styles))
		}
		other, err := BuiltinNetwork(names[(i+1)%len(names)])
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range styles {
			s, err := BuiltinStyle(network, name)
			if err != nil {
				t.Error(err)
				continue
			}
			if err := s.Fits(w); err != nil {
				t.Error(err)
			}
			if s.Name != name || s.Encoder == "" {
				t.Errorf("style %q of %s calls itself %q, encoder %q", name, network, s.Name, s.Encoder)
			}
			if s.Fits(other) == nil {
				t.Errorf("style %q of %s fits %s", name, network, other.Network)
			}
		}
		if w.Style(DefaultStyle) != nil || w.Style("woodcut") != nil {
			t.Errorf("built-in network %s has styles of its own", network)
		}
	}
	if w, err := BuiltinWeights(); err != nil || w.Network != DefaultNetwork {
		t.Errorf("the default network is %v, %v", w, err)
	}
}

func TestBuiltinRefuses(t *testing.T) {
	for _, name := range []string{"", "fien", "Fine", " fine", "./fine", "../builtin/fine", "fine.safetensors", "styles"} {
		if _, err := BuiltinNetwork(name); err == nil || !strings.Contains(err.Error(), "lite, fine") {
			t.Errorf("network %q: error is %v, wanted one with the names", name, err)
		}
	}
	for _, c := range []struct{ network, name, want string }{
		{"lite", "", DefaultStyle}, {"lite", "no such style", DefaultStyle}, {"fine", "../lite/woodcut", DefaultStyle}, {"lite", "/etc/passwd", DefaultStyle}, {"fine", ".", DefaultStyle},
		{"mine", "woodcut", "lite, fine"}, {"", "woodcut", "lite, fine"}, {"../styles/lite", "woodcut", "lite, fine"},
	} {
		if _, err := BuiltinStyle(c.network, c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("style %q of %q: error is %v, wanted one with %q", c.name, c.network, err, c.want)
		}
	}
}
