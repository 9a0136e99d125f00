package cpu

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// TestSmoothingMemory: in place the temporal blend keeps the frame and the result of before, along the motion at most two frames more: two
// pyramids of luminances, each a third of a frame of 4:2:0, and the vectors.
func TestSmoothingMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("what watches memory, or runs another processor's program, takes some of its own")
	}
	const width, height = 1280, 720
	w := modeltest.RandomWeights(1, modeltest.Widths)
	src, dst := model.NewImage(model.I420, width, height), model.NewImage(model.I420, width, height)
	modeltest.Fill(src, 1)
	const frame = width * height * 3 / 2
	taken := func(s model.Stylization) float64 {
		e := open(t, w)
		s.Style, s.Alpha, s.ProcessingSize = modeltest.RandomStats(3, w.Widths[3]), 1, height
		show := func(s *model.Stylization) {
			for range 2 {
				if err := e.Stylize(dst, src, s); err != nil {
					t.Fatal(err)
				}
			}
		}
		plain := s
		plain.Smoothing = 0
		show(&plain)
		before := resident(t)
		show(&s)
		return float64(resident(t)-before) / frame
	}
	taken(model.Stylization{Smoothing: 0.8, Motion: true}) // what comes with the first frame of a process
	for try := 1; ; try++ {                                // what else this process takes meanwhile is counted too
		inPlace, along := taken(model.Stylization{Smoothing: 0.8}), taken(model.Stylization{Smoothing: 0.8, Motion: true})
		t.Logf("in place %.2f frames, along the motion %.2f", inPlace, along)
		if inPlace <= 2.3 && along <= inPlace+2 {
			return
		}
		if try == 8 {
			t.Fatalf("smoothing takes %.2f frames in place and %.2f along the motion, wanted 2.3 and at most 2 more", inPlace, along)
		}
	}
}

// resident is how many bytes of this process lie in memory.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
