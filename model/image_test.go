package model

import (
	"strings"
	"testing"
)

func TestImageCheck(t *testing.T) {
	change := func(f Format, w, h int, do func(m *Image)) *Image {
		m := NewImage(f, w, h)
		do(m)
		return m
	}
	for _, c := range []struct {
		name  string
		image *Image
		says  string // "" where the image is good
	}{
		{"one pixel", NewImage(NV12, 1, 1), ""},
		{"odd", NewImage(I420, 15, 17), ""},
		{"device memory", change(NV12, 4, 4, func(m *Image) {
			for i := range m.Planes {
				m.Planes[i] = Plane{Device: 4096, Stride: 4}
			}
		}), ""},
		{"nothing behind the last row", change(RGB, 2, 2, func(m *Image) { m.Planes[0] = Plane{Data: make([]byte, 16), Stride: 10} }), ""},
		{"one byte short", change(RGB, 2, 2, func(m *Image) { m.Planes[0] = Plane{Data: make([]byte, 15), Stride: 10} }), "15 bytes, wanted at least 16"},
		{"none", nil, "none"},
		{"zero", &Image{}, "0x0"},
		{"negative", &Image{Width: -3, Height: 5}, "-3x5"},
		{"enormous", &Image{Width: 1 << 40, Height: 1 << 40, Planes: [4]Plane{{Data: []byte{1}, Stride: 1 << 62}}}, "wanted sides"},
		{"stride beyond 32 bits", change(RGB, 2, 1, func(m *Image) { m.Planes[0].Stride = 1 << 31 }), "stride"},
		{"largest stride", change(RGB, 2, 1, func(m *Image) { m.Planes[0].Stride = 1<<31 - 1 }), ""},
		{"enormous stride", change(RGB, 2, 1<<20, func(m *Image) { m.Planes[0].Stride = 1 << 60 }), "stride"},
		{"format", change(RGB, 2, 2, func(m *Image) { m.Format = 99 }), "format 99"},
		{"negative format", change(RGB, 2, 2, func(m *Image) { m.Format = -1 }), "format -1"},
		{"matrix", change(NV12, 2, 2, func(m *Image) { m.Colorimetry.Matrix = 9 }), "matrix 9"},
		{"stride", change(NV12, 5, 4, func(m *Image) { m.Planes[1].Stride = 5 }), "plane 1"},
		{"missing plane", change(I420, 5, 4, func(m *Image) { m.Planes[2] = Plane{} }), "plane 2"},
	} {
		err := c.image.Check()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, wanted %q", c.name, err, c.says)
		}
	}
}

func TestFormatNames(t *testing.T) {
	for i, f := range Formats() {
		back, err := ParseFormat(f.String())
		if err != nil || back != f || int(f) != i {
			t.Errorf("%v is format %d and read back as %v, %v", f, i, back, err)
		}
	}
	if _, err := ParseFormat("NV12_64Z32"); err == nil {
		t.Error("NV12_64Z32 was accepted")
	}
}
