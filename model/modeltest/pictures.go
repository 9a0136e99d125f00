package modeltest

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// RandomWeights are weights with the scale of trained ones: normal values of model.HeScale, the colour layer of VGG, and results around
// [0,1].
func RandomWeights(seed uint64, widths model.Widths) *model.Weights {
	rng := rand.New(rand.NewPCG(seed, 1))
	w := &model.Weights{Network: widths.Name(), Widths: widths}
	for _, l := range widths.Layers() {
		c := model.Conv{Layer: l, Weight: make([]float32, l.MAC()), Bias: make([]float32, l.Out)}
		scale, shift := model.HeScale(l.In*l.Kernel*l.Kernel), 0.1
		switch l.Name {
		case "conv1_1":
			scale /= 64 // its input is 0 to 255
		case "mirror1_1":
			scale, shift = scale/5, 0.5
		}
		for i := range c.Weight {
			c.Weight[i] = float32(scale * rng.NormFloat64())
		}
		for i := range c.Bias {
			c.Bias[i] = float32(shift + 0.1*rng.NormFloat64())
		}
		if l.Name == "mirror1_1" {
			for o := range l.Out {
				centre(c.Weight[o*l.In*9:][:l.In*9])
			}
		}
		if l.Name == "colour" { // RGB in [0,1] to BGR in 0..255 less its mean over ImageNet
			c.Weight = []float32{0, 0, 255, 0, 255, 0, 255, 0, 0}
			c.Bias = []float32{-103.939, -116.779, -123.68}
		}
		w.Layers = append(w.Layers, c)
	}
	return w
}

// centre takes the mean from a filter, so that features, which are all positive, do not shift its output far away.
func centre(filter []float32) {
	var mean float32
	for _, v := range filter {
		mean += v / float32(len(filter))
	}
	for i := range filter {
		filter[i] -= mean
	}
}

// RandomStats are style statistics of c channels with the scale of real ones.
func RandomStats(seed uint64, c int) model.Stats {
	rng := rand.New(rand.NewPCG(seed, 2))
	s := model.Stats{Mean: make([]float32, c), Std: make([]float32, c)}
	for i := range c {
		s.Mean[i], s.Std[i] = float32(0.5*math.Abs(rng.NormFloat64())), float32(0.2+0.8*rng.Float64())
	}
	return s
}

// Fill puts waves, a hard edge and noise into the samples of a picture, so that every scale has contrast and both ends
// occur; in a YUV format some colours lie outside of R'G'B'. Bits that no channel has stay as they are.
func Fill(m *model.Image, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 3))
	phase := 6 * rng.Float64()
	scale := float64(int(1)<<m.Format.Layout().Depth-1) / 255
	channels := ref.Channels(m)
	for y := range m.Height {
		for x := range m.Width {
			for i, c := range channels {
				if x >= c.Width || y >= c.Height {
					continue
				}
				k := len(channels)*x + i
				a, b := float64(k)/float64(len(channels)*c.Width), float64(y)/float64(c.Height)
				v := 128 + 70*math.Sin(9*a+phase+float64(k%3)) + 50*math.Sin(7*b-phase) + 12*rng.NormFloat64()
				if (a-0.5)*(a-0.5)+(b-0.4)*(b-0.4) < 0.04 {
					v = float64(255 * (k % 2))
				}
				c.Set(x, y, int(min(max(v, 0), 255)*scale))
			}
		}
	}
	if c, ok := ref.Copied(m); ok {
		eachSample(c, func(int) int { return int(rng.Uint32() & 1023) })
	}
}

// eachSample changes the samples of a channel.
func eachSample(c ref.Channel, change func(v int) int) {
	for y := range c.Height {
		for x := range c.Width {
			c.Set(x, y, change(c.Get(x, y)))
		}
	}
}

// shake adds noise to the samples of a picture, alpha and padding too: none at its left, and at its right up to 20 codes of 8 bits.
func shake(m *model.Image, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 6))
	depth := m.Format.Layout().Depth
	for _, c := range ref.Channels(m) {
		for y := range c.Height {
			for x := range c.Width {
				step := math.Round(float64(int(20)<<(depth-8)) * float64(x) / float64(c.Width) * (2*rng.Float64() - 1))
				c.Set(x, y, min(max(c.Get(x, y)+int(step), 0), 1<<depth-1))
			}
		}
	}
	if c, ok := ref.Copied(m); ok {
		eachSample(c, func(int) int { return int(rng.Uint32() & 1023) })
	}
}

// Guarded is an image whose planes lie inside larger memory. Damage says whether anybody wrote beside the samples.
type Guarded struct {
	*model.Image
	memory, before [4][]byte
}

const guard = 128 // bytes before and after a plane

// NewGuarded allocates an image with pad bytes between rows; its first samples lie offset bytes off a plane's alignment.
// All memory, that of the samples too, holds random bytes.
func NewGuarded(f model.Format, w, h, pad, offset int, c model.Colorimetry) *Guarded {
	rng := rand.New(rand.NewPCG(uint64(w*h), 4))
	g := &Guarded{Image: &model.Image{Format: f, Width: w, Height: h, Colorimetry: c}}
	for i := range f.Planes() {
		row, rows := f.Plane(i, w, h)
		stride := row + pad
		size := stride*(rows-1) + row
		g.memory[i] = make([]byte, guard+offset+size+guard)
		for k := range g.memory[i] {
			g.memory[i][k] = byte(rng.Uint32())
		}
		at := guard + offset
		g.Planes[i] = model.Plane{Data: g.memory[i][at : at+size : at+size], Stride: stride}
	}
	g.Remember()
	return g
}

// Remember takes the present bytes as those that Damage and Changed compare with.
func (g *Guarded) Remember() {
	for i := range g.memory {
		g.before[i] = bytes.Clone(g.memory[i])
	}
}

// Changed reports any byte that is not as it was, samples included.
func (g *Guarded) Changed() error {
	for i := range g.memory {
		for k, v := range g.memory[i] {
			if v != g.before[i][k] {
				return fmt.Errorf("byte %d of plane %d changed from %d to %d", k-guard, i, g.before[i][k], v)
			}
		}
	}
	return nil
}

// Damage reports bytes before, between and after the rows that are not as they were.
func (g *Guarded) Damage() error {
	for i := range g.Format.Planes() {
		row, rows := g.Format.Plane(i, g.Width, g.Height)
		first := len(g.memory[i]) - guard - len(g.Planes[i].Data)
		for k, v := range g.memory[i] {
			y := (k - first) / g.Planes[i].Stride
			inside := k >= first && y < rows && (k-first)%g.Planes[i].Stride < row
			if !inside && v != g.before[i][k] {
				return fmt.Errorf("plane %d: byte %d beside the picture changed from %d to %d", i, k-first, g.before[i][k], v)
			}
		}
	}
	return nil
}

// RandomBatch is one batch for a training engine opened with o, with pictures as Fill makes them. What is moved, is so by whole
// pixels and has noise; its map turns, zooms and shears a little besides, and rounded it is that of the pixels alone.
func RandomBatch(seed uint64, o model.TrainingOptions, alphas []float32) *model.Batch {
	rng, maps := rand.New(rand.NewPCG(seed, 5)), rand.New(rand.NewPCG(seed, 6))
	b := &model.Batch{Alpha: slices.Clone(alphas)}
	for n := range alphas {
		content := planar(rng.Uint64(), o)
		shift := [2]int{(2+3*n)%7 - 3, (5+2*n)%7 - 3}
		moved := make([]float32, len(content))
		for i := range moved {
			x := min(max(i%o.Width+shift[0], 0), o.Width-1)
			y := min(max(i/o.Width%o.Height+shift[1], 0), o.Height-1)
			v := content[i/(o.Width*o.Height)*o.Width*o.Height+y*o.Width+x] + 0.02*float32(rng.NormFloat64())
			moved[i] = min(max(v, 0), 1)
		}
		b.Content, b.Style = append(b.Content, content...), append(b.Style, planar(rng.Uint64(), o)...)
		motion := model.Translation(float32(shift[0]), float32(shift[1]))
		for i := range motion {
			motion[i] += (maps.Float32() - 0.5) * []float32{0.2, 0.2, 0.99}[i%3]
		}
		b.Moved, b.Motion = append(b.Moved, moved...), append(b.Motion, motion)
	}
	return b
}

// planar is a picture as training engines take it, (3,H,W).
func planar(seed uint64, o model.TrainingOptions) []float32 {
	m := model.NewImage(model.RGB, o.Width, o.Height)
	Fill(m, seed)
	v := make([]float32, 0, 3*o.Width*o.Height)
	for c := range 3 {
		for i := range o.Width * o.Height {
			v = append(v, float32(m.Planes[0].Data[i/o.Width*m.Planes[0].Stride+i%o.Width*3+c])/255)
		}
	}
	return v
}
