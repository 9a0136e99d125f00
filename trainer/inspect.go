package main

import (
	"errors"
	"strings"

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
		Description: "Instead of a file also the name of a built-in network, " + strings.Join(model.BuiltinNetworks(), " or ") + "; without a file: " + model.DefaultNetwork + ".\n\n" +
			"Examples:\n" +
			"  adain inspect fine\n" +
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
		names = []string{model.DefaultNetwork}
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
