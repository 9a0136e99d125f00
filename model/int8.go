package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Int8Key is the metadata entry of a weights file with Weights.Int8, in JSON: an object with an Int8Layer for each layer's name.
const Int8Key = "int8"

// Int8Layer is what a layer needs for being computed in integers of 8 bits.
type Int8Layer struct {
	// Steps (In) are what an input's byte counts, above 0: value v of channel c is the byte that is nearest to v/Steps[c], 0 to 255.
	Steps []float32 `json:"steps"`
	// Shift (Out) is added to the bias: it takes back the mean of what the roundings do to the layer's results.
	Shift []float32 `json:"shift"`
}

// Int8 says whether Precision Int8 may compute a layer in integers: all but the first convolution with the colours before it and the last one, whose
// roundings would stay visible, and the decoder's first, whose input AdaIN spreads further than 256 steps resolve. A folded layer answers alike.
func (l Layer) Int8() bool { return l.In != 3 && l.Out != 3 && l.Name != "mirror4_1" }

// checkInt8 reports steps and shifts that do not fit the network.
func (w *Weights) checkInt8(all map[string]Int8Layer) error {
	if len(all) == 0 {
		return errors.New("no layer has steps")
	}
	layers := map[string]Layer{}
	for _, l := range w.Layers {
		if l.Int8() {
			layers[l.Name] = l.Layer
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		l, ok := layers[name]
		if !ok {
			return fmt.Errorf("unknown layer %q", name)
		}
		got := all[name]
		if len(got.Steps) != l.In || len(got.Shift) != l.Out {
			return fmt.Errorf("layer %s has %d steps and %d shifts, wanted %d and %d", name, len(got.Steps), len(got.Shift), l.In, l.Out)
		}
		if i := slices.IndexFunc(got.Steps, func(v float32) bool { return !(v > 0) || v-v != 0 }); i >= 0 {
			return fmt.Errorf("layer %s has the step %g at %d, wanted a finite number above 0", name, got.Steps[i], i)
		}
		if i := NotFinite(got.Shift); i >= 0 {
			return fmt.Errorf("layer %s has the shift %g at %d, wanted a finite number", name, got.Shift[i], i)
		}
	}
	return nil
}

// WithInt8 is a copy of the weights, which shares the parameters, with steps and shifts for Precision Int8 of some layers or
// all that may have them. Errors: no layer or an unknown one, another number of steps or shifts, numbers out of range.
func (w *Weights) WithInt8(layers map[string]Int8Layer) (*Weights, error) {
	if err := w.checkInt8(layers); err != nil {
		return nil, err
	}
	out := *w
	out.Int8 = layers
	return &out, nil
}

// parseInt8 reads what formatInt8 writes.
func (w *Weights) parseInt8(text string) (*Weights, error) {
	var all map[string]Int8Layer
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, err
	}
	return w.WithInt8(all)
}

func formatInt8(layers map[string]Int8Layer) (string, error) {
	text, err := json.Marshal(layers) // by name: equal layers are equal texts
	if err != nil {
		return "", fmt.Errorf("int8: %w", err)
	}
	return string(text), nil
}
