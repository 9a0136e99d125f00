package container

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
)

// movie is the description of an MP4 file. The boxes are those of ISO/IEC 14496-12: 8.2.2 mvhd, 8.3.2 tkhd, 8.3.3 tref, 8.4.2 mdhd,
// 8.4.3 hdlr, 8.5.2 stsd, 8.6.1 stts, 8.6.6 elst, 8.7.3 stsz, 8.7.4 stsc, 8.7.5 stco and co64.
type movie struct {
	tops   []top
	data   []byte // of the box moov
	scale  uint32 // ticks a second
	tracks []*trak
}

// trak is a track of an MP4 file.
type trak struct {
	Track
	data    []byte // of the box trak
	handler string
	samples int
	scale   uint32
}

func readMovie(file *os.File) (*movie, error) {
	m := &movie{}
	var err error
	if m.tops, err = tops(file); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(m.tops, func(t top) bool { return t.name == "moov" })
	if i < 0 {
		return nil, errNoMovie
	}
	if m.data, err = m.tops[i].load(file); err != nil {
		return nil, err
	}
	if m.scale = Timescale(Child(m.data, "mvhd")); m.scale == 0 {
		return nil, errors.New("the box mvhd is missing or broken")
	}
	tracks, err := Tracks(m.data)
	if err != nil {
		return nil, err
	}
	for _, data := range tracks {
		m.tracks = append(m.tracks, readTrak(data))
	}
	m.findChapters()
	return m, nil
}

// Tracks is what is in the boxes trak of a box moov, in their order. It shares the memory of movie. The error says which box is broken.
func Tracks(movie []byte) (found [][]byte, err error) {
	below, err := boxes(movie)
	for _, b := range below {
		if b.name == "trak" {
			found = append(found, b.data)
		}
	}
	return found, err
}

// Timescale is that of a box mvhd or mdhd, 0 if it is broken.
func Timescale(head []byte) uint32 {
	switch {
	case len(head) >= 20 && head[0] == 0:
		return binary.BigEndian.Uint32(head[12:])
	case len(head) >= 32 && head[0] == 1:
		return binary.BigEndian.Uint32(head[20:])
	}
	return 0
}

func readTrak(data []byte) *trak {
	t := &trak{data: data}
	if head := Child(data, "tkhd"); len(head) >= 24 {
		t.ID = uint64(binary.BigEndian.Uint32(head[trackID(head):]))
	}
	media := Child(data, "mdia", "mdhd")
	t.scale = Timescale(media)
	if at := 20 + 12*int(version(media)); len(media) >= at+2 {
		t.Language = packedLanguage(binary.BigEndian.Uint16(media[at:]))
	}
	if h := Child(data, "mdia", "hdlr"); len(h) >= 12 {
		t.handler = string(h[8:12])
	}
	table := Child(data, "mdia", "minf", "stbl")
	if list := Child(table, "stsd"); len(list) >= 16 {
		t.Format = strings.TrimSpace(string(list[12:16]))
	}
	if sizes := Child(table, "stsz"); len(sizes) >= 12 {
		t.samples = int(binary.BigEndian.Uint32(sizes[8:]))
	} else if sizes := Child(table, "stz2"); len(sizes) >= 12 {
		t.samples = int(binary.BigEndian.Uint32(sizes[8:]))
	}
	t.Name = trakName(data)
	t.Kind = handlerKind(t.handler, t.Format)
	return t
}

func version(full []byte) byte {
	if len(full) > 0 && full[0] == 1 {
		return 1
	}
	return 0
}

// trackID is the place of the number in a box tkhd.
func trackID(head []byte) int { return 12 + 8*int(version(head)) }

// packedLanguage unpacks three letters of five bits; QuickTime's old numbers of languages are left out.
func packedLanguage(v uint16) string {
	if v < 0x400 || v == 0x7fff {
		return ""
	}
	code := string([]byte{byte(v>>10&31) + 0x60, byte(v>>5&31) + 0x60, byte(v&31) + 0x60})
	if code == "und" {
		return ""
	}
	return code
}

// trakName is the name that people gave a track.
func trakName(data []byte) string {
	user := Child(data, "udta")
	if name := Child(user, "name"); len(name) > 0 {
		return strings.TrimRight(string(bytes.ToValidUTF8(name, nil)), "\x00")
	}
	return ""
}

func handlerKind(handler, format string) string {
	switch handler {
	case "vide":
		return "video"
	case "soun":
		return "audio"
	case "text", "sbtl", "subt", "subp", "clcp":
		return "subtitle"
	case "tmcd":
		return "timecode"
	case "meta":
		return "metadata"
	}
	if format == "tmcd" {
		return "timecode"
	}
	return "other"
}

// findChapters marks the tracks that others take their chapters from.
func (m *movie) findChapters() {
	for _, t := range m.tracks {
		for _, id := range references(Child(t.data, "tref", "chap")) {
			for _, c := range m.tracks {
				if c.ID == uint64(id) && c.Kind != "video" {
					c.Kind = "chapters"
				}
			}
		}
	}
}

func references(data []byte) (ids []uint32) {
	for ; len(data) >= 4; data = data[4:] {
		ids = append(ids, binary.BigEndian.Uint32(data))
	}
	return ids
}

// video is the first video track that has frames, nil if there is none.
func (m *movie) video() *trak {
	for _, t := range m.tracks {
		if t.Kind == "video" && t.samples > 0 {
			return t
		}
	}
	return nil
}

func (m *movie) quickTime(file *os.File) bool {
	for _, t := range m.tops {
		if t.name == "ftyp" {
			brand := make([]byte, 4)
			_, err := file.ReadAt(brand, t.at)
			return err == nil && string(brand) == "qt  "
		}
	}
	return true
}

// Where boxes of version 0 say how long something is, in 32 bits. Those of version 1 do 8 bytes further, in 64.
const (
	mediaLength = 16 // mvhd, mdhd
	trackLength = 20 // tkhd
)

// lengthAt is the length that a box has at a place; false where it says that it is unknown.
func lengthAt(head []byte, at int) (uint64, bool) {
	if version(head) == 1 && len(head) >= at+16 {
		d := binary.BigEndian.Uint64(head[at+8:])
		return d, d < 1<<62
	}
	if version(head) == 0 && len(head) >= at+4 {
		d := binary.BigEndian.Uint32(head[at:])
		return uint64(d), d < 1<<32-1
	}
	return 0, false
}

// setLength writes the length that a box has at a place. One that is cut off before stays as it is.
func setLength(head []byte, at int, v uint64) {
	if version(head) == 1 && len(head) >= at+16 {
		binary.BigEndian.PutUint64(head[at+8:], v)
	} else if version(head) == 0 && len(head) >= at+4 {
		binary.BigEndian.PutUint32(head[at:], uint32(v))
	}
}

// mediaDuration is the length in a box mvhd or mdhd, in its own scale; false where it says that it is unknown.
func mediaDuration(head []byte) (uint64, bool) { return lengthAt(head, mediaLength) }

// maxLead is how much sound encoders write before the beginning, in seconds, which every reader skips.
const maxLead = 0.1

func lookMP4(file *os.File) (*Contents, error) {
	m, err := readMovie(file)
	if err != nil {
		return nil, err
	}
	c := &Contents{Family: MP4, Scale: int64(outScale(m)), QuickTime: m.quickTime(file), Fragmented: Child(m.data, "mvex") != nil}
	c.Tags = Child(m.data, "udta") != nil || Child(m.data, "meta") != nil
	c.Chapters = Child(m.data, "udta", "chpl") != nil
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	promised, known := mediaDuration(Child(m.data, "mvhd"))
	for _, t := range m.tracks {
		if d, ok := mediaDuration(Child(t.data, "mdia", "mdhd")); ok && known && t.scale > 0 && t.samples > 0 && (t.Kind == "video" || t.Kind == "audio") {
			c.Short = c.Short || 5*float64(d)/float64(t.scale) < float64(promised)/float64(m.scale)
		}
		if e, simple := readEdit(t.data, m.scale); simple && t.Kind != "video" && t.scale > 0 && float64(e.media) > maxLead*float64(t.scale) {
			c.Edited = !c.Fragmented
		}
		if t.samples > 0 && !elsewhere(t.data) {
			_, err := t.countChunks(info.Size())
			c.Torn = c.Torn || err != nil
		}
		if t.samples > 0 || c.Fragmented {
			c.Tracks = append(c.Tracks, t.Track)
		}
	}
	return c, nil
}
