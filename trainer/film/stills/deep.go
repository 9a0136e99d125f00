package stills

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
)

// DeepPNG writes pictures as PNG files of 16 bits per sample, which GStreamer's encoders do not. Package image/png would ask for each sample by a
// call, and leave the transparency out of frames that have none, of which those of an animation must not differ. It belongs to one thread.
type DeepPNG struct {
	Width, Height int
	Alpha         bool // else what stands in its place is left out
	Level         int  // of package compress/zlib

	row, above, best []byte
	packed           bytes.Buffer
	zip              *zlib.Writer
}

// Encode is the file of a picture in RGBA of 16 bits in little endian, not premultiplied, rows without gaps.
func (e *DeepPNG) Encode(pixels []byte) ([]byte, error) {
	n, kind := 6, byte(2) // bytes of a pixel, and PNG's number for RGB
	if e.Alpha {
		n, kind = 8, 6
	}
	if e.zip == nil {
		size := n * e.Width
		e.row, e.above, e.best = make([]byte, n+size), make([]byte, n+size), make([]byte, 1+size)
		var err error
		if e.zip, err = zlib.NewWriterLevel(&e.packed, e.Level); err != nil {
			return nil, err
		}
	}
	e.packed.Reset()
	e.zip.Reset(&e.packed)
	for i := range e.above {
		e.above[i] = 0
	}
	for y := range e.Height {
		line := pixels[8*e.Width*y : 8*e.Width*(y+1)]
		for x, at := 0, n; x < len(line); x, at = x+8, at+n {
			for k := 0; k < n; k += 2 {
				e.row[at+k], e.row[at+k+1] = line[x+k+1], line[x+k]
			}
		}
		e.filter(n)
		if _, err := e.zip.Write(e.best); err != nil {
			return nil, err
		}
		e.row, e.above = e.above, e.row
	}
	if err := e.zip.Close(); err != nil {
		return nil, err
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(e.Width))
	head = append(binary.BigEndian.AppendUint32(head, uint32(e.Height)), 16, kind, 0, 0, 0)
	file := append([]byte(signature), chunk("IHDR", head)...)
	return append(append(file, chunk("IDAT", e.packed.Bytes())...), chunk("IEND", nil)...), nil
}

// filter leaves in best what Paeth's filter makes of a row (PNG specification, third edition, 9.4). A pixel of zeros lies before each row.
func (e *DeepPNG) filter(n int) {
	const paeth = 4
	e.best[0] = paeth
	row, above := e.row, e.above
	for i := n; i < len(row); i++ {
		a, b, c := int(row[i-n]), int(above[i]), int(above[i-n])
		pa, pb := b-c, a-c
		pc := max(pa+pb, -pa-pb)
		pa, pb = max(pa, -pa), max(pb, -pb)
		near := c
		if pa <= pb && pa <= pc {
			near = a
		} else if pb <= pc {
			near = b
		}
		e.best[1+i-n] = row[i] - byte(near)
	}
}
