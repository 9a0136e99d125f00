package score

import (
	"math"

	"adainfilter/model"
)

// Flow says where each pixel of a frame, row by row, was in the frame before.
type Flow struct {
	Width, Height int
	X, Y          []float32   // its place there, in pixels
	Seen          []FlowState // whether it was there
}

// FlowState is what is known of a pixel's way.
type FlowState uint8

const (
	Unknown FlowState = iota // outside the frame before, or too close to an edge of motion to say
	Covered                  // hidden in the frame before: uncovered by what moved away
	Visible                  // X and Y hold
)

// NewFlow has memory for frames of one size.
func NewFlow(width, height int) *Flow {
	n := width * height
	return &Flow{Width: width, Height: height, X: make([]float32, n), Y: make([]float32, n), Seen: make([]FlowState, n)}
}

// MovesFrom is the length of a pixel's way, in pixels, from which on it counts as moving.
const MovesFrom = 0.25

// Moves says whether pixel i, which must be Visible, moves.
func (f *Flow) Moves(i int) bool {
	return math.Hypot(float64(f.X[i])-float64(i%f.Width), float64(f.Y[i])-float64(i/f.Width)) > MovesFrom
}

// Warping gathers the warping error of Lai et al. 2018, "Learning Blind Video Temporal Consistency", section 4.1: the squared difference of a
// result's samples to those of the result before along the flow, which lie between pixels and are interpolated bilinearly, of visible pixels.
type Warping struct {
	Squares float64
	Count   int64 // of samples
}

// Error is the root of the mean, in steps of 8 bits; NaN if there is nothing.
func (w Warping) Error() float64 { return math.Sqrt(w.Squares / float64(w.Count)) }

// Merge adds what other gathered.
func (w *Warping) Merge(other Warping) {
	w.Squares += other.Squares
	w.Count += other.Count
}

// Warp adds the visible pixels of an RGB result and the one before, of the flow's size, to moving or still.
func (f *Flow) Warp(result, before *model.Image, moving, still *Warping) {
	for i, seen := range f.Seen {
		if seen != Visible {
			continue
		}
		to := still
		if f.Moves(i) {
			to = moving
		}
		now := result.Planes[0].Data[i/f.Width*result.Planes[0].Stride+3*(i%f.Width):]
		for c, v := range Between(before, float64(f.X[i]), float64(f.Y[i])) {
			d := float64(now[c]) - v
			to.Squares += d * d
		}
		to.Count += 3
	}
}

// Trail adds the samples of pixels that were covered in the frame before, where there is nothing that a result could follow: what differs
// from the result without smoothing is a ghost.
func (f *Flow) Trail(result, plain *model.Image, d *Differences) {
	for i, seen := range f.Seen {
		if seen != Covered {
			continue
		}
		x, y := i%f.Width, i/f.Width
		a, b := result.Planes[0].Data[y*result.Planes[0].Stride+3*x:], plain.Planes[0].Data[y*plain.Planes[0].Stride+3*x:]
		for c := range 3 {
			d[apart(a[c], b[c])]++
		}
	}
}

// Between is the pixel at a place between pixels of an RGB image, bilinear; outside of it that of the edge.
func Between(m *model.Image, x, y float64) (p [3]float64) {
	x, y = min(max(x, 0), float64(m.Width-1)), min(max(y, 0), float64(m.Height-1))
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, m.Width-1), min(y0+1, m.Height-1)
	fx, fy := x-float64(x0), y-float64(y0)
	above, below := m.Planes[0].Data[y0*m.Planes[0].Stride:], m.Planes[0].Data[y1*m.Planes[0].Stride:]
	for c := range p {
		top := (1-fx)*float64(above[3*x0+c]) + fx*float64(above[3*x1+c])
		bottom := (1-fx)*float64(below[3*x0+c]) + fx*float64(below[3*x1+c])
		p[c] = (1-fy)*top + fy*bottom
	}
	return p
}

// GradientEnergy is the sum of the squared differences of all samples of an RGB image to those on the right and below: what blur takes away
// (Tenengrad without its window, Krotkov 1988).
func GradientEnergy(m *model.Image) (energy int64) {
	for y := range m.Height {
		row := m.Planes[0].Data[y*m.Planes[0].Stride:]
		below := m.Planes[0].Data[min(y+1, m.Height-1)*m.Planes[0].Stride:]
		for i := range 3 * m.Width {
			right := row[min(i+3, 3*(m.Width-1)+i%3)]
			a, b := int64(right)-int64(row[i]), int64(below[i])-int64(row[i])
			energy += a*a + b*b
		}
	}
	return energy
}
