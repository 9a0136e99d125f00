package modeltest

import (
	"fmt"
	"math"
	"testing"

	"adainfilter/model"
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

// CheckPicture reports samples of got that are further from want than the tolerance allows, and alpha or padding bytes that
// differ at all.
func CheckPicture(got, want *model.Image, tolerance Tolerance) error {
	var differ, samples, square, sum, worst int
	place := ""
	for i := range want.Format.Planes() {
		row, rows := want.Format.Plane(i, want.Width, want.Height)
		for y := range rows {
			for x := range row {
				g, w := got.Planes[i].Data[y*got.Planes[i].Stride+x], want.Planes[i].Data[y*want.Planes[i].Stride+x]
				d := int(g) - int(w)
				if copied(want.Format, x) {
					if d != 0 {
						return fmt.Errorf("byte %d of row %d, alpha or padding, is %d, wanted the content's %d", x, y, g, w)
					}
					continue
				}
				samples++
				sum += d
				square += d * d
				if d != 0 {
					differ++
				}
				if max(d, -d) > worst {
					worst = max(d, -d)
					place = fmt.Sprintf("byte %d of row %d of plane %d is %d, wanted %d", x, y, i, g, w)
				}
			}
		}
	}
	psnr := 10 * math.Log10(255*255*float64(samples)/float64(square))
	// A picture of few samples may lose two to the boundary, and then its PSNR says nothing.
	if worst > tolerance.Levels || differ > 2+int(tolerance.Share*float64(samples)) || worst > 1 && !(psnr >= tolerance.PSNR) {
		return fmt.Errorf("%s; %d of %d samples differ, by %d at most (allowed: %d), %+.3f on average; PSNR %.1f dB (wanted: %g)",
			place, differ, samples, worst, tolerance.Levels, float64(sum)/float64(samples), psnr, tolerance.PSNR)
	}
	return nil
}

// copied says whether byte x of a row is an alpha or padding byte.
func copied(f model.Format, x int) bool {
	row, _ := f.Plane(0, 1, 1)
	return !f.YUV() && row == 4 && x%4 == 3
}
