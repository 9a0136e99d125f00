package container

import (
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

// carryMatroska is Carry for Matroska. Blocks are copied with their lacing, durations and additions; only the time of their cluster
// is another. Entries of tracks, chapters and attachments are copied as they are.
func carryMatroska(c Carriage, source, video, out *os.File) (*Carried, error) {
	film, err := readMatroska(source)
	if err != nil {
		return nil, err
	}
	pictures, err := readMatroska(video)
	if err != nil {
		return nil, err
	}
	old, fresh := film.video(), pictures.video()
	if old == nil || fresh == nil {
		return nil, errors.New("there is no video track")
	}
	done, wanted := film.choose(old, c.WebM)
	begin, err := film.firstTime(source, old.ID)
	if err != nil {
		return nil, err
	}
	shift, err := pictures.firstTime(video, fresh.ID)
	if err != nil {
		return nil, err
	}
	begin += int64(c.Late)
	if c.Part {
		begin = int64(c.First)
	}
	shift = begin - shift
	w := &mkvWriter{out: out, scale: film.scale, video: old.ID}
	if err := w.begin(c, film, old, fresh, wanted); err != nil {
		return nil, err
	}
	others, err := film.blocks(source)
	if err != nil {
		return nil, err
	}
	frames, err := pictures.blocks(video)
	if err != nil {
		return nil, err
	}
	a := func() (block, error) {
		for {
			b, err := others.next(func(track uint64) bool { return track != old.ID && wanted[track] })
			if err != nil || !c.Part {
				return b, err
			}
			if b.time >= int64(c.Begin) && b.time < int64(c.End) {
				b.time -= int64(c.Begin)
				return b, nil
			}
		}
	}
	b := func() (block, error) {
		b, err := frames.next(func(track uint64) bool { return track == fresh.ID })
		b.track, b.time = old.ID, b.time+shift
		return b, err
	}
	if err := w.merge(a, b); err != nil {
		return nil, err
	}
	w.last = max(w.last, (begin+int64(c.Length))/w.scale)
	// Sound and subtitles may last longer; what a film promises is believed if there is something near.
	if promised := floating(first(film.info, idDuration)); promised < float64(w.last)+1e9/float64(w.scale) && !c.Part {
		w.last = max(w.last, int64(promised))
	}
	return done, w.finish()
}

// choose says which tracks go into the output.
func (m *matroska) choose(old *entry, webm bool) (*Carried, map[uint64]bool) {
	done, wanted := &Carried{}, map[uint64]bool{}
	for _, t := range m.tracks {
		switch {
		case t == old:
			wanted[t.ID] = true
		case t.Kind == "video":
		case webm && !goesIntoWebM(t.Format):
			done.Lost = append(done.Lost, t.Track)
		default:
			wanted[t.ID] = true
			done.Kept = append(done.Kept, t.Track)
		}
	}
	for _, p := range m.parts {
		if p.id != idAttachments {
			continue
		}
		if files, _ := attachments(p.data); webm {
			done.Lost = append(done.Lost, files...)
		} else {
			done.Kept = append(done.Kept, files...)
		}
	}
	return done, wanted
}

// firstTime is the least time of a track's first blocks; frames are not in the order of showing.
func (m *matroska) firstTime(file *os.File, track uint64) (int64, error) {
	r, err := m.blocks(file)
	if err != nil {
		return 0, err
	}
	least := int64(math.MaxInt64)
	for range 64 {
		b, err := r.next(func(t uint64) bool { return t == track })
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return 0, err
		}
		least = min(least, b.time)
	}
	if least == math.MaxInt64 {
		return 0, errors.New("its video has no frames")
	}
	return least, nil
}

// merge writes the blocks of two files in the order of time.
func (w *mkvWriter) merge(a, b func() (block, error)) error {
	x, errX := a()
	y, errY := b()
	for {
		switch {
		case errX != nil && !errors.Is(errX, io.EOF):
			return errX
		case errY != nil && !errors.Is(errY, io.EOF):
			return errY
		case errX != nil && errY != nil:
			return nil
		case errY != nil || errX == nil && x.time < y.time:
			if err := w.block(x); err != nil {
				return err
			}
			x, errX = a()
		default:
			if err := w.block(y); err != nil {
				return err
			}
			y, errY = b()
		}
	}
}

// trackList is the film's list of tracks with the new video in the place of the old.
func (m *matroska) trackList(old, fresh *entry, wanted map[uint64]bool) (all []byte) {
	for _, t := range m.tracks {
		if !wanted[t.ID] {
			continue
		}
		var fields []byte
		if t == old {
			// What people say of the track, not how it was coded.
			mine := []uint32{idNumber, idUID, idName, idLanguage, idLanguageBCP, idDefault, idForced, idEnabled}
			for _, e := range old.list {
				if slices.Contains(mine, e.id) {
					fields = appendElement(fields, e.id, e.data)
				}
			}
			for _, e := range fresh.list {
				if !slices.Contains(mine, e.id) && e.id != idCRC {
					fields = appendElement(fields, e.id, e.data)
				}
			}
		} else {
			for _, e := range t.list {
				fields = appendElement(fields, e.id, e.data)
			}
		}
		all = appendElement(all, idEntry, fields)
	}
	return all
}

// tags are the film's, without those of tracks that are gone and without what they said of how the old video was coded.
func (m *matroska) tags(data []byte, old *entry, wanted map[uint64]bool) (all []byte) {
	gone := map[uint64]bool{}
	for _, t := range m.tracks {
		gone[t.uid] = !wanted[t.ID]
	}
	list, _ := elements(data)
	for _, tag := range list {
		fields, err := elements(tag.data)
		if tag.id != idTag || err != nil {
			continue
		}
		targets, _ := elements(first(fields, idTargets))
		uid := number(first(targets, idTagTrack))
		if uid != 0 && gone[uid] {
			continue
		}
		var kept []byte
		said := false
		for _, f := range fields {
			if f.id == idSimpleTag {
				simple, _ := elements(f.data)
				if uid == old.uid && uid != 0 && saysCoding(string(first(simple, idTagName))) {
					continue
				}
				said = true
			}
			if f.id != idCRC {
				kept = appendElement(kept, f.id, f.data)
			}
		}
		if said {
			all = appendElement(all, idTag, kept)
		}
	}
	return all
}

func saysCoding(name string) bool {
	switch name {
	case "BPS", "DURATION", "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES", "ENCODER", "ENCODER_OPTIONS", "ENCODER_SETTINGS":
		return true
	}
	return strings.HasPrefix(name, "_STATISTICS_") || strings.HasPrefix(name, "BPS-") || strings.HasPrefix(name, "NUMBER_OF_")
}
