package container

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// moved is a track on its way into the output.
type moved struct {
	*trak
	file   *os.File
	chunks []chunk
	places []uint64 // of the chunks in the output
	number uint32   // of the track in the output
	begin  float64  // of its first sample in the film, in seconds
	box    []byte   // trak
}

// carryMP4 is Carry for MP4. The chunks of samples are copied as they are, so that no list but that of their places changes; chunks
// of all tracks follow each other in the order of time. The description lies before them, so that players need not look for it.
func carryMP4(c Carriage, source, video, out *os.File) (*Carried, error) {
	film, err := readMovie(source)
	if err != nil {
		return nil, err
	}
	pictures, err := readMovie(video)
	if err != nil {
		return nil, err
	}
	done := &Carried{}
	tracks, err := chooseTracks(c, film, pictures, source, video, done)
	if err != nil {
		return nil, err
	}
	head, err := fileHead(pictures, video)
	if err != nil {
		return nil, err
	}
	extra, err := looseBoxes(film, source)
	if err != nil {
		return nil, err
	}
	return done, writeTracks(out, append(head, extra...), film, pictures, tracks, c.Part)
}

// writeTracks writes a file of tracks: what lies before them, their description, and their chunks in the order of time.
func writeTracks(out *os.File, head []byte, film, pictures *movie, tracks []*moved, part bool) error {
	if err := bounded(tracks); err != nil {
		return err
	}
	order := interleave(tracks)
	// The size of the description does not depend on the places that it holds.
	moov := writeMovie(film, pictures, tracks, part)
	at := uint64(len(head)+len(moov)) + 16
	for _, p := range order {
		t := tracks[p.track]
		t.places[p.chunk] = at
		at += uint64(t.chunks[p.chunk].size)
	}
	total := at - uint64(len(head)+len(moov))
	moov = writeMovie(film, pictures, tracks, part)
	w := bufio.NewWriterSize(out, 1<<20)
	media := append(binary.BigEndian.AppendUint32(nil, 1), "mdat"...)
	for _, part := range [][]byte{head, moov, binary.BigEndian.AppendUint64(media, total)} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	for _, p := range order {
		t := tracks[p.track]
		run := t.chunks[p.chunk]
		if _, err := io.CopyN(w, io.NewSectionReader(t.file, run.at, run.size), run.size); err != nil {
			return fmt.Errorf("%s: %w", t.Words(), err)
		}
	}
	return w.Flush()
}

// bounded refuses tracks of which many samples are the same bytes of a file: copies of them could fill the disk.
func bounded(tracks []*moved) error {
	totals := map[*os.File]int64{}
	for _, t := range tracks {
		info, err := t.file.Stat()
		if err != nil {
			return err
		}
		for _, c := range t.chunks {
			if totals[t.file] += c.size; totals[t.file] > info.Size() {
				return fmt.Errorf("its lists of samples name more bytes than the file's %d", info.Size())
			}
		}
	}
	return nil
}

// chooseTracks takes the new video in the place of the film's, and all other tracks but videos and hints for servers.
func chooseTracks(c Carriage, film, pictures *movie, source, video *os.File, done *Carried) (tracks []*moved, err error) {
	old, fresh := film.video(), pictures.video()
	if old == nil || fresh == nil {
		return nil, errors.New("there is no video track with frames")
	}
	fresh.ID = old.ID
	for _, t := range film.tracks {
		m := &moved{trak: t, file: source}
		switch {
		case t == old:
			fresh.data = withGap(fresh.data, c.First.Seconds(), pictures.scale)
			m = &moved{trak: fresh, file: video}
		case t.samples == 0:
			continue
		case t.Kind == "video" || t.handler == "hint" || elsewhere(t.data):
			if t.Kind != "video" {
				done.Lost = append(done.Lost, t.Track)
			}
			continue
		case c.Part && t.Kind == "chapters":
			done.Lost = append(done.Lost, t.Track)
			continue
		}
		info, err := m.file.Stat()
		if err != nil {
			return nil, err
		}
		if c.Part && t != old {
			m.trak, m.chunks, err = t.cut(film.scale, c.Begin.Seconds(), c.End.Seconds(), info.Size())
		} else {
			m.chunks, err = m.trak.chunks(info.Size())
			m.begin = editStart(m.data, film.scale, m.scale)
		}
		if err != nil {
			return nil, err
		}
		if m.trak == nil {
			continue // nothing of it lies in the part
		}
		if t != old {
			done.Kept = append(done.Kept, t.Track)
		}
		m.places, m.number = make([]uint64, len(m.chunks)), uint32(len(tracks)+1)
		tracks = append(tracks, m)
	}
	for _, t := range tracks {
		if t.file == video {
			t.box = withOld(t.data, old.data, numbers(tracks), t.number)
		} else {
			t.box = renumbered(t.data, numbers(tracks), t.number)
		}
	}
	return tracks, nil
}

// elsewhere says whether the samples of a track lie in another file.
func elsewhere(track []byte) bool {
	refs := Child(track, "mdia", "minf", "dinf", "dref")
	if len(refs) < 8 {
		return false
	}
	below, err := boxes(refs[8:])
	return err == nil && slices.ContainsFunc(below, func(b box) bool { return len(b.data) >= 4 && b.data[3]&1 == 0 })
}

func numbers(tracks []*moved) map[uint32]uint32 {
	found := map[uint32]uint32{}
	for _, t := range tracks {
		found[uint32(t.ID)] = t.number
	}
	return found
}

// place is one chunk in the order of the output.
type place struct {
	track, chunk int
	time         float64
}

func interleave(tracks []*moved) (order []place) {
	for i, t := range tracks {
		for k, c := range t.chunks {
			order = append(order, place{i, k, t.begin + c.time})
		}
	}
	slices.SortStableFunc(order, func(a, b place) int {
		switch {
		case a.track == b.track:
			return a.chunk - b.chunk
		case a.time < b.time:
			return -1
		case a.time > b.time:
			return 1
		}
		return a.track - b.track
	})
	return order
}

// renumbered is a box trak with another number, and with the new numbers of the tracks that it names.
func renumbered(track []byte, number map[uint32]uint32, own uint32) []byte {
	below, _ := boxes(track)
	var parts [][]byte
	for _, b := range below {
		switch b.name {
		case "tkhd":
			parts = append(parts, pack(b.name, withNumber(b.data, own)))
		case "tref":
			if r := renamed(b.data, number); r != nil {
				parts = append(parts, pack("tref", r))
			}
		default:
			parts = append(parts, pack(b.name, b.data))
		}
	}
	return pack("trak", parts...)
}

func withNumber(head []byte, own uint32) []byte {
	head = slices.Clone(head)
	if at := trackID(head); len(head) >= at+4 {
		binary.BigEndian.PutUint32(head[at:], own)
	}
	return head
}

// renamed is what is in a box tref, with new numbers. Tracks that are gone are no longer named.
func renamed(data []byte, number map[uint32]uint32) (all []byte) {
	below, _ := boxes(data)
	for _, b := range below {
		var ids []byte
		for _, id := range references(b.data) {
			if n, ok := number[id]; ok {
				ids = binary.BigEndian.AppendUint32(ids, n)
			}
		}
		if ids != nil {
			all = append(all, pack(b.name, ids)...)
		}
	}
	return all
}

// withOld is the new video's trak with what the old one's says besides pictures: references, tags, language, spherical video.
func withOld(fresh, old []byte, number map[uint32]uint32, own uint32) []byte {
	below, _ := boxes(fresh)
	var parts [][]byte
	for _, b := range below {
		switch b.name {
		case "tkhd":
			parts = append(parts, pack(b.name, withNumber(b.data, own)))
		case "udta", "meta", "tref":
		case "mdia":
			parts = append(parts, pack(b.name, withLanguage(b.data, Child(old, "mdia", "mdhd"))))
		default:
			parts = append(parts, pack(b.name, b.data))
		}
	}
	below, _ = boxes(old)
	for _, b := range below {
		switch b.name {
		case "udta", "meta", "uuid":
			parts = append(parts, pack(b.name, b.data))
		case "tref":
			if r := renamed(b.data, number); r != nil {
				parts = append(parts, pack("tref", r))
			}
		}
	}
	return pack("trak", parts...)
}

// withLanguage is the content of a box mdia with the language of another's mdhd.
func withLanguage(media, old []byte) []byte {
	from := 20 + 12*int(version(old))
	below, _ := boxes(media)
	var all []byte
	for _, b := range below {
		data := b.data
		if to := 20 + 12*int(version(data)); b.name == "mdhd" && len(old) >= from+2 && len(data) >= to+2 {
			data = slices.Clone(data)
			copy(data[to:to+2], old[from:from+2])
		}
		all = append(all, pack(b.name, data)...)
	}
	return all
}
