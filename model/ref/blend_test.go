package ref_test

import (
	"slices"
	"testing"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// grey is a picture of one row, RGB with equal channels.
func grey(values ...byte) *model.Image {
	m := model.NewImage(model.RGB, len(values), 1)
	for i := range m.Planes[0].Data {
		m.Planes[0].Data[i] = values[i/3]
	}
	return m
}

func reds(m *model.Image) (v []byte) {
	for i := 0; i < len(m.Planes[0].Data); i += 3 {
		v = append(v, m.Planes[0].Data[i])
	}
	return v
}

// The weights of smoothing 0.8 (205 of 256): a pixel at rest, one that moves by 6 and by 12, and results that are more and more apart.
func TestBlend(t *testing.T) {
	for _, c := range []struct {
		name                    string
		now, before, next, want byte
		moved                   int
	}{
		// w = 205*8*32>>8 = 205; e = (205*10 + 128)>>8 = 8.
		{"rest", 100, 110, 0, 108, 0},
		{"still at rest", 100, 110, 0, 108, 4},
		{"downwards", 110, 100, 0, 102, 0},
		// w = 205*6*32>>8 = 153; e = (153*10 + 128)>>8 = 6.
		{"moves by 6", 100, 110, 0, 106, 6},
		{"moves", 100, 110, 0, 100, 12},
		{"equal", 100, 100, 0, 100, 0},
		{"one apart", 100, 101, 0, 101, 0},
		{"two apart", 100, 102, 0, 102, 0},
		// e = (205*3 + 128)>>8 = 2, which is A-1.
		{"three apart", 100, 103, 0, 102, 0},
		// w = 205*8*16>>8 = 102; e = (102*32 + 128)>>8 = 13.
		{"32 apart", 100, 132, 0, 113, 0},
		{"48 apart", 100, 148, 0, 100, 0},
		{"ends", 0, 47, 0, 1, 0}, // w = 205*8*1>>8 = 6; e = (6*47 + 128)>>8 = 1
	} {
		now := grey(c.now)
		ref.Blend(now, grey(c.before), []int{c.moved}, model.BlendWeight(0.8))
		if got := reds(now)[0]; got != c.want {
			t.Errorf("%s: %d after %d becomes %d, wanted %d", c.name, c.now, c.before, got, c.want)
		}
	}
}

// One channel decides for all of a pixel: a = 32 leaves half of the weight.
func TestBlendOfApartChannels(t *testing.T) {
	now, before := grey(100), grey(100)
	copy(before.Planes[0].Data, []byte{132, 110, 100})
	ref.Blend(now, before, []int{0}, model.BlendWeight(0.8))
	if want := []byte{113, 104, 100}; !slices.Equal(now.Planes[0].Data, want) {
		t.Errorf("%v, wanted %v", now.Planes[0].Data, want)
	}
}

// A change reaches the pixels around it, in YUV formats also through the chroma that covers them.
func TestMoved(t *testing.T) {
	for _, f := range []model.Format{model.NV12, model.I420} {
		a, b := model.NewImage(f, 7, 1), model.NewImage(f, 7, 1)
		a.Planes[0].Data[1] = 5
		a.Planes[1].Data[len(a.Planes[1].Data)-1] = 9 // of the pixels 6 and, had it one, 7
		if got, want := ref.Moved(a, b), []int{5, 5, 5, 0, 0, 9, 9}; !slices.Equal(got, want) {
			t.Errorf("%v: %v, wanted %v", f, got, want)
		}
	}
	if got, want := ref.Moved(grey(0, 0, 0, 0), grey(0, 0, 0, 7)), []int{0, 0, 7, 7}; !slices.Equal(got, want) {
		t.Errorf("RGB: %v, wanted %v", got, want)
	}
}

func TestBlendWeight(t *testing.T) {
	for _, c := range []struct {
		s    float32
		want int
	}{{0, 0}, {0.5, 128}, {0.8, 205}, {0.95, 243}, {0.999, 243}} {
		if got := model.BlendWeight(c.s); got != c.want {
			t.Errorf("%v: %d, wanted %d", c.s, got, c.want)
		}
	}
}
