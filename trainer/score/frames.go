package score

import (
	"math"
	"slices"

	"adainfilter/model"
)

// Differences are numbers of samples by their absolute difference in steps of 8 bits, so that sums and ranks are exact for any
// number of frames.
type Differences [256]int64

// Add counts the samples of those pixels of two images for which where, of one value for each pixel row by row, is wanted. Without
// where all pixels count.
func (d *Differences) Add(a, b *model.Image, where []bool, wanted bool) {
	for y := range a.Height {
		rowA, rowB := a.Planes[0].Data[y*a.Planes[0].Stride:], b.Planes[0].Data[y*b.Planes[0].Stride:]
		for x := range a.Width {
			if where != nil && where[y*a.Width+x] != wanted {
				continue
			}
			p, q := rowA[3*x:3*x+3], rowB[3*x:3*x+3]
			d[apart(p[0], q[0])]++
			d[apart(p[1], q[1])]++
			d[apart(p[2], q[2])]++
		}
	}
}

func apart(a, b byte) byte { return max(a, b) - min(a, b) }

// Merge adds the numbers of other.
func (d *Differences) Merge(other *Differences) {
	for i, n := range other {
		d[i] += n
	}
}

// Count is how many samples were counted.
func (d *Differences) Count() int64 {
	var count int64
	for _, n := range d {
		count += n
	}
	return count
}

// Mean of the differences; NaN if there are none.
func (d *Differences) Mean() float64 {
	var sum int64
	for i, n := range d {
		sum += int64(i) * n
	}
	return float64(sum) / float64(d.Count())
}

// Squares is the sum of the squared differences.
func (d *Differences) Squares() int64 {
	var sum int64
	for i, n := range d {
		sum += int64(i*i) * n
	}
	return sum
}

// Percentile is the smallest difference that at least p of 100 samples do not exceed, p above 0; NaN if there are none.
func (d *Differences) Percentile(p int64) float64 {
	count, below := d.Count(), int64(0)
	for i, n := range d {
		if below += n; count > 0 && 100*below >= p*count {
			return float64(i)
		}
	}
	return math.NaN()
}

// StillLevel is the largest change of a sample, in steps of 8 bits, that Still takes for noise.
const StillLevel = 2

// Still finds the pixels that two frames have in common. It keeps its memory, so one serves all frames of a film.
type Still struct {
	At      []bool // for each pixel row by row: nothing in its 3x3 neighbourhood changed by more than StillLevel
	changed []bool // a pixel changed, then: it or its neighbour to the left or right did
}

// Compare finds the still pixels of two images of one size and says how many they are. The neighbourhood ends at the border.
func (s *Still) Compare(a, b *model.Image) int {
	w, h := a.Width, a.Height
	s.At = slices.Grow(s.At[:0], w*h)[:w*h]
	s.changed = slices.Grow(s.changed[:0], w*h)[:w*h]
	for y := range h {
		rowA, rowB := a.Planes[0].Data[y*a.Planes[0].Stride:], b.Planes[0].Data[y*b.Planes[0].Stride:]
		row := s.changed[y*w : (y+1)*w]
		left, here := false, moved(rowA, rowB, 0)
		for x := range row {
			right := x+1 < w && moved(rowA, rowB, x+1)
			row[x] = left || here || right
			left, here = here, right
		}
	}
	count := 0
	for i := range s.At {
		s.At[i] = !(s.changed[i] || i >= w && s.changed[i-w] || i+w < w*h && s.changed[i+w])
		if s.At[i] {
			count++
		}
	}
	return count
}

func moved(a, b []byte, x int) bool {
	p, q := a[3*x:3*x+3], b[3*x:3*x+3]
	return max(apart(p[0], q[0]), apart(p[1], q[1]), apart(p[2], q[2])) > StillLevel
}

// Luminance is the mean of 0.299 R + 0.587 G + 0.114 B over an image, in steps of 8 bits.
func Luminance(m *model.Image) float64 {
	var sum int64
	for y := range m.Height {
		row := m.Planes[0].Data[y*m.Planes[0].Stride:]
		for x := range m.Width {
			p := row[3*x : 3*x+3]
			sum += 299*int64(p[0]) + 587*int64(p[1]) + 114*int64(p[2])
		}
	}
	return float64(sum) / float64(1000*m.Width*m.Height)
}

// Pumping is how much the luminance of results changes from frame to frame by itself. With in and out the changes of the film's and of
// the results' luminance it is
//
//	the smallest sqrt(mean (out - b in)^2) for b from 0 to 1
//
// so what follows the film counts as little as standing still does, and going further than the film or against it counts. NaN if
// there are no changes.
func Pumping(in, out []float64) float64 {
	var both, square float64
	for i, v := range in {
		both += v * out[i]
		square += v * v
	}
	b := 0.0
	if square > 0 {
		b = min(max(both/square, 0), 1)
	}
	var sum float64
	for i, v := range in {
		d := out[i] - b*v
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(in)))
}
