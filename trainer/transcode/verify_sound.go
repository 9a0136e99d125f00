package transcode

import (
	"context"
	"fmt"
	"slices"
	"time"

	"adainfilter/trainer/container"
)

// expected is a track of sound that the output shall have.
type expected struct {
	number int     // among the film's tracks of sound that GStreamer or the container lists
	copied *copied // by GStreamer, nil where it was carried over as bytes
}

// sounds are the tracks of sound that the output shall have, in its order.
func (j *job) sounds(m *muxing) (all []expected) {
	if j.plan.Carry {
		n := 0
		for _, t := range j.plan.Facts.Contents.Tracks {
			if t.Kind == "audio" {
				if t.Fits(j.plan.Muxer) {
					all = append(all, expected{number: n})
				}
				n++
			}
		}
		return all
	}
	for _, c := range m.copies {
		if c.Kind == "audio" && c.packets > 0 {
			all = append(all, expected{j.plan.soundNumber(c.other), c})
		}
	}
	return all
}

// copiedSounds is how many tracks of sound the film has that GStreamer is to copy or to code anew.
func (p *plan) copiedSounds() (n int) {
	for _, o := range p.Facts.Others {
		if o.Kind == "audio" && p.copies(o) {
			n++
		}
	}
	return n
}

// sounds is how many tracks of sound the pipeline has got.
func (m *muxing) sounds() (n int) {
	for _, c := range m.copies {
		if c.Kind == "audio" {
			n++
		}
	}
	return n
}

// soundNumber is the place of a stream among the film's tracks of sound as another reader counts them: GStreamer leaves out what it
// does not know.
func (p *plan) soundNumber(o other) (n int) {
	for _, s := range p.Facts.Others {
		if s.Kind == "audio" && s.Number < o.Number {
			n++
		}
	}
	if p.Facts.family() == "" {
		return n
	}
	listed := slices.DeleteFunc(slices.Clone(p.Facts.Contents.Tracks), func(t container.Track) bool { return t.Kind != "audio" })
	given := slices.DeleteFunc(slices.Clone(p.Facts.Others), func(o other) bool { return o.Kind != "audio" })
	if len(given) == len(listed) {
		return n
	}
	unseen := p.unseen()
	for place, t := range listed {
		if slices.Contains(unseen, t) {
			continue
		}
		if n == 0 {
			return place
		}
		n--
	}
	return n
}

// verifySounds compares the output's sound with the film's: how long it is, how it sounds and when it begins, as another program decodes
// it where one is installed. offset is by how much the output's video begins later than the film's, as GStreamer reads it.
func (j *job) verifySounds(ctx context.Context, c *contents, m *muxing, path string, offset time.Duration) error {
	if n := j.plan.copiedSounds(); !j.plan.Carry && m.sounds() != n {
		return fmt.Errorf("the output has %s, wanted %d: GStreamer has not found the film's this time", plural(m.sounds(), "audio track", "audio tracks"), n)
	}
	want := j.sounds(m)
	got := c.sounds()
	if len(got) != len(want) && !j.plan.Carry { // GStreamer does not list what it has no decoder for
		return fmt.Errorf("the output has %s, wanted %d", plural(len(got), "audio track", "audio tracks"), len(want))
	}
	for i, w := range want {
		if err := j.verifySound(ctx, c, w, path, i, offset); err != nil {
			return fmt.Errorf("audio track %d of the output %w", i+1, err)
		}
	}
	return nil
}

func (j *job) verifySound(ctx context.Context, c *contents, w expected, path string, i int, offset time.Duration) error {
	if hasFFmpeg() {
		film, err := hearFFmpeg(ctx, j.film(), w.number, j.plan.asked())
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil { // else it cannot judge this one
			out, err := hearFFmpeg(ctx, path, i, span{0, forever})
			if err != nil {
				return fmt.Errorf("cannot be decoded: %w", err)
			}
			return j.compareSounds(out, film, w)
		}
	}
	if w.copied == nil {
		return nil // bytes that were read from one file and written to the other
	}
	track := c.sounds()[i]
	begin := w.copied.Begin
	if j.plan.lateness() > 0 {
		begin -= w.copied.Lead
	}
	if d := track.begin - (begin - j.plan.From.Begin) - offset; !w.copied.anew && j.plan.Whole && !j.plan.edited() && d.Abs() > 2*time.Millisecond {
		return fmt.Errorf("begins %v later against the video than the film's", d)
	}
	if track.bytes == w.copied.bytes && track.sum == w.copied.sum {
		return nil
	}
	if !j.plan.Whole && !w.copied.anew && !j.plan.edited() {
		return fmt.Errorf("has %d bytes in %d packets that are not the film's %d in %d", track.bytes, track.packets, w.copied.bytes, w.copied.packets)
	}
	film, err := hearGStreamer(ctx, j.film(), w.copied.sound)
	if err != nil {
		return fmt.Errorf("cannot be compared with the film's: %w", err)
	}
	out, err := hearGStreamer(ctx, path, i)
	if err != nil {
		return fmt.Errorf("cannot be decoded: %w", err)
	}
	return j.compareSounds(out, film, w)
}

// asked is the part of the film as it was asked for.
func (p *plan) asked() span {
	if p.Whole {
		return span{0, forever}
	}
	from := span{p.From.Begin - p.Origin, p.From.End}
	if from.End != forever {
		from.End -= p.Origin
	}
	return from
}

// compareSounds is the error of a sound that is not the film's, without its subject.
func (j *job) compareSounds(out, film *heard, w expected) error {
	slack := 60 * time.Millisecond
	part := !j.plan.Whole
	if part || w.copied != nil && w.copied.anew {
		slack = 150 * time.Millisecond
	}
	if text := out.differs(film, slack); text != "" {
		return fmt.Errorf("%s", text)
	}
	if d := out.begin - film.begin; out.timed && film.timed && !part && d.Abs() > 30*time.Millisecond {
		return fmt.Errorf("begins %v later against the video than the film's", d.Round(time.Millisecond))
	}
	return nil
}
