package transcode

import (
	"fmt"
	"os"
	"slices"

	"adainfilter/model"
	"adainfilter/trainer/container"
)

// movesChapters says whether the film's chapters are written into a file of another family: GStreamer's readers lose them, and its muxers for MP4 do not write any.
func (p *plan) movesChapters() bool {
	return !p.Carry && p.Whole && len(p.Facts.Named) > 0 && (editable(p.Muxer) && len(p.Facts.Named) <= container.MaxChapters || p.Muxer == "mkv" || p.Muxer == "webm")
}

// warnChapters says what becomes of chapters that do not lie in a file of the film's own family.
func (p *plan) warnChapters() {
	f := p.Facts
	named := func(t container.Track) bool { return t.Kind == "chapters" }
	has := f.Chapters || len(f.Named) > 0 || f.Contents != nil && (f.Contents.Chapters || slices.ContainsFunc(f.Contents.Tracks, named))
	switch {
	case !has:
	case p.movesChapters():
		p.Tracks = append(p.Tracks, Track{Kind: "chapters", Fate: fateCopied})
	case !p.Whole:
		p.lose("its chapters are left out, a part of a film has none")
	case f.Chapters && p.Muxer == "mkv":
	case editable(p.Muxer) && len(f.Named) > 0:
		p.lose("its %d chapters are lost, %s has room for %d (--container mkv for all)", len(f.Named), p.Muxer, container.MaxChapters)
	case f.Chapters || len(f.Named) > 0:
		p.lose("its chapters are lost, %s has no room for them (--container mkv has)", p.Muxer)
	default:
		p.lose("its chapters are lost, they cannot be read, and are copied only where the whole film stays in %s", familyNames[f.family()])
	}
}

// complete adds to a finished file what GStreamer's muxers do not write: chapters of another family, and opacity.
func (j *job) complete(v *joined, m *muxing, path string) error {
	p := j.plan
	var chapters []container.Chapter
	if p.movesChapters() {
		for _, c := range p.Facts.Named {
			c.Begin = max(0, c.Begin-p.Origin+m.late)
			if c.End > 0 {
				c.End = max(0, c.End-p.Origin+m.late)
			}
			chapters = append(chapters, c)
		}
	}
	if chapters == nil && !p.beside() {
		return nil
	}
	if editable(p.Muxer) {
		if err := container.AddChapters(path, chapters); err != nil {
			return fmt.Errorf("its chapters cannot be written: %w", err)
		}
		return nil
	}
	alone := j.folder.file("incomplete.part")
	if err := os.Rename(path, alone); err != nil {
		return err
	}
	defer os.Remove(alone)
	c := container.Completion{Path: alone, Out: path, App: "adain " + model.Version, Chapters: chapters}
	if p.beside() {
		next, done := v.opacities()
		defer done()
		c.Alpha = next
	}
	if err := container.Complete(c); err != nil {
		return fmt.Errorf("its chapters and transparency cannot be written: %w", err)
	}
	return nil
}
