package network

import (
	"fmt"
	"io"

	"adainfilter/model"
	"adainfilter/trainer/onnx"
	"adainfilter/trainer/pth"
)

// Formats are those of Export: ONNX, PyTorch, and this program's own with half the bytes.
var Formats = []string{"onnx", "pth", "float16"}

// Export writes one half of a network as ONNX or PyTorch's file.
func Export(out io.Writer, w *model.Weights, side model.Side, format string) error {
	if format == "onnx" {
		_, err := out.Write(onnx.Model(w, side, model.Version))
		return err
	}
	var tensors []pth.Named
	for _, l := range w.Layers {
		if l.Side == side {
			tensors = append(tensors, pth.Named{Name: fmt.Sprintf("%d.weight", l.Index), Shape: []int{l.Out, l.In, l.Kernel, l.Kernel}, Values: l.Weight},
				pth.Named{Name: fmt.Sprintf("%d.bias", l.Index), Shape: []int{l.Out}, Values: l.Bias})
		}
	}
	return pth.Write(out, tensors)
}
