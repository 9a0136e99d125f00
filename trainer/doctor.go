package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"adainfilter/cuda/driver"
	"adainfilter/trainer/doctor"
	"adainfilter/trainer/film"
	"adainfilter/trainer/terminal"
	"adainfilter/vips"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "say what this machine has, what is missing, and how fast it is: what a report of a fault needs",
		Description: "Versions, instruction sets, what computes and why no GPU does, GStreamer and the plug-ins that matter, encoders that work,\n" +
			"a measurement of two seconds, and the line that installs what is missing. Nothing is changed or sent.\n\n" +
			"Examples:\n" +
			"  adain doctor\n" +
			"  adain doctor --json >machine.json",
		Flags:        []cli.Flag{jsonFlag("the page")},
		OnUsageError: usageError,
		Action:       examine,
	}
}

func examine(c *cli.Context) error {
	if err := noFiles(c); err != nil {
		return err
	}
	film.Init()
	r, err := doctor.Examine(c.Context, doctor.Ground{Engines: engines, GPU: driver.Available, Pictures: vipsVersion})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, r)
	}
	for i, s := range r.Sections {
		if i > 0 {
			fmt.Fprintln(c.App.Writer)
		}
		fmt.Fprintln(c.App.Writer, s.Title)
		if err := terminal.Table(c.App.Writer, indented(s.Rows)); err != nil {
			return err
		}
	}
	if line := r.Install(); line != "" {
		fmt.Fprintf(c.App.Writer, "\nmissing\n  %s\n", line)
	}
	return nil
}

func indented(rows []terminal.Row) []terminal.Row {
	moved := make([]terminal.Row, len(rows))
	for i, r := range rows {
		moved[i] = terminal.Row{"  " + r[0], r[1]}
	}
	return moved
}

func vipsVersion() (string, error) {
	codec, err := vips.Open()
	if err != nil {
		return "", err
	}
	return codec.(*vips.Codec).Version(), nil
}
