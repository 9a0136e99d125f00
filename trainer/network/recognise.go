package network

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"adainfilter/model"
)

// half is the encoder or the decoder as a file holds it.
type half struct {
	side   model.Side
	file   *File
	convs  []convolution // one for each layer of the side, without the colour layer where plain
	widths model.Widths  // a decoder has all four too
	plain  bool          // an encoder without a colour layer: torchvision's, whose input is to be normalised by ImageNet's mean and std
}

// String says what was recognised.
func (h *half) String() string {
	first, last := h.convs[0], h.convs[len(h.convs)-1]
	text := fmt.Sprintf("the %s of %s (%s): %d layers from %q to %q, %s, widths %v",
		h.side, h.file.Path, h.file.Kind, len(h.convs), first.name, last.name, first.weight.DType, h.widths)
	if h.plain {
		text += ", without a colour layer as torchvision's VGG: ImageNet's mean and std are put before it"
	}
	return text
}

// symbols are widths that stand for any: layers of them are a pattern.
var symbols = model.Widths{-1, -2, -3, -4}

// pattern is the layers of one side with symbols for widths.
func pattern(side model.Side, plain bool) []model.Layer {
	layers := slices.DeleteFunc(symbols.Layers(), func(l model.Layer) bool { return l.Side != side })
	if plain {
		layers = layers[1:]
	}
	return layers
}

// follow holds convolutions against a pattern, one by one. n is how many fit.
func follow(convs []convolution, layers []model.Layer) (n int, widths map[int]int) {
	widths = map[int]int{}
	fits := func(want, got int) bool {
		if want > 0 {
			return want == got
		}
		if known, ok := widths[want]; ok {
			return known == got
		}
		widths[want] = got
		return true
	}
	for n < len(layers) && n < len(convs) {
		l, s := layers[n], convs[n].weight.Shape
		if s[2] != l.Kernel || s[3] != l.Kernel || !fits(l.In, s[1]) || !fits(l.Out, s[0]) {
			break
		}
		n++
	}
	return n, widths
}

// find looks for one half of the network among a file's convolutions, by their order and their shapes: names differ from one training
// script to the next, and so do the modules that they are in. Of several the one of averaged parameters (ema) is taken, else the first.
// The error says which layer comes nearest, its shape and the shape wanted.
func (f *File) find(side model.Side) (*half, error) {
	found, near := f.search(side)
	if found != nil {
		return found, found.check()
	}
	other := map[model.Side]model.Side{model.Encoder: model.Decoder, model.Decoder: model.Encoder}[side]
	if h, _ := f.search(other); h != nil {
		return nil, fmt.Errorf("%s (%s, %d tensors) holds no %s but %s", f.Path, f.Kind, len(f.Tensors), side, map[model.Side]string{model.Encoder: "an encoder", model.Decoder: "a decoder"}[other])
	}
	return nil, near.err(f, side)
}

// search is find without the errors: what was found, nil if nothing, and what comes nearest.
func (f *File) search(side model.Side) (found *half, near misfit) {
	reversed := slices.Clone(f.convs)
	slices.Reverse(reversed)
	for _, convs := range [][]convolution{f.convs, reversed} {
		for _, plain := range []bool{false, true} {
			if plain && side == model.Decoder {
				continue
			}
			layers := pattern(side, plain)
			for i := range convs {
				if plain && i > 0 && isColour(convs[i-1]) {
					continue
				}
				n, widths := follow(convs[i:], layers)
				if n < len(layers) {
					near.take(convs[i:], layers, n, widths)
					continue
				}
				h := &half{side: side, file: f, convs: convs[i : i+n], plain: plain}
				for level := range h.widths {
					h.widths[level] = widths[symbols[level]]
				}
				if found == nil || averaged(h) && !averaged(found) {
					found = h
				}
			}
		}
		if found != nil {
			break
		}
	}
	return found, near
}

func isColour(c convolution) bool { return slices.Equal(c.weight.Shape, []int{3, 3, 1, 1}) }

// averaged says whether ema is one of the words in the names of a half's tensors.
func averaged(h *half) bool {
	words := strings.FieldsFunc(strings.ToLower(h.convs[0].name), func(r rune) bool { return strings.ContainsRune("._-/", r) })
	return slices.Contains(words, "ema")
}

// check looks at what the shapes of weights do not say.
func (h *half) check() error {
	for i, c := range h.convs {
		switch out := c.weight.Shape[0]; {
		case c.bias == nil:
			return fmt.Errorf("%s: layer %q of its %s has no bias, wanted one of shape [%d]", h.file.Path, c.name, h.side, out)
		case !slices.Equal(c.bias.Shape, []int{out}):
			return fmt.Errorf("%s: the bias of layer %q of its %s has shape %v, wanted [%d]", h.file.Path, c.name, h.side, c.bias.Shape, out)
		case c.normalised && i < len(h.convs)-1:
			return fmt.Errorf("%s: layer %q of its %s is followed by batch normalisation, which this network does not have", h.file.Path, c.name, h.side)
		}
	}
	if first := h.convs[0].name; h.plain && strings.HasSuffix(first, "conv1_1") {
		return fmt.Errorf("%s: its first layer is called %q, as in Caffe's VGG, whose input is B, G, R from 0 to 255; wanted torchvision's VGG, "+
			"or one with a colour layer before it, a convolution of shape [3 3 1 1]", h.file.Path, first)
	}
	return nil
}

// misfit is the place where a file comes nearest to a half of the network.
type misfit struct {
	fits int // layers before it
	name string
	got  []int
	want string
	as   string
}

func (m *misfit) take(convs []convolution, layers []model.Layer, n int, widths map[int]int) {
	if n == 0 || n <= m.fits {
		return
	}
	l := layers[n]
	size := func(symbol int) string {
		if symbol < 0 {
			if symbol = widths[symbol]; symbol == 0 {
				return "any"
			}
		}
		return strconv.Itoa(symbol)
	}
	*m = misfit{fits: n, as: l.Name, want: fmt.Sprintf("[%s %s %d %d]", size(l.Out), size(l.In), l.Kernel, l.Kernel)}
	if n < len(convs) {
		m.name, m.got = convs[n].name+".weight", convs[n].weight.Shape
	}
}

func (m *misfit) err(f *File, side model.Side) error {
	lacks := fmt.Sprintf("%s (%s, %d tensors) holds no %s", f.Path, f.Kind, len(f.Tensors), side)
	switch {
	case len(f.convs) == 0 && len(f.Tensors) > 0:
		return fmt.Errorf("%s: none of its tensors is a convolution; the first is %q of shape %v", lacks, f.Tensors[0].Name, f.Tensors[0].Shape)
	case len(f.convs) == 0:
		return fmt.Errorf("%s: it has no convolutions", lacks)
	case m.fits == 0:
		c, l := f.convs[0], pattern(side, false)[0]
		want := "[3 3 1 1], or [any 3 3 3]"
		if side == model.Decoder {
			want = "[any any 3 3]"
		}
		return fmt.Errorf("%s: its first convolution %q has shape %v, wanted %s for layer %s", lacks, c.name+".weight", c.weight.Shape, want, l.Name)
	case m.name == "":
		return fmt.Errorf("%s: after %d layers that fit it ends, wanted layer %s of shape %s", lacks, m.fits, m.as, m.want)
	}
	return fmt.Errorf("%s: after %d layers that fit, %q has shape %v, wanted %s for layer %s", lacks, m.fits, m.name, m.got, m.want, m.as)
}

// tensor is that of a key of the weights file, such as "encoder.29.weight".
func (h *half) tensor(key string) (shape []int, v []float32, err error) {
	if h.plain {
		if shape, v, ok := imageNetColour(key); ok {
			return shape, v, nil
		}
	}
	for i, l := range pattern(h.side, h.plain) {
		for _, t := range []struct {
			key    string
			tensor *Tensor
		}{{l.Key() + ".weight", h.convs[i].weight}, {l.Key() + ".bias", h.convs[i].bias}} {
			if t.key != key {
				continue
			}
			if v, err = t.tensor.Values(); err != nil {
				return nil, nil, fmt.Errorf("tensor %q: %w", t.tensor.Name, err)
			}
			return t.tensor.Shape, v, nil
		}
	}
	return nil, nil, fmt.Errorf("no layer has the key %q", key)
}
