package container

import (
	"encoding/binary"
	"iter"
	"math"
	"slices"
)

// editStart is when the sample with the time 0 is shown, in seconds.
func editStart(track []byte, movieScale, scale uint32) (start float64) {
	list := Child(track, "edts", "elst")
	if len(list) < 8 || movieScale == 0 || scale == 0 {
		return 0
	}
	for duration, media := range edits(list) {
		if media >= 0 {
			return start - float64(media)/float64(scale)
		}
		start += float64(duration) / float64(movieScale)
	}
	return start
}

// edits are the parts that a box elst of at least 8 bytes lists: their durations in the scale of the movie, and where they begin in that of
// the track, negative for a pause.
func edits(list []byte) iter.Seq2[uint64, int64] {
	wide := version(list) == 1
	return func(yield func(duration uint64, media int64) bool) {
		for list := list[8:]; ; {
			var duration uint64
			var media int64
			switch {
			case wide && len(list) >= 20:
				duration, media, list = binary.BigEndian.Uint64(list), int64(binary.BigEndian.Uint64(list[8:])), list[20:]
			case !wide && len(list) >= 12:
				duration, media, list = uint64(binary.BigEndian.Uint32(list)), int64(int32(binary.BigEndian.Uint32(list[4:]))), list[12:]
			default:
				return
			}
			if !yield(duration, media) {
				return
			}
		}
	}
}

// withGap is what is in a trak, shown so many seconds later: muxers let what is alone in a file begin at once.
func withGap(track []byte, seconds float64, movieScale uint32) []byte {
	gap := uint64(math.Round(seconds * float64(movieScale)))
	list := Child(track, "edts", "elst")
	if gap == 0 || len(list) < 8 {
		return track
	}
	shown, begins, parts := uint64(0), int64(0), 0
	for duration, media := range edits(list) {
		if media < 0 {
			return track // it has a gap
		}
		shown, begins, parts = duration, media, parts+1
	}
	if parts != 1 || gap+shown > math.MaxUint32 {
		return track
	}
	list = appendEdit(appendEdit([]byte{7: 2}, seconds, -1, movieScale), float64(shown)/float64(movieScale), begins, movieScale)
	return replaced(track, nil, func(b box) []byte {
		switch b.name {
		case "edts":
			return pack("edts", pack("elst", list))
		case "tkhd":
			head := slices.Clone(b.data)
			setLength(head, trackLength, gap+shown)
			return pack("tkhd", head)
		}
		return pack(b.name, b.data)
	})
}
