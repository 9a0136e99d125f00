package container

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

const (
	clusterBytes = 4 << 20 // a cluster is written when it has more
	clusterTicks = 30000   // or lasts longer: a block's time lies within 16 bits of its cluster's
	clusterTime  = 5e9     // or so many nanoseconds
)

// mkvWriter writes the new file.
type mkvWriter struct {
	out     *os.File
	at      int64 // where the next byte goes
	segment int64 // where the content of the segment begins
	scale   int64
	seeks   []element // what the table at the beginning points at: number and place
	cluster []byte
	start   int64 // time of the cluster in ticks
	cues    []byte
	video   uint64
	last    int64 // end of the film so far, in ticks
}

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

func (w *mkvWriter) block(b block) error {
	ticks := (b.time + w.scale/2) / w.scale
	relative := ticks - w.start
	full := len(w.cluster) > clusterBytes || relative*w.scale > clusterTime || relative > clusterTicks || relative < -clusterTicks
	if w.cluster == nil || full || b.key && b.track == w.video && relative > 0 {
		if err := w.flush(); err != nil {
			return err
		}
		w.start, relative = max(ticks, 0), ticks-max(ticks, 0)
		w.cluster = appendNumber(nil, idTime, uint64(w.start))
	}
	if b.key && b.track == w.video {
		w.cue(ticks)
	}
	w.last = max(w.last, ticks)
	data := appendSize(make([]byte, 0, len(b.data)+8), int64(b.track))
	data = binary.BigEndian.AppendUint16(data, uint16(int16(relative)))
	data = append(data, b.data[b.head-1])
	data = append(data, b.data[b.head:]...)
	if b.id == idSimpleBlock {
		w.cluster = appendElement(w.cluster, idSimpleBlock, data)
		return nil
	}
	w.cluster = appendElement(w.cluster, idGroup, append(appendElement(nil, idBlock, data), b.extra...))
	return nil
}

func (w *mkvWriter) cue(ticks int64) {
	place := appendNumber(nil, idCueTrack, w.video)
	place = appendNumber(place, idCueCluster, uint64(w.at-w.segment))
	point := appendNumber(nil, idCueTime, uint64(max(ticks, 0)))
	w.cues = appendElement(w.cues, idCuePoint, appendElement(point, idCuePositions, place))
}

func (w *mkvWriter) flush() error {
	if w.cluster == nil {
		return nil
	}
	err := w.write(appendElement(nil, idCluster, w.cluster))
	w.cluster = nil
	return err
}

func (w *mkvWriter) write(data []byte) error {
	n, err := w.out.WriteAt(data, w.at)
	w.at += int64(n)
	return err
}

// part writes an element that the table at the beginning points at.
func (w *mkvWriter) part(id uint32, data []byte) error {
	w.seeks = append(w.seeks, element{id, binary.BigEndian.AppendUint64(nil, uint64(w.at-w.segment))})
	return w.write(appendElement(nil, id, data))
}

// seekRoom is enough for the table at the beginning: six entries of 21 bytes.
const seekRoom = 200

// begin writes all that lies before the clusters.
func (w *mkvWriter) begin(c Carriage, film *matroska, old, fresh *entry, wanted map[uint64]bool) error {
	docType := "matroska"
	if c.WebM {
		docType = "webm"
	}
	head := appendNumber(nil, 0x4286, 1) // EBMLVersion
	head = appendNumber(head, 0x42f7, 1) // EBMLReadVersion
	head = appendNumber(head, 0x42f2, 4) // EBMLMaxIDLength
	head = appendNumber(head, 0x42f3, 8) // EBMLMaxSizeLength
	head = appendElement(head, idDocType, []byte(docType))
	head = appendNumber(head, 0x4287, 4) // DocTypeVersion
	head = appendNumber(head, 0x4285, 2) // DocTypeReadVersion
	all := appendWide(appendID(appendElement(nil, idEBML, head), idSegment), 0)
	w.segment = int64(len(all))
	if err := w.write(append(all, void(seekRoom)...)); err != nil {
		return err
	}
	if err := w.part(idInfo, w.information(c, film)); err != nil {
		return err
	}
	if err := w.part(idTracks, film.trackList(old, fresh, wanted)); err != nil {
		return err
	}
	for _, p := range film.parts {
		data := p.data
		switch {
		case p.id == idAttachments && c.WebM, p.id == idChapters && c.Part:
			continue
		case p.id == idTags:
			data = film.tags(data, old, wanted)
		}
		if len(data) == 0 {
			continue
		}
		if err := w.part(p.id, data); err != nil {
			return err
		}
	}
	return nil
}

// void is an element of n bytes that says nothing.
func void(n int) []byte {
	return append(append([]byte{idVoid}, appendWide(nil, int64(n-9))...), make([]byte, n-9)...)
}

// information is the film's title and date, and a length of 0 that finish writes over.
func (w *mkvWriter) information(c Carriage, film *matroska) []byte {
	info := appendElement(nil, idDuration, make([]byte, 8)) // the first, so that finish finds it
	info = appendNumber(info, idScale, uint64(film.scale))
	for _, id := range []uint32{idTitle, idDate} {
		if v := first(film.info, id); v != nil {
			info = appendElement(info, id, v)
		}
	}
	return appendElement(appendElement(info, idMuxing, []byte(c.App)), idWriting, []byte(c.App))
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

// finish writes what is known at the end only: the table of key frames, where everything lies, how long it is.
func (w *mkvWriter) finish() error {
	if err := w.flush(); err != nil {
		return err
	}
	if w.cues != nil {
		if err := w.part(idCues, w.cues); err != nil {
			return err
		}
	}
	end := w.at
	var table []byte
	for _, s := range w.seeks {
		entry := appendElement(nil, idSeekID, appendID(nil, s.id))
		entry = appendElement(entry, idSeekPosition, s.data)
		table = appendElement(table, idSeek, entry)
	}
	table = appendElement(nil, idSeekHead, table)
	if len(table)+9 <= seekRoom {
		w.at = w.segment
		if err := w.write(append(table, void(seekRoom-len(table))...)); err != nil {
			return err
		}
	}
	// The length lies behind the heads of Info (5 bytes and more) and of itself.
	info := int64(seekRoom) + w.segment
	var head [12]byte
	if _, err := w.out.ReadAt(head[:], info); err != nil {
		return err
	}
	_, rest, err := readSize(head[4:])
	if err != nil {
		return err
	}
	w.at = info + int64(len(head)-len(rest)) + 3
	if err := w.write(binary.BigEndian.AppendUint64(nil, math.Float64bits(float64(w.last)))); err != nil {
		return err
	}
	w.at = w.segment - 8
	return w.write(appendWide(nil, end-w.segment))
}
