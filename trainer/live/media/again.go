package media

import (
	"context"
	"errors"
	"time"
)

// Pauses between tries. Tests shorten them.
var (
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

// final is what no further try would mend.
type final struct{ error }

// Final marks an error of a play that no further try would mend.
func Final(err error) error { return final{err} }

// Again calls play until ctx is done, which is no error, or until its error is a final one, which it returns. Between calls are pauses,
// each twice as long as the one before, up to 30 seconds; say is told of each error and pause. After a play of longer than the longest
// pause they begin anew.
func Again(ctx context.Context, play func(context.Context) error, say func(error, time.Duration)) error {
	pause := firstPause
	for {
		began := time.Now()
		err := play(ctx)
		var last final
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &last):
			return last.error
		}
		if time.Since(began) > longestPause {
			pause = firstPause
		}
		say(err, pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}
