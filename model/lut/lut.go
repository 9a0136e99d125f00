// Package lut holds look-up tables of colours: a curve for each channel (1D) or a cube of colours (3D), and reads them from .cube files.
package lut

import (
	"fmt"
	"math"
	"sync"
)

// The sizes that the Cube LUT Specification 1.0 of Adobe allows.
const (
	MinSize   = 2
	MaxSize1D = 65536
	MaxSize3D = 256
)

// Table maps R'G'B' to R'G'B'. Engines keep what they prepare from one, so it must not change once one has seen it.
//
// A colour first becomes a place in the table: p = (x-Low)/(High-Low)*(Size-1) in each channel, limited to 0 to Size-1. A 1D table is
// interpolated linearly in each channel. A 3D table is interpolated within the tetrahedron of its cell that holds the place, one of the six
// that share the cell's diagonal from black to white (J. M. Kasson, W. Plouffe, S. I. Nin: A tetrahedral interpolation technique for color
// space conversion, Proc. SPIE 1909, 1993): greys come from greys alone.
type Table struct {
	Title     string
	Cube      bool       // 3D
	Size      int        // samples along each axis
	Low, High [3]float32 // the colours of the first and the last sample
	Values    []float32  // (Size,4), or (Size,Size,Size,4) with blue first and red last: R', G', B', 0
}

// New is a table without values, for colours of 0 to 1.
func New(cube bool, size int) *Table {
	return &Table{Cube: cube, Size: size, High: [3]float32{1, 1, 1}, Values: make([]float32, 4*count(cube, size))}
}

// Sampled is the cube that f gives at the samples of 0 to 1. Several goroutines call f.
func Sampled(size int, f func([3]float64) [3]float64) *Table {
	t := New(true, size)
	var planes sync.WaitGroup
	for blue := range size {
		planes.Add(1)
		go func() {
			defer planes.Done()
			for i := blue * size * size; i < (blue+1)*size*size; i++ {
				at := [3]int{i % size, i / size % size, blue}
				var rgb [3]float64
				for c := range rgb {
					rgb[c] = float64(at[c]) / float64(size-1)
				}
				for c, v := range f(rgb) {
					t.Values[4*i+c] = float32(v)
				}
			}
		}()
	}
	planes.Wait()
	return t
}

// count is the samples of a table.
func count(cube bool, size int) int {
	if cube {
		return size * size * size
	}
	return size
}

// Check reports a table that an engine must not use; nil can be used and changes nothing.
func (t *Table) Check() error {
	if t == nil {
		return nil
	}
	if most := maxSize(t.Cube); t.Size < MinSize || t.Size > most {
		return fmt.Errorf("%s: size %d, wanted %d to %d", kind(t.Cube), t.Size, MinSize, most)
	}
	if want := 4 * count(t.Cube, t.Size); len(t.Values) != want {
		return fmt.Errorf("%s: %d values, wanted %d", kind(t.Cube), len(t.Values), want)
	}
	for c := range t.Low {
		if !(t.Low[c] < t.High[c]) || math.IsInf(float64(t.High[c]-t.Low[c]), 0) {
			return fmt.Errorf("%s: it begins at %v and ends at %v, wanted a lower number and a higher one", kind(t.Cube), t.Low[c], t.High[c])
		}
	}
	return nil
}

func maxSize(cube bool) int {
	if cube {
		return MaxSize3D
	}
	return MaxSize1D
}

func kind(cube bool) string {
	if cube {
		return "3D look-up table"
	}
	return "1D look-up table"
}

// Scale is what x-Low is multiplied by to become a place.
func (t *Table) Scale() (s [3]float32) {
	for c := range s {
		s[c] = float32(float64(t.Size-1) / (float64(t.High[c]) - float64(t.Low[c])))
	}
	return s
}

// At is the colour that rgb becomes, in float64; the engines do the same in float32. A NaN is taken as the first sample.
func (t *Table) At(rgb [3]float64) [3]float64 {
	var at [3]int
	var share [3]float64
	for c := range rgb {
		p := (rgb[c] - float64(t.Low[c])) / (float64(t.High[c]) - float64(t.Low[c])) * float64(t.Size-1)
		if !(p > 0) {
			p = 0
		}
		p = min(p, float64(t.Size-1))
		at[c] = min(int(p), t.Size-2)
		share[c] = p - float64(at[c])
	}
	if t.Cube {
		return t.tetrahedral(at, share)
	}
	for c := range rgb {
		a, b := float64(t.Values[4*at[c]+c]), float64(t.Values[4*at[c]+4+c])
		rgb[c] = a + share[c]*(b-a)
	}
	return rgb
}

// tetrahedral walks from the cell's first corner to its last along the axes in the order of the shares, largest first.
func (t *Table) tetrahedral(at [3]int, share [3]float64) (out [3]float64) {
	order := [3]int{0, 1, 2}
	for _, p := range [...][2]int{{0, 1}, {1, 2}, {0, 1}} {
		if share[order[p[1]]] > share[order[p[0]]] {
			order[p[0]], order[p[1]] = order[p[1]], order[p[0]]
		}
	}
	weight := 1 - share[order[0]]
	for i := 0; ; i++ {
		corner := 4 * (at[0] + t.Size*(at[1]+t.Size*at[2]))
		for c := range out {
			out[c] += weight * float64(t.Values[corner+c])
		}
		if i == 3 {
			return out
		}
		weight = share[order[i]]
		if i < 2 {
			weight -= share[order[i+1]]
		}
		at[order[i]]++
	}
}
