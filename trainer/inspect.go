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
		Flags:        []cli.Flag{jsonFlag("a list with what each file holds")},
		OnUsageError: usageError,
		Action:       inspectFiles,
	}
}

func inspectFiles(c *cli.Context) error {
	names, err := arguments(c)
	if err != nil {
		return err
	}
	list := []map[string]string{}
	show := func(rows []terminal.Row) error {
		if c.Bool("json") {
			list = append(list, terminal.Fields(rows))
			return nil
		}
		return terminal.Table(c.App.Writer, rows)
	}
	var failures []error
	if len(names) == 0 {
		w, err := model.BuiltinWeights()
		if err != nil {
			return err
		}
		failures = append(failures, show(inspect.Weights("built-in network", w)))
	}
	for _, name := range names {
		rows, err := inspect.File(name)
		if err == nil {
			err = show(rows)
		}
		failures = append(failures, err)
	}
	if c.Bool("json") {
		failures = append(failures, printJSON(c, list))
	}
	return errors.Join(failures...)
}
