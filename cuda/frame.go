package cuda

import (
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// onDevice is m, which lies in GPU memory.
func onDevice(m *model.Image) kernels.Frame {
	l, c, k := m.Format.Layout(), m.Colorimetry, m.Colorimetry.Conversion(m.Format)
	f := kernels.Frame{
		Width: int32(m.Width), Height: int32(m.Height), Word: word(l), Depth: int32(l.Depth), Most: int32(k.Max), Rest: rest(l),
		YUV: flag(l.Colour == model.ColourYUV), HalfX: int32(l.SubX), HalfY: int32(l.SubY),
		CositedX: flag(c.CositedX), CositedY: flag(c.CositedY), Interlaced: flag(m.Interlaced),
		KR: float32(k.Luminance[0]), KG: float32(k.Luminance[1]), KB: float32(k.Luminance[2]),
	}
	var together uint64
	for i := range f.Channel {
		f.Channel[i] = locate(&l.Channels[i], f.Word, &m.Planes)
		together |= uint64(f.Channel[i].First) | uint64(f.Channel[i].Stride)
	}
	f.Aligned = flag(together%uint64(f.Word) == 0)
	for i := range 3 {
		for j := range 4 {
			f.ToRGB[i][j], f.FromRGB[i][j] = float32(k.ToRGB[i][j]), float32(k.FromRGB[i][j])
		}
	}
	return f
}

// word is the bytes of the words that kernels read: 4 where each pixel's samples lie in so many, which are read and written at once.
func word(l *model.Layout) int32 {
	for _, c := range l.Channels {
		if l.SubX > 0 || c.Plane != 0 || c.Step != 4 {
			return int32(c.Word)
		}
	}
	return 4
}

// locate is a channel of a picture in GPU memory whose samples are read by words of so many bytes.
func locate(c *model.Channel, word int32, planes *[4]model.Plane) kernels.Channel {
	p, at := planes[c.Plane], c.At[0]
	begin, shift := at.Offset, at.Shift
	if word == 4 {
		begin, shift = 0, 8*at.Offset+at.Shift
	}
	return kernels.Channel{First: address(p.Device + uintptr(begin)), Stride: int64(p.Stride), Step: int32(c.Step), Shift: int32(shift)}
}

// rest is the bits of a pixel's word that are copied.
func rest(l *model.Layout) uint32 {
	if l.Copied == nil {
		return 0
	}
	at := l.Copied.At[0]
	return (1<<l.Copied.Depth - 1) << (8*at.Offset + at.Shift)
}

// rowAlignment lets every row of a staged picture begin where a warp's loads do.
const rowAlignment = 128

// placed is a picture like m, without memory in the host, whose rows lie on the GPU from an address on, and how many bytes they take.
func placed(m *model.Image, device uintptr) (p model.Image, bytes int) {
	p = model.Image{Format: m.Format, Width: m.Width, Height: m.Height, Colorimetry: m.Colorimetry, Interlaced: m.Interlaced}
	for i := range m.Format.Planes() {
		row, rows := m.Format.Plane(i, m.Width, m.Height)
		stride := ceil(row, rowAlignment) * rowAlignment
		p.Planes[i] = model.Plane{Device: device + uintptr(bytes), Stride: stride}
		bytes += stride * rows
	}
	return p, bytes
}

// staged is a picture in host memory on its way to the GPU or back: the rows go through pinned memory, which the GPU can read
// and write itself, and lie on the GPU as kernels.Frame says.
func staged(m *model.Image, device uintptr) (f kernels.Frame, bytes int) {
	p, bytes := placed(m, device)
	return onDevice(&p), bytes
}

// internal is a picture of the engine's own, in the format of m: a size, an address, and rows as staged says.
func internal(m *model.Image, e extent, device uintptr) kernels.Frame {
	f, _ := staged(&model.Image{Format: m.Format, Width: e.width, Height: e.height, Colorimetry: m.Colorimetry}, device)
	return f
}

// stagingSize is enough memory for a staged picture of any format.
func stagingSize(e extent) int {
	size := 0
	for _, f := range model.Formats() {
		if !f.Layout().CUDA {
			continue
		}
		_, bytes := placed(&model.Image{Format: f, Width: e.width, Height: e.height}, 0)
		size = max(size, bytes)
	}
	return size
}

// packRows copies the samples of m into pinned memory laid out as staged says; unpackRows copies them back. Bytes between rows stay.
func packRows(pinned []byte, m *model.Image)   { copyRows(pinned, m, true) }
func unpackRows(m *model.Image, pinned []byte) { copyRows(pinned, m, false) }

func copyRows(pinned []byte, m *model.Image, in bool) {
	to, _ := placed(m, 0)
	for i := range m.Format.Planes() {
		row, rows := m.Format.Plane(i, m.Width, m.Height)
		p, q := &m.Planes[i], &to.Planes[i]
		for y := range rows {
			ours, theirs := pinned[int(q.Device)+y*q.Stride:][:row], p.Data[y*p.Stride:][:row]
			if in {
				copy(ours, theirs)
			} else {
				copy(theirs, ours)
			}
		}
	}
}
