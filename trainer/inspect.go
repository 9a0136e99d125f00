package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/pth"
	"adainfilter/trainer/terminal"
)

func inspectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "say what a weights file, style file, PyTorch file or picture holds, and check it",
		ArgsUsage: "[FILE...]",
		Description: "Without a file: the built-in network.\n\n" +
			"Examples:\n" +
			"  adain inspect vgg.safetensors\n" +
			"  adain inspect decoder_iter_160000.pth.tar",
		OnUsageError: usageError,
		Action:       inspect,
	}
}

func inspect(c *cli.Context) error {
	names, err := arguments(c)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		w, err := model.BuiltinWeights()
		if err != nil {
			return err
		}
		return inspectWeights(c.App.Writer, "built-in network", w)
	}
	var failures []error
	for _, name := range names {
		if err := inspectFile(c.App.Writer, name); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// inspectFile tells the kinds apart by the first bytes: a safetensors header is JSON behind an 8-byte length.
func inspectFile(out io.Writer, name string) error {
	head, err := firstBytes(name)
	switch {
	case err != nil:
		return err
	case pth.Is(head) || strings.EqualFold(filepath.Ext(name), ".t7"):
		return inspectPTH(out, name)
	case len(head) < 9 || head[8] != '{':
		img, err := picture.Read(name, picture.Limit{})
		if err != nil {
			return err
		}
		return terminal.Table(out, []terminal.Row{{"file", name}, {"kind", "picture"}, {"pixels", fmt.Sprintf("%dx%d, %v", img.Width, img.Height, img.Format)}})
	}
	w, err := model.LoadWeights(name)
	if err == nil {
		return inspectWeights(out, name, w)
	}
	// A style file is far smaller than any weights, and LoadStyle refuses large files.
	if s, styleErr := model.LoadStyle(name); styleErr == nil {
		return inspectStyle(out, name, s)
	}
	return err
}

// firstBytes are up to 16 bytes of a file; a pipe or folder gives an error instead of waiting.
func firstBytes(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is a folder, a pipe or a device, wanted a file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 16)
	n, err := io.ReadFull(f, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return head[:n], err
}

func inspectWeights(out io.Writer, name string, w *model.Weights) error {
	parameters, silent := 0, 0
	for _, c := range w.Layers {
		parameters += len(c.Weight) + len(c.Bias)
		silent += silentFilters(c)
	}
	const side = 1024 // a multiple of 8, so that no pooling rounds up
	rows := []terminal.Row{
		{"file", name}, {"kind", "weights"},
		{"network", w.Network}, {"widths", w.Widths.String()},
		{"parameters", fmt.Sprint(parameters)},
		{"MAC per pixel", fmt.Sprintf("%.0f", w.Widths.FLOP(side, side)/2/side/side)},
		{"encoder", w.EncoderID()},
		{"values", "all finite"},
		{"silent filters", fmt.Sprint(silent)},
	}
	return terminal.Table(out, append(rows, metadataRows(w.Metadata, "format", "network", "widths")...))
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

func inspectStyle(out io.Writer, name string, s *model.Style) error {
	silent := 0
	limit := float32(1.01 * 0.0031622777) // sqrt(model.Epsilon): the std of a channel that never changes
	for i := range s.Mean {
		if s.Std[i] <= limit && s.Mean[i] == 0 {
			silent++
		}
	}
	return terminal.Table(out, []terminal.Row{
		{"file", name}, {"kind", "style"}, {"name", s.Name}, {"network", s.Network}, {"encoder", s.Encoder},
		{"channels", fmt.Sprint(len(s.Mean))},
		{"mean", fmt.Sprintf("%.4g to %.4g", slices.Min(s.Mean), slices.Max(s.Mean))},
		{"std", fmt.Sprintf("%.4g to %.4g", slices.Min(s.Std), slices.Max(s.Std))},
		{"silent channels", fmt.Sprint(silent)},
	})
}

func inspectPTH(out io.Writer, name string) error {
	f, err := pth.Read(name)
	if err != nil {
		return err
	}
	rows := []terminal.Row{{"file", name}, {"kind", "PyTorch, encoding " + f.Encoding}}
	parameters := 0
	for _, t := range f.Tensors {
		parameters += t.Len()
	}
	rows = append(rows, terminal.Row{"parameters", fmt.Sprint(parameters)}, terminal.Row{"use", pthUse(f)})
	if len(f.Other) > 0 {
		rows = append(rows, terminal.Row{"also holds", fmt.Sprintf("%.300q", f.Other)})
	}
	for _, key := range f.Names {
		t := f.Tensors[key]
		rows = append(rows, terminal.Row{key, fmt.Sprintf("%s %v%s", t.DType, t.Shape, tensorWarning(t))})
	}
	return terminal.Table(out, rows)
}

// pthUse guesses the side of the network from the tensors' names.
func pthUse(f *pth.File) string {
	has := func(key string) bool { return f.Tensors[key] != nil }
	switch {
	case isTorchvision(f):
		return "torchvision's VGG: encoder for adain import, with --photos"
	case has("0.weight") && has("29.weight"):
		return "encoder for adain import"
	case has("1.weight") && has("28.weight"):
		return "decoder for adain import"
	}
	return "unknown"
}

func tensorWarning(t *pth.Tensor) string {
	v, err := t.Float32()
	if err != nil {
		return ""
	}
	for _, x := range v {
		if x-x != 0 {
			return ", not all values are finite"
		}
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
