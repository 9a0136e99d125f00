package picture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
)

// tgaHeader is the head of a Truevision TGA file (specification 2.0).
type tgaHeader struct {
	identity, palettes, kind uint8
	first, colours           int // of the palette
	entry                    int // bits of a palette's entry
	width, height            int
	bits                     int
	flags                    uint8 // 0x10 from right to left, 0x20 from top to bottom, lowest four bits of alpha
}

// isTGA says whether bytes could be the head of a TGA file: it has no mark of its own, so every field must make sense.
func isTGA(head []byte) bool {
	h, err := parseTGA(head)
	return err == nil && h.width > 0 && h.height > 0
}

func parseTGA(b []byte) (h tgaHeader, err error) {
	if len(b) < 18 {
		return h, io.ErrUnexpectedEOF
	}
	word := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	h = tgaHeader{b[0], b[1], b[2], word(3), word(5), int(b[7]), word(12), word(14), int(b[16]), b[17]}
	good := h.palettes <= 1 && h.flags&0xc0 == 0 && h.flags&0xf <= 8
	switch h.kind {
	case 1, 9:
		good = good && h.bits == 8 && h.palettes == 1 && h.first+h.colours <= 256 && h.colours > 0 && (h.entry == 15 || h.entry == 16 || h.entry == 24 || h.entry == 32)
	case 2, 10:
		good = good && (h.bits == 15 || h.bits == 16 || h.bits == 24 || h.bits == 32)
	case 3, 11:
		good = good && h.bits == 8 && h.palettes == 0
	default:
		good = false
	}
	if h.palettes == 0 {
		good = good && h.first == 0 && h.colours == 0
	}
	if !good {
		return h, errors.New("its header says what no TGA file does")
	}
	return h, nil
}

func tgaConfig(r io.Reader) (image.Config, error) {
	b := make([]byte, 18)
	if _, err := io.ReadFull(r, b); err != nil {
		return image.Config{}, err
	}
	h, err := parseTGA(b)
	return image.Config{ColorModel: color.NRGBAModel, Width: h.width, Height: h.height}, err
}

// tgaDecode reads true colour, grey and palettes, with runs or without.
func tgaDecode(reader io.Reader) (image.Image, error) {
	r := bufio.NewReader(reader)
	b := make([]byte, 18)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	h, err := parseTGA(b)
	if err != nil {
		return nil, err
	}
	if _, err := r.Discard(int(h.identity)); err != nil {
		return nil, err
	}
	palette := make([]color.NRGBA, h.colours)
	for i := range palette {
		if palette[i], err = h.colour(r, h.entry); err != nil {
			return nil, err
		}
	}
	if h.kind != 1 && h.kind != 9 {
		palette = nil
	}
	out := image.NewNRGBA(image.Rect(0, 0, h.width, h.height))
	var c color.NRGBA
	run, same := 0, false
	for i := range h.width * h.height {
		if run == 0 && h.kind >= 9 {
			n, err := r.ReadByte()
			if err != nil {
				return nil, err
			}
			run, same = int(n&0x7f)+1, n&0x80 != 0
			if same {
				c, err = h.pixel(r, palette)
				if err != nil {
					return nil, err
				}
			}
		}
		run = max(run-1, 0)
		if !same {
			if c, err = h.pixel(r, palette); err != nil {
				return nil, err
			}
		}
		x, y := i%h.width, i/h.width
		if h.flags&0x10 != 0 {
			x = h.width - 1 - x
		}
		if h.flags&0x20 == 0 {
			y = h.height - 1 - y
		}
		out.SetNRGBA(x, y, c)
	}
	return out, nil
}

func (h tgaHeader) pixel(r *bufio.Reader, palette []color.NRGBA) (color.NRGBA, error) {
	if palette == nil {
		return h.colour(r, h.bits)
	}
	i, err := r.ReadByte()
	if err != nil {
		return color.NRGBA{}, err
	}
	if int(i) < h.first || int(i)-h.first >= len(palette) {
		return color.NRGBA{}, fmt.Errorf("a pixel has colour %d of a palette of %d", i, len(palette))
	}
	return palette[int(i)-h.first], nil
}

// colour reads a grey value, or blue, green and red. Alpha counts only where the header says that there is some.
func (h tgaHeader) colour(r *bufio.Reader, bits int) (color.NRGBA, error) {
	var b [4]byte
	if _, err := io.ReadFull(r, b[:(bits+7)/8]); err != nil {
		return color.NRGBA{}, err
	}
	switch bits {
	case 8:
		return color.NRGBA{b[0], b[0], b[0], 255}, nil
	case 15, 16:
		v := uint32(b[0]) | uint32(b[1])<<8
		five := func(v uint32) uint8 { v &= 31; return uint8(v<<3 | v>>2) }
		return color.NRGBA{five(v >> 10), five(v >> 5), five(v), 255}, nil
	case 32:
		if h.flags&0xf == 8 {
			return color.NRGBA{b[2], b[1], b[0], b[3]}, nil
		}
	}
	return color.NRGBA{b[2], b[1], b[0], 255}, nil
}
