package network

import (
	"fmt"
	"io"

	"adainfilter/model"
	"adainfilter/trainer/onnx"
	"adainfilter/trainer/pth"
)

// Export writes one half of a network as ONNX ("onnx") or as PyTorch's file ("pth"). Errors: another format, those of out.
func Export(out io.Writer, w *model.Weights, side model.Side, format string) error {
	switch format {
	case "onnx":
		_, err := out.Write(onnx.Model(w, side, model.Version))
		return err
	case "pth":
		return exportPTH(out, w, side)
	}
	return fmt.Errorf("format of a network's half is %q, wanted onnx or pth", format)
}

// exportPTH writes the tensors by pytorch-AdaIN's keys.
func exportPTH(out io.Writer, w *model.Weights, side model.Side) error {
	var tensors []pth.Named
	for _, l := range w.Layers {
		if l.Side == side {
			tensors = append(tensors, pth.Named{Name: fmt.Sprintf("%d.weight", l.Index), Shape: []int{l.Out, l.In, l.Kernel, l.Kernel}, Values: l.Weight},
				pth.Named{Name: fmt.Sprintf("%d.bias", l.Index), Shape: []int{l.Out}, Values: l.Bias})
		}
	}
	return pth.Write(out, tensors)
}
