package transcode

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"adainfilter/trainer/container"
)

// verify reads the output as any player would and compares it with what was to be written.
func (j *job) verify(ctx context.Context, v *joined, m *muxing, path string) error {
	readable := path
	if found, err := container.Look(path); err == nil && found.Short {
		readable = j.folder.file("readable.part")
		defer os.Remove(readable)
		if err := container.Unpromised(path, readable); err != nil {
			return err
		}
	}
	c, err := scanFile(ctx, readable, true)
	if err != nil {
		return fmt.Errorf("the output cannot be read back: %w", err)
	}
	if c.damaged != "" {
		return fmt.Errorf("the output cannot be read back: %s", c.damaged)
	}
	videos := c.videos()
	if len(videos) == 0 {
		return fmt.Errorf("the output has no video")
	}
	video := videos[0]
	want := v.sorted
	if video.packets != len(want) {
		return fmt.Errorf("the output has %d frames, wanted %d", video.packets, len(want))
	}
	got := make([]time.Duration, 0, len(video.times))
	for _, t := range video.times {
		got = append(got, t.time)
	}
	video.times = nil // of a long film they are many
	if len(got) == 0 && (j.plan.Muxer == "mkv" || j.plan.Muxer == "webm") {
		if got, err = container.VideoTimes(path); err != nil {
			return fmt.Errorf("the output cannot be read back: %w", err)
		}
	}
	slices.Sort(got)
	if len(got) != len(want) {
		return fmt.Errorf("%d frames of the output have a time, wanted %d", len(got), len(want))
	}
	for i := range got {
		// Matroska counts milliseconds.
		if d := (got[i] - got[0]) - (want[i] - want[0]); d < -time.Millisecond || d > time.Millisecond {
			return fmt.Errorf("frame %d of the output comes at %v after the first, wanted %v", i+1, got[i]-got[0], want[i]-want[0])
		}
	}
	return j.verifySounds(ctx, c, m, path, got[0]-want[0])
}
