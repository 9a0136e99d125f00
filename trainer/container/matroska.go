package container

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// matroska is the description of a Matroska file: what lies beside its clusters.
type matroska struct {
	docType string
	scale   int64 // nanoseconds of a tick
	info    []element
	tracks  []*entry
	parts   []element // chapters, attachments and tags, in the order of the file
	start   int64     // of the first cluster
}

// entry is a track of a Matroska file.
type entry struct {
	Track
	uid  uint64
	list []element
}

// readMatroska reads a whole file but what is in its clusters.
func readMatroska(file *os.File) (*matroska, error) {
	r, err := newReader(file)
	if err != nil {
		return nil, err
	}
	m := &matroska{scale: 1e6}
	segments := 0
	for {
		at := r.at
		id, size, err := r.next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && m.start > 0 {
			break
		} else if err != nil {
			return nil, err
		}
		switch id {
		case idSegment:
			if segments++; segments > 1 {
				return m, nil // another film behind this one
			}
		case idCluster:
			if m.start == 0 {
				m.start = at
			}
			if size != unknownSize {
				r.skip(size)
			}
		case idEBML, idInfo, idTracks, idChapters, idAttachments, idTags:
			data, err := r.load(size)
			if err != nil {
				return nil, err
			}
			if err := m.take(element{id, data}); err != nil {
				return nil, err
			}
		default:
			r.skip(size)
		}
	}
	if len(m.tracks) == 0 {
		return nil, errors.New("its list of tracks is missing")
	}
	return m, nil
}

func (m *matroska) take(e element) error {
	list, err := elements(e.data)
	if err != nil {
		return err
	}
	switch e.id {
	case idEBML:
		m.docType = string(first(list, idDocType))
	case idInfo:
		m.info = list
		if v := number(first(list, idScale)); v > 0 && v <= 1e9 {
			m.scale = int64(v)
		}
	case idTracks:
		for _, t := range list {
			if t.id != idEntry {
				continue
			}
			fields, err := elements(t.data)
			if err != nil {
				return err
			}
			m.tracks = append(m.tracks, readEntry(fields))
		}
	default:
		m.parts = append(m.parts, e)
	}
	return nil
}

func readEntry(fields []element) *entry {
	t := &entry{list: fields, uid: number(first(fields, idUID))}
	t.ID, t.Name = number(first(fields, idNumber)), string(first(fields, idName))
	t.Format, t.Language = string(first(fields, idCodec)), string(first(fields, idLanguage))
	switch number(first(fields, idType)) {
	case 1:
		t.Kind = "video"
	case 2:
		t.Kind = "audio"
	case 17:
		t.Kind = "subtitle"
	case 33:
		t.Kind = "metadata"
	default:
		t.Kind = "other"
	}
	return t
}

// video is the first video track, nil if there is none.
func (m *matroska) video() *entry {
	for _, t := range m.tracks {
		if t.Kind == "video" {
			return t
		}
	}
	return nil
}

func lookMatroska(file *os.File) (*Contents, error) {
	m, err := readMatroska(file)
	if err != nil {
		return nil, err
	}
	c := &Contents{Family: Matroska, Scale: m.scale, WebM: m.docType == "webm"}
	for _, t := range m.tracks {
		c.Tracks = append(c.Tracks, t.Track)
	}
	for _, p := range m.parts {
		switch p.id {
		case idChapters:
			c.Chapters = true
		case idTags:
			c.Tags = true
		case idAttachments:
			files, _ := attachments(p.data)
			c.Tracks = append(c.Tracks, files...)
		}
	}
	return c, nil
}

// attachments are the files that are attached to a film.
func attachments(data []byte) (found []Track, err error) {
	list, err := elements(data)
	for _, e := range list {
		if e.id != idAttached {
			continue
		}
		if fields, err := elements(e.data); err == nil {
			found = append(found, Track{Kind: "attachment", Format: string(first(fields, idFileMedia)), Name: string(first(fields, idFileName))})
		}
	}
	return found, err
}

// block is a coded frame, or several, of a Matroska file.
type block struct {
	track uint64
	time  int64 // in nanoseconds
	key   bool
	id    uint32 // idSimpleBlock or idGroup
	head  int    // bytes before the frames: number of the track, time, flags
	data  []byte // of the block itself
	extra []byte // of a group: all besides the block, as it is
}

// blockReader reads the blocks of a file one by one.
type blockReader struct {
	*ebmlReader
	scale   int64
	cluster int64
}

func (m *matroska) blocks(file *os.File) (*blockReader, error) {
	r, err := newReader(file)
	if err != nil {
		return nil, err
	}
	r.at = m.start
	if m.start == 0 {
		r.at = r.size
	}
	return &blockReader{ebmlReader: r, scale: m.scale}, nil
}

// next is the next block of the tracks that are wanted, io.EOF after the last. A file that is cut off ends with its last whole block.
func (r *blockReader) next(wanted func(track uint64) bool) (block, error) {
	for {
		id, size, err := r.ebmlReader.next()
		if errors.Is(err, io.ErrUnexpectedEOF) || id == idSegment {
			return block{}, io.EOF
		} else if err != nil {
			return block{}, err
		}
		switch id {
		case idCluster:
			continue
		case idTime:
			data, err := r.load(size)
			if err != nil {
				return block{}, err
			}
			r.cluster = int64(number(data))
			continue
		case idSimpleBlock, idGroup:
		default:
			r.skip(size)
			continue
		}
		data, err := r.load(size)
		if err != nil {
			return block{}, err
		}
		b, err := r.parse(id, data)
		if err != nil {
			return block{}, fmt.Errorf("at byte %d: %w", r.at-size, err)
		}
		if wanted(b.track) {
			return b, nil
		}
	}
}

func (r *blockReader) parse(id uint32, data []byte) (b block, err error) {
	b = block{id: id, data: data, key: true}
	if id == idGroup {
		list, err := elements(data)
		if err != nil {
			return b, err
		}
		b.data = nil
		for _, e := range list {
			switch e.id {
			case idBlock:
				b.data = e.data
			case idCRC:
			default:
				b.key = b.key && e.id != idReference
				b.extra = appendElement(b.extra, e.id, e.data)
			}
		}
	}
	n, rest, err := readSize(b.data)
	if err != nil || len(rest) < 3 {
		return b, errors.New("a block is broken")
	}
	b.track, b.head = uint64(n), len(b.data)-len(rest)+3
	b.time = (r.cluster + int64(int16(uint16(rest[0])<<8|uint16(rest[1])))) * r.scale
	if id == idSimpleBlock {
		b.key = rest[2]&0x80 != 0
	}
	return b, nil
}

// VideoTimes are the times of the frames of a Matroska film's first video, in the order of the file. GStreamer's reader loses those of some
// codecs, ProRes for one. Errors: of reading, a file of another family or without video.
func VideoTimes(path string) (times []time.Duration, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m, err := readMatroska(file)
	if err != nil {
		return nil, err
	}
	video := m.video()
	if video == nil {
		return nil, errors.New("there is no video track")
	}
	r, err := m.blocks(file)
	if err != nil {
		return nil, err
	}
	for {
		b, err := r.next(func(track uint64) bool { return track == video.ID })
		if errors.Is(err, io.EOF) {
			return times, nil
		} else if err != nil {
			return nil, err
		}
		times = append(times, time.Duration(b.time))
	}
}

// goesIntoWebM says whether WebM takes a track besides video.
func goesIntoWebM(format string) bool {
	return slices.Contains([]string{"A_OPUS", "A_VORBIS"}, format) || strings.HasPrefix(format, "D_WEBVTT/")
}
