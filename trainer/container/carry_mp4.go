package container

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
)

// moved is a track on its way into the output.
type moved struct {
	*trak
	file   *os.File
	size   int64   // of the file
	count  int     // of the chunks
	pieces []chunk // where they are not those of the track's lists
	places []byte  // of the chunks in the output, 8 bytes each, within box
	number uint32  // of the track in the output
	begin  float64 // of its first sample in the film, in seconds
	box    []byte  // trak
}

// all gives the chunks, whose errors have been looked for.
func (m *moved) all() iter.Seq2[chunk, error] {
	if m.pieces == nil {
		return m.trak.chunks(m.size)
	}
	return func(yield func(chunk, error) bool) {
		for _, c := range m.pieces {
			if !yield(c, nil) {
				return
			}
		}
	}
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
	description := writeMovie(film, pictures, tracks, part)
	size := 8
	for _, part := range description {
		size += len(part)
	}
	at := uint64(len(head)+size) + 16
	begin := at
	for p, err := range interleave(tracks) {
		if err != nil {
			return err
		}
		binary.BigEndian.PutUint64(tracks[p.track].places[8*p.number:], at)
		at += uint64(p.size)
	}
	w := bufio.NewWriterSize(out, 1<<20)
	movie := append(binary.BigEndian.AppendUint32(nil, uint32(size)), "moov"...)
	media := append(binary.BigEndian.AppendUint32(nil, 1), "mdat"...)
	media = binary.BigEndian.AppendUint64(media, at-begin+16)
	for _, part := range slices.Concat([][]byte{head, movie}, description, [][]byte{media}) {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	for p, err := range interleave(tracks) {
		if err != nil {
			return err
		}
		t := tracks[p.track]
		if _, err := io.CopyN(w, io.NewSectionReader(t.file, p.at, p.size), p.size); err != nil {
			return fmt.Errorf("%s: %w", t.Words(), err)
		}
	}
	return w.Flush()
}

// bounded refuses tracks of which many samples are the same bytes of a file: copies of them could fill the disk.
func bounded(tracks []*moved) error {
	totals := map[*os.File]int64{}
	for _, t := range tracks {
		for c, err := range t.all() {
			if err != nil {
				return err
			}
			if totals[t.file] += c.size; totals[t.file] > t.size {
				return fmt.Errorf("its lists of samples name more bytes than the file's %d", t.size)
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
		m.size = info.Size()
		if c.Part && t != old {
			m.trak, m.pieces, err = t.cut(film.scale, c.Begin.Seconds(), c.End.Seconds(), m.size)
			m.count = len(m.pieces)
		} else {
			m.count, err = m.trak.countChunks(m.size)
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
		m.number = uint32(len(tracks) + 1)
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
	chunk
	track, number int
}

// interleave gives the chunks of all tracks in the order of time, and those of one in their own.
func interleave(tracks []*moved) iter.Seq2[place, error] {
	return func(yield func(place, error) bool) {
		next := make([]func() (chunk, error, bool), len(tracks))
		heads, left := make([]place, len(tracks)), make([]bool, len(tracks))
		take := func(i int) error {
			c, err, ok := next[i]()
			heads[i].chunk, left[i] = c, ok
			return err
		}
		for i, t := range tracks {
			pull, stop := iter.Pull2(t.all())
			defer stop()
			next[i], heads[i].track = pull, i
			if err := take(i); err != nil {
				yield(place{}, err)
				return
			}
		}
		for {
			first := -1
			for i := range tracks {
				if left[i] && (first < 0 || tracks[i].begin+heads[i].time < tracks[first].begin+heads[first].time) {
					first = i
				}
			}
			if first < 0 || !yield(heads[first], nil) {
				return
			}
			heads[first].number++
			if err := take(first); err != nil {
				yield(place{}, err)
				return
			}
		}
	}
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
