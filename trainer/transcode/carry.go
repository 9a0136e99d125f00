package transcode

import (
	"fmt"
	"os"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/model"
	"adainfilter/trainer/container"
)

// alone prepares the muxer for the video alone, whose file carry puts together with the rest of the film: times are counted as
// the film counts them.
func (m *muxing) alone(muxer *gst.Element) error {
	facts := m.job.plan.Facts
	m.turned = facts.Orientation
	m.once.Do(func() { close(m.begin) })
	if editable(m.job.plan.Muxer) {
		return muxer.SetProperty("movie-timescale", uint(facts.Contents.Scale))
	}
	return muxer.SetProperty("timecodescale", facts.Contents.Scale)
}

// carry replaces a file that holds the new video alone with one that holds all else of the film too.
func (j *job) carry(v *joined, path string) error {
	alone := j.folder.file("video.part")
	if err := os.Rename(path, alone); err != nil {
		return err
	}
	defer os.Remove(alone)
	_, err := container.Carry(container.Carriage{
		Source: j.original(), Video: alone, Out: path, WebM: j.plan.Muxer == "webm", App: "adain " + model.Version,
		Part: !j.plan.Whole, Begin: j.plan.From.Begin, End: j.plan.From.End, First: v.sorted[0],
		Late: max(0, v.sorted[0]-j.plan.Segments[0].First), Length: v.end - v.sorted[0],
	})
	if err != nil {
		return fmt.Errorf("its other tracks cannot be copied: %w", err)
	}
	return nil
}
