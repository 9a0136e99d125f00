package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"

	"adainfilter/model"
)

// Motion is how the second look at a content differs from the first. All ranges are symmetric and drawn from uniformly.
type Motion struct {
	Shift int // largest shift in pixels of the crop along either axis, at most half of it
	// Affine shifts by fractions of a pixel and turns, zooms and shears about the crop's middle; otherwise pixels are shifted whole.
	Affine bool
	Turn   float64    // largest angle in radians
	Zoom   float64    // largest logarithm of the factor
	Shear  float64    // largest shift of a row, in distances from the middle row
	Noise  [2]float64 // range of the standard deviation of Gaussian noise, samples being in [0,1]
}

// Kinds of motion by name.
const (
	AffineMotion      = "affine"
	TranslationMotion = "translation" // by whole pixels
	NoMotion          = "none"        // noise alone
)

// maxShift is the largest shift of NewMotion's.
const maxShift = 8

// NewMotion is the motion of a kind for crops of some pixels: about what a hand-held camera does between two frames, and more. Errors:
// there is no such kind.
func NewMotion(kind string, crop int) (*Motion, error) {
	m := &Motion{Shift: min(maxShift, crop/4), Noise: [2]float64{0.005, 0.02}}
	switch kind {
	case AffineMotion:
		m.Affine, m.Turn, m.Zoom, m.Shear = true, 0.035, 0.04, 0.02
	case TranslationMotion:
	case NoMotion:
		m.Shift = 0
	default:
		return nil, fmt.Errorf("there is no motion %q, wanted %s, %s or %s", kind, AffineMotion, TranslationMotion, NoMotion)
	}
	return m, nil
}

func (m *Motion) check(crop int) error {
	if m.Shift < 0 || m.Shift > crop/2 {
		return fmt.Errorf("contents moved by %d pixels, wanted 0 to %d, half a crop", m.Shift, crop/2)
	}
	for _, v := range []float64{m.Turn, m.Zoom, m.Shear} {
		// Together they deform by less than twice their sum, of which model.MaxDeformation allows 0.25.
		if !(v >= 0 && m.Turn+m.Zoom+m.Shear <= model.MaxDeformation/2) {
			return fmt.Errorf("contents turned by %v, zoomed by %v and sheared by %v, wanted %v together at most", m.Turn, m.Zoom, m.Shear, model.MaxDeformation/2)
		}
	}
	if !(m.Noise[0] >= 0 && m.Noise[0] <= m.Noise[1] && m.Noise[1] <= 1) {
		return fmt.Errorf("noise of %v to %v, wanted a range within 0 to 1", m.Noise[0], m.Noise[1])
	}
	return nil
}

// draw is a map of a square of crop pixels.
func (m *Motion) draw(crop int, r *rand.Rand) model.Affine {
	if !m.Affine {
		x, y := r.IntN(2*m.Shift+1)-m.Shift, r.IntN(2*m.Shift+1)-m.Shift
		return model.Translation(float32(x), float32(y))
	}
	within := func(most float64) float64 { return most * (2*r.Float64() - 1) }
	x, y := within(float64(m.Shift)), within(float64(m.Shift))
	sin, cos := math.Sincos(within(m.Turn))
	zoom, shear := math.Exp(within(m.Zoom)), within(m.Shear)
	// Turned after it was sheared: zoom * (cos, -sin; sin, cos) * (1, shear; 0, 1).
	a := [4]float64{zoom * cos, zoom * (cos*shear - sin), zoom * sin, zoom * (sin*shear + cos)}
	middle := float64(crop-1) / 2
	return model.Affine{
		float32(a[0]), float32(a[1]), float32(middle + x - (a[0]+a[1])*middle),
		float32(a[2]), float32(a[3]), float32(middle + y - (a[2]+a[3])*middle),
	}
}

// move fills out with a moved and noisy look at a content. What lies further out than the content's margin is as its edge is; no loss
// compares it.
func (l *Loader) move(out []float32, content []uint8, r *rand.Rand) model.Affine {
	m := l.o.Motion
	motion := m.draw(l.crop, r)
	if m.Affine {
		l.warp(out, content, motion)
	} else {
		l.planes(out, content, l.content.side, l.margin+int(motion[2]), l.margin+int(motion[5]))
	}
	sigma := float32(m.Noise[0] + r.Float64()*(m.Noise[1]-m.Noise[0]))
	if sigma > 0 {
		for i := range out {
			out[i] += sigma * float32(r.NormFloat64())
		}
	}
	return motion
}

// warp writes a content as a map shows it, bilinear between pixels, as planes of R', G' and B' in [0,1].
func (l *Loader) warp(out []float32, content []uint8, motion model.Affine) {
	n, side := l.crop*l.crop, l.content.side
	last := float64(side - 1)
	for i := range n {
		x, y := motion.At(i%l.crop, i/l.crop)
		x, y = min(max(x+float64(l.margin), 0), last), min(max(y+float64(l.margin), 0), last)
		left, top := min(int(x), side-2), min(int(y), side-2)
		right, down := float32(x-float64(left)), float32(y-float64(top))
		above, below := content[3*(top*side+left):][:6], content[3*((top+1)*side+left):][:6]
		for c := range 3 {
			a := unit[above[c]]*(1-right) + unit[above[3+c]]*right
			b := unit[below[c]]*(1-right) + unit[below[3+c]]*right
			out[c*n+i] = a*(1-down) + b*down
		}
	}
}
