package container

import (
	"encoding/binary"
	"os"
)

// Created is when an MP4 says that it was made, in seconds since 1904; 0 is unknown, also for files of other families.
func Created(path string) uint64 {
	file, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer file.Close()
	movie, _, err := loadMovie(file)
	if err != nil {
		return 0
	}
	switch head := Child(movie, "mvhd"); {
	case len(head) >= 12 && version(head) == 0:
		return uint64(binary.BigEndian.Uint32(head[4:]))
	case len(head) >= 20 && version(head) == 1:
		return binary.BigEndian.Uint64(head[4:])
	}
	return 0
}

// SetCreated writes over the times at which an MP4 was made and changed, in seconds since 1904, 0 for unknown: in all of it, or in its first
// video track alone. What else would follow from the moment at which a muxer ran is nothing. The error is of reading or writing.
func SetCreated(path string, at uint64, all bool) error {
	file, movie, place, err := editMovie(path)
	if err != nil {
		return err
	}
	defer file.Close()
	tracks, err := Tracks(movie)
	if err != nil {
		return err
	}
	if all {
		setTimes(Child(movie, "mvhd"), at)
	}
	for _, track := range tracks {
		handler := Child(track, "mdia", "hdlr")
		video := len(handler) >= 12 && string(handler[8:12]) == "vide"
		if !all && !video {
			continue
		}
		setTimes(Child(track, "tkhd"), at)
		setTimes(Child(track, "mdia", "mdhd"), at)
		if !all {
			break
		}
	}
	_, err = file.WriteAt(movie, place)
	return err
}

// setTimes writes both times of a box mvhd, tkhd or mdhd. What is cut off before stays.
func setTimes(head []byte, at uint64) {
	switch {
	case len(head) >= 12 && version(head) == 0:
		binary.BigEndian.PutUint32(head[4:], uint32(min(at, 1<<32-1)))
		binary.BigEndian.PutUint32(head[8:], uint32(min(at, 1<<32-1)))
	case len(head) >= 20 && version(head) == 1:
		binary.BigEndian.PutUint64(head[4:], at)
		binary.BigEndian.PutUint64(head[12:], at)
	}
}
