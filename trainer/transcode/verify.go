package transcode

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// verify reads the output as any player would and compares it with what was to be written.
func (j *job) verify(ctx context.Context, v *joined, m *muxing, path string) error {
	c, err := scanFile(ctx, path, true)
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
	if video.packets != len(v.times) {
		return fmt.Errorf("the output has %d frames, wanted %d", video.packets, len(v.times))
	}
	want := slices.Sorted(slices.Values(v.times))
	var got []time.Duration
	for _, t := range video.times {
		got = append(got, t.time)
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
	return j.verifySounds(c, m, got[0]-want[0])
}

// verifySounds compares the copied sound; offset is by how much the output's video begins later than the film's.
func (j *job) verifySounds(c *contents, m *muxing, offset time.Duration) error {
	var sounds []*copied
	for _, s := range m.copies {
		if s.Kind == "audio" && s.packets > 0 {
			sounds = append(sounds, s)
		}
	}
	found := c.sounds()
	if len(found) != len(sounds) {
		return fmt.Errorf("the output has %s, wanted %d", plural(len(found), "audio track", "audio tracks"), len(sounds))
	}
	for i, s := range sounds {
		t := found[i]
		if t.bytes != s.bytes || t.sum != s.sum {
			return fmt.Errorf("audio track %d of the output has %d bytes in %d packets that are not the film's %d in %d",
				i+1, t.bytes, t.packets, s.bytes, s.packets)
		}
		if j.plan.From.Begin > 0 {
			continue // begins with the first whole packet
		}
		if d := t.begin - s.Begin - offset; d < -2*time.Millisecond || d > 2*time.Millisecond {
			return fmt.Errorf("audio track %d of the output begins %v later against the video than the film's", i+1, d)
		}
	}
	return nil
}
