package transcode

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"adainfilter/trainer/film"
)

// explain says what to do where an error has a cause that GStreamer does not name: the film is gone or has changed meanwhile, a disk is
// full, a muxer refuses a stream.
func (j *job) explain(err error) error {
	if err == nil || j.plan == nil {
		return err
	}
	if gone := j.readable(); gone != nil {
		return fmt.Errorf("its file is gone since the work on it began (%w): put it back and give the same line again", gone)
	}
	if stamp, stampErr := j.stamp(); stampErr == nil && stamp != j.plan.Input && !j.options.Join {
		return fmt.Errorf("its file has changed while it was worked on: give the same line again when it is complete (%w)", err)
	}
	var posted *film.Error
	if errors.Is(err, syscall.ENOSPC) || errors.As(err, &posted) && strings.Contains(posted.Text, "No space left") {
		return fmt.Errorf("%w: make room on the disk of --out and give the same line again, finished segments are kept", err)
	}
	if posted != nil && posted.Element == "muxer" {
		var streams []string
		for _, t := range j.plan.Tracks {
			if t.Fate != fateLost {
				streams = append(streams, t.Kind+" "+t.Format)
			}
		}
		way := "try --container mkv"
		if j.plan.Muxer == "mkv" {
			way = "copy it anew, ffmpeg -i FILM -map 0 -c copy COPY.mkv, and give the copy"
		}
		return fmt.Errorf("GStreamer's element %s does not take its streams (%s; %s) as they are: %s (%w)", muxers[j.plan.Muxer],
			j.plan.Codec, join(streams), way, err)
	}
	return err
}
