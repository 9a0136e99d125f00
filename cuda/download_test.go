package cuda

import (
	"unsafe"

	"gorgonia.org/cu"

	"adainfilter/model"
)

// download copies a picture of Engine.NewImage to host memory, row by row.
func (e *Engine) download(m *model.Image) (*model.Image, error) {
	if err := e.device.enter(); err != nil {
		return nil, err
	}
	defer e.device.leave()
	out := model.NewImage(m.Format, m.Width, m.Height)
	out.Colorimetry = m.Colorimetry
	for i := range m.Format.Planes() {
		row, rows := m.Format.Plane(i, m.Width, m.Height)
		for y := range rows {
			from := cu.DevicePtr(m.Planes[i].Device + uintptr(y*m.Planes[i].Stride))
			if err := cu.MemcpyDtoH(unsafe.Pointer(&out.Planes[i].Data[y*row]), from, int64(row)); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
