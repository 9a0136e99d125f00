package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture/style"
	"adainfilter/trainer/network"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write a network as ONNX or PyTorch files, or half as long",
		ArgsUsage: "[WEIGHTS.safetensors]",
		Description: "Instead of a file also the name of a built-in network; without: lite. Two files appear in the folder --out, one for each\n" +
			"half of the network, because style and alpha go in between. Values are float32.\n\n" +
			"float16: one weights.safetensors with half the bytes, which this program reads. Styles are to be extracted anew.\n\n" +
			"onnx: encoder.onnx computes \"features\" (N,C,h,w) of \"picture\" (N,3,H,W), R'G'B' from 0 to 1, with sides of at least 9\n" +
			"pixels; decoder.onnx computes \"picture\" (N,3,8h,8w) of \"features\": clamp it to 0..1 and cut it to the size of the\n" +
			"content. Opset 13. The metadata entry \"adain\" says what to compute in between.\n\n" +
			"pth: encoder.pth and decoder.pth with pytorch-AdaIN's keys. Its test.py takes them with --decoder decoder.pth\n" +
			"--vgg encoder.pth once its two lines about vgg are in this order, as the layers behind relu4_1 are not in the file:\n" +
			"  vgg = nn.Sequential(*list(vgg.children())[:31])\n" +
			"  vgg.load_state_dict(torch.load(args.vgg))\n" +
			"Its net.py has the widths of VGG-19; those of a small network are to be written in there, and where it upsamples bilinearly,\n" +
			"as the built-in one may (see adain inspect), mode='bilinear' and nn.ReplicationPad2d behind it.\n\n" +
			"A weights file needs no export where Python's safetensors is at hand; this fills pytorch-AdaIN's decoder:\n" +
			"  decoder.load_state_dict({k[8:]: v for k, v in safetensors.torch.load_file(\"weights.safetensors\").items() if k[:8] == \"decoder.\"})\n\n" +
			"Examples:\n" +
			"  adain export --out built-in/ fine\n" +
			"  adain export --format pth --out mine/ mine.safetensors",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "`FOLDER` for the two files; it is made if it is not there"},
			&cli.StringFlag{Name: "format", Value: "onnx", Usage: "`FORMAT` of the files: onnx, pth or float16"},
			jsonFlag("what was written"),
		},
		OnUsageError: usageError,
		Action:       export,
	}
}

func export(c *cli.Context) error {
	names, err := arguments(c)
	if err != nil {
		return err
	}
	if len(names) > 1 {
		return fmt.Errorf("%d files were named, wanted one weights file or built-in network, or none for lite", len(names))
	}
	out, format := c.String("out"), c.String("format")
	if !slices.Contains([]string{"onnx", "pth", "float16"}, format) {
		return fmt.Errorf("--format is %q, wanted onnx, pth or float16", format)
	}
	if out == "" {
		return errors.New("--out is missing: the folder for the two files")
	}
	if slices.Contains([]string{".onnx", ".pth", ".safetensors"}, filepath.Ext(out)) {
		return fmt.Errorf("--out is %q, wanted a folder", out)
	}
	w, err := style.LoadNetwork(slices.Concat(names, []string{""})[0])
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return fmt.Errorf("folder for the files: %w", err)
	}
	if format == "float16" {
		path := filepath.Join(out, "weights.safetensors")
		if err := w.SaveFloat16(path); err != nil {
			return err
		}
		return printFiles(c, []madeFile{{path, w.Network, w.Widths.String(), "weights"}})
	}
	var made []madeFile
	for _, side := range []model.Side{model.Encoder, model.Decoder} {
		if c.Context.Err() != nil {
			return context.Cause(c.Context)
		}
		path := filepath.Join(out, string(side)+"."+format)
		err := model.WriteFile(path, func(f io.Writer) error { return network.Export(f, w, side, format) })
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		made = append(made, madeFile{path, w.Network, w.Widths.String(), string(side)})
	}
	return printFiles(c, made)
}
