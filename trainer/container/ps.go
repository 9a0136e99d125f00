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

// Program streams (ISO/IEC 13818-1, 2.5.3) lie on DVDs and in files of recorders: .mpg, .vob. They hold the same PES packets as transport
// streams, so they are mended as those. What DVDs put into the private stream 1 has a number and three bytes more before its data.

// The PIDs that the streams of a program stream get.
const (
	psTable   = 0x1000
	psClock   = 0x1001
	psStream  = 0x100 // + the number of a stream
	psPrivate = 0x200 // + the number within the private stream
)

// psReader makes packets of a transport stream of a program stream.
type psReader struct {
	r        *bufio.Reader
	queue    [][]byte
	counters map[int]byte
	lost     int
}

// newPSReader is for files that begin with a pack of MPEG-2. The error says that it is none.
func newPSReader(file *os.File) (*psReader, error) {
	var head [5]byte
	if _, err := file.ReadAt(head[:], 0); err != nil || string(head[:4]) != "\x00\x00\x01\xba" || head[4]&0xc0 != 0x40 {
		return nil, errUnknown
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return &psReader{r: bufio.NewReaderSize(file, 1<<20), counters: map[int]byte{}}, nil
}

func (s *psReader) missed() int { return s.lost }

// next is the next packet. A PES packet that is cut off is left out.
func (s *psReader) next() ([]byte, error) {
	for len(s.queue) == 0 {
		if err := s.fill(); err != nil {
			return nil, io.EOF
		}
	}
	p := s.queue[0]
	s.queue = s.queue[1:]
	return p, nil
}

// fill takes the next unit of the stream.
func (s *psReader) fill() error {
	b, err := s.r.Peek(6)
	if err != nil {
		return err
	}
	if b[0] != 0 || b[1] != 0 || b[2] != 1 || b[3] < 0xb9 {
		s.lost++
		_, err := s.r.Discard(1)
		return err
	}
	switch id := b[3]; {
	case id == 0xb9: // the end of this stream; another may follow
		_, err := s.r.Discard(4)
		return err
	case id == 0xba:
		return s.pack()
	default:
		unit := make([]byte, 6+int(binary.BigEndian.Uint16(b[4:])))
		if _, err := io.ReadFull(s.r, unit); err != nil {
			return err
		}
		if id >= 0xc0 && id <= 0xef {
			s.split(unit, psStream+int(id))
		} else if id == 0xbd {
			s.private(unit)
		}
		return nil
	}
}

// pack takes the clock of a pack (2.5.3.4).
func (s *psReader) pack() error {
	b := make([]byte, 14)
	if _, err := io.ReadFull(s.r, b); err != nil {
		return err
	}
	scr := int64(b[4]>>3&7)<<30 | int64(b[4]&3)<<28 | int64(b[5])<<20 | int64(b[6]>>3)<<15 | int64(b[6]&3)<<13 | int64(b[7])<<5 | int64(b[8]>>3)
	p := bytes.Repeat([]byte{0xff}, tsPacket)
	copy(p, []byte{0x47, psClock >> 8, psClock & 0xff, 0x20, tsPacket - 5, 0x10})
	putPCR(p[6:], scr)
	s.queue = append(s.queue, p)
	_, err := s.r.Discard(int(b[13] & 7))
	return err
}

// private takes a packet of the private stream 1.
func (s *psReader) private(unit []byte) {
	if len(unit) < 9 || len(unit) < 9+int(unit[8])+4 {
		return
	}
	at := 9 + int(unit[8])
	sub := unit[at]
	if sub < 0x80 || sub > 0x8f { // neither AC-3 nor DTS
		s.queue = append(s.queue, seen(psPrivate+int(sub)))
		return
	}
	data := slices.Concat(unit[:at], unit[at+4:])
	binary.BigEndian.PutUint16(data[4:], uint16(len(data)-6))
	s.split(data, psPrivate+int(sub))
}

// seen is a packet that says of a stream that it is there.
func seen(pid int) []byte {
	p := bytes.Repeat([]byte{0xff}, tsPacket)
	copy(p, []byte{0x47, byte(pid >> 8), byte(pid), 0x10})
	return p
}

// split makes packets of a PES packet. The last is filled up in its adaptation field.
func (s *psReader) split(unit []byte, pid int) {
	for start := byte(0x40); len(unit) > 0; start = 0 {
		p := make([]byte, tsPacket)
		copy(p, []byte{0x47, start | byte(pid>>8), byte(pid), 0x10 | s.counters[pid]})
		s.counters[pid] = (s.counters[pid] + 1) & 15
		if room := tsPacket - 4 - len(unit); room > 0 {
			p[3] |= 0x20
			p[4] = byte(room - 1)
			for i := 5; i < 4+room; i++ {
				p[i] = 0xff
			}
			if room > 1 {
				p[5] = 0
			}
			copy(p[4+room:], unit)
			unit = nil
		} else {
			unit = unit[copy(p[4:], unit):]
		}
		s.queue = append(s.queue, p)
	}
}

// programOfPS finds the streams of a program stream at its beginning.
func programOfPS(file *os.File) (*program, error) {
	r, err := newPSReader(file)
	if err != nil {
		return nil, err
	}
	g := &program{number: 1, pid: psTable, pcr: psClock}
	known, sure := map[int]bool{psClock: true}, false
	for n := 0; n < lookLimit; n += tsPacket {
		p, err := r.next()
		if err != nil {
			break
		}
		pid := packetPID(p)
		if !known[pid] {
			known[pid] = true
			s := streamOfPS(pid)
			// Sound in ADTS has the head of MPEG's with a layer of 0.
			if b := payload(p); s.typ == 0x03 && len(b) > 9 && len(b) > 10+int(b[8]) && b[9+int(b[8])] == 0xff && b[10+int(b[8])]&0xf6 == 0xf0 {
				s.typ, s.Format = 0x0f, "AAC"
			}
			g.streams = append(g.streams, s)
		}
		if s := g.video(); s != nil && int(s.ID) == pid && !sure {
			sure = s.sniff(payload(p))
		}
	}
	if g.video() == nil {
		return nil, errors.New("it has no video")
	}
	slices.SortStableFunc(g.streams, func(a, b *stream) int { return int(a.ID) - int(b.ID) })
	return g, nil
}

// sniff finds out whether a video is H.264, which program streams say in a table that few write. False says that this cannot be told yet.
func (s *stream) sniff(data []byte) bool {
	if at := bytes.Index(data, []byte{0, 0, 1, 0xb3}); at >= 0 {
		return true
	}
	for _, head := range []byte{0x27, 0x47, 0x67} {
		if bytes.Contains(data, []byte{0, 0, 1, head}) {
			s.typ, s.Format = 0x1b, "H.264"
			return true
		}
	}
	return false
}

func streamOfPS(pid int) *stream {
	s := &stream{}
	s.ID, s.Program = uint64(pid), 1
	set := func(typ byte, kind, format string, known bool) {
		s.typ, s.Kind, s.Format, s.known = typ, kind, format, known
	}
	switch sub := pid - psPrivate; {
	case pid >= psStream+0xe0 && pid < psPrivate:
		set(0x02, "video", "MPEG-2", true)
	case pid >= psStream+0xc0 && pid < psPrivate:
		set(0x03, "audio", "MPEG", true)
	case sub >= 0x80 && sub < 0x88:
		set(0x81, "audio", "AC-3", true)
		s.descriptors = []byte{5, 4, 'A', 'C', '-', '3'}
	case sub >= 0x88 && sub < 0x90:
		set(0x82, "audio", "DTS", true)
	case sub >= 0xa0 && sub < 0xa8:
		set(0, "audio", "LPCM", false)
	case sub >= 0x20 && sub < 0x40:
		set(0, "subtitle", "VobSub", false)
	default:
		set(0, "other", fmt.Sprintf("0x%02x", sub), false)
	}
	return s
}
