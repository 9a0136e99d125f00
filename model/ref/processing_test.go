package ref_test

import (
	"slices"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
)

// Rows that become shorter, by hand: each sample counts by the part that lies inside.
func TestReduce(t *testing.T) {
	for _, c := range []struct {
		name string
		from []byte
		to   int
		want []byte
	}{
		{"halves, rounded up", []byte{1, 2, 10, 20}, 2, []byte{2, 15}},
		{"three become two", []byte{0, 30, 90}, 2, []byte{10, 70}}, // (2*0 + 30)/3, (30 + 2*90)/3
		{"same", []byte{3, 1, 2}, 3, []byte{3, 1, 2}},
		{"one", []byte{0, 0, 0, 0, 1, 1}, 1, []byte{0}}, // 1/3
		{"seven become three", []byte{70, 0, 0, 0, 0, 0, 7}, 3, []byte{30, 0, 3}},
	} {
		small := grey(make([]byte, c.to)...)
		ref.Reduce(small, grey(c.from...))
		if got := reds(small); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, wanted %v", c.name, got, c.want)
		}
	}
}

// What is the same everywhere stays so in every format, both ways, and alpha is the frame's.
func TestFlatStaysFlat(t *testing.T) {
	for _, f := range model.Formats() {
		frame, result := model.NewImage(f, 21, 17), model.NewImage(f, 21, 17)
		small, smallResult := model.NewImage(f, 11, 9), model.NewImage(f, 11, 9)
		fill := func(m *model.Image, values [4]int) {
			channels := ref.Channels(m)
			if c, ok := ref.Copied(m); ok {
				channels = append(channels, c)
			}
			for i, c := range channels {
				for k := range c.Width * c.Height {
					c.Set(k%c.Width, k/c.Width, values[i])
				}
			}
		}
		fill(frame, [4]int{200, 7, 90, 1})
		fill(smallResult, [4]int{13, 250, 128, 2})
		ref.Reduce(small, frame)
		ref.Enlarge(result, frame, small, smallResult)
		check := func(c ref.Channel, want int) {
			for k := range c.Width * c.Height {
				if v := c.Get(k%c.Width, k/c.Width); v != want {
					t.Fatalf("%v: sample %d is %d, wanted %d", f, k, v, want)
				}
			}
		}
		for i, c := range ref.Channels(result) {
			check(c, []int{13, 250, 128}[i])
		}
		if c, ok := ref.Copied(result); ok {
			check(c, 1)
		}
	}
}

// The result keeps the frame's edge to the pixel where the small result follows the small frame: a step of 200 enlarged three times
// stays nearly one; an interpolation leaves 67 of it between two pixels.
func TestEnlargeKeepsEdges(t *testing.T) {
	const n = 3
	frame := model.NewImage(model.RGB, 24*n, 24*n)
	for i := range frame.Planes[0].Data {
		frame.Planes[0].Data[i] = byte(20 + 200*(i/3%frame.Width/(frame.Width/2)))
	}
	small := model.NewImage(model.RGB, 24, 24)
	ref.Reduce(small, frame)
	result := model.NewImage(model.RGB, frame.Width, frame.Height)
	ref.Enlarge(result, frame, small, small)
	row := reds(result)[frame.Width*frame.Height/2:][:frame.Width]
	if step := int(row[frame.Width/2]) - int(row[frame.Width/2-1]); step < 160 {
		t.Errorf("the step of 200 is one of %d: %v", step, row)
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct{ p, w, h, wantW, wantH int }{
		{0, 640, 360, 640, 360}, {360, 640, 360, 640, 360}, {400, 640, 360, 640, 360}, {180, 640, 360, 320, 180}, {180, 360, 640, 180, 320},
		{8, 1000, 9, 889, 8}, {100, 333, 333, 100, 100}, {10, 16, 15, 11, 10}, // 10.67
	} {
		s := model.Stylization{ProcessingSize: c.p}
		if w, h := s.Size(c.w, c.h); w != c.wantW || h != c.wantH {
			t.Errorf("%d of %dx%d: %dx%d, wanted %dx%d", c.p, c.w, c.h, w, h, c.wantW, c.wantH)
		}
	}
}

// Whatever the sizes, weights are a partition: each sample counts once in all.
func TestReduceKeepsTheMean(t *testing.T) {
	frame := model.NewImage(model.I420, 97, 61)
	modeltest.Fill(frame, 3)
	small := model.NewImage(model.I420, 40, 25)
	ref.Reduce(small, frame)
	mean := func(m *model.Image, i int) float64 {
		sum := 0
		for _, v := range m.Planes[i].Data {
			sum += int(v)
		}
		return float64(sum) / float64(len(m.Planes[i].Data))
	}
	for i := range 3 {
		if a, b := mean(frame, i), mean(small, i); !(a-b < 0.1 && b-a < 0.1) { // 0.5/sqrt(260 samples or more), three times
			t.Errorf("plane %d has the mean %.3f, the small one %.3f", i, a, b)
		}
	}
}
