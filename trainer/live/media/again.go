package media

import (
	"context"
	"time"
)

// Pauses between tries. Tests shorten them.
var (
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

// Again calls play until ctx is done or final says that its error is the last. Between calls are pauses, each twice as long as the one
// before, up to 30 seconds; say is told of each error and pause. After a play of longer than the longest pause they begin anew.
func Again(ctx context.Context, play func(context.Context) error, final func(error) bool, say func(error, time.Duration)) error {
	pause := firstPause
	for {
		began := time.Now()
		err := play(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case final(err):
			return err
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
