package container

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
)

// chunk is a run of samples that lie behind each other.
type chunk struct {
	at, size int64
	time     float64 // of its first sample, in seconds
}

// chunks gives where the samples of a track lie. Times are those of decoding, without the edit list. They are read from the track's lists, as
// a film of hours has hundreds of thousands. The second is what is wrong with the lists, and the last.
func (t *trak) chunks(fileSize int64) iter.Seq2[chunk, error] {
	return func(yield func(chunk, error) bool) {
		if err := t.eachChunk(fileSize, func(c chunk) bool { return yield(c, nil) }); err != nil {
			yield(chunk{}, err)
		}
	}
}

// eachChunk calls a function for each chunk, until that says false.
func (t *trak) eachChunk(fileSize int64, f func(chunk) bool) error {
	table := Child(t.data, "mdia", "minf", "stbl")
	sizes, err := sampleSizes(table)
	if err != nil {
		return fmt.Errorf("%s: %w", t.Words(), err)
	}
	places, err := chunkPlaces(table)
	if err != nil {
		return fmt.Errorf("%s: %w", t.Words(), err)
	}
	runs, steps := Child(table, "stsc"), stepper{list: Child(table, "stts")}
	if len(runs) < 8 || t.scale == 0 {
		return fmt.Errorf("%s: its list of chunks is missing", t.Words())
	}
	runs = runs[8:]
	frame := int64(1)
	if sizes.same == 1 {
		frame = t.bytesPerSample(table)
	}
	sample, per := 0, 0
	for i := range places.count() {
		for len(runs) >= 12 && binary.BigEndian.Uint32(runs) <= uint32(i+1) {
			per = int(binary.BigEndian.Uint32(runs[4:]))
			runs = runs[12:]
		}
		at := places.at(i)
		c := chunk{at: int64(at), time: float64(steps.time) / float64(t.scale)}
		if at > uint64(fileSize) || per < 0 || per > sizes.count-sample {
			return fmt.Errorf("%s: chunk %d lies outside the file or has more samples than there are", t.Words(), i+1)
		}
		c.size = sizes.sum(sample, per) * frame
		sample += per
		steps.skip(per)
		if c.size < 0 || c.size > fileSize-c.at {
			return fmt.Errorf("%s: chunk %d lies outside the file", t.Words(), i+1)
		}
		if !f(c) {
			return nil
		}
	}
	return nil
}

// countChunks is how many chunks a track has. The error says that one does not lie in the file.
func (t *trak) countChunks(fileSize int64) (n int, err error) {
	err = t.eachChunk(fileSize, func(chunk) bool { n++; return true })
	return n, err
}

// sizeTable is a box stsz.
type sizeTable struct {
	count, same int
	list        []byte
}

// sum is the size of n samples from sample i on.
func (s sizeTable) sum(i, n int) (sum int64) {
	if s.same > 0 {
		return int64(s.same) * int64(n)
	}
	for list := s.list[4*i : 4*(i+n)]; len(list) > 0; list = list[4:] {
		sum += int64(binary.BigEndian.Uint32(list))
	}
	return sum
}

// bytesPerSample is for sound that is not coded: QuickTime writes a size of 1 for its samples and means those of all channels
// (QuickTime File Format, sound sample descriptions of versions 0 and 1).
func (t *trak) bytesPerSample(table []byte) int64 {
	entry := Child(table, "stsd")
	if t.Kind != "audio" || len(entry) < 8+36 {
		return 1
	}
	entry = entry[8+16:] // version, revision, vendor, channels, bits
	if binary.BigEndian.Uint16(entry) == 1 && len(entry) >= 36 {
		if n := binary.BigEndian.Uint32(entry[28:]); n > 0 && binary.BigEndian.Uint32(entry[20:]) == 1 {
			return int64(n)
		}
	}
	return max(1, int64(binary.BigEndian.Uint16(entry[8:]))*int64(binary.BigEndian.Uint16(entry[10:]))/8)
}

func sampleSizes(table []byte) (s sizeTable, err error) {
	data := Child(table, "stsz")
	if len(data) < 12 {
		return s, errors.New("its list of sizes is missing or of a kind that this program does not know")
	}
	s = sizeTable{int(binary.BigEndian.Uint32(data[8:])), int(binary.BigEndian.Uint32(data[4:])), data[12:]}
	if s.same == 0 && len(s.list)/4 < s.count {
		return s, errors.New("its list of sizes is cut off")
	}
	return s, nil
}

// placeTable is a box co64, or stco.
type placeTable struct {
	list []byte
	size int // of an entry, in bytes
}

func (p placeTable) count() int { return len(p.list) / p.size }

func (p placeTable) at(i int) uint64 {
	if p.size == 8 {
		return binary.BigEndian.Uint64(p.list[8*i:])
	}
	return uint64(binary.BigEndian.Uint32(p.list[4*i:]))
}

func chunkPlaces(table []byte) (placeTable, error) {
	if wide := Child(table, "co64"); len(wide) >= 8 {
		return placeTable{wide[8:], 8}, nil
	}
	if narrow := Child(table, "stco"); len(narrow) >= 8 {
		return placeTable{narrow[8:], 4}, nil
	}
	return placeTable{}, errors.New("its list of places is missing")
}

// stepper walks through a box stts.
type stepper struct {
	list  []byte
	begun bool
	left  uint32
	step  uint32
	time  uint64
}

func (s *stepper) skip(n int) {
	if !s.begun && len(s.list) >= 8 {
		s.begun, s.list = true, s.list[8:]
	}
	for n > 0 {
		for s.left == 0 && s.begun && len(s.list) >= 8 {
			s.left, s.step = binary.BigEndian.Uint32(s.list), binary.BigEndian.Uint32(s.list[4:])
			s.list = s.list[8:]
		}
		if s.left == 0 {
			return
		}
		take := min(uint32(n), s.left)
		s.left -= take
		n -= int(take)
		s.time += uint64(s.step) * uint64(take)
	}
}
