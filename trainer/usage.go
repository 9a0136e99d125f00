package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"adainfilter/picture/style"
)

func helpCommand() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "say what the program does, or one of its commands",
		ArgsUsage: "[COMMAND]",
		Description: "The same as --help.\n\n" +
			"Examples:\n" +
			"  adain help\n" +
			"  adain help train",
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			switch name := c.Args().First(); {
			case name == "":
				return cli.ShowAppHelp(c)
			case c.NArg() > 1:
				return fmt.Errorf("%d commands were named, wanted one", c.NArg())
			case c.App.Command(name) == nil:
				return unknownCommand(c.App, name)
			default:
				return cli.ShowCommandHelp(c, name)
			}
		},
	}
}

func unknownCommand(app *cli.App, word string) error {
	var names []string
	for _, c := range app.Commands {
		names = append(names, c.Name)
	}
	if near := style.Nearest(word, names); near != "" {
		return fmt.Errorf("there is no command %q, but %s; see adain --help", word, near)
	}
	return fmt.Errorf("there is no command %q; see adain --help", word)
}

// What package flag says of options.
var (
	undefinedOption = regexp.MustCompile(`^flag provided but not defined: -*(.*)$`)
	lacksValue      = regexp.MustCompile(`^flag needs an argument: -*(.*)$`)
	unfitValue      = regexp.MustCompile(`(?s)^invalid (?:boolean )?value "(.*)" for (?:flag )?-*([^" ]*?): .*$`)
)

// usageError says in a sentence what is wrong with an option.
func usageError(c *cli.Context, err error, _ bool) error {
	name := strings.TrimSpace("adain " + strings.TrimPrefix(c.Command.Name, "adain"))
	text := err.Error()
	if m := undefinedOption.FindStringSubmatch(text); m != nil {
		text = fmt.Sprintf("%s has no option --%s", name, m[1])
		if near := nearestOption(m[1], c.Command.Flags); near != "" {
			text += ", but --" + near
		}
	} else if m := lacksValue.FindStringSubmatch(text); m != nil {
		text = fmt.Sprintf("--%s wants a value behind it", m[1])
	} else if m := unfitValue.FindStringSubmatch(text); m != nil {
		text = fmt.Sprintf("--%s is %q, wanted %s", m[2], m[1], valueOf(m[2], c.Command.Flags))
	}
	return fmt.Errorf("%s; see %s --help", text, name)
}

func nearestOption(word string, flags []cli.Flag) string {
	names := []string{"help"}
	for _, f := range flags {
		names = append(names, f.Names()...)
	}
	word, _, _ = strings.Cut(word, "=")
	return style.Nearest(word, names)
}

// valueOf says what an option's value is.
func valueOf(option string, flags []cli.Flag) string {
	for _, f := range flags {
		for _, name := range f.Names() {
			if name != option {
				continue
			}
			switch f.(type) {
			case *cli.Float64Flag:
				return "a number"
			case *cli.IntFlag, *cli.Uint64Flag:
				return "a whole number"
			case *cli.DurationFlag:
				return "a time such as 1m30s or 500ms"
			case *cli.BoolFlag:
				return "nothing, or true or false behind ="
			}
		}
	}
	return "another value"
}
