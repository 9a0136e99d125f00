package cuda

import (
	"bytes"
	"fmt"
	"testing"

	"adainfilter/cuda/kernels"
	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
)

// TestCUDALayouts demands of each format that is given to the GPU what struct Frame can describe.
func TestCUDALayouts(t *testing.T) {
	for _, f := range model.CUDAFormats() {
		l := f.Layout()
		words := word(l)
		for i, c := range l.Channels {
			if len(l.Channels) != 3 || len(c.At) != 1 || words != 4 && int32(c.Word) != words || c.Depth != l.Depth || i > 0 && l.SubY > l.SubX || l.SubX > 1 {
				t.Errorf("%v: channel %d is %+v in words of %d, which the kernels cannot read", f, i, c, words)
			}
		}
		if c := l.Copied; c != nil && (words != 4 || c.Plane != 0 || c.Step != 4 || len(c.At) != 1) {
			t.Errorf("%v: the kernels cannot copy %+v", f, *c)
		}
	}
}

// lastSamples looks for the last sample of each channel of a picture where a frame says that it lies, in memory that begins at base.
func lastSamples(m *model.Image, f kernels.Frame, memory []byte, base int) error {
	for i, c := range ref.Channels(m) {
		k := f.Channel[i]
		at := int(k.First) - base + (c.Height-1)*int(k.Stride) + (c.Width-1)*int(k.Step)
		v := 0
		for b := range int(f.Word) {
			v |= int(memory[at+b]) << (8 * b)
		}
		if got, want := v>>k.Shift&int(f.Most), c.Get(c.Width-1, c.Height-1); got != want {
			return fmt.Errorf("the last sample of channel %d is %d where the kernels look for it, wanted %d", i, got, want)
		}
	}
	return nil
}

// sameRows compares the bytes of all rows.
func sameRows(a, b *model.Image) bool {
	for i := range a.Format.Planes() {
		row, rows := a.Format.Plane(i, a.Width, a.Height)
		for y := range rows {
			if !bytes.Equal(a.Planes[i].Data[y*a.Planes[i].Stride:][:row], b.Planes[i].Data[y*b.Planes[i].Stride:][:row]) {
				return false
			}
		}
	}
	return true
}

// TestAligned tells rows that begin at words from those that begin anywhere.
func TestAligned(t *testing.T) {
	for _, c := range []struct {
		format  model.Format
		address uintptr
		stride  int
		want    int32
	}{
		{model.NV12, 1, 33, 1}, {model.RGB, 1, 33, 1}, {model.P010, 2, 34, 1}, {model.P010, 2, 33, 0}, {model.P010, 1, 34, 0},
		{model.RGBA, 4, 36, 1}, {model.RGBA, 2, 36, 0}, {model.RGB10A2, 4, 34, 0},
	} {
		m := &model.Image{Format: c.format, Width: 5, Height: 3}
		for i := range m.Planes {
			m.Planes[i] = model.Plane{Device: c.address, Stride: c.stride}
		}
		if f := onDevice(m); f.Aligned != c.want {
			t.Errorf("%v at %d, rows %d bytes apart: aligned is %d, wanted %d", c.format, c.address, c.stride, f.Aligned, c.want)
		}
	}
}

// TestRows sends pictures through staging memory and back.
func TestRows(t *testing.T) {
	for _, f := range model.CUDAFormats() {
		for _, size := range [][2]int{{1, 1}, {7, 5}, {33, 41}, {129, 8}} {
			src := modeltest.NewGuarded(f, size[0], size[1], 5, 3, model.Colorimetry{})
			dst := modeltest.NewGuarded(f, size[0], size[1], 2, 1, model.Colorimetry{})
			modeltest.Fill(src.Image, 4)
			src.Remember()
			layout, taken := staged(src.Image, 1<<20)
			if room := stagingSize(extent{size[0], size[1]}); taken > room {
				t.Errorf("%v %v takes %d bytes, but %d are enough", f, size, taken, room)
			}
			pinned := make([]byte, taken)
			packRows(pinned, src.Image)
			if err := lastSamples(src.Image, layout, pinned, 1<<20); err != nil {
				t.Errorf("%v %v: %v", f, size, err)
			}
			unpackRows(dst.Image, pinned)
			if !sameRows(dst.Image, src.Image) {
				t.Errorf("%v %v: other bytes came back", f, size)
			}
			if err := dst.Damage(); err != nil {
				t.Errorf("%v %v: %v", f, size, err)
			}
		}
	}
}
