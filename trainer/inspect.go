package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/trainer/inspect"
	"adainfilter/trainer/terminal"
)

func inspectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "say what a weights file, style file, checkpoint, PyTorch file or picture holds, and check it",
		ArgsUsage: "[FILE...]",
		Description: "Without a file: the built-in network.\n\n" +
			"Examples:\n" +
			"  adain inspect vgg.safetensors\n" +
			"  adain inspect decoder_iter_160000.pth.tar",
		OnUsageError: usageError,
		Action:       inspectFiles,
	}
}

func inspectFiles(c *cli.Context) error {
	names, err := arguments(c)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		w, err := model.BuiltinWeights()
		if err != nil {
			return err
		}
		return terminal.Table(c.App.Writer, inspect.Weights("built-in network", w))
	}
	var failures []error
	for _, name := range names {
		rows, err := inspect.File(name)
		if err == nil {
			err = terminal.Table(c.App.Writer, rows)
		}
		if err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}
