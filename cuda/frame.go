package cuda

import (
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// describe is m without its planes.
func describe(m *model.Image) kernels.Frame {
	k, c := m.Colorimetry.Conversion(m.Format), m.Colorimetry
	f := kernels.Frame{
		Format: int32(m.Format), Width: int32(m.Width), Height: int32(m.Height),
		CositedX: flag(c.CositedX), CositedY: flag(c.CositedY), Interlaced: flag(m.Interlaced),
		KR: float32(k.Luminance[0]), KG: float32(k.Luminance[1]), KB: float32(k.Luminance[2]),
	}
	for i := range 3 {
		for j := range 4 {
			f.ToRGB[i][j], f.FromRGB[i][j] = float32(k.ToRGB[i][j]), float32(k.FromRGB[i][j])
		}
	}
	return f
}

// onDevice is m, which lies in GPU memory.
func onDevice(m *model.Image) kernels.Frame {
	f := describe(m)
	for i := range m.Format.Planes() {
		f.Plane[i], f.Stride[i] = address(m.Planes[i].Device), int64(m.Planes[i].Stride)
	}
	return f
}

// rowAlignment lets every row of a staged picture begin where a warp's loads do.
const rowAlignment = 128

// staged is a picture in host memory on its way to the GPU or back: the rows go through pinned memory, which the GPU can read
// and write itself, and lie on the GPU as kernels.Frame says.
func staged(m *model.Image, device uintptr) (f kernels.Frame, bytes int) {
	f = describe(m)
	for i := range m.Format.Planes() {
		row, rows := m.Format.Plane(i, m.Width, m.Height)
		stride := ceil(row, rowAlignment) * rowAlignment
		f.Plane[i], f.Stride[i] = address(device+uintptr(bytes)), int64(stride)
		bytes += stride * rows
	}
	return f, bytes
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
		_, bytes := staged(&model.Image{Format: f, Width: e.width, Height: e.height}, 0)
		size = max(size, bytes)
	}
	return size
}

// packRows copies the samples of m into pinned memory laid out as staged says; unpackRows copies them back. Bytes between rows stay.
func packRows(pinned []byte, m *model.Image)   { copyRows(pinned, m, true) }
func unpackRows(m *model.Image, pinned []byte) { copyRows(pinned, m, false) }

func copyRows(pinned []byte, m *model.Image, in bool) {
	at := 0
	for i := range m.Format.Planes() {
		row, rows := m.Format.Plane(i, m.Width, m.Height)
		stride := ceil(row, rowAlignment) * rowAlignment
		p := &m.Planes[i]
		for y := range rows {
			ours, theirs := pinned[at+y*stride:][:row], p.Data[y*p.Stride:][:row]
			if in {
				copy(ours, theirs)
			} else {
				copy(theirs, ours)
			}
		}
		at += stride * rows
	}
}
