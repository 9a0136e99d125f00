package cuda

import (
	"fmt"
	"testing"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/emu"
	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// TestGPUMemory demands the same picture from GPU memory as from host memory, without a copy on the way.
func TestGPUMemory(t *testing.T) {
	each(t, func(t *testing.T) {
		e := open(t, model.Lite, model.Options{DeviceID: -1})
		for i, f := range formats() {
			src, want := pair(f, 19, 13)
			s := &model.Stylization{Style: modeltest.RandomStats(4, model.Lite[3]), Alpha: 0.9, PreserveColor: i%3 == 0}
			s.Smoothing, s.ProcessingSize, s.Discontinuity = 0.5*float32(i%4/2), 9*(i%3/2), true
			if i%2 == 1 {
				s.Mask = halves(model.Lite[3])
			}
			if err := e.Stylize(want, src, s); err != nil {
				t.Fatal(err)
			}
			content, free := onGPU(t, e, src)
			result, freeResult := onGPU(t, e, want)
			clear(want.Planes[0].Data)
			before, counted := allCopies(), driver.Copies()
			if err := e.Stylize(result, content, s); err != nil {
				t.Fatal(err)
			}
			if after := allCopies(); after != before {
				t.Errorf("%v: copies for one frame: %+v, before: %+v", f, after, before)
			}
			if after := driver.Copies(); after != counted {
				t.Errorf("%v: the driver package counted copies for one frame: %+v, before: %+v", f, after, counted)
			}
			got := toHost(t, e, result)
			if err := e.Stylize(want, src, s); err != nil {
				t.Fatal(err)
			}
			if err := modeltest.CheckPicture(got, want, modeltest.Tolerance{}); err != nil {
				t.Errorf("%v: %v", f, err)
			}
			// Mixed: each side may lie anywhere.
			mixed := model.NewImage(f, 19, 13)
			if err := e.Stylize(mixed, content, s); err != nil {
				t.Fatal(err)
			}
			if err := modeltest.CheckPicture(mixed, want, modeltest.Tolerance{}); err != nil {
				t.Errorf("%v, GPU to host: %v", f, err)
			}
			free()
			freeResult()
		}
	})
}

// allCopies are those that the emulated driver sees, whoever orders them.
func allCopies() (c emu.Counts) {
	if emu.Present() {
		c = emu.Copies()
	}
	return c
}

func onGPU(t *testing.T, e *Engine, m *model.Image) (*model.Image, func()) {
	t.Helper()
	image, free, err := e.NewImage(m)
	if err != nil {
		t.Fatal(err)
	}
	return image, func() {
		if err := free(); err != nil {
			t.Error(err)
		}
	}
}

// TestNoAllocation demands that a frame leaves nothing to the garbage collector.
func TestNoAllocation(t *testing.T) {
	emu.Need(t)
	e := open(t, modeltest.Widths, model.Options{DeviceID: -1})
	src, dst := pair(model.NV12, 16, 16)
	s := &model.Stylization{Style: modeltest.RandomStats(4, modeltest.Widths[3]), Smoothing: 0.5, PreserveColor: true}
	other := modeltest.RandomStats(5, modeltest.Widths[3])
	for i, mask := range []*model.Mask{nil, halves(modeltest.Widths[3]), nil, halves(modeltest.Widths[3]), nil} {
		s.Mask, s.ProcessingSize, s.Alpha, s.Motion = mask, 8*(i/2), 0, i%4 == 0
		if n := testing.AllocsPerRun(5, func() {
			s.Alpha += 0.05
			s.Style, other = other, s.Style
			if err := e.Stylize(dst, src, s); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("mask %v, processing size %d, motion %v: %v allocations for a frame, wanted none", mask != nil, s.ProcessingSize, s.Motion, n)
		}
	}
}

func toHost(t *testing.T, e *Engine, m *model.Image) *model.Image {
	t.Helper()
	out, err := e.download(m)
	if err != nil {
		t.Fatal(fmt.Errorf("download: %w", err))
	}
	return out
}
