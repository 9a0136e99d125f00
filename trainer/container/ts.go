package container

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Transport streams are ISO/IEC 13818-1: 2.4.3.2 packets, 2.4.3.4 adaptation fields, 2.4.3.6 PES packets, 2.4.4 tables of programmes.
const tsPacket = 188

// lookLimit is how much of a transport stream is read to find its programmes, in bytes.
const lookLimit = 32 << 20

// tsReader reads the packets of a transport stream, wherever it begins, and finds the next one behind damage.
type tsReader struct {
	r      *bufio.Reader
	stride int // 188, 192 with a time before each, 204 with a checksum behind it
	lost   int // bytes that belong to no packet
}

func (t *tsReader) missed() int { return t.lost }

// newTSReader finds the size of packets and the first of them. The error says that it is no transport stream.
func newTSReader(file *os.File) (*tsReader, error) {
	head := make([]byte, 8<<10)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head = head[:n]
	for _, stride := range []int{188, 192, 204} {
		for at := 0; at < min(stride+8, len(head)); at++ {
			seen := 0
			for at+seen*stride < len(head) && head[at+seen*stride] == 0x47 {
				seen++
			}
			if seen >= 8 && at+seen*stride >= len(head) || seen >= 3 && len(head) < 8*stride && at+seen*stride >= len(head) {
				if _, err := file.Seek(int64(at), io.SeekStart); err != nil {
					return nil, err
				}
				return &tsReader{r: bufio.NewReaderSize(file, 1<<20), stride: stride}, nil
			}
		}
	}
	return nil, errUnknown
}

// next is the next packet of 188 bytes, valid until the next call. A last one that is cut off is left out.
func (t *tsReader) next() ([]byte, error) {
	for {
		b, err := t.r.Peek(tsPacket)
		if err != nil {
			return nil, io.EOF
		}
		if b[0] == 0x47 {
			if two, err := t.r.Peek(t.stride + 1); err != nil || two[t.stride] == 0x47 {
				packet := slices.Clone(b)
				t.r.Discard(min(t.stride, t.r.Buffered()))
				return packet, nil
			}
		}
		t.r.Discard(1)
		t.lost++
	}
}

func packetPID(p []byte) int { return int(p[1]&0x1f)<<8 | int(p[2]) }

// payload is what a packet carries behind its adaptation field.
func payload(p []byte) []byte {
	switch {
	case p[3]&0x10 == 0:
		return nil
	case p[3]&0x20 == 0:
		return p[4:]
	case int(p[4]) > tsPacket-6:
		return nil
	}
	return p[5+int(p[4]):]
}

// sections puts the tables of one PID together.
type sections struct{ data []byte }

// add takes the payload of a packet and gives a table when it is whole, nil else.
func (s *sections) add(p []byte) []byte {
	b := payload(p)
	if p[1]&0x40 != 0 {
		if len(b) == 0 || int(b[0])+1 > len(b) {
			return nil
		}
		s.data = slices.Clone(b[1+int(b[0]):])
	} else if s.data != nil {
		s.data = append(s.data, b...)
	}
	if len(s.data) < 3 {
		return nil
	}
	size := 3 + (int(s.data[1]&0x0f)<<8 | int(s.data[2]))
	if len(s.data) < size || size < 12 {
		return nil
	}
	table := s.data[:size]
	s.data = nil
	return table
}

// stream is one of a programme.
type stream struct {
	Track
	typ         byte
	descriptors []byte
	known       bool // GStreamer has a word for it, or gets one from us
}

// program is a table of what belongs together.
type program struct {
	number, pid, pcr int
	info             []byte // descriptors of all of it
	streams          []*stream
}

// programs reads the tables at the beginning of a transport stream.
func programs(file *os.File) (found []*program, err error) {
	r, err := newTSReader(file)
	if err != nil {
		return nil, err
	}
	pat, tables := &sections{}, map[int]*sections{}
	for n := 0; n < lookLimit; n += tsPacket {
		p, err := r.next()
		if err != nil {
			break
		}
		pid := packetPID(p)
		if pid == 0 && found == nil {
			if table := pat.add(p); table != nil && table[0] == 0 {
				for b := table[8 : len(table)-4]; len(b) >= 4; b = b[4:] {
					if number := int(binary.BigEndian.Uint16(b)); number != 0 {
						pid := int(b[2]&0x1f)<<8 | int(b[3])
						found, tables[pid] = append(found, &program{number: number, pid: pid}), &sections{}
					}
				}
			}
		} else if s := tables[pid]; s != nil {
			if table := s.add(p); table != nil && table[0] == 2 {
				missing := false
				for _, g := range found {
					if g.pid == pid && g.streams == nil && int(binary.BigEndian.Uint16(table[3:])) == g.number {
						g.read(table)
					}
					missing = missing || g.streams == nil
				}
				if !missing {
					break
				}
			}
		}
	}
	found = slices.DeleteFunc(found, func(g *program) bool { return len(g.streams) == 0 })
	if len(found) == 0 {
		return nil, errUnknown
	}
	return found, nil
}

func (g *program) read(table []byte) {
	g.pcr = int(table[8]&0x1f)<<8 | int(table[9])
	size := int(table[10]&0x0f)<<8 | int(table[11])
	b := table[12 : len(table)-4]
	if size > len(b) {
		return
	}
	g.info, b = slices.Clone(b[:size]), b[size:]
	for len(b) >= 5 {
		size := int(b[3]&0x0f)<<8 | int(b[4])
		if size > len(b)-5 {
			return
		}
		s := &stream{typ: b[0], descriptors: slices.Clone(b[5 : 5+size])}
		s.ID, s.Program, s.Format = uint64(b[1]&0x1f)<<8|uint64(b[2]), g.number, fmt.Sprintf("0x%02x", b[0])
		s.classify(registration(g.info) == "HDMV")
		g.streams = append(g.streams, s)
		b = b[5+size:]
	}
}

// descriptor is the first of a tag, nil if there is none.
func descriptor(list []byte, tag byte) []byte {
	for len(list) >= 2 && int(list[1]) <= len(list)-2 {
		if list[0] == tag {
			return list[2 : 2+int(list[1])]
		}
		list = list[2+int(list[1]):]
	}
	return nil
}

func registration(list []byte) string {
	if d := descriptor(list, 5); len(d) >= 4 {
		return string(d[:4])
	}
	return ""
}

// classify finds out what a stream is (table 2-34, ATSC A/53 part 3, Blu-ray's numbers under HDMV, ETSI EN 300 468 for the descriptors).
func (s *stream) classify(disc bool) {
	s.Kind, s.known = "metadata", false
	name := registration(s.descriptors)
	if d := descriptor(s.descriptors, 10); len(d) >= 3 {
		s.Language = string(bytes.ToValidUTF8(d[:3], nil))
	}
	has := func(tag byte) bool { return descriptor(s.descriptors, tag) != nil }
	set := func(kind, format string) { s.Kind, s.Format, s.known = kind, format, true }
	switch s.typ {
	case 0x01, 0x02:
		set("video", "MPEG-2")
	case 0x10:
		set("video", "MPEG-4")
	case 0x1b:
		set("video", "H.264")
	case 0x24:
		set("video", "H.265")
	case 0xd1, 0xea:
		set("video", s.Format)
	case 0x03, 0x04:
		set("audio", "MPEG")
	case 0x0f, 0x11:
		set("audio", "AAC")
	case 0x81:
		set("audio", "AC-3")
	case 0x84, 0x87:
		set("audio", "E-AC-3")
	case 0x82, 0x85, 0x86, 0x8a:
		if name != "CUEI" && (s.typ != 0x86 || disc || len(name) == 4 && name[:3] == "DTS") {
			set("audio", "DTS")
		}
	case 0x80, 0x83:
		if disc {
			set("audio", map[byte]string{0x80: "LPCM", 0x83: "TrueHD"}[s.typ])
		}
	case 0x90, 0x91, 0x92:
		if disc {
			set("subtitle", "HDMV")
		}
	case 0x06:
		s.classifyPrivate(name, has, set)
	}
}

func (s *stream) classifyPrivate(name string, has func(byte) bool, set func(kind, format string)) {
	switch {
	case has(0x6a) || name == "AC-3":
		set("audio", "AC-3")
	case has(0x7a) || name == "EAC3":
		set("audio", "E-AC-3")
	case has(0x7b) || len(name) == 4 && name[:3] == "DTS":
		set("audio", "DTS")
	case name == "Opus" || name == "BSSD":
		set("audio", name)
	case name == "HEVC":
		set("video", "H.265")
	case has(0x59):
		set("subtitle", "DVB")
	case has(0x56) || has(0x46):
		set("subtitle", "teletext")
	case name == "KLVA":
		set("metadata", "KLV")
		s.known = true
	}
}

func lookTS(file *os.File) (*Contents, error) {
	found, err := programs(file)
	if err != nil {
		return nil, err
	}
	c := &Contents{Family: TS}
	for _, g := range found {
		c.Programs = append(c.Programs, g.number)
		for _, s := range g.streams {
			c.Tracks = append(c.Tracks, s.Track)
		}
	}
	return c, nil
}
