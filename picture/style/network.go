package style

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"adainfilter/model"
)

// IsBuiltinNetwork says whether a name of weights stands for a network that needs no file: it is one of model.BuiltinNetworks, blanks around it
// do not count, or empty. It comes before a file of that name; "./fine" is the file.
func IsBuiltinNetwork(name string) bool {
	return name == "" || slices.Contains(model.BuiltinNetworks(), strings.TrimSpace(name))
}

// LoadNetwork loads the weights that a name stands for: an empty one for the default network, that of a built-in network for this, all others for weights
// files. Those of a built-in network must not be changed. Errors: one that wraps fs.ErrNotExist and lists the built-in networks where there is no such
// file; those of model.LoadWeights.
func LoadNetwork(name string) (*model.Weights, error) {
	switch {
	case name == "":
		return model.BuiltinWeights()
	case IsBuiltinNetwork(name):
		return model.BuiltinNetwork(strings.TrimSpace(name))
	}
	w, err := model.LoadWeights(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missingNetwork(name)
	}
	return w, err
}

// StatNetwork says whether the file of weights that are not built in is there. Errors are those of LoadNetwork for a missing file, and the system's.
func StatNetwork(name string) error {
	_, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missingNetwork(name)
	case err != nil:
		return fmt.Errorf("weights %q: %w", name, errors.Unwrap(err))
	}
	return nil
}

func missingNetwork(name string) error {
	networks, nearest := model.BuiltinNetworks(), ""
	if near := Nearest(name, networks); near != "" {
		nearest = fmt.Sprintf("; is %s meant?", near)
	}
	return missingError{fmt.Errorf("weights %q are neither a file nor a built-in network, which are %s%s", name, strings.Join(networks, " and "), nearest)}
}

// Names are the names of the styles that come with weights: their own, else, where they fit, the built-in ones. None of a network that has neither.
func Names(w *model.Weights) []string {
	if len(w.Styles) > 0 {
		return w.StyleNames()
	}
	if s, err := model.BuiltinStyle(w.Network, model.DefaultStyle); err != nil || s.Fits(w) != nil {
		return nil
	}
	return model.BuiltinStyles()
}
