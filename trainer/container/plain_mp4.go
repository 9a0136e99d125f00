package container

import (
	"errors"
	"io"
	"math"
	"os"
)

// Plain writes the tracks of an MP4 besides the video so that no edit list leaves samples out: GStreamer's reader loses the end of tracks
// that begin within their samples. Each begins with its first whole sample, at its time. Of videos the first frame stays, so that tracks keep
// their order. Out is not synced. Errors: of reading and writing, an edit list of several parts.
func Plain(path, out string) error {
	source, err := os.Open(path)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	film, err := readMovie(source)
	if err != nil {
		return err
	}
	var tracks []*moved
	for _, t := range film.tracks {
		if t.samples == 0 || elsewhere(t.data) {
			continue
		}
		m := &moved{trak: t, file: source, size: info.Size(), number: uint32(len(tracks) + 1)}
		if t.Kind == "video" {
			m.trak, m.pieces, err = t.firstSample(info.Size())
		} else {
			m.trak, m.pieces, err = t.cutOut(film.scale, 0, math.Inf(1), info.Size(), true)
		}
		if err != nil {
			return err
		}
		if m.trak == nil {
			continue
		}
		m.count = len(m.pieces)
		tracks = append(tracks, m)
	}
	for _, t := range tracks {
		t.box = renumbered(t.data, numbers(tracks), t.number)
	}
	head, err := fileHead(film, source)
	if err != nil {
		return err
	}
	target, err := os.Create(out)
	if err != nil {
		return err
	}
	return errors.Join(writeTracks(target, head, film, film, tracks, true), target.Close())
}

// Unpromised copies an MP4 and leaves out how long it says that it is, so that no track is short beside it (Contents.Short). Out is not
// synced. Errors: of reading and writing.
func Unpromised(path, out string) error {
	source, err := os.Open(path)
	if err != nil {
		return err
	}
	defer source.Close()
	movie, at, err := loadMovie(source)
	if err != nil {
		return err
	}
	head := Child(movie, "mvhd")
	if _, ok := mediaDuration(head); !ok {
		return errors.New("its box mvhd is broken")
	}
	setLength(head, mediaLength, 0)
	target, err := os.Create(out)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	if err == nil {
		_, err = target.WriteAt(movie, at)
	}
	return errors.Join(err, target.Close())
}

// firstSample is a track with its first sample only, where it was shown.
func (t *trak) firstSample(fileSize int64) (*trak, []chunk, error) {
	table := Child(t.data, "mdia", "minf", "stbl")
	sizes, err := sampleSizes(table)
	if err != nil {
		return nil, nil, err
	}
	pieces, runs, err := t.pieces(table, sizes, 0, 1, fileSize)
	if err != nil {
		return nil, nil, err
	}
	clock := readTicks(table)
	one := *t
	tables := subTables(table, clock, sizes, 0, 1, runs)
	one.data = replaced(t.data, []string{"mdia", "minf"}, func(b box) []byte {
		if b.name == "stbl" {
			return pack("stbl", tables)
		}
		return pack(b.name, b.data)
	})
	return &one, pieces, nil
}
