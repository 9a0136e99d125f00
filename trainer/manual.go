package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"
)

var (
	//go:embed completion.bash
	bashCompletion string
	//go:embed completion.zsh
	zshCompletion string
)

func manualCommand() *cli.Command {
	return &cli.Command{
		Name:  "manual",
		Usage: "print the manual page",
		Description: "It says what --help says of all commands, in the format of man, section 1.\n\n" +
			"Example:\n" +
			"  adain manual > adain.1",
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if err := noFiles(c); err != nil {
				return err
			}
			page, err := manualPage(c.App)
			if err != nil {
				return fmt.Errorf("manual page: %w", err)
			}
			_, err = fmt.Fprint(c.App.Writer, page)
			return err
		},
	}
}

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a script that lets a shell complete commands and options",
		ArgsUsage: "SHELL",
		Description: "SHELL is bash, zsh or fish. Packages install these scripts where the shells find them; without one:\n\n" +
			"Examples:\n" +
			"  source <(adain completion bash)\n" +
			"  source <(adain completion zsh)\n" +
			"  adain completion fish | source",
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return fmt.Errorf("%d shells were named, wanted one: bash, zsh or fish", c.NArg())
			}
			script, err := completionScript(c.App, c.Args().First())
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(c.App.Writer, script)
			return err
		},
	}
}

// cli writes an option with a value as \fB--name\fP="", and the placeholder, where its usage has one, as \fBNAME\fR.
var (
	valueOption = regexp.MustCompile(`(?m)^(\\fB-.*\\fP)="": .*$`)
	placeholder = regexp.MustCompile(`\\fB([A-Z][A-Z,]*)\\fR`)
)

// manualPage is the page adain.1. It changes the usage texts of the app's commands, since the page of cli leaves their
// descriptions out.
func manualPage(app *cli.App) (string, error) {
	for _, c := range app.Commands {
		usage := strings.Join([]string{app.Name, c.Name, "[OPTIONS]", c.ArgsUsage}, " ")
		c.UsageText = strings.TrimSpace(usage) + "\n\n" + c.Description
	}
	page, err := app.ToManWithSection(1)
	if err != nil {
		return "", err
	}
	return valueOption.ReplaceAllStringFunc(page, func(line string) string {
		value := "value"
		if m := placeholder.FindStringSubmatch(line); m != nil {
			value = m[1]
		}
		return strings.Replace(line, `=""`, ` \fI`+value+`\fP`, 1)
	}), nil
}

// completionScript is the script for a shell: bash, zsh or fish; an error names another one.
func completionScript(app *cli.App, shell string) (string, error) {
	switch shell {
	case "bash":
		return bashCompletion, nil
	case "zsh":
		return zshCompletion, nil
	case "fish":
		return fishCompletion(app)
	}
	return "", fmt.Errorf("shell %q is unknown, wanted bash, zsh or fish", shell)
}

var longAlias = regexp.MustCompile(` -s (\S{2,})`)

// fishCompletion is the script of cli with its three flaws mended: aliases of more than one letter stand as short options, which
// fish refuses; options with a value exclude files; placeholders keep their quotes. Options stand before -d, texts behind.
func fishCompletion(app *cli.App) (string, error) {
	script, err := app.ToFishCompletion()
	if err != nil {
		return "", fmt.Errorf("completion for fish: %w", err)
	}
	lines := strings.Split(script, "\n")
	for i, line := range lines {
		if options, text, ok := strings.Cut(line, " -d '"); ok && strings.HasPrefix(line, "complete ") {
			options = longAlias.ReplaceAllString(options, " -l $1")
			if strings.HasSuffix(options, " -r") {
				options = strings.Replace(options, " -f ", " ", 1)
			}
			lines[i] = options + " -d '" + strings.ReplaceAll(text, "`", "")
		}
	}
	return strings.Join(lines, "\n"), nil
}
