package cpu

import (
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// TestManyStages: a frame of 4K that is computed at little more than half its size follows the motion through six levels, in more stages than
// any other of that size has.
func TestManyStages(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	w := modeltest.RandomWeights(1, modeltest.Widths)
	src, dst := model.NewImage(model.NV12, 3840, 2160), model.NewImage(model.NV12, 3840, 2160)
	modeltest.Fill(src, 1)
	s := model.Stylization{Style: modeltest.RandomStats(3, w.Widths[3]), Alpha: 1, Smoothing: 0.8, Motion: true, ProcessingSize: 1100}
	e := open(t, w)
	for range 2 {
		if err := e.Stylize(dst, src, &s); err != nil {
			t.Fatal(err)
		}
	}
}
