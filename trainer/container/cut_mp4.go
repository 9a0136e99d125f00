package container

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// edit is what a simple edit list says: a gap, and then one part of the track.
type edit struct {
	gap      float64 // before anything is shown, in seconds
	media    int64   // the first time that is shown, in ticks of the track
	duration float64 // of what is shown, in seconds; 0 is to the end
}

// readEdit reads the edit list of a track; false says that it has several parts.
func readEdit(track []byte, movieScale uint32) (e edit, simple bool) {
	list := Child(track, "edts", "elst")
	if len(list) < 8 || movieScale == 0 {
		return e, true
	}
	parts := 0
	for duration, media := range edits(list) {
		seconds := float64(duration) / float64(movieScale)
		switch {
		case media >= 0:
			parts++
			e.media, e.duration = media, seconds
		case parts == 0:
			e.gap += seconds
		}
	}
	return e, parts <= 1
}

// ticks counts through a box stts.
type ticks struct {
	list  []byte // pairs of a count and a step
	total int
}

func readTicks(table []byte) ticks {
	list := Child(table, "stts")
	if len(list) < 8 {
		return ticks{}
	}
	t := ticks{list: list[8:]}
	for l := t.list; len(l) >= 8; l = l[8:] {
		t.total += int(binary.BigEndian.Uint32(l))
	}
	return t
}

// of is the time of sample i.
func (t ticks) of(i int) (at int64) {
	for l := t.list; len(l) >= 8 && i > 0; l = l[8:] {
		n := min(i, int(binary.BigEndian.Uint32(l)))
		at += int64(n) * int64(binary.BigEndian.Uint32(l[4:]))
		i -= n
	}
	return at
}

// at is the number of the sample that is there at a time, total behind the last.
func (t ticks) at(time int64) (i int) {
	for l := t.list; len(l) >= 8; l = l[8:] {
		n, step := int64(binary.BigEndian.Uint32(l)), int64(binary.BigEndian.Uint32(l[4:]))
		if step > 0 && time < n*step {
			return i + int(max(time, 0)/step)
		}
		time -= n * step
		i += int(n)
	}
	return i
}

// cut makes a track of the part of a track that is shown from begin to end, in seconds of the film, and lists its chunks with their times in
// the part. Sound gets a packet before the part, which decoders need; the edit list leaves it out. nil says that the part holds nothing of it.
func (t *trak) cut(movieScale uint32, begin, end float64, fileSize int64) (*trak, []chunk, error) {
	return t.cutOut(movieScale, begin, end, fileSize, false)
}

// cutOut is cut; a plain track begins with its first whole sample instead, so that its edit list leaves nothing out.
func (t *trak) cutOut(movieScale uint32, begin, end float64, fileSize int64, plain bool) (*trak, []chunk, error) {
	table := Child(t.data, "mdia", "minf", "stbl")
	e, simple := readEdit(t.data, movieScale)
	if !simple {
		return nil, nil, fmt.Errorf("%s: its edit list has several parts, of which none can be cut out", t.Words())
	}
	clock, scale := readTicks(table), float64(t.scale)
	start := e.gap - float64(e.media)/scale // when the time 0 of the track is shown
	from := max(float64(e.media), (begin-start)*scale)
	to := (end - start) * scale
	if e.duration > 0 {
		to = min(to, float64(e.media)+e.duration*scale)
	}
	if to = min(to, float64(clock.of(clock.total))); from >= to {
		return nil, nil, nil
	}
	sizes, err := sampleSizes(table)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", t.Words(), err)
	}
	first, last := clock.at(int64(from)), min(clock.at(int64(math.Ceil(to))-1)+1, sizes.count, clock.total)
	switch {
	case plain && clock.of(first) < int64(from) && t.Kind == "audio":
		first++
		from = float64(clock.of(first))
	case plain:
		from = float64(clock.of(first))
	case t.Kind == "audio" && sizes.same == 0 && first > 0:
		first--
	}
	if !plain {
		first = syncBefore(Child(table, "stss"), first)
	}
	pieces, runs, err := t.pieces(table, sizes, first, last, fileSize)
	if err != nil || first >= last {
		return nil, nil, err
	}
	steps, at := stepper{list: Child(table, "stts")}, 0
	for i := range pieces {
		sample := int(pieces[i].time)
		steps.skip(sample - at)
		at = sample
		pieces[i].time = start + float64(steps.time)/scale - begin
	}
	shown := (to - from) / scale
	gap := max(0, start+from/scale-begin)
	list := binary.BigEndian.AppendUint32(make([]byte, 4), 1)
	if gap*float64(movieScale) >= 1 {
		list[7] = 2
		list = appendEdit(list, gap, -1, movieScale)
	}
	list = appendEdit(list, shown, int64(from)-clock.of(first), movieScale)
	cut := *t
	cut.data = t.rebuilt(list, gap+shown, movieScale, clock.of(last)-clock.of(first), subTables(table, clock, sizes, first, last, runs))
	cut.samples = last - first
	return &cut, pieces, nil
}

func appendEdit(list []byte, seconds float64, media int64, movieScale uint32) []byte {
	list = binary.BigEndian.AppendUint32(list, uint32(math.Round(seconds*float64(movieScale))))
	return append(binary.BigEndian.AppendUint32(list, uint32(int32(media))), 0, 1, 0, 0)
}

// syncBefore is the last sample up to i from which decoding can begin; all are such where there is no list.
func syncBefore(list []byte, i int) int {
	if len(list) < 8 {
		return i
	}
	best := 0
	for l := list[8:]; len(l) >= 4; l = l[4:] {
		if n := int(binary.BigEndian.Uint32(l)) - 1; n <= i {
			best = max(best, n)
		}
	}
	return best
}

// pieces lists the chunks that hold samples from first to last, with the number of their first sample as time, and how many samples
// and which description each has, as a box stsc.
func (t *trak) pieces(table []byte, sizes sizeTable, first, last int, fileSize int64) (found []chunk, runs []byte, err error) {
	places, err := chunkPlaces(table)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", t.Words(), err)
	}
	list := Child(table, "stsc")
	if len(list) < 8 {
		return nil, nil, fmt.Errorf("%s: its list of chunks is missing", t.Words())
	}
	frame := int64(1)
	if sizes.same == 1 {
		frame = t.bytesPerSample(table)
	}
	list = list[8:]
	per, description, sample := 0, uint32(1), 0
	for i := range places.count() {
		at := places.at(i)
		for len(list) >= 12 && binary.BigEndian.Uint32(list) <= uint32(i+1) {
			per, description, list = int(binary.BigEndian.Uint32(list[4:])), binary.BigEndian.Uint32(list[8:]), list[12:]
		}
		if per > sizes.count-sample || at > uint64(fileSize) {
			return nil, nil, fmt.Errorf("%s: chunk %d lies outside the file or has more samples than there are", t.Words(), i+1)
		}
		lo, hi := max(first, sample), min(last, sample+per)
		if lo < hi {
			c := chunk{at: int64(at) + sizes.sum(sample, lo-sample)*frame, size: sizes.sum(lo, hi-lo) * frame, time: float64(lo)}
			if c.size < 0 || c.at < 0 || c.size > fileSize-c.at {
				return nil, nil, fmt.Errorf("%s: chunk %d lies outside the file", t.Words(), i+1)
			}
			found = append(found, c)
			runs = binary.BigEndian.AppendUint32(runs, uint32(len(found)))
			runs = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(runs, uint32(hi-lo)), description)
		}
		sample += per
	}
	return found, runs, nil
}

// fullBox is a box with a version of 0, no flags, and a list of entries of a size.
func fullBox(name string, entries []byte, size int) []byte {
	return pack(name, make([]byte, 4), binary.BigEndian.AppendUint32(nil, uint32(len(entries)/size)), entries)
}

// section is the part of a list of counts and values that is for the samples from first to last.
func section(list []byte, first, last int) (found []byte) {
	skip, left := first, last-first
	for l := list; len(l) >= 8 && left > 0; l = l[8:] {
		n := int(binary.BigEndian.Uint32(l))
		gone := min(skip, n)
		skip -= gone
		if n = min(n-gone, left); n > 0 {
			found = append(binary.BigEndian.AppendUint32(found, uint32(n)), l[4:8]...)
			left -= n
		}
	}
	return found
}

// subTables is a box stbl for the samples from first to last; the places of its chunks are still missing.
func subTables(table []byte, clock ticks, sizes sizeTable, first, last int, runs []byte) []byte {
	all := slices.Concat(pack("stsd", Child(table, "stsd")), fullBox("stts", section(clock.list, first, last), 8), fullBox("stsc", runs, 12))
	if list := Child(table, "ctts"); len(list) >= 8 {
		offsets := fullBox("ctts", section(list[8:], first, last), 8)
		offsets[8] = list[0] // its version: whether offsets have a sign
		all = append(all, offsets...)
	}
	if sizes.same > 0 {
		size := binary.BigEndian.AppendUint32(make([]byte, 4), uint32(sizes.same))
		all = append(all, pack("stsz", size, binary.BigEndian.AppendUint32(nil, uint32(last-first)))...)
	} else {
		all = append(all, pack("stsz", make([]byte, 8), binary.BigEndian.AppendUint32(nil, uint32(last-first)), sizes.list[4*first:4*last])...)
	}
	if list := Child(table, "stss"); len(list) >= 8 {
		var keys []byte
		for l := list[8:]; len(l) >= 4; l = l[4:] {
			if n := int(binary.BigEndian.Uint32(l)) - 1; n >= first && n < last {
				keys = binary.BigEndian.AppendUint32(keys, uint32(n-first+1))
			}
		}
		all = append(all, fullBox("stss", keys, 4)...)
	}
	return append(all, fullBox("co64", nil, 8)...)
}

// rebuilt is a trak with another edit list, other lengths and other lists of samples.
func (t *trak) rebuilt(list []byte, seconds float64, movieScale uint32, media int64, tables []byte) []byte {
	below, _ := boxes(t.data)
	var all []byte
	for _, b := range below {
		switch b.name {
		case "edts":
			continue
		case "tkhd":
			head := slices.Clone(b.data)
			setLength(head, trackLength, uint64(math.Round(seconds*float64(movieScale))))
			all = append(all, pack("tkhd", head)...)
			all = append(all, pack("edts", pack("elst", list))...)
		case "mdia":
			all = append(all, pack("mdia", replaced(b.data, nil, func(b box) []byte {
				switch head := slices.Clone(b.data); {
				case b.name == "mdhd" && version(head) == 1 && len(head) >= 32:
					binary.BigEndian.PutUint64(head[24:], uint64(media))
					return pack("mdhd", head)
				case b.name == "mdhd" && len(head) >= 20:
					binary.BigEndian.PutUint32(head[16:], uint32(media))
					return pack("mdhd", head)
				case b.name == "minf":
					return pack("minf", replaced(b.data, nil, func(b box) []byte {
						if b.name == "stbl" {
							return pack("stbl", tables)
						}
						return pack(b.name, b.data)
					}))
				}
				return pack(b.name, b.data)
			}))...)
		default:
			all = append(all, pack(b.name, b.data)...)
		}
	}
	return all
}
