package score

import (
	"math"
	"testing"

	"adainfilter/model"
)

// TestWarping moves a slope, which bilinear interpolation follows exactly, by known ways.
func TestWarping(t *testing.T) {
	slope := func(add int) *model.Image {
		return painted(16, 13, func(x, y, c int) int { return 40 + 4*x + 8*y + c + add })
	}
	f := NewFlow(16, 13)
	for i := range f.Seen {
		x, y := float32(i%16), float32(i/16)
		f.X[i], f.Y[i] = x+0.5, y
		if i/16 > 9 {
			f.X[i], f.Y[i] = x, y+0.125 // too little to count as moving
		}
		switch {
		case i%16 > 13:
			f.Seen[i] = Unknown
		case i/16 == 12:
			f.Seen[i] = Covered
		default:
			f.Seen[i] = Visible
		}
	}
	var moving, still Warping
	f.Warp(slope(5), slope(0), &moving, &still)
	near(t, "error of what moves", moving.Error(), 3, 1e-9) // 5 less half a step across
	near(t, "error of what is still", still.Error(), 4, 1e-9)
	if moving.Count != 3*14*10 || still.Count != 3*14*2 {
		t.Errorf("%d and %d samples", moving.Count, still.Count)
	}
	var trail Differences
	f.Trail(slope(5), slope(2), &trail)
	if trail.Count() != 3*14 || trail.Mean() != 3 {
		t.Errorf("trail of %d samples, %v", trail.Count(), trail.Mean())
	}
}

func TestGradientEnergy(t *testing.T) {
	m := painted(16, 13, func(x, y, c int) int { return 3*x + 5*y + c })
	if got, want := GradientEnergy(m), int64(3*(15*13*9+16*12*25)); got != want {
		t.Errorf("energy is %d, wanted %d", got, want)
	}
	if e := GradientEnergy(flat(9)); e != 0 {
		t.Errorf("energy of a flat picture is %d", e)
	}
	if p := Between(m, 2.25, math.Inf(1)); p[0] != 6.75+60 {
		t.Errorf("between is %v", p)
	}
}
