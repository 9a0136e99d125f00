package model

import (
	"fmt"
	"slices"
	"strings"
)

// Upsampling is how a layer's result becomes twice as high and wide.
type Upsampling string

// Along an axis with pixels x(0) to x(n-1), beyond which the edge is repeated, pixels 2i and 2i+1 of the result are x(i) and x(i)
// (Nearest), or (x(i-1) + 3 x(i))/4 and (3 x(i) + x(i+1))/4 (Bilinear, PyTorch's align_corners=False).
const (
	NoUpsampling Upsampling = ""
	Nearest      Upsampling = "nearest"
	Bilinear     Upsampling = "bilinear"
)

// Upsamplings are those of a network's layers, from the smallest map to the largest, as a weights file's metadata say it:
// "nearest,bilinear,bilinear".
func (w *Weights) Upsamplings() string {
	var all []string
	for _, c := range w.Layers {
		if c.Upsample != NoUpsampling {
			all = append(all, string(c.Upsample))
		}
	}
	return strings.Join(all, ",")
}

// WithUpsamplings is a copy of the weights with other upsamplings, which shares the parameters: "nearest", "bilinear", or one for each, from
// the smallest map to the largest, in the form of Upsamplings. Errors: another word or number of words.
func (w *Weights) WithUpsamplings(text string) (*Weights, error) {
	out := *w
	out.Layers = slices.Clone(w.Layers)
	out.Int8 = nil // others, computed otherwise
	var at []int
	for i, c := range out.Layers {
		if c.Upsample != NoUpsampling {
			at = append(at, i)
		}
	}
	words := strings.Split(text, ",")
	if len(words) == 1 {
		words = slices.Repeat(words, len(at))
	}
	if len(words) != len(at) {
		return nil, fmt.Errorf("upsampling %q has %d words, wanted one or %d", text, len(words), len(at))
	}
	for k, i := range at {
		u := Upsampling(words[k])
		if u != Nearest && u != Bilinear {
			return nil, fmt.Errorf("upsampling is %q, wanted %q or %q", u, Nearest, Bilinear)
		}
		out.Layers[i].Upsample, out.Layers[i+1].Repeat = u, u == Bilinear
	}
	return &out, nil
}
