package cuda

import (
	"testing"

	"adainfilter/cuda/emu"
	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// TestNoCompiling demands that on each kind of GPU that the kernels were assembled for the driver compiles nothing, that it does so on
// others and where it refuses what was assembled, and that what the kernels want of a processor is there: wide layers are launched.
func TestNoCompiling(t *testing.T) {
	emu.Need(t)
	t.Setenv("EMU_IDLE", "1")
	for _, c := range []struct {
		capability, cubins, ptx string
		opens                   bool
	}{
		{"80", "1", "0", true}, {"86", "1", "0", true}, {"89", "1", "0", true}, {"90", "1", "0", true},
		{"100", "1", "0", true}, {"103", "1", "0", true}, {"120", "1", "0", true}, {"121", "1", "0", true},
		{"87", "1", "0", false}, {"87", "1", "1", true}, {"110", "1", "1", true},
		{"80", "0", "1", true}, {"90", "0", "1", true}, {"120", "0", "1", true}, {"90", "0", "0", false},
	} {
		t.Run(c.capability+", cubins "+c.cubins+", compiler "+c.ptx, func(t *testing.T) {
			t.Setenv("EMU_CC", c.capability)
			t.Setenv("EMU_CUBINS", c.cubins)
			t.Setenv("EMU_PTX", c.ptx)
			e, err := Open(modeltest.RandomWeights(1, model.Widths{16, 32, 64, 128}), model.Options{DeviceID: -1})
			if (err == nil) != c.opens {
				t.Fatalf("%v, wanted that it opens: %v", err, c.opens)
			}
			if err != nil {
				return
			}
			src, dst := pair(model.NV12, 40, 24)
			if err := e.Stylize(dst, src, &model.Stylization{Style: modeltest.RandomStats(2, 128), Alpha: 1}); err != nil {
				t.Error(err)
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
