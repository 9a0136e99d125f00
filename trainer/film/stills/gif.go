package stills

import (
	"bytes"
	"errors"
	"time"
)

const (
	trailerGIF     = 0x3b
	imageGIF       = 0x2c
	extensionGIF   = 0x21
	controlGIF     = 0xf9
	applicationGIF = 0xff
)

// indexGIF takes a GIF apart (GIF89a specification, CompuServe 1990). Each frame becomes a GIF of its own.
func (f *Film) indexGIF(s *source) error {
	head, err := s.read(13)
	if err != nil {
		return err
	}
	f.Width, f.Height = word(head[6:]), word(head[8:])
	// A loop is said by an extension; without it the film is shown once.
	f.Loop = 1
	head = append([]byte(nil), head...)
	table, err := s.table(head[10])
	if err != nil {
		return err
	}
	var control []byte // of the next frame
	for {
		kind, err := s.read(1)
		if err != nil {
			return err
		}
		switch kind[0] {
		case trailerGIF:
			return nil
		case extensionGIF:
			if control, err = f.extensionGIF(s, control); err != nil {
				return err
			}
		case imageGIF:
			p, err := imagePart(s, head, table, control)
			if err != nil {
				return err
			}
			f.parts = append(f.parts, p)
			control = nil
		default:
			return errors.New("is damaged: an unknown block")
		}
	}
}

func word(b []byte) int { return int(b[0]) | int(b[1])<<8 }

// table is a table of colours whose size is in flags, nil if there is none.
func (s *source) table(flags byte) ([]byte, error) {
	if flags&0x80 == 0 {
		return nil, nil
	}
	return s.read(3 << (flags&7 + 1))
}

// blocks passes over the blocks of an extension or of a frame's data.
func (s *source) blocks() error {
	for {
		size, err := s.read(1)
		if err != nil {
			return err
		}
		if size[0] == 0 {
			return nil
		}
		if _, err := s.skip(int64(size[0])); err != nil {
			return err
		}
	}
}

// extensionGIF reads an extension; it returns the control block that holds for the next frame.
func (f *Film) extensionGIF(s *source, control []byte) ([]byte, error) {
	head, err := s.read(2)
	if err != nil {
		return nil, err
	}
	begin := s.at
	body, err := s.read(int(head[1]))
	if err != nil {
		return nil, err
	}
	switch {
	case head[0] == controlGIF && len(body) >= 4:
		control = append([]byte{extensionGIF, controlGIF, 4}, append(body[:4:4], 0)...)
	case head[0] == applicationGIF && (string(body) == "NETSCAPE2.0" || string(body) == "ANIMEXTS1.0"):
		if loop, err := s.read(4); err == nil && loop[0] == 3 && loop[1] == 1 {
			f.Loop = word(loop[2:])
			if f.Loop > 0 {
				f.Loop++ // the file says how often it is repeated
			}
		}
	}
	s.at = begin + int64(head[1])
	return control, s.blocks()
}

// imagePart reads a frame.
func imagePart(s *source, head, table, control []byte) (part, error) {
	begin := s.at
	d, err := s.read(9)
	if err != nil {
		return part{}, err
	}
	p := part{x: word(d), y: word(d[2:]), width: word(d[4:]), height: word(d[6:]), over: true}
	if p.width == 0 || p.height == 0 {
		return part{}, errors.New("is damaged: a frame without a size")
	}
	if _, err := s.table(d[8]); err != nil {
		return part{}, err
	}
	if _, err := s.skip(1); err != nil { // the size of codes
		return part{}, err
	}
	if err := s.blocks(); err != nil {
		return part{}, err
	}
	if control != nil {
		p.delay = 10 * time.Millisecond * time.Duration(word(control[4:]))
		switch control[3] >> 2 & 7 {
		case 2:
			p.dispose = clear
		case 3:
			p.dispose = restore
		}
	}
	// A screen of the frame's size, and the frame in its corner.
	still := append([]byte(nil), head...)
	copy(still[6:10], d[4:8])
	copy(still, "GIF89a")
	p.head, p.common, p.rest = still, table, append(bytes.Clone(control), imageGIF, 0, 0, 0, 0)
	p.pieces = []piece{{begin + 4, s.at - begin - 4}}
	return p, nil
}
