package network

import (
	"math/rand/v2"
	"slices"

	"adainfilter/model"
)

// Blank are all layers of a network with parameters 0.
func Blank(widths model.Widths) (layers []model.Conv) {
	for _, l := range widths.Layers() {
		layers = append(layers, model.Conv{Layer: l, Weight: make([]float32, l.Out*l.In*l.Kernel*l.Kernel), Bias: make([]float32, l.Out)})
	}
	return layers
}

func blankDecoder(widths model.Widths) []model.Conv {
	return slices.DeleteFunc(Blank(widths), func(c model.Conv) bool { return c.Side != model.Decoder })
}

// draw draws the weights of one filter of so many inputs from a normal distribution of model.HeScale times a scale.
func draw(weights []float32, inputs int, scale float64, random *rand.Rand) {
	scale *= model.HeScale(inputs)
	for i := range weights {
		weights[i] = float32(scale * random.NormFloat64())
	}
}

// drawLayers draws layers that end with a decoder. The last is smaller by a scale and around grey, so that what comes out are pictures
// without strong colours.
func drawLayers(layers []model.Conv, last float64, random *rand.Rand) {
	for i, l := range layers {
		scale := 1.0
		if i == len(layers)-1 {
			scale = last
			for o := range l.Bias {
				l.Bias[o] = 0.5
			}
		}
		draw(l.Weight, l.In*l.Kernel*l.Kernel, scale, random)
	}
}

// RandomDecoder is a decoder to begin a training with; the seed decides its weights.
func RandomDecoder(widths model.Widths, seed uint64) []model.Conv {
	layers := blankDecoder(widths)
	drawLayers(layers, 0.1, rand.New(rand.NewPCG(seed, 0xdec0de)))
	return layers
}

// Random is a network in which nothing overflows, to measure times with; its weights are always the same.
func Random(widths model.Widths) *model.Weights {
	w := &model.Weights{Network: "random-" + widths.Name(), Widths: widths, Layers: Blank(widths)}
	drawLayers(w.Layers, 0.25, rand.New(rand.NewPCG(1, 2)))
	return w
}
