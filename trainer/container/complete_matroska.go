package container

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// The elements by which a Matroska file carries transparency: a second stream of which each frame lies beside one of the video
// (WebM Container Guidelines, "Alpha Channel").
const (
	idMaxAddition, idVideo, idAlphaMode        = 0x55ee, 0xe0, 0x53c0
	idAdditions, idMore, idAddID, idAdditional = 0x75a1, 0xa6, 0xee, 0xa5
)

// Completion is what Complete adds to a Matroska file.
type Completion struct {
	Path, Out string    // the file, and the one to write, which is not synced
	App       string    // who writes it
	Chapters  []Chapter // in the place of the file's own; nil leaves those
	// Alpha, where it is not nil, gives for each frame of the first video one of a second stream, whose luma is how opaque the video is, in the order of the file; io.EOF comes
	// after the last. Players that know it decode both, others the video alone.
	Alpha func() ([]byte, error)
}

// Complete copies a Matroska file and adds what GStreamer's muxer does not write. Errors: of reading and writing, Alpha's, fewer or more frames of it than the video's.
func Complete(c Completion) error {
	source, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer source.Close()
	film, err := readMatroska(source)
	if err != nil {
		return err
	}
	old := film.video()
	if old == nil {
		return errors.New("there is no video track")
	}
	if c.Chapters != nil {
		film.parts = slices.DeleteFunc(film.parts, func(e element) bool { return e.id == idChapters })
		film.parts = append(film.parts, element{idChapters, chapterList(c.Chapters)})
	}
	fresh := old
	if c.Alpha != nil {
		fresh = old.withAlpha()
	}
	target, err := os.Create(c.Out)
	if err != nil {
		return err
	}
	w := &mkvWriter{out: target, scale: film.scale, video: old.ID}
	wanted := map[uint64]bool{}
	for _, t := range film.tracks {
		wanted[t.ID] = true
	}
	err = w.begin(Carriage{WebM: film.docType == "webm", App: c.App}, film, old, fresh, wanted)
	if err == nil {
		err = w.copyBlocks(film, source, c.Alpha)
	}
	if err == nil {
		w.last = max(w.last, int64(floating(first(film.info, idDuration))))
		err = w.finish()
	}
	return errors.Join(err, target.Close())
}

// withAlpha is the entry of a video with a second stream.
func (t *entry) withAlpha() *entry {
	fresh := *t
	fresh.list = nil
	for _, e := range t.list {
		if e.id == idVideo {
			e.data = appendNumber(slices.Clone(e.data), idAlphaMode, 1)
		}
		fresh.list = append(fresh.list, e)
	}
	fresh.list = append(fresh.list, element{idMaxAddition, []byte{1}})
	return &fresh
}

// copyBlocks writes all blocks of a file, those of the video with what next gives; nil gives nothing.
func (w *mkvWriter) copyBlocks(film *matroska, source *os.File, next func() ([]byte, error)) error {
	blocks, err := film.blocks(source)
	if err != nil {
		return err
	}
	before := int64(0) // when the video's last frame was shown
	for n := 0; ; {
		b, err := blocks.next(func(uint64) bool { return true })
		if errors.Is(err, io.EOF) {
			if next == nil {
				return nil
			}
			if _, err := next(); !errors.Is(err, io.EOF) {
				return fmt.Errorf("transparency has more frames than the %d of the video", n)
			}
			return nil
		} else if err != nil {
			return err
		}
		if b.track == w.video && next != nil {
			alpha, err := next()
			if errors.Is(err, io.EOF) {
				return fmt.Errorf("transparency has %d frames, wanted more", n)
			} else if err != nil {
				return err
			}
			n++
			now := b.time
			b = b.with(alpha, (before-now)/w.scale)
			before = now
		}
		if err := w.block(b); err != nil {
			return err
		}
	}
}

// with is a block as a group with an addition. reference is the distance to the frame that it needs, in ticks.
func (b block) with(addition []byte, reference int64) block {
	more := appendElement(appendNumber(nil, idAddID, 1), idAdditional, addition)
	b.extra = appendElement(slices.Clone(b.extra), idAdditions, appendElement(nil, idMore, more))
	if b.id == idSimpleBlock {
		b.id, b.data = idGroup, slices.Clone(b.data)
		b.data[b.head-1] &^= 0x81 // a block in a group says in another way what a frame needs
		if !b.key {
			b.extra = appendElement(b.extra, idReference, binary.BigEndian.AppendUint32(nil, uint32(int32(reference))))
		}
	}
	return b
}
