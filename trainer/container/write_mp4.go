package container

import (
	"encoding/binary"
	"os"
	"slices"
)

// fileHead is the box ftyp of the new video's file.
func fileHead(m *movie, file *os.File) ([]byte, error) {
	for _, t := range m.tops {
		if t.name == "ftyp" {
			data, err := t.load(file)
			return pack("ftyp", data), err
		}
	}
	return nil, nil
}

// looseBoxes are those that lie beside the film's description and belong to it: XMP and what cameras write.
func looseBoxes(m *movie, file *os.File) (all []byte, err error) {
	for _, t := range m.tops {
		if (t.name == "uuid" || t.name == "meta") && t.size < 64<<20 {
			data, err := t.load(file)
			if err != nil {
				return nil, err
			}
			all = append(all, pack(t.name, data)...)
		}
	}
	return all, nil
}

// writeMovie is what is in the box moov: the film's own, with the new list of tracks, whose chunks have no places yet.
func writeMovie(film, pictures *movie, tracks []*moved, part bool) (parts [][]byte) {
	below, _ := boxes(film.data)
	written := false
	scale := outScale(film)
	for _, b := range below {
		switch b.name {
		case "mvhd":
			parts = append(parts, pack("mvhd", movieHead(b.data, scale, film, pictures, tracks, part)))
		case "trak":
			if written {
				continue
			}
			written = true
			for _, t := range tracks {
				from := film.scale
				if t.Kind == "video" {
					from = pictures.scale
				}
				t.finish(from, scale)
				parts = append(parts, t.box)
			}
		case "udta":
			parts = append(parts, pack("udta", replaced(b.data, nil, func(b box) []byte {
				if b.name == "chpl" && part {
					return nil
				}
				return pack(b.name, b.data)
			})))
		default:
			parts = append(parts, pack(b.name, b.data))
		}
	}
	return parts
}

// outScale is the film's scale of time, or a multiple of it that tells the frames of the new video apart.
func outScale(film *movie) uint32 {
	const fine = 600
	if film.scale >= fine {
		return film.scale
	}
	return film.scale * ((fine + film.scale - 1) / film.scale)
}

// movieHead is the film's box mvhd with another scale, the length of the longest track and a number for the next.
func movieHead(data []byte, scale uint32, film, pictures *movie, tracks []*moved, part bool) []byte {
	head := slices.Clone(data)
	longest := uint64(0)
	for _, t := range tracks {
		from := film.scale
		if t.Kind == "video" {
			from = pictures.scale
		}
		if d, ok := headDuration(Child(t.data, "tkhd")); ok {
			longest = max(longest, inScale(d, from, scale))
		}
	}
	// The film's own length is kept if it is a little longer: GStreamer stops reading there, in the middle of the last sound.
	own := uint64(binary.BigEndian.Uint32(head[16:]))
	if version(head) == 1 {
		own = binary.BigEndian.Uint64(head[24:])
	}
	if own < 1<<62 && !part {
		if own = inScale(own, film.scale, scale); own < longest+uint64(scale) {
			longest = max(longest, own)
		}
	}
	if version(head) == 1 {
		binary.BigEndian.PutUint32(head[20:], scale)
		binary.BigEndian.PutUint64(head[24:], longest)
	} else {
		binary.BigEndian.PutUint32(head[12:], scale)
		binary.BigEndian.PutUint32(head[16:], uint32(min(longest, 1<<32-1)))
	}
	binary.BigEndian.PutUint32(head[len(head)-4:], uint32(len(tracks)+1))
	return head
}

func inScale(v uint64, from, to uint32) uint64 { return (v*uint64(to) + uint64(from)/2) / uint64(from) }

// headDuration is the length in a box tkhd, in the movie's scale; false where it says that it is unknown.
func headDuration(head []byte) (uint64, bool) { return lengthAt(head, trackLength) }

// finish gives a track's box times of the film's scale and room for the places of its chunks.
func (t *moved) finish(from, to uint32) {
	track := t.box[8:]
	if from != to {
		track = rescaled(track, from, to)
	}
	list := make([]byte, 8+8*t.count)
	binary.BigEndian.PutUint32(list[4:], uint32(t.count))
	t.box = pack("trak", replaced(track, []string{"mdia", "minf", "stbl"}, func(b box) []byte {
		switch b.name {
		case "co64", "stco":
			return pack("co64", list)
		}
		return pack(b.name, b.data)
	}))
	t.places = Child(t.box, "trak", "mdia", "minf", "stbl", "co64")[8:]
}

// replaced is data in which the boxes below a path are what a function makes of them.
func replaced(data []byte, path []string, f func(box) []byte) (all []byte) {
	below, _ := boxes(data)
	for _, b := range below {
		switch {
		case len(path) == 0:
			all = append(all, f(b)...)
		case b.name == path[0]:
			all = append(all, pack(b.name, replaced(b.data, path[1:], f))...)
		default:
			all = append(all, pack(b.name, b.data)...)
		}
	}
	return all
}

// rescaled is what is in a trak, with the times that are counted in the movie's scale in another.
func rescaled(track []byte, from, to uint32) []byte {
	times := func(v uint64) uint64 { return inScale(v, from, to) }
	return replaced(track, nil, func(b box) []byte {
		switch b.name {
		case "tkhd":
			head := slices.Clone(b.data)
			if version(head) == 1 && len(head) >= 36 {
				binary.BigEndian.PutUint64(head[28:], times(binary.BigEndian.Uint64(head[28:])))
			} else if version(head) == 0 && len(head) >= 24 {
				binary.BigEndian.PutUint32(head[20:], uint32(times(uint64(binary.BigEndian.Uint32(head[20:])))))
			}
			return pack(b.name, head)
		case "edts":
			return pack(b.name, replaced(b.data, nil, func(b box) []byte {
				list := slices.Clone(b.data)
				size := 12 + 8*int(version(list))
				for at := 8; b.name == "elst" && at+size <= len(list); at += size {
					if size == 20 {
						binary.BigEndian.PutUint64(list[at:], times(binary.BigEndian.Uint64(list[at:])))
					} else {
						binary.BigEndian.PutUint32(list[at:], uint32(times(uint64(binary.BigEndian.Uint32(list[at:])))))
					}
				}
				return pack(b.name, list)
			}))
		}
		return pack(b.name, b.data)
	})
}
