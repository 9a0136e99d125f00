package container

import (
	"encoding/binary"
	"slices"
)

// MendOpus puts the numbers in boxes dOps of an MP4 into the order of bytes that they have by "Encapsulation of Opus in ISO Base Media File Format",
// 4.3.2, where they have the other one: GStreamer 1.22 copies them from a head of Ogg, and players then leave 0.3 seconds of sound out. Only numbers
// change. The error is of reading or writing.
func MendOpus(path string) error {
	file, movie, at, err := editMovie(path)
	if err != nil {
		return err
	}
	defer file.Close()
	tracks, err := Tracks(movie)
	if err != nil {
		return err
	}
	turned := false
	for _, track := range tracks {
		if list := Child(track, "mdia", "minf", "stbl", "stsd"); len(list) > 8 {
			turned = turnOpus(list[8:]) || turned
		}
	}
	if !turned {
		return nil
	}
	_, err = file.WriteAt(movie, at)
	return err
}

// turnOpus does that for the entries of a box stsd, and says whether there was anything to do.
func turnOpus(entries []byte) (turned bool) {
	const soundEntry = 28 // bytes before the boxes in an entry of sound
	found, err := boxes(entries)
	if err != nil {
		return false
	}
	for _, e := range found {
		if e.name != "Opus" || len(e.data) < soundEntry {
			continue
		}
		// Version, channels, samples to leave out, rate, gain. No rate has more than 24 bits.
		if d := Child(e.data[soundEntry:], "dOps"); len(d) >= 10 && binary.BigEndian.Uint32(d[4:]) >= 1<<24 {
			slices.Reverse(d[2:4])
			slices.Reverse(d[4:8])
			slices.Reverse(d[8:10])
			turned = true
		}
	}
	return turned
}
