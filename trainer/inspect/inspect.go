// Package inspect says what a file holds, and checks it.
package inspect

import (
	"fmt"
	"maps"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"adainfilter/model"
	"adainfilter/picture"
	names "adainfilter/picture/style"
	"adainfilter/trainer/files"
	"adainfilter/trainer/network"
	"adainfilter/trainer/record"
	"adainfilter/trainer/terminal"
)

// File describes a weights file, style file, checkpoint, other file of tensors, or picture. The name's end and the first bytes tell them apart; that of a
// built-in network comes before a file.
// Errors: a file that cannot be read or is damaged; they name it.
func File(name string) ([]terminal.Row, error) {
	if names.IsBuiltinNetwork(name) {
		w, err := names.LoadNetwork(name)
		if err != nil {
			return nil, err
		}
		return Weights("built-in network "+w.Network, w), nil
	}
	head, err := files.Head(name)
	if err != nil {
		return nil, err
	}
	if !network.IsTensors(name, head) {
		img, err := picture.Read(name, picture.Limit{})
		if err != nil {
			return nil, err
		}
		return []terminal.Row{{"file", name}, {"kind", "picture"}, {"pixels", fmt.Sprintf("%dx%d, %v", img.Width, img.Height, img.Format)}}, nil
	}
	w, err := model.LoadWeights(name)
	if err == nil {
		return Weights(name, w), nil
	}
	if file, readErr := model.ReadTensors(name); readErr == nil && record.IsCheckpoint(file.Metadata) {
		return checkpoint(name)
	}
	// A style file is far smaller than any weights, and LoadStyle refuses large files.
	if s, styleErr := model.LoadStyle(name); styleErr == nil {
		return style(name, s), nil
	}
	f, openErr := network.Open(name)
	if openErr != nil {
		return nil, openErr
	}
	// What says of itself that it is ours, or looks like it, is a damaged file of ours.
	if use := network.Use(f); f.Kind != "safetensors" || use != "unknown" && !f.Own {
		return tensors(f, use), nil
	}
	return nil, err
}

// Weights describes a network under a name.
func Weights(name string, w *model.Weights) []terminal.Row {
	parameters, silent := 0, 0
	for _, c := range w.Layers {
		parameters += len(c.Weight) + len(c.Bias)
		silent += silentFilters(c)
	}
	const side = 1024 // a multiple of 8, so that no pooling rounds up
	rows := []terminal.Row{
		{"file", name}, {"kind", "weights"},
		{"network", w.Network}, {"widths", w.Widths.String()}, {"upsampling", w.Upsamplings()},
		{"parameters", fmt.Sprint(parameters)},
		{"MAC per pixel", fmt.Sprintf("%.0f", w.Widths.FLOP(side, side)/2/side/side)},
		{"encoder", w.EncoderID()},
		{"values", "all finite"},
		{"silent filters", fmt.Sprint(silent)},
	}
	if len(w.Styles) > 0 {
		rows = append(rows, terminal.Row{"styles", strings.Join(w.StyleNames(), ", ")})
	}
	if len(w.Int8) > 0 {
		rows = append(rows, terminal.Row{"int8", fmt.Sprintf("steps of %d layers", len(w.Int8))})
	}
	return append(rows, metadataRows(w.Metadata, "format", "network", "widths", "upsampling")...)
}

// silentFilters counts the filters of a layer with ReLU that answer 0 to every picture, since all their weights are 0 and
// the bias is not above it.
func silentFilters(c model.Conv) int {
	if !c.ReLU {
		return 0
	}
	n, length := 0, c.In*c.Kernel*c.Kernel
	for o := range c.Out {
		if c.Bias[o] <= 0 && !slices.ContainsFunc(c.Weight[o*length:(o+1)*length], func(v float32) bool { return v != 0 }) {
			n++
		}
	}
	return n
}

// checkpoint describes a checkpoint of a training.
func checkpoint(name string) ([]terminal.Row, error) {
	c, err := record.LoadCheckpoint(name)
	if err != nil {
		return nil, err
	}
	rows := []terminal.Row{
		{"file", name}, {"kind", "checkpoint of adain train"}, {"iterations", fmt.Sprint(c.Steps)}, {"trained parameters", fmt.Sprint(len(c.Parameters))},
		{"time", c.Elapsed.Round(time.Second).String()}, {"values", "all finite, as they were written"},
		{"loss network", c.Loss}, {"content pictures", c.Content}, {"style pictures", c.Style},
	}
	for _, option := range slices.Sorted(maps.Keys(c.Options)) {
		if v := c.Options[option]; v != "" {
			rows = append(rows, terminal.Row{"--" + option, v})
		}
	}
	return append(rows, terminal.Row{"go on with", "adain train --resume --out " + terminal.ShellWord(filepath.Dir(name))}), nil
}

func style(name string, s *model.Style) []terminal.Row {
	silent := 0
	limit := float32(1.01 * 0.0031622777) // sqrt(model.Epsilon): the std of a channel that never changes
	for i := range s.Mean {
		if s.Std[i] <= limit && s.Mean[i] == 0 {
			silent++
		}
	}
	return []terminal.Row{
		{"file", name}, {"kind", "style"}, {"name", s.Name}, {"network", s.Network}, {"encoder", s.Encoder},
		{"channels", fmt.Sprint(len(s.Mean))},
		{"mean", fmt.Sprintf("%.4g to %.4g", slices.Min(s.Mean), slices.Max(s.Mean))},
		{"std", fmt.Sprintf("%.4g to %.4g", slices.Min(s.Std), slices.Max(s.Std))},
		{"silent channels", fmt.Sprint(silent)},
	}
}

// tensors describes a file as others save them.
func tensors(f *network.File, use string) []terminal.Row {
	rows := []terminal.Row{{"file", f.Path}, {"kind", f.Kind}, {"parameters", parameters(f.Tensors)}, {"use", use}}
	if len(f.Other) > 0 {
		rows = append(rows, terminal.Row{"also holds", fmt.Sprintf("%.300q", f.Other)})
	}
	for _, t := range f.Tensors {
		rows = append(rows, terminal.Row{t.Name, fmt.Sprintf("%s %v%s", t.DType, t.Shape, tensorWarning(t))})
	}
	return rows
}

// parameters is the number of elements that the shapes of tensors state, which their values need not fill.
func parameters(tensors []network.Tensor) string {
	sum := new(big.Int)
	for _, t := range tensors {
		n := big.NewInt(1)
		for _, side := range t.Shape {
			n.Mul(n, big.NewInt(int64(side)))
		}
		sum.Add(sum, n)
	}
	return sum.String()
}

func tensorWarning(t network.Tensor) string {
	v, err := t.Values()
	if err != nil {
		return ""
	}
	if model.NotFinite(v) >= 0 {
		return ", not all values are finite"
	}
	return ""
}

func metadataRows(metadata map[string]string, without ...string) (rows []terminal.Row) {
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if !slices.Contains(without, key) {
			rows = append(rows, terminal.Row{key, metadata[key]})
		}
	}
	return rows
}
