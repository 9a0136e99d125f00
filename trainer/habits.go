package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"adainfilter/trainer/terminal"
)

// habits gives commands what all of them have: --quiet and --verbose.
func habits(commands ...*cli.Command) []*cli.Command {
	for _, c := range commands {
		c.HideHelpCommand = true // a picture or folder may be called help
		if slices.Contains([]string{"help", "manual", "completion"}, c.Name) {
			continue
		}
		c.Flags = append(c.Flags,
			&cli.BoolFlag{Name: "quiet", Usage: "show no progress, only warnings and errors"},
			&cli.BoolFlag{Name: "verbose", Usage: "say also what computes and what it took, and in a training which share of a step is waiting for pictures"})
		var began time.Time
		c.Before = func(c *cli.Context) error {
			began = time.Now()
			switch {
			case c.Bool("quiet") && c.Bool("verbose"):
				return errors.New("--quiet and --verbose exclude each other")
			case c.Bool("quiet"):
				c.App.ErrWriter = terminal.Quiet(c.App.ErrWriter)
			case c.Bool("verbose") && os.Getenv("GST_DEBUG") == "":
				// What the element says of itself, in commands that have one.
				return errors.Join(os.Setenv("GST_DEBUG", "adainfilter:4"), os.Setenv("GST_DEBUG_COLOR_MODE", "off"))
			}
			return nil
		}
		c.After = func(c *cli.Context) error {
			if c.Bool("verbose") && !c.Bool("quiet") {
				say(c, "took %s", spent(time.Since(began)))
			}
			return nil
		}
	}
	return commands
}

// say prints what belongs to --verbose.
func say(c *cli.Context, format string, values ...any) {
	if c.Bool("verbose") {
		fmt.Fprintf(c.App.ErrWriter, "adain: "+format+"\n", values...)
	}
}

// spent is what the process has taken so far.
func spent(clock time.Duration) string {
	text := fmt.Sprintf("%.1f s", clock.Seconds())
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) == nil {
		processor := time.Duration(u.Utime.Nano() + u.Stime.Nano())
		text += fmt.Sprintf(", %.1f s of processor time, at most %d MB of memory", processor.Seconds(), u.Maxrss>>10)
	}
	return text
}
