package stills

import (
	"encoding/binary"
	"errors"
	"time"
)

const (
	animatedWebP = 0x02 // flags of the chunk VP8X
	alphaWebP    = 0x10
)

// indexWebP takes an animated WebP apart (RFC 9649, 2.7). Each frame becomes a WebP of its own.
func (f *Film) indexWebP(s *source) error {
	if _, err := s.skip(12); err != nil {
		return err
	}
	animated := false
	for s.at < s.size {
		name, at, err := s.chunkWebP()
		if err != nil {
			return err
		}
		b := make([]byte, min(at.size, 16))
		if _, err := s.file.ReadAt(b, at.at); err != nil {
			return err
		}
		switch {
		case name == "VP8X" && len(b) >= 10:
			animated, f.Alpha = b[0]&animatedWebP != 0, b[0]&alphaWebP != 0
			f.Width, f.Height = three(b[4:])+1, three(b[7:])+1
		case name == "ANIM" && len(b) >= 6:
			f.Loop = word(b[4:])
		case name == "ANMF" && len(b) == 16 && animated:
			p, err := partWebP(&source{file: s.file, at: at.at + 16, size: at.at + at.size}, b)
			if err != nil {
				return err
			}
			f.parts = append(f.parts, p)
		case name == "VP8 " || name == "VP8L":
			return ErrNone
		}
	}
	return nil
}

func three(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// chunkWebP reads a chunk's head and passes over its data.
func (s *source) chunkWebP() (name string, at piece, err error) {
	head, err := s.read(8)
	if err != nil {
		return "", at, err
	}
	size := int64(binary.LittleEndian.Uint32(head[4:]))
	if at, err = s.skip(size); err == nil && size%2 == 1 {
		s.at++
	}
	return string(head[:4]), at, err
}

// partWebP reads a frame, whose own chunks s holds.
func partWebP(s *source, b []byte) (part, error) {
	p := part{x: 2 * three(b), y: 2 * three(b[3:]), width: three(b[6:]) + 1, height: three(b[9:]) + 1, delay: time.Millisecond * time.Duration(three(b[12:])),
		over: b[15]&2 == 0}
	if b[15]&1 != 0 {
		p.dispose = clear
	}
	transparent := false
	length := int64(0)
	for s.at < s.size {
		name, at, err := s.chunkWebP()
		if err != nil {
			return p, err
		}
		switch name {
		case "ALPH":
			transparent = true
		case "VP8 ", "VP8L":
		default:
			continue
		}
		whole := piece{at.at - 8, at.size + 8 + at.size%2}
		if whole.at+whole.size > s.size {
			return p, errors.New("is damaged: a frame is longer than its chunk")
		}
		p.pieces = append(p.pieces, whole)
		length += whole.size
	}
	if len(p.pieces) == 0 {
		return p, errors.New("is damaged: a frame without a picture")
	}
	var head []byte
	if transparent {
		head = append(head, "VP8X\x0a\x00\x00\x00"...)
		head = append(head, alphaWebP, 0, 0, 0)
		head = append(append(head, b[6:9]...), b[9:12]...)
	}
	p.head = binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+int64(len(head))+length))
	p.head = append(append(p.head, "WEBP"...), head...)
	return p, nil
}
