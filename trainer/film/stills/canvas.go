package stills

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"adainfilter/picture"
)

// drawn draws frame n onto the canvas.
func (r *Reader) drawn(n int) ([]byte, error) {
	f, p := r.film, &r.film.parts[n]
	if n > 0 {
		before := &f.parts[n-1]
		switch before.dispose {
		case clear:
			r.each(before, func(at, size int) { zero(r.canvas[at : at+size]) })
		case restore:
			copy(r.canvas, r.saved)
		}
	}
	if p.dispose == restore {
		r.saved = append(r.saved[:0], r.canvas...)
	}
	data := slices.Concat(p.head, p.common, p.rest)
	head := len(data)
	for _, piece := range p.pieces {
		b := make([]byte, piece.size)
		if _, err := r.file.ReadAt(b, piece.at); err != nil {
			return nil, fmt.Errorf("%q: %w", f.path, err)
		}
		data = append(data, b...)
	}
	if f.Kind == APNG {
		data = finishPNG(data, p.pieces, head)
	} else if f.Kind == GIF {
		data = append(data, trailerGIF)
	}
	img, err := picture.Decode(bytes.NewReader(data), picture.Limit{})
	if err != nil {
		return nil, fmt.Errorf("frame %d of %q %w", n+1, f.path, err)
	}
	if img.Width != p.width || img.Height != p.height {
		return nil, fmt.Errorf("frame %d of %q has %dx%d pixels, wanted %dx%d", n+1, f.path, img.Width, img.Height, p.width, p.height)
	}
	row := make([]byte, 4*p.width)
	y := 0
	r.each(p, func(at, size int) {
		spread(row, img, y)
		y++
		if p.over {
			blend(r.canvas[at:at+size], row)
		} else {
			copy(r.canvas[at:at+size], row)
		}
	})
	return r.canvas, nil
}

// each calls f for the rows of a part that lie on the canvas: where they begin and how long they are, in bytes.
func (r *Reader) each(p *part, f func(at, size int)) {
	width := min(p.width, r.film.Width-p.x)
	if width <= 0 {
		return
	}
	for y := p.y; y < min(p.y+p.height, r.film.Height); y++ {
		f(4*(y*r.film.Width+p.x), 4*width)
	}
}

func zero(b []byte) {
	for i := range b {
		b[i] = 0
	}
}

// blend draws pixels over others, both straight: the operator over of Porter and Duff.
func blend(to, from []byte) {
	for i := 0; i+3 < len(to); i += 4 {
		a := int(from[i+3])
		switch {
		case a == 255:
			copy(to[i:i+4], from[i:i+4])
		case a > 0:
			below := int(to[i+3]) * (255 - a)
			all := 255*a + below
			for k := range 3 {
				to[i+k] = byte((int(from[i+k])*255*a + int(to[i+k])*below + all/2) / all)
			}
			to[i+3] = byte((all + 127) / 255)
		}
	}
}

// Opaque says whether a reader's film shows no transparent pixel in its first frame, or the error of decoding it.
func (f *Film) opaqueFirst() (bool, error) {
	r, err := f.Open(0)
	if err != nil {
		return false, err
	}
	defer r.Close()
	frame, err := r.Next()
	if err != nil && err != io.EOF {
		return false, err
	}
	for i := 3; i < len(frame); i += 4 {
		if frame[i] != 255 {
			return false, nil
		}
	}
	return true, nil
}
