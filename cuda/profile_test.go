package cuda

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// TestProfile demands a line for each kernel of a frame, the cost of each, and the sum that is known for VGG-19: 421,248
// multiply-accumulates a pixel with the upsamplings folded.
func TestProfile(t *testing.T) {
	each(t, func(t *testing.T) {
		t.Setenv("EMU_IDLE", "1") // the launches count, not what they compute
		e := open(t, model.VGG19, model.Options{DeviceID: -1})
		src, dst := pair(model.NV12, 8, 8)
		s := &model.Stylization{Style: modeltest.RandomStats(1, model.VGG19[3]), Alpha: 1}
		for _, s.Mask = range []*model.Mask{nil, halves(model.VGG19[3])} {
			times, err := e.Profile(dst, src, s, 1)
			if err != nil {
				t.Fatal(err)
			}
			want := 18 + 4 // convolutions, and what is between encoder and decoder
			if e.fusesFirst() {
				want--
			}
			if len(times) != want {
				t.Errorf("%d kernels, wanted %d", len(times), want)
			}
			var flop float64
			for _, k := range times {
				if !(k.Milliseconds >= 0) || !(k.Bound > 0) || math.IsInf(k.Bound, 0) || !(k.Bytes > 0) || k.Layer == "" || k.Kernel == "" {
					t.Errorf("%+v", k)
				}
				if k.Layer != "statistics" && k.Layer != "AdaIN" {
					flop += k.FLOP
				}
			}
			if perPixel := flop / 64 / 2; perPixel != 241344+179904 {
				t.Errorf("%.0f multiply-accumulates a pixel, wanted %d", perPixel, 241344+179904)
			}
		}
	})
}

// TestProfileOfFilm demands a line with its cost for each kernel around the network.
func TestProfileOfFilm(t *testing.T) {
	each(t, func(t *testing.T) {
		e := open(t, modeltest.Widths, model.Options{DeviceID: -1})
		src, dst := pair(model.NV12, 12, 9)
		s := &model.Stylization{Style: modeltest.RandomStats(1, modeltest.Widths[3]), Alpha: 1, ProcessingSize: 8, Smoothing: 0.5}
		profiled := func(want ...string) {
			times, err := e.Profile(dst, src, s, 1)
			if err != nil {
				t.Fatal(err)
			}
			var around []string
			for _, k := range times {
				if slices.Contains([]string{"processing size", "temporal blend", "motion"}, k.Layer) {
					around = append(around, k.Kernel)
					if !(k.FLOP > 0) || !(k.Bytes > 0) {
						t.Errorf("%+v", k)
					}
				}
			}
			if !slices.Equal(around, want) {
				t.Errorf("kernels around the network: %v, wanted %v", around, want)
			}
		}
		profiled("reduce", "enlarge_fit", "enlarge", "blend_changes", "blend")
		s.Motion, s.ProcessingSize = true, 0
		profiled("motion_light", "motion_search", "motion_settle", "motion_relax", "motion_rest", "motion_cells", "motion_keep",
			"follow_changes", "follow_blend", "follow_steps", "follow_gains", "follow_show")
	})
}

// TestSelftest demands what the emulator, which the kernels are tested with, is sure of.
func TestSelftest(t *testing.T) {
	emulated(t, func(t *testing.T) {
		checks, gpu, err := Selftest(model.Options{DeviceID: -1})
		if err != nil {
			t.Fatal(err)
		}
		if gpu == "" || len(checks) < 5 || (os.Getenv("EMU_CC") == "90") != slices.ContainsFunc(checks, func(c Check) bool { return strings.HasPrefix(c.Name, "wgmma") }) {
			t.Errorf("%q: %v", gpu, checks)
		}
		for _, c := range checks {
			if !c.Question && c.Wrong != 0 {
				t.Errorf("%s: %d wrong", c.Name, c.Wrong)
			}
		}
	})
}
