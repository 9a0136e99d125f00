package picture

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"io"
)

// pnmHeader is the head of a netpbm file: format digit 1..6, size, and the value of full intensity (1 for bitmaps).
type pnmHeader struct {
	format        byte
	width, height int
	full          int
}

func pnmConfig(r io.Reader) (image.Config, error) {
	h, err := readPNMHeader(bufio.NewReader(r))
	config := image.Config{ColorModel: color.RGBAModel, Width: h.width, Height: h.height}
	if h.full > 255 {
		config.ColorModel = color.RGBA64Model
	}
	return config, err
}

// pnmDecode reads PBM, PGM and PPM, plain (P1 to P3) and raw (P4 to P6), 8 and 16 bits a sample
// (netpbm's pbm(5), pgm(5), ppm(5)).
func pnmDecode(r io.Reader) (image.Image, error) {
	b := bufio.NewReader(r)
	h, err := readPNMHeader(b)
	if err != nil {
		return nil, err
	}
	channels := 1
	if h.format == 3 || h.format == 6 {
		channels = 3
	}
	if h.full > 255 {
		return h.deep(b, channels)
	}
	row := make([]uint8, h.width*channels)
	out := image.NewRGBA(image.Rect(0, 0, h.width, h.height))
	for y := range h.height {
		if err := h.readRow(b, row); err != nil {
			return nil, err
		}
		line := out.Pix[y*out.Stride:]
		for x := range h.width {
			p := row[x*channels:]
			line[4*x], line[4*x+1], line[4*x+2], line[4*x+3] = p[0], p[channels/2], p[channels-1], 255
		}
	}
	return out, nil
}

// deep reads samples of more than 8 bits as 16.
func (h pnmHeader) deep(b *bufio.Reader, channels int) (image.Image, error) {
	out := image.NewRGBA64(image.Rect(0, 0, h.width, h.height))
	for y := range h.height {
		for x := range h.width {
			var p [3]uint16
			for i := range channels {
				v, err := h.sample(b)
				if err != nil {
					return nil, err
				}
				p[i] = uint16((min(v, h.full)*65535 + h.full/2) / h.full)
			}
			out.SetRGBA64(x, y, color.RGBA64{R: p[0], G: p[channels/2], B: p[channels-1], A: 65535})
		}
	}
	return out, nil
}

func readPNMHeader(r *bufio.Reader) (pnmHeader, error) {
	magic := make([]byte, 2)
	if _, err := io.ReadFull(r, magic); err != nil {
		return pnmHeader{}, err
	}
	h := pnmHeader{format: magic[1] - '0', full: 1}
	wanted := []*int{&h.width, &h.height, &h.full}
	if h.format == 1 || h.format == 4 {
		wanted = wanted[:2]
	}
	for _, v := range wanted {
		n, err := pnmNumber(r)
		if err != nil {
			return pnmHeader{}, err
		}
		*v = n
	}
	if h.full < 1 || h.full > 65535 {
		return pnmHeader{}, fmt.Errorf("its largest sample value is %d, wanted 1 to 65535", h.full)
	}
	return h, nil
}

// pnmNumber reads one decimal number, the white space and comments before it and the one byte after it.
func pnmNumber(r *bufio.Reader) (int, error) {
	n, digits := 0, 0
	for {
		c, err := r.ReadByte()
		if err == io.EOF && digits > 0 {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		switch {
		case c >= '0' && c <= '9':
			if n = n*10 + int(c-'0'); n > 1<<30 {
				return 0, fmt.Errorf("a number in it is too large")
			}
			digits++
		case c == '#' && digits == 0:
			for c != '\n' {
				if c, err = r.ReadByte(); err != nil {
					return 0, err
				}
			}
		case c == ' ' || c >= '\t' && c <= '\r':
			if digits > 0 {
				return n, nil
			}
		default:
			return 0, fmt.Errorf("found the byte %q where a number was wanted", c)
		}
	}
}

// readRow fills row with samples of 0..255.
func (h pnmHeader) readRow(r *bufio.Reader, row []uint8) error {
	switch h.format {
	case 1:
		for i := range row {
			c, err := pnmBit(r)
			if err != nil {
				return err
			}
			row[i] = 255 * (1 - c)
		}
		return nil
	case 4:
		packed := make([]byte, (len(row)+7)/8)
		if _, err := io.ReadFull(r, packed); err != nil {
			return err
		}
		for i := range row {
			row[i] = 255 * (1 - packed[i/8]>>(7-i%8)&1)
		}
		return nil
	}
	for i := range row {
		v, err := h.sample(r)
		if err != nil {
			return err
		}
		row[i] = uint8((min(v, h.full)*255 + h.full/2) / h.full)
	}
	return nil
}

// sample reads one grey or colour value.
func (h pnmHeader) sample(r *bufio.Reader) (int, error) {
	if h.format < 4 {
		return pnmNumber(r)
	}
	hi, err := r.ReadByte()
	if err != nil || h.full < 256 {
		return int(hi), err
	}
	lo, err := r.ReadByte()
	return int(hi)<<8 | int(lo), err
}

// pnmBit reads one pixel of a plain bitmap, where white space between pixels may be missing. 1 is black.
func pnmBit(r *bufio.Reader) (uint8, error) {
	for {
		c, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case '0', '1':
			return c - '0', nil
		case ' ', '\t', '\n', '\v', '\f', '\r':
		default:
			return 0, fmt.Errorf("found the byte %q where 0 or 1 was wanted", c)
		}
	}
}
