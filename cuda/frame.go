package cuda

import (
	"unsafe"

	"adainfilter/model"
)

// frame is struct Frame of kernels/frame.cuh: where a picture lies in GPU memory and what its samples mean.
type frame struct {
	plane                                               [3]uint64
	stride                                              [3]int64
	format, width, height                               int32
	offsetY, scaleY, scaleC, kr, kg, kb, rv, gu, gv, bu float32
	_                                                   int32
}

// describe is m without its planes.
func describe(m *model.Image) frame {
	var c model.Colorimetry // of RGB formats, whose luminance model.Stylization.PreserveColor speaks of
	if m.Format.YUV() {
		c = m.Colorimetry
	}
	y := c.YUV()
	return frame{
		format: int32(m.Format), width: int32(m.Width), height: int32(m.Height),
		offsetY: y.OffsetY, scaleY: y.ScaleY, scaleC: y.ScaleC, kr: y.KR, kg: y.KG, kb: y.KB, rv: y.RV, gu: y.GU, gv: y.GV, bu: y.BU,
	}
}

// onDevice is m, which lies in GPU memory.
func onDevice(m *model.Image) frame {
	f := describe(m)
	for i := range m.Format.Planes() {
		f.plane[i], f.stride[i] = uint64(m.Planes[i].Device), int64(m.Planes[i].Stride)
	}
	return f
}

// rowAlignment lets every row of a staged picture begin where a warp's loads do.
const rowAlignment = 128

// staged is a picture in host memory on its way to the GPU or back: the rows go through pinned memory, which the GPU can read
// and write itself, and lie on the GPU as frame says.
func staged(m *model.Image, device uintptr) (f frame, bytes int) {
	f = describe(m)
	for i := range m.Format.Planes() {
		row, rows := m.Format.Plane(i, m.Width, m.Height)
		stride := ceil(row, rowAlignment) * rowAlignment
		f.plane[i], f.stride[i] = uint64(device)+uint64(bytes), int64(stride)
		bytes += stride * rows
	}
	return f, bytes
}

// placed is a picture of the engine's own, in the format of m: a size, an address, and rows as staged says.
func placed(m *model.Image, e extent, device uintptr) frame {
	f, _ := staged(&model.Image{Format: m.Format, Width: e.width, Height: e.height, Colorimetry: m.Colorimetry}, device)
	return f
}

// stagingSize is enough memory for a staged picture of any format.
func stagingSize(width, height int) int {
	size := 0
	for _, f := range model.Formats() {
		_, bytes := staged(&model.Image{Format: f, Width: width, Height: height}, 0)
		size = max(size, bytes)
	}
	return size
}

// pack copies the samples of m into pinned memory laid out as staged says; unpack copies them back. Bytes between rows stay.
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

// bytes is the memory of f as a kernel's argument.
func (f *frame) bytes() []byte { return unsafe.Slice((*byte)(unsafe.Pointer(f)), unsafe.Sizeof(*f)) }
