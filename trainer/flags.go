package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
)

// arguments are those that follow the options. An option among them would silently count as a file.
func arguments(c *cli.Context) ([]string, error) {
	for _, a := range c.Args().Slice() {
		if strings.HasPrefix(a, "-") && a != "-" {
			return nil, fmt.Errorf("option %s stands behind a file name; options go first (a file of that name: ./%s)", a, a)
		}
	}
	return c.Args().Slice(), nil
}

// noFiles refuses arguments where a command takes options only.
func noFiles(c *cli.Context) error {
	if c.Args().Present() {
		return fmt.Errorf("%q is not an option; see adain %s --help", c.Args().First(), c.Command.Name)
	}
	return nil
}

// numbers reads a list separated by commas.
func numbers(list string) ([]float64, error) {
	var values []float64
	for i, text := range strings.Split(list, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, fmt.Errorf("value %d is %q, wanted a number", i+1, text)
		}
		values = append(values, v)
	}
	return values, nil
}

// checkSide refuses a number of pixels that no picture may have; 0 keeps the size.
func checkSide(flag string, px int) error {
	if px != 0 && (px < model.MinSize || px > 16384) {
		return fmt.Errorf("--%s is %d, wanted %d to 16384 pixels, or 0 to keep the size", flag, px, model.MinSize)
	}
	return nil
}
