package container

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// chunk is a run of samples that lie behind each other.
type chunk struct {
	at, size int64
	time     float64 // of its first sample, in seconds
}

// chunks lists where the samples of a track lie. Times are those of decoding, without the edit list.
func (t *trak) chunks(fileSize int64) ([]chunk, error) {
	table := Child(t.data, "mdia", "minf", "stbl")
	sizes, err := sampleSizes(table)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Words(), err)
	}
	places, err := chunkPlaces(table)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Words(), err)
	}
	runs, steps := Child(table, "stsc"), stepper{list: Child(table, "stts")}
	if len(runs) < 8 || t.scale == 0 {
		return nil, fmt.Errorf("%s: its list of chunks is missing", t.Words())
	}
	runs = runs[8:]
	frame := int64(1)
	if sizes.same == 1 {
		frame = t.bytesPerSample(table)
	}
	found, sample, per := make([]chunk, 0, len(places)), 0, 0
	for i, at := range places {
		for len(runs) >= 12 && binary.BigEndian.Uint32(runs) <= uint32(i+1) {
			per = int(binary.BigEndian.Uint32(runs[4:]))
			runs = runs[12:]
		}
		c := chunk{at: int64(at), time: float64(steps.time) / float64(t.scale)}
		if at > uint64(fileSize) || per < 0 || per > sizes.count-sample {
			return nil, fmt.Errorf("%s: chunk %d lies outside the file or has more samples than there are", t.Words(), i+1)
		}
		c.size = sizes.sum(sample, per) * frame
		sample += per
		steps.skip(per)
		if c.size < 0 || c.size > fileSize-c.at {
			return nil, fmt.Errorf("%s: chunk %d lies outside the file", t.Words(), i+1)
		}
		found = append(found, c)
	}
	return found, nil
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

func chunkPlaces(table []byte) (places []uint64, err error) {
	wide, narrow := Child(table, "co64"), Child(table, "stco")
	switch {
	case len(wide) >= 8:
		for data := wide[8:]; len(data) >= 8; data = data[8:] {
			places = append(places, binary.BigEndian.Uint64(data))
		}
	case len(narrow) >= 8:
		for data := narrow[8:]; len(data) >= 4; data = data[4:] {
			places = append(places, uint64(binary.BigEndian.Uint32(data)))
		}
	default:
		return nil, errors.New("its list of places is missing")
	}
	return places, nil
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
