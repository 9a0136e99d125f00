package model

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"adainfilter/model/float16"
	"adainfilter/model/safetensors"
)

// Versions of the weights file; the metadata entry "format" says it. The second is that of networks with a bilinear upsampling, whose
// metadata say so; a program that knows the first only would compute another network, and refuses.
const (
	WeightsFormat           = "adain-1"
	WeightsFormatUpsampling = "adain-2"
)

// UpsamplingKey is the metadata entry with the upsamplings, in weights files and in ONNX models; without it all are nearest.
const UpsamplingKey = "upsampling"

// Conv is one layer with its parameters.
type Conv struct {
	Layer
	Weight []float32 // (O,I,K,K)
	Bias   []float32 // (O)
	Phases bool      // the outputs are the four phases of a larger map: FoldUpsample made it
}

// Weights are a whole network's parameters. They are read only once an engine has them.
type Weights struct {
	Network  string // name of the network; a style extracted with one network is refused by another
	Widths   Widths
	Layers   []Conv               // in the order of Widths.Layers
	Metadata map[string]string    // recipe, date, parent and whatever else the file says
	Styles   []*Style             // of its own, which fit it and have names; may be empty
	Int8     map[string]Int8Layer // by the names of layers, for Precision Int8; nil if nobody has calibrated them
}

// LoadWeights reads a weights file: a .safetensors file of at most 2 GiB with the tensors K.weight (O,I,K,K) and K.bias (O)
// for the key K of every layer, float32, float16, bfloat16 or float64, and no others. Metadata may be missing; then the network's name is that
// of its widths. The entry "upsampling" has the form of Weights.Upsamplings; without it every upsampling is nearest. Errors name the file, the
// tensor, what was found and what was wanted.
func LoadWeights(path string) (*Weights, error) {
	data, err := readFile(path, maxWeightsFile)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	return ParseWeights(path, data)
}

// ParseWeights reads a weights file from memory, of which nothing is kept; see LoadWeights. file is the name for messages.
func ParseWeights(file string, data []byte) (*Weights, error) {
	w, err := parseWeights(data)
	if err != nil {
		return nil, fmt.Errorf("weights: %s: %w", file, err)
	}
	return w, nil
}

// AssembleWeights makes weights of a network from tensors that get delivers by key ("encoder.29.weight"), shape and values;
// file is the name for messages, an empty network stands for the name that belongs to the widths. The widths are those of
// encoder.{2,9,16,29}.weight; every shape and value is checked. The values are kept, not copied.
func AssembleWeights(file, network string, get func(key string) (shape []int, v []float32, err error), metadata map[string]string) (*Weights, error) {
	w, err := assembleWeights(network, get, metadata)
	if err != nil {
		return nil, fmt.Errorf("weights: %s: %w", file, err)
	}
	return w, nil
}

// Name is what a network of these widths is called unless its weights say otherwise: "vgg19", "lite" or "widths-4,8,16,32".
func (w Widths) Name() string {
	switch w {
	case VGG19:
		return "vgg19"
	case Lite:
		return "lite"
	}
	return "widths-" + w.String()
}

// Save writes a weights file with float32 values. Name, widths and format version are added to the metadata.
func (w *Weights) Save(path string) error { return w.save(path, safetensors.Float32) }

// SaveFloat16 is Save with values rounded to float16, which makes the file half as long. The network that it holds has another
// EncoderID. A value that float16 cannot hold is an error.
func (w *Weights) SaveFloat16(path string) error {
	for _, l := range w.Layers {
		for _, v := range [][]float32{l.Weight, l.Bias} {
			for _, x := range v {
				if y := float16.Value(float16.Round(x)); y-y != 0 {
					return fmt.Errorf("%s: %s has the value %g, wanted at most 65504 for float16", path, l.Key(), x)
				}
			}
		}
	}
	return w.save(path, safetensors.Float16)
}

func (w *Weights) save(path string, tensor func(name string, shape []int, v []float32) safetensors.Tensor) error {
	metadata := maps.Clone(w.Metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	metadata["format"], metadata["network"], metadata["widths"] = WeightsFormat, w.Network, w.Widths.String()
	delete(metadata, UpsamplingKey)
	if slices.ContainsFunc(w.Layers, func(c Conv) bool { return c.Upsample == Bilinear }) {
		metadata["format"], metadata[UpsamplingKey] = WeightsFormatUpsampling, w.Upsamplings()
	}
	if len(w.Styles) > 0 {
		styles, err := formatStyles(w.Styles)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		metadata["styles"] = styles
	}
	if w.Int8 != nil {
		steps, err := formatInt8(w.Int8)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		metadata[Int8Key] = steps
	}
	var tensors []safetensors.Tensor
	for _, l := range w.Layers {
		tensors = append(tensors, tensor(l.Key()+".weight", []int{l.Out, l.In, l.Kernel, l.Kernel}, l.Weight),
			tensor(l.Key()+".bias", []int{l.Out}, l.Bias))
	}
	return WriteTensors(path, tensors, metadata)
}

// EncoderID identifies the encoder by its parameters: the first 16 hexadecimal digits of the SHA-256 of weight and bias of
// every encoder layer, as little-endian float32. Styles extracted with equal encoders fit each other's networks.
func (w *Weights) EncoderID() string {
	hash := sha256.New()
	var data []byte
	for _, l := range w.Layers {
		if l.Side != Encoder {
			continue
		}
		data = data[:0]
		for _, v := range [][]float32{l.Weight, l.Bias} {
			for _, x := range v {
				data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
			}
		}
		hash.Write(data)
	}
	return hex.EncodeToString(hash.Sum(nil))[:16]
}

// parseWeights is ParseWeights without the file's name.
func parseWeights(data []byte) (*Weights, error) {
	f, err := parseTensors(data)
	if err != nil {
		return nil, err
	}
	// "pt" is what Python's safetensors writes for PyTorch's tensors; it says nothing about the tensors' meaning.
	if format := f.Metadata["format"]; format == StyleFormat {
		return nil, errors.New("is a style file, wanted a weights file; it belongs to the option or property style")
	} else if format != "" && format != "pt" && format != WeightsFormat && format != WeightsFormatUpsampling {
		return nil, fmt.Errorf("format version is %q, wanted %q or %q", format, WeightsFormat, WeightsFormatUpsampling)
	}
	if err := checkKeys(f.Tensors); err != nil {
		return nil, err
	}
	get := func(key string) ([]int, []float32, error) {
		v, err := f.Tensors[key].Float32()
		return f.Tensors[key].Shape, v, err
	}
	w, err := assembleWeights(f.Metadata["network"], get, f.Metadata)
	if err != nil {
		return nil, err
	}
	if widths := f.Metadata["widths"]; widths != "" && widths != w.Widths.String() {
		return nil, fmt.Errorf("metadata says widths %q, the tensors have %v", widths, w.Widths)
	}
	if upsampling, ok := f.Metadata[UpsamplingKey]; ok {
		if w, err = w.WithUpsamplings(upsampling); err != nil {
			return nil, fmt.Errorf("metadata: %w", err)
		}
	}
	if text, ok := f.Metadata[Int8Key]; ok {
		w.Metadata = maps.Clone(w.Metadata)
		delete(w.Metadata, Int8Key)
		if w, err = w.parseInt8(text); err != nil {
			return nil, fmt.Errorf("metadata %q: %w", Int8Key, err)
		}
	}
	if styles := f.Metadata["styles"]; styles != "" {
		w.Metadata = maps.Clone(w.Metadata)
		delete(w.Metadata, "styles")
		if w.Styles, err = w.parseStyles(styles); err != nil {
			return nil, fmt.Errorf("metadata \"styles\": %w", err)
		}
	}
	return w, nil
}

// checkKeys reports tensors that are missing or that no layer wants.
func checkKeys(tensors map[string]safetensors.Tensor) error {
	wanted := map[string]bool{}
	for _, l := range Lite.Layers() {
		wanted[l.Key()+".weight"], wanted[l.Key()+".bias"] = true, true
	}
	keys := slices.Sorted(maps.Keys(wanted))
	for _, key := range keys {
		if _, ok := tensors[key]; !ok {
			return fmt.Errorf("tensor %q is missing among %d tensors, wanted %d", key, len(tensors), len(wanted))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(tensors)) {
		if !wanted[key] {
			return fmt.Errorf("unknown tensor %q, wanted the %d of the network only", key, len(wanted))
		}
	}
	return nil
}

// assembleWeights is AssembleWeights without the file's name.
func assembleWeights(network string, get func(string) ([]int, []float32, error), metadata map[string]string) (*Weights, error) {
	var widths Widths
	for i, key := range []string{"encoder.2.weight", "encoder.9.weight", "encoder.16.weight", "encoder.29.weight"} {
		shape, _, err := get(key)
		if err != nil {
			return nil, err
		}
		if len(shape) != 4 {
			return nil, fmt.Errorf("tensor %q has shape %v, wanted four dimensions", key, shape)
		}
		widths[i] = shape[0]
	}
	if err := widths.Check(); err != nil {
		return nil, err
	}
	if network == "" {
		network = widths.Name()
	}
	w := &Weights{Network: network, Widths: widths, Metadata: metadata}
	for _, l := range widths.Layers() {
		c := Conv{Layer: l}
		var err error
		if c.Weight, err = parameters(get, l.Key()+".weight", []int{l.Out, l.In, l.Kernel, l.Kernel}); err != nil {
			return nil, err
		}
		if c.Bias, err = parameters(get, l.Key()+".bias", []int{l.Out}); err != nil {
			return nil, err
		}
		w.Layers = append(w.Layers, c)
	}
	return w, nil
}

// parameters gets one tensor and checks its shape and that every value is finite.
func parameters(get func(string) ([]int, []float32, error), key string, want []int) ([]float32, error) {
	shape, v, err := get(key)
	if err != nil {
		return nil, err
	}
	n := 1
	for _, side := range want {
		n *= side
	}
	if !slices.Equal(shape, want) || len(v) != n {
		return nil, fmt.Errorf("tensor %q has shape %v and %d values, wanted shape %v", key, shape, len(v), want)
	}
	if i := NotFinite(v); i >= 0 {
		return nil, fmt.Errorf("tensor %q has %v at index %d, wanted finite numbers", key, v[i], i)
	}
	return v, nil
}

// NotFinite is the index of the first NaN or infinity, -1 if there is none.
func NotFinite[F float32 | float64](v []F) int {
	for i, x := range v {
		if x-x != 0 { // NaN for both
			return i
		}
	}
	return -1
}
