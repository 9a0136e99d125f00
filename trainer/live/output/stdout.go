package output

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// toStdout writes to a descriptor of its own, so that a reader who has gone is an error instead of the end of the program.
func toStdout(line string, raw bool) (*Output, error) {
	if _, err := unix.IoctlGetTermios(int(os.Stdout.Fd()), unix.TCGETS); err == nil {
		return nil, errors.New("--output -: standard output is a terminal, wanted a pipe or a file behind >")
	}
	fd, err := unix.FcntlInt(os.Stdout.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("--output -: standard output cannot be used: %w", err)
	}
	return &Output{Name: "standard output", Stdout: true, raw: raw, once: true, line: line, property: "fd", value: fd}, nil
}
