package main

import (
	"encoding/json"
	"fmt"

	"github.com/urfave/cli/v2"
)

// jsonFlag is the option --json of a command; what names what is printed.
func jsonFlag(what string) cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print " + what + " as JSON"}
}

// printJSON prints a result as one line.
func printJSON(c *cli.Context, result any) error {
	if err := json.NewEncoder(c.App.Writer).Encode(result); err != nil {
		return fmt.Errorf("result as JSON: %w", err)
	}
	return nil
}

// madeFile is a file that a command wrote, and the network that is in it or that it belongs to.
type madeFile struct {
	File    string `json:"file"`
	Network string `json:"network"`
	Widths  string `json:"widths,omitempty"`
	What    string `json:"what"` // "weights", "encoder", "decoder" or "style"
}

// printFiles prints what was written, as lines or with --json as one list.
func printFiles(c *cli.Context, made []madeFile) error {
	if c.Bool("json") {
		return printJSON(c, made)
	}
	for _, f := range made {
		line := f.File + ": "
		if f.What == "encoder" || f.What == "decoder" {
			line += f.What + " of "
		}
		if _, err := fmt.Fprintf(c.App.Writer, "%snetwork %s, widths %s\n", line, f.Network, f.Widths); err != nil {
			return err
		}
	}
	return nil
}
