// Command adain stylises pictures with AdaIN style transfer, trains networks and scores them, extracts style files, reads and writes
// weights of other programs, and measures speed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/vips"
)

func main() {
	if err := newApp(os.Stdout, os.Stderr).RunContext(untilInterrupted(), os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "adain:", err)
		os.Exit(1)
	}
}

// untilInterrupted is a context that ends with the first signal to end, so that a command can leave things in order. A second one ends the
// process at once.
func untilInterrupted() context.Context {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, interrupt := context.WithCancelCause(context.Background())
	signalled, stop := signal.NotifyContext(ctx, ends...)
	context.AfterFunc(signalled, func() {
		stop()
		interrupt(errInterrupted)
	})
	return ctx
}

// newApp is the command with its subcommands. Results go to out, progress and warnings to errOut; errors are returned.
func newApp(out, errOut io.Writer) *cli.App {
	picture.Extend(vips.Open)
	return &cli.App{
		Name:    "adain",
		Usage:   "AdaIN style transfer: stylise pictures, train networks",
		Version: model.Version,
		Description: "A style is the name of a built-in one (adain style --list), a style file or a picture.\n" +
			"Without --weights the built-in network is used.",
		Commands: []*cli.Command{stylizeCommand(), styleCommand(), trainCommand(), importCommand(), inspectCommand(), exportCommand(), evalCommand(), transcodeCommand(),
			benchCommand(), liveCommand(), manualCommand(), completionCommand()},
		Writer:                    out,
		ErrWriter:                 errOut,
		HideHelpCommand:           true,
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true, // file names have commas
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return fmt.Errorf("there is no command %q; see adain --help", c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
	}
}

func usageError(c *cli.Context, err error, _ bool) error {
	name := strings.TrimSpace("adain " + strings.TrimPrefix(c.Command.Name, "adain"))
	return fmt.Errorf("%s; see %s --help", err.Error(), name)
}

// errInterrupted is why the context of a command is done when the user wants to stop. All below returns the context's cause.
var errInterrupted = errors.New("interrupted")
