package transcode

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"adainfilter/trainer/container"
)

// What GStreamer's muxer for MP4 and QuickTime does not write is changed in the finished file: numbers only, no box moves. The
// boxes are those of ISO/IEC 14496-12: 8.3.2 tkhd, 8.4.2 mdhd, 8.6.6 elst.

// editable says whether a container has these boxes.
func editable(container string) bool { return container == "mp4" || container == "mov" }

// patch writes what the muxer has no way to say or says wrongly: the head of Opus, sound that begins before the film, and the orientation of the picture.
func (m *muxing) patch(path string) error {
	if slices.ContainsFunc(m.copies, func(c *copied) bool { return strings.HasPrefix(c.Caps, "audio/x-opus") }) {
		if err := container.MendOpus(path); err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
	}
	needed := m.turned != "" && m.turned != "rotate-0"
	for _, c := range m.copies {
		needed = needed || c.shift > 0
	}
	if !needed {
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	at, size, err := container.FindMovie(file)
	if err != nil {
		return fmt.Errorf("%q: %w", path, err)
	}
	movie := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(file, at, size), movie); err != nil {
		return err
	}
	m.patchMovie(movie)
	_, err = file.WriteAt(movie, at)
	return err
}

func (m *muxing) patchMovie(movie []byte) {
	scale := int64(container.Timescale(container.Child(movie, "mvhd")))
	tracks, err := container.Tracks(movie)
	if err != nil || scale == 0 {
		return // what is missing then, verify says
	}
	for slot, track := range tracks {
		if slot == 0 {
			turn(container.Child(track, "tkhd"), m.turned)
		}
		for _, c := range m.copies {
			if c.slot == slot && c.shift > 0 {
				begin(track, c.shift, scale)
			}
		}
	}
}

// begin makes a track begin a time after its first sample: its edit list leaves out what lies before.
func begin(track []byte, shift time.Duration, movieScale int64) {
	list, media := container.Child(track, "edts", "elst"), int64(container.Timescale(container.Child(track, "mdia", "mdhd")))
	if len(list) != 20 || list[0] != 0 || binary.BigEndian.Uint32(list[4:]) != 1 || media == 0 {
		return
	}
	inMovie := uint32(units(shift, movieScale))
	duration := binary.BigEndian.Uint32(list[8:])
	if inMovie >= duration {
		return
	}
	binary.BigEndian.PutUint32(list[8:], duration-inMovie)
	binary.BigEndian.PutUint32(list[12:], binary.BigEndian.Uint32(list[12:])+uint32(units(shift, media)))
	if head := container.Child(track, "tkhd"); len(head) >= 24 && head[0] == 0 {
		if d := binary.BigEndian.Uint32(head[20:]); d > inMovie {
			binary.BigEndian.PutUint32(head[20:], d-inMovie)
		}
	}
}

func units(t time.Duration, scale int64) int64 {
	return int64((float64(t)*float64(scale))/float64(time.Second) + 0.5)
}

// orientations are the upper left parts of the matrices for GStreamer's tag image-orientation.
var orientations = map[string][4]int32{
	"rotate-90": {0, 1, -1, 0}, "rotate-180": {-1, 0, 0, -1}, "rotate-270": {0, -1, 1, 0},
	"flip-rotate-0": {-1, 0, 0, 1}, "flip-rotate-90": {0, -1, -1, 0}, "flip-rotate-180": {1, 0, 0, -1}, "flip-rotate-270": {0, 1, 1, 0},
}

// turn sets the matrix of a box tkhd.
func turn(head []byte, orientation string) {
	o, ok := orientations[orientation]
	if !ok || len(head) < 1 {
		return
	}
	at := 40
	if head[0] == 1 {
		at = 52
	}
	if len(head) < at+44 {
		return
	}
	// a, b, u, c, d, v, x, y, w; the size that follows moves the turned picture back to the corner.
	width, height := int32(binary.BigEndian.Uint32(head[at+36:])), int32(binary.BigEndian.Uint32(head[at+40:]))
	x, y := int32(0), int32(0)
	if o[0]+o[2] < 0 {
		x = -(o[0]*width + o[2]*height)
	}
	if o[1]+o[3] < 0 {
		y = -(o[1]*width + o[3]*height)
	}
	for i, v := range []int32{o[0] << 16, o[1] << 16, 0, o[2] << 16, o[3] << 16, 0, x, y, 1 << 30} {
		binary.BigEndian.PutUint32(head[at+4*i:], uint32(v))
	}
}
