package ref_test

import (
	"math"
	"slices"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
)

// Weighted moments of whole shares are those of the pixels that have them, and equal shares change nothing.
func TestWeightedMoments(t *testing.T) {
	x := ref.Features{C: 2, H: 2, W: 3, Data: []float64{1, 2, 3, 4, 5, 60, -1, 0, 2, 7, 0.5, 99}}
	part := ref.Features{C: 2, H: 1, W: 2, Data: []float64{2, 5, 0, 0.5}}
	for _, c := range []struct {
		name  string
		share []float64
		want  ref.Moments
	}{
		{"two pixels", []float64{0, 1, 0, 0, 1, 0}, ref.NewMoments(part)},
		{"all", []float64{1, 1, 1, 1, 1, 1}, ref.NewMoments(x)},
		{"all by a quarter", []float64{0.25, 0.25, 0.25, 0.25, 0.25, 0.25}, ref.NewMoments(x)},
		// (1*2 + 0.5*5)/1.5 = 3; (1*1 + 0.5*4)/1.5 = 2.
		{"by hand", []float64{0, 1, 0, 0, 0.5, 0}, ref.Moments{Mean: []float64{3, 0.5 / 3}, Std: []float64{math.Sqrt(2 + model.Epsilon), math.Sqrt(1./18 + model.Epsilon)}}},
		{"none", make([]float64, 6), ref.Moments{}},
	} {
		got := ref.WeightedMoments(x, c.share)
		modeltest.Close(t, c.name, slices.Concat(got.Mean, got.Std), slices.Concat(c.want.Mean, c.want.Std), 1e-14)
	}
}

// Far from the border each region is exactly the picture in that one style with the region's statistics: what is further away than the
// decoder sees plays no part.
func TestRegionsFarFromTheBorder(t *testing.T) {
	const width, height, border, far = 208, 24, 104, 48
	w := modeltest.RandomWeights(4, modeltest.Widths)
	m := model.NewImage(model.RGB, width, height)
	modeltest.Fill(m, 4)
	mask := &model.Mask{Width: width, Height: height, White: make([]uint8, width*height), Second: modeltest.RandomStats(6, modeltest.Widths[3])}
	for i := range mask.White {
		if i%width < border {
			mask.White[i] = 255
		}
	}
	x := ref.Encode(w, ref.Read(m))[3]
	regions := ref.Regions(&model.Stylization{Style: modeltest.RandomStats(5, modeltest.Widths[3]), Mask: mask}, x, width, height)
	both := ref.Decode(w, ref.Adapt(x, regions, 1))
	for k, r := range regions {
		r.Share = slices.Repeat([]float64{1}, x.H*x.W)
		alone := ref.Decode(w, ref.Adapt(x, []ref.Region{r}, 1))
		same, differ := 0, 0
		for i, v := range both.Data {
			column := i % both.W
			inside := k == 0 && column < border-far || k == 1 && column >= border+far
			if inside && v != alone.Data[i] {
				t.Fatalf("region %d, column %d: %v, wanted %v", k+1, column, v, alone.Data[i])
			}
			if inside {
				same++
			} else if v != alone.Data[i] {
				differ++
			}
		}
		if same == 0 || differ == 0 {
			t.Errorf("region %d: %d values were compared, %d elsewhere differ", k+1, same, differ)
		}
	}
}

// The frame's own colours by hand, at the limits too.
func TestWriteLuminance(t *testing.T) {
	for _, c := range []struct {
		name        string
		frame, want [3]byte
		result      [3]float64
	}{
		{"itself", [3]byte{200, 100, 50}, [3]byte{200, 100, 50}, [3]float64{200. / 255, 100. / 255, 50. / 255}},
		{"brighter grey", [3]byte{10, 20, 30}, [3]byte{91, 101, 111}, [3]float64{0.39, 0.39, 0.39}}, // 99.45 - 18.15 = 81.3
		{"rounded half up", [3]byte{0, 0, 0}, [3]byte{51, 51, 51}, [3]float64{50.501 / 255, 50.501 / 255, 50.501 / 255}},
		{"down, rounded", [3]byte{80, 80, 80}, [3]byte{71, 71, 71}, [3]float64{70.6 / 255, 70.6 / 255, 70.6 / 255}},
		{"white is too bright for red", [3]byte{250, 0, 40}, [3]byte{255, 5, 45}, [3]float64{1, 1, 1}},
		{"black is too dark for it", [3]byte{250, 7, 40}, [3]byte{243, 0, 33}, [3]float64{0, 0, 0}},
		{"clamped before", [3]byte{0, 0, 0}, [3]byte{76, 76, 76}, [3]float64{7, -3, -1}}, // 0.299 of 255
	} {
		src, dst := model.NewImage(model.BGRA, 1, 1), model.NewImage(model.BGRA, 1, 1)
		copy(src.Planes[0].Data, []byte{c.frame[2], c.frame[1], c.frame[0], 9})
		ref.WriteLuminance(dst, src, ref.Features{C: 3, H: 1, W: 1, Data: c.result[:]})
		if got, want := dst.Planes[0].Data, []byte{c.want[2], c.want[1], c.want[0], 9}; !slices.Equal(got, want) {
			t.Errorf("%s: %v, wanted %v", c.name, got, want)
		}
	}
}
