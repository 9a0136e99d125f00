// Package onnx writes a network as ONNX models: a graph for each half, with AdaIN left to whoever runs them, since alpha and style
// go in there.
package onnx

import (
	"fmt"
	"maps"
	"slices"

	"adainfilter/model"
)

const (
	opset     = 13 // of ONNX 1.8, which every runtime in use knows; Pad and Resize are what they are since 11
	irVersion = 7  // of the same release
)

// Format is the version of the models' metadata; the entry "format" says it.
const Format = "adain-onnx-1"

// Adaption says what belongs between the two graphs; it stands in their metadata.
const Adaption = "per picture and channel, over height and width: mean, std = sqrt(biased variance + 1e-5); " +
	"t = (x - content mean) / content std * style std + style mean; decoder input = alpha*t + (1-alpha)*x, alpha in [0,1]"

// Model is one half of a network as an ONNX model of opset 13. The encoder computes "features" (N,C,h,w), relu4_1, of "picture"
// (N,3,H,W), R'G'B' in [0,1], with h = ceil(H/8), w = ceil(W/8) and sides of at least 9 pixels, as reflection needs two values.
// The decoder computes "picture" (N,3,8h,8w) of "features"; what exceeds the content's size is to be cut off, and values are
// to be clamped to [0,1]. What the weights say of themselves stands in the model's metadata.
func Model(w *model.Weights, side model.Side, producerVersion string) []byte {
	g := graph{last: "picture", final: "features"}
	features := value("features", "N", w.Widths[3], "h", "w")
	in, out := value("picture", "N", 3, "H", "W"), features
	if side == model.Decoder {
		g.last, g.final = g.final, g.last
		in, out = features, value("picture", "N", 3, "8h", "8w")
	}
	layers := slices.DeleteFunc(slices.Clone(w.Layers), func(c model.Conv) bool { return c.Side != side })
	g.tensors = append(g.tensors, integers("pads", []int{0, 0, 1, 1, 0, 0, 1, 1}))
	if side == model.Decoder {
		g.tensors = append(g.tensors, floats("scales", []int{4}, []float32{1, 1, 2, 2}))
	}
	for i, c := range layers {
		g.layer(c, i == len(layers)-1)
	}
	var body message
	for _, n := range g.nodes {
		body = body.inner(1, n)
	}
	body = body.text(2, "adain "+string(side))
	for _, t := range g.tensors {
		body = body.inner(5, t)
	}
	body = body.inner(11, in).inner(12, out)
	m := message(nil).number(1, irVersion).text(2, "adain").text(3, producerVersion)
	m = m.text(6, fmt.Sprintf("%s of the AdaIN network %s", side, w.Network))
	m = m.inner(7, body).inner(8, message(nil).text(1, "").number(2, opset))
	metadata := map[string]string{}
	maps.Copy(metadata, w.Metadata)
	metadata["format"], metadata["network"], metadata["widths"] = Format, w.Network, w.Widths.String()
	metadata[model.UpsamplingKey] = w.Upsamplings()
	metadata["encoder"], metadata["adain"] = w.EncoderID(), Adaption
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		m = m.inner(14, entry(key, metadata[key]))
	}
	return m
}

// graph collects the nodes and parameters of one half.
type graph struct {
	last    string // the value that was computed last
	final   string // the name of the graph's output
	nodes   []message
	tensors []message
}

// layer adds a layer of the table; the last one's value has the name of the graph's output.
func (g *graph) layer(c model.Conv, last bool) {
	add := func(operator, suffix string, end bool, inputs []string, attributes ...message) {
		out := c.Name + suffix
		if end && last {
			out = g.final
		}
		g.nodes = append(g.nodes, node(operator, append([]string{g.last}, inputs...), out, attributes...))
		g.last = out
	}
	if c.Kernel == 3 {
		border := "reflect"
		if c.Repeat {
			border = "edge"
		}
		add("Pad", "_pad", false, []string{"pads"}, attributeString("mode", border))
	}
	weight, bias := c.Key()+".weight", c.Key()+".bias"
	g.tensors = append(g.tensors, floats(weight, []int{c.Out, c.In, c.Kernel, c.Kernel}, c.Weight), floats(bias, []int{c.Out}, c.Bias))
	add("Conv", "", !c.ReLU, []string{weight, bias}, attributeInts("kernel_shape", c.Kernel, c.Kernel))
	if c.ReLU {
		add("Relu", "_relu", !c.Pool && c.Upsample == model.NoUpsampling, nil)
	}
	if c.Pool {
		add("MaxPool", "_pool", true, nil, attributeInts("kernel_shape", 2, 2), attributeInts("strides", 2, 2), attributeInt("ceil_mode", 1))
	}
	switch c.Upsample {
	case model.Bilinear:
		add("Resize", "_up", true, []string{"", "scales"}, attributeString("mode", "linear"),
			attributeString("coordinate_transformation_mode", "half_pixel"))
	case model.Nearest:
		add("Resize", "_up", true, []string{"", "scales"}, attributeString("mode", "nearest"),
			attributeString("coordinate_transformation_mode", "asymmetric"), attributeString("nearest_mode", "floor"))
	}
}
