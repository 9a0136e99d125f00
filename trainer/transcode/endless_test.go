package transcode

import (
	"errors"
	"strings"
	"testing"
	"time"

	"adainfilter/trainer/film"
	"adainfilter/trainer/film/stills"
)

// TestEndlessReader looks through a GIF with GStreamer, whose reader neither goes on nor ends behind the last frame: it is stopped, and that is said.
func TestEndlessReader(t *testing.T) {
	needs(t, "avdemux_gif")
	path := flipbook(t, stills.GIF, 3, 0, false, 100*time.Millisecond)
	defer func(d time.Duration) { scanLimit = d }(scanLimit)
	scanLimit = 300 * time.Millisecond
	begun := time.Now()
	c, err := scanFile(t.Context(), path, false)
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
	if err == nil && c.damaged != "" && !strings.Contains(c.damaged, film.ErrStalled.Error()) {
		t.Errorf("it is damaged: %s", c.damaged)
	}
	if err != nil && !errors.Is(err, film.ErrStalled) && !errors.Is(err, errEndless) {
		t.Errorf("error is %v", err)
	}
}
