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
	"syscall"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/live"
	"adainfilter/trainer/terminal"
	"adainfilter/vips"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == live.DecodeCommand { // adain live runs itself so for each picture that it is sent
		picture.Extend(vips.Open)
		os.Exit(live.Decode(os.Args[2:]))
	}
	ctx := untilInterrupted()
	os.Exit(status(os.Stderr, ctx, newApp(os.Stdout, os.Stderr).RunContext(ctx, os.Args)))
}

// Exit statuses.
const (
	failed  = 1
	stopped = 130 // by a signal; 128 and SIGINT's number, as shells have it
)

// status prints the error that a command ended with, and what can be done about it, and gives the exit status. A command that was told to end and
// had nothing left to do has done its work.
func status(errOut io.Writer, ctx context.Context, err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errInterrupted), context.Cause(ctx) == errInterrupted && errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, terminal.Name(errOut), err)
		return stopped
	}
	fmt.Fprintln(errOut, terminal.Name(errOut), sentence(err))
	return failed
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
		Description: "A style is the name of a built-in one (adain styles), a style file or a picture.\n" +
			"Without --weights the built-in network lite is used; --weights fine takes the other one.",
		Flags: []cli.Flag{cli.HelpFlag}, // which a command of the name help would replace
		Commands: habits(stylizeCommand(), styleCommand(), stylesCommand(), trainCommand(), importCommand(), inspectCommand(), exportCommand(), quantizeCommand(),
			evalCommand(), transcodeCommand(), benchCommand(), liveCommand(), doctorCommand(), helpCommand(), manualCommand(), completionCommand()),
		Writer:                    out,
		ErrWriter:                 errOut,
		HideHelpCommand:           true,
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true, // file names have commas
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c.App, c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
	}
}

// errInterrupted is why the context of a command is done when the user wants to stop. All below returns the context's cause.
var errInterrupted = errors.New("interrupted")
