package model

import (
	"errors"
	"fmt"

	"adainfilter/model/safetensors"
)

// StyleFormat is the version of the style file; the metadata entry "format" says it.
const StyleFormat = "adain-style-1"

// Style is what a style picture leaves behind: its statistics, and which network's features they belong to.
type Style struct {
	Name    string // plain description, may be empty
	Network string // Weights.Network of the network that extracted it
	Encoder string // Weights.EncoderID of that network, "" if unknown
	Stats
}

// LoadStyle reads a style file: a .safetensors file of at most 1 MiB with the float32 tensors mean (C) and std (C) and the
// metadata format, network, name and encoder, of which the last two may be missing. Errors name the file, what was found
// and what was wanted.
func LoadStyle(path string) (*Style, error) {
	data, err := readFile(path, maxStyleFile)
	if err != nil {
		if _, isWeights := LoadWeights(path); isWeights == nil { // far longer than any style
			err = fmt.Errorf("%s: %w", path, errWeights)
		}
		return nil, fmt.Errorf("style: %w", err)
	}
	return ParseStyle(path, data)
}

var errWeights = errors.New("is a weights file, wanted a style file; adain style extracts one from a picture")

// ParseStyle reads a style file from memory, of which nothing is kept; see LoadStyle. file is the name for messages.
func ParseStyle(file string, data []byte) (*Style, error) {
	s, err := parseStyle(data)
	if err != nil {
		return nil, fmt.Errorf("style: %s: %w", file, err)
	}
	return s, nil
}

// Save writes a style file.
func (s *Style) Save(path string) error {
	metadata := map[string]string{"format": StyleFormat, "name": s.Name, "network": s.Network, "encoder": s.Encoder}
	shape := []int{len(s.Mean)}
	return WriteTensors(path, []safetensors.Tensor{safetensors.Float32("mean", shape, s.Mean), safetensors.Float32("std", shape, s.Std)}, metadata)
}

// Fits reports a style whose statistics mean nothing to a network: one of another name, with another encoder or with
// another number of channels.
func (s *Style) Fits(w *Weights) error {
	if s.Network != w.Network {
		return fmt.Errorf("style %q belongs to network %q, the weights are of network %q; extract it from its picture again", s.Name, s.Network, w.Network)
	}
	if id := w.EncoderID(); s.Encoder != "" && s.Encoder != id {
		return fmt.Errorf("style %q belongs to encoder %s, network %q has encoder %s; extract it from its picture again", s.Name, s.Encoder, w.Network, id)
	}
	if err := s.Check(w.Widths[3]); err != nil {
		return fmt.Errorf("style %q: %w", s.Name, err)
	}
	return nil
}

// parseStyle is ParseStyle without the file's name.
func parseStyle(data []byte) (*Style, error) {
	f, err := parseTensors(data)
	if err != nil {
		return nil, err
	}
	switch format := f.Metadata["format"]; {
	case format == WeightsFormat:
		return nil, errWeights
	case format != StyleFormat:
		return nil, fmt.Errorf("format version is %q, wanted %q", format, StyleFormat)
	case f.Metadata["network"] == "":
		return nil, errors.New("metadata does not name the network that the style belongs to")
	}
	s := &Style{Name: f.Metadata["name"], Network: f.Metadata["network"], Encoder: f.Metadata["encoder"]}
	if s.Mean, err = channels(f.Tensors, "mean"); err != nil {
		return nil, err
	}
	if s.Std, err = channels(f.Tensors, "std"); err != nil {
		return nil, err
	}
	if len(f.Tensors) != 2 {
		return nil, fmt.Errorf("has %d tensors, wanted mean and std only", len(f.Tensors))
	}
	if err := s.Check(len(s.Mean)); err != nil {
		return nil, err
	}
	return s, nil
}

// channels is one of a style's tensors: float32, one value for each channel.
func channels(tensors map[string]safetensors.Tensor, name string) ([]float32, error) {
	t, ok := tensors[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("tensor %q is missing, wanted mean and std", name)
	case t.DType != "F32":
		return nil, fmt.Errorf("tensor %q has dtype %s, wanted F32", name, t.DType)
	case len(t.Shape) != 1 || t.Shape[0] < 1 || t.Shape[0] > maxWidth:
		return nil, fmt.Errorf("tensor %q has shape %v, wanted one dimension of 1 to %d channels", name, t.Shape, maxWidth)
	}
	return t.Float32()
}
