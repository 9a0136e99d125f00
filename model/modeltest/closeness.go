package modeltest

import (
	"fmt"
	"math"
	"testing"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// Difference is how far values are from what was wanted.
type Difference struct {
	MaxAbs float64 // largest absolute difference, NaN if there is one
	Index  int     // where it is
	MaxRel float64 // MaxAbs relative to the largest absolute value that was wanted
}

// Compare finds the largest difference. A NaN in either counts as larger than everything.
func Compare[G, W float32 | float64](got []G, want []W) Difference {
	var d Difference
	var scale float64
	for i := range want {
		scale = max(scale, math.Abs(float64(want[i]))) // NaN if there is one
		diff := math.Abs(float64(got[i]) - float64(want[i]))
		if !(diff <= d.MaxAbs) && !math.IsNaN(d.MaxAbs) {
			d.MaxAbs, d.Index = diff, i
		}
	}
	if d.MaxAbs != 0 {
		d.MaxRel = d.MaxAbs / scale
	}
	return d
}

// CheckClose reports values that differ by more than tolerance times the largest absolute value wanted, lengths that differ,
// and NaN anywhere.
func CheckClose[G, W float32 | float64](what string, got []G, want []W, tolerance float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d values, wanted %d", what, len(got), len(want))
	}
	if d := Compare(got, want); !(d.MaxRel <= tolerance) {
		return fmt.Errorf("%s: index %d is %g, wanted %g: off by %.3g, %.3g of the largest, at most %.3g allowed",
			what, d.Index, got[d.Index], want[d.Index], d.MaxAbs, d.MaxRel, tolerance)
	}
	return nil
}

// Close is CheckClose for tests.
func Close[G, W float32 | float64](t testing.TB, what string, got []G, want []W, tolerance float64) {
	t.Helper()
	if err := CheckClose(what, got, want, tolerance); err != nil {
		t.Error(err)
	}
}

// CheckPicture reports samples of got that are further from want than the tolerance allows, and alpha, padding or unused bits that
// differ at all.
func CheckPicture(got, want *model.Image, tolerance Tolerance) error {
	if err := checkRest(got, want); err != nil {
		return err
	}
	deeper := float64(int(1) << (want.Format.Layout().Depth - 8))
	levels := max(tolerance.Levels, int(math.Ceil(tolerance.Range*256*deeper)))
	if tolerance.Levels > 1 {
		levels = tolerance.Levels * int(deeper)
	}
	var differ, samples, sum, worst int
	var square float64
	place := ""
	from := ref.Channels(got)
	for i, c := range ref.Channels(want) {
		for y := range c.Height {
			for x := range c.Width {
				g, w := from[i].Get(x, y), c.Get(x, y)
				d := g - w
				samples++
				sum += d
				square += float64(d) * float64(d) / deeper / deeper
				if d != 0 {
					differ++
				}
				if max(d, -d) > worst {
					worst = max(d, -d)
					place = fmt.Sprintf("sample %d of row %d of channel %d is %d, wanted %d", x, y, i, g, w)
				}
			}
		}
	}
	psnr := 10 * math.Log10(255*255*float64(samples)/square)
	share := tolerance.Share
	if deeper > 1 {
		share = max(share, min(1, 0.08*deeper))
	}
	// A picture of few samples may lose two to the boundary, and then its PSNR says nothing.
	if worst > levels || differ > 2+int(share*float64(samples)) || worst > 1 && !(psnr >= tolerance.PSNR) {
		return fmt.Errorf("%s; %d of %d samples differ, by %d at most (allowed: %d), %+.3f on average; PSNR %.1f dB (wanted: %g)",
			place, differ, samples, worst, levels, float64(sum)/float64(samples), psnr, tolerance.PSNR)
	}
	return nil
}

// checkRest compares what is copied, and the bits that no channel has with zero.
func checkRest(got, want *model.Image) error {
	if to, ok := ref.Copied(got); ok {
		from, _ := ref.Copied(want)
		for y := range to.Height {
			for x := range to.Width {
				if g, w := to.Get(x, y), from.Get(x, y); g != w {
					return fmt.Errorf("sample %d of row %d, alpha or padding, is %d, wanted the content's %d", x, y, g, w)
				}
			}
		}
	}
	rest := model.NewImage(got.Format, got.Width, got.Height)
	for i := range got.Format.Planes() {
		row, rows := got.Format.Plane(i, got.Width, got.Height)
		for y := range rows {
			copy(rest.Planes[i].Data[y*row:][:row], got.Planes[i].Data[y*got.Planes[i].Stride:])
		}
	}
	channels := ref.Channels(rest)
	if c, ok := ref.Copied(rest); ok {
		channels = append(channels, c)
	}
	for _, c := range channels {
		eachSample(c, func(int) int { return 0 })
	}
	for i := range rest.Planes {
		for k, v := range rest.Planes[i].Data {
			if v != 0 {
				row, _ := rest.Format.Plane(i, rest.Width, rest.Height)
				return fmt.Errorf("bits %#x of byte %d of row %d of plane %d, which no channel has, are set", v, k%row, k/row, i)
			}
		}
	}
	return nil
}
