package dataset

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"adainfilter/model"
	"adainfilter/picture"
)

// What random numbers are drawn for: draws for one purpose never depend on those for another.
const (
	forOrder uint64 = iota
	forCrop
	forPooledCrop
	forAlpha
	forMotion
)

// random is a generator whose numbers depend on these four alone.
func random(seed, purpose, a, b uint64) *rand.Rand {
	var key [32]byte
	for i, v := range []uint64{seed, purpose, a, b} {
		binary.LittleEndian.PutUint64(key[8*i:], v)
	}
	return rand.New(rand.NewChaCha8(key))
}

// cut is a square of a picture, in its pixels, and whether it is mirrored.
type cut struct {
	x, y, side int
	mirrored   bool
}

// choose draws the cut of a w x h picture that becomes a crop of side pixels. The side of the cut is rounded to whole pixels of
// the picture, which changes the scale a little and never the shape. A cut larger than the picture becomes the largest that it
// has, which enlarges it.
func (o Options) choose(r *rand.Rand, w, h, side int) cut {
	short := min(w, h)
	size := float64(o.Size)
	if o.Size == 0 {
		size = float64(short)
	}
	if u := r.Float64(); o.Scales[0] > 0 {
		size *= o.Scales[0] * math.Pow(o.Scales[1]/o.Scales[0], u)
	}
	n := int(math.Round(float64(side) * float64(short) / size))
	n = min(max(n, 1), short)
	return cut{r.IntN(w - n + 1), r.IntN(h - n + 1), n, r.IntN(2) == 1}
}

// take scales the cut of an RGB picture to side x side pixels: side rows of 3*side samples, not shared with img.
func (c cut) take(img *model.Image, side int) []uint8 {
	p := img.Planes[0]
	window := &model.Image{Format: model.RGB, Width: c.side, Height: c.side}
	window.Planes[0] = model.Plane{Data: p.Data[c.y*p.Stride+3*c.x:], Stride: p.Stride}
	scaled := picture.Resize(window, side, side)
	out := make([]uint8, 0, 3*side*side)
	for y := range side {
		row := scaled.Planes[0].Data[y*scaled.Planes[0].Stride:][:3*side]
		if !c.mirrored {
			out = append(out, row...)
			continue
		}
		for x := side - 1; x >= 0; x-- {
			out = append(out, row[3*x:3*x+3]...)
		}
	}
	return out
}

// short is the short side in pixels that a picture must keep when it is reduced for its largest crops: these then cost the same from any
// picture, and many pictures fit into the cache. 0 is all of it.
func (o Options) short() int {
	if o.Size == 0 {
		return 0
	}
	return int(math.Ceil(max(float64(o.Size)*max(o.Scales[1], 1), 2*float64(o.Crop))))
}
