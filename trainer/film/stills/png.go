package stills

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"time"
)

const signature = "\x89PNG\r\n\x1a\n"

// indexPNG takes an animated PNG apart (PNG specification, third edition, 11.3.6). Each frame becomes a PNG of its own.
func (f *Film) indexPNG(s *source) error {
	s.at = int64(len(signature))
	var header, palette, transparency, common []byte // the chunk IHDR's data; the chunks PLTE and tRNS, which all frames need, and both
	promised := 0
	var now *part // the frame whose data are read
	for {
		head, err := s.read(8)
		if err != nil {
			return f.endPNG(now, promised, err)
		}
		size, name := int64(binary.BigEndian.Uint32(head)), string(head[4:])
		at, err := s.skip(size + 4)
		if err != nil {
			return f.endPNG(nil, promised, err)
		}
		data := func(n int64) ([]byte, error) {
			b := make([]byte, min(n, size))
			_, err := s.file.ReadAt(b, at.at)
			return b, err
		}
		switch name {
		case "IHDR":
			if header, err = data(13); err != nil || len(header) != 13 {
				return errors.New("is damaged: its chunk IHDR")
			}
			f.Width, f.Height, f.Bits = int(binary.BigEndian.Uint32(header)), int(binary.BigEndian.Uint32(header[4:])), max(int(header[8]), 8)
			f.Alpha = header[9]&4 != 0
		case "acTL":
			b, err := data(8)
			if err != nil || len(b) != 8 {
				return errors.New("is damaged: its chunk acTL")
			}
			promised, f.Loop = int(binary.BigEndian.Uint32(b)), int(binary.BigEndian.Uint32(b[4:]))
		case "PLTE", "tRNS":
			b, err := data(1024)
			if err != nil {
				return err
			}
			if name == "tRNS" {
				f.Alpha, transparency = true, chunk(name, b)
			} else {
				palette = chunk(name, b)
			}
			common = slices.Concat(palette, transparency)
		case "fcTL":
			b, err := data(26)
			if err != nil || len(b) != 26 || header == nil {
				return errors.New("is damaged: a chunk fcTL")
			}
			f.addPNG(now)
			if now, err = partPNG(b, header, common); err != nil {
				return err
			}
		case "IDAT":
			if promised == 0 {
				return ErrNone // a still picture
			}
			if now != nil { // else a picture for programs that know no animation
				now.pieces = append(now.pieces, piece{at.at, size})
			}
		case "fdAT":
			if now == nil || size < 4 {
				return errors.New("is damaged: a chunk fdAT")
			}
			now.pieces = append(now.pieces, piece{at.at + 4, size - 4})
		case "IEND":
			return f.endPNG(now, promised, nil)
		}
	}
}

// addPNG takes up a frame that is complete.
func (f *Film) addPNG(now *part) {
	if now != nil && len(now.pieces) > 0 {
		f.parts = append(f.parts, *now)
	}
}

// endPNG ends the index, with an error or at the end of the file.
func (f *Film) endPNG(now *part, promised int, err error) error {
	f.addPNG(now)
	if err == nil && promised > 0 && len(f.parts) != promised {
		f.Damaged = "it should have more frames"
	}
	return err
}

func partPNG(b, header, common []byte) (*part, error) {
	at := func(i int) int { return int(binary.BigEndian.Uint32(b[i:])) }
	p := &part{width: at(4), height: at(8), x: at(12), y: at(16), over: b[25] == 1}
	if p.width < 1 || p.height < 1 || p.x < 0 || p.y < 0 {
		return nil, errors.New("is damaged: a frame without a size")
	}
	num, den := int64(binary.BigEndian.Uint16(b[20:])), int64(binary.BigEndian.Uint16(b[22:]))
	if den == 0 {
		den = 100
	}
	p.delay = time.Duration((num*int64(time.Second) + den/2) / den)
	switch b[24] {
	case 1:
		p.dispose = clear
	case 2:
		p.dispose = restore
	}
	own := append([]byte(nil), header...)
	copy(own, b[4:12])
	p.head, p.common = append([]byte(signature), chunk("IHDR", own)...), common
	return p, nil
}

// chunk is one of a PNG.
func chunk(name string, data []byte) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	c = append(append(c, name...), data...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

// finishPNG makes chunks of the pieces that follow a head of a length, and ends the picture.
func finishPNG(data []byte, pieces []piece, head int) []byte {
	still, rest := append([]byte(nil), data[:head]...), data[head:]
	for _, p := range pieces {
		still = append(still, chunk("IDAT", rest[:p.size])...)
		rest = rest[p.size:]
	}
	return append(still, chunk("IEND", nil)...)
}
