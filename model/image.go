package model

import (
	"errors"
	"fmt"
)

// Plane is where one plane's samples lie. Exactly one of Data and Device is set.
type Plane struct {
	Data   []byte  // host memory, from the first sample to at least the last sample of the last row
	Device uintptr // address in the memory of a CUDA device
	Stride int     // bytes from one row to the next, at least the bytes a row uses
}

// Image is a picture or frame in memory that somebody else owns: an engine reads or writes the samples during a call and
// keeps no reference afterwards.
type Image struct {
	Format        Format
	Width, Height int
	Planes        [4]Plane
	Colorimetry   Colorimetry // meaning of the samples
	Interlaced    bool        // rows of two fields alternate, those of chroma too: in formats with SubY each field has its own
}

// NewImage allocates an image in host memory with rows close together.
func NewImage(f Format, w, h int) *Image {
	img := &Image{Format: f, Width: w, Height: h}
	for i := range f.Planes() {
		stride, rows := f.Plane(i, w, h)
		img.Planes[i] = Plane{Data: make([]byte, stride*rows), Stride: stride}
	}
	return img
}

// Device says whether the samples lie in the memory of a CUDA device.
func (m *Image) Device() bool { return m.Planes[0].Device != 0 }

// The largest side of an image in pixels and the largest stride in bytes, far beyond any real picture: what is computed from
// them fits an int, and a stride the 32 bits that GStreamer and the engines have for it.
const (
	maxSide   = 1 << 24
	maxStride = 1<<31 - 1
)

// Check reports an image that an engine must not touch: none at all, unknown format or matrix, a side below 1, a missing
// plane, a stride smaller than a row or, in host memory, a plane too short for its rows.
func (m *Image) Check() error {
	if m == nil {
		return errors.New("image: there is none")
	}
	if !m.Format.known() {
		return fmt.Errorf("image: unknown format %d", int(m.Format))
	}
	if k := m.Colorimetry.Matrix; m.Format.Layout().Colour != ColourRGB && (k < BT601 || k > Identity) {
		return fmt.Errorf("image: unknown colour matrix %d", int(k))
	}
	if m.Width < 1 || m.Height < 1 || m.Width > maxSide || m.Height > maxSide {
		return fmt.Errorf("image: size %dx%d, wanted sides of 1 to %d", m.Width, m.Height, maxSide)
	}
	for i := range m.Format.Planes() {
		p := m.Planes[i]
		row, rows := m.Format.Plane(i, m.Width, m.Height)
		if p.Stride < row || p.Stride > maxStride {
			return fmt.Errorf("image: plane %d of %v %dx%d has a stride of %d bytes, wanted %d to %d", i, m.Format, m.Width, m.Height, p.Stride, row, maxStride)
		}
		if need := p.Stride*(rows-1) + row; p.Device == 0 && len(p.Data) < need {
			return fmt.Errorf("image: plane %d of %v %dx%d has %d bytes, wanted at least %d", i, m.Format, m.Width, m.Height, len(p.Data), need)
		}
	}
	return nil
}
