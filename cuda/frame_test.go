package cuda

import (
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// TestRows sends pictures through staging memory and back.
func TestRows(t *testing.T) {
	for _, f := range model.CUDAFormats() {
		for _, size := range [][2]int{{1, 1}, {7, 5}, {33, 41}, {129, 8}} {
			src := modeltest.NewGuarded(f, size[0], size[1], 5, 3, model.Colorimetry{})
			dst := modeltest.NewGuarded(f, size[0], size[1], 2, 1, model.Colorimetry{})
			modeltest.Fill(src.Image, 4)
			src.Remember()
			layout, bytes := staged(src.Image, 1<<20)
			if room := stagingSize(extent{size[0], size[1]}); bytes > room {
				t.Errorf("%v %v takes %d bytes, but %d are enough", f, size, bytes, room)
			}
			pinned := make([]byte, bytes)
			packRows(pinned, src.Image)
			last := f.Planes() - 1
			row, rows := f.Plane(last, size[0], size[1])
			end := int(layout.Plane[last]) - 1<<20 + (rows-1)*int(layout.Stride[last]) + row
			if from := src.Planes[last]; pinned[end-1] != from.Data[(rows-1)*from.Stride+row-1] {
				t.Errorf("%v %v: the last sample is not where the kernels look for it", f, size)
			}
			unpackRows(dst.Image, pinned)
			if err := modeltest.CheckPicture(dst.Image, src.Image, modeltest.Tolerance{}); err != nil {
				t.Errorf("%v %v: %v", f, size, err)
			}
			if err := dst.Damage(); err != nil {
				t.Errorf("%v %v: %v", f, size, err)
			}
		}
	}
}
