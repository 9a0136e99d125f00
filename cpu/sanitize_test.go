//go:build sanitize

package cpu

import (
	"fmt"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// TestEndsOfPlanes lets the sanitizer see whether samples are read or written beyond a frame: it does not know where Go's memory ends.
func TestEndsOfPlanes(t *testing.T) {
	w := modeltest.RandomWeights(1, modeltest.Widths)
	e := open(t, w)
	mask := &model.Mask{Width: 2, Height: 1, White: []uint8{255, 0}, Second: modeltest.RandomStats(2, w.Widths[3])}
	plain := model.Stylization{Style: modeltest.RandomStats(3, w.Widths[3]), Alpha: 1}
	all := plain
	all.Mask, all.Smoothing, all.ProcessingSize, all.PreserveColor = mask, .5, 24, true
	withKernels(t, func(t *testing.T) {
		for _, f := range model.Formats() {
			for _, size := range [][2]int{{8, 8}, {33, 41}, {130, 70}} {
				for k, s := range []*model.Stylization{&plain, &all, &all} {
					s := *s
					s.Discontinuity = k < 2
					src, dst := outside(t, f, size), outside(t, f, size)
					modeltest.Fill(src, uint64(k))
					if err := e.Stylize(dst, src, &s); err != nil {
						t.Fatal(fmt.Errorf("%v %v: %w", f, size, err))
					}
					if _, err := e.Statistics(src); err != nil {
						t.Fatal(fmt.Errorf("%v %v: %w", f, size, err))
					}
				}
			}
		}
	})
}

// outside is an image whose planes lie in memory of their own, outside of Go's.
func outside(t *testing.T, f model.Format, size [2]int) *model.Image {
	m := model.NewImage(f, size[0], size[1])
	for i := range f.Planes() {
		memory := allocate(len(m.Planes[i].Data))
		m.Planes[i].Data = memory
		t.Cleanup(func() { free(memory) })
	}
	return m
}
