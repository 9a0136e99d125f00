package terminal

import (
	"bytes"
	"io"
	"os"
	"sync"

	"github.com/vbauerster/mpb/v8/cwriter"
)

// prefix begins lines that are warnings or errors.
const prefix = "adain:"

// Name is the prefix of an error, in red where out is a terminal of a person who has not set NO_COLOR (https://no-color.org).
func Name(out io.Writer) string {
	if f, ok := out.(*os.File); ok && os.Getenv("NO_COLOR") == "" && IsTerminal(f) {
		return "\x1b[1;31m" + prefix + "\x1b[0m"
	}
	return prefix
}

// IsTerminal says whether a file is a terminal that can do more than print line after line.
func IsTerminal(f *os.File) bool {
	return os.Getenv("TERM") != "dumb" && cwriter.IsTerminal(int(f.Fd()))
}

// Quiet passes on lines that are warnings or errors, and nothing else. Its methods may be called at the same time.
func Quiet(out io.Writer) io.Writer { return &quiet{out: out} }

type quiet struct {
	out  io.Writer
	lock sync.Mutex
	line []byte // has not ended yet
}

// Write is that of io.Writer.
func (q *quiet) Write(text []byte) (int, error) {
	q.lock.Lock()
	defer q.lock.Unlock()
	q.line = append(q.line, text...)
	for {
		end := bytes.IndexByte(q.line, '\n')
		if end < 0 {
			return len(text), nil
		}
		line := q.line[:end+1]
		if bytes.HasPrefix(line, []byte(prefix)) {
			if _, err := q.out.Write(line); err != nil {
				return len(text), err
			}
		}
		q.line = q.line[end+1:]
	}
}
