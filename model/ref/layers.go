// Package ref is the network in plain Go, written down as it is defined: no layers folded together, no blocking, float64
// throughout. It is slow, and it is what every other engine is compared with, in what it computes and in how it trains.
package ref

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"adainfilter/model"
)

// Features are the activations of one layer, or a picture as R'G'B' in [0,1]: Data is (C,H,W).
type Features struct {
	C, H, W int
	Data    []float64
}

// NewFeatures allocates features of value 0.
func NewFeatures(c, h, w int) Features { return Features{c, h, w, make([]float64, c*h*w)} }

// Plane is channel c, (H,W); it shares the features' memory.
func (f Features) Plane(c int) []float64 { return f.Data[c*f.H*f.W:][:f.H*f.W] }

// Reflect is the index inside 0..n-1 that an index from -1 to n stands for: the neighbour of the edge, or the only one there
// is if n is 1.
func Reflect(i, n int) int {
	switch {
	case n == 1:
		return 0
	case i < 0:
		return -i
	case i >= n:
		return 2*n - 2 - i
	}
	return i
}

// Replicate is the index inside 0..n-1 that is nearest to i.
func Replicate(i, n int) int { return min(max(i, 0), n-1) }

// Pad adds a border of p pixels, whose values are those at the index that border gives for a position and a side's length.
func Pad(x Features, p int, border func(i, n int) int) Features {
	out := NewFeatures(x.C, x.H+2*p, x.W+2*p)
	for c := range x.C {
		from, to := x.Plane(c), out.Plane(c)
		for i := range out.H {
			row := from[border(i-p, x.H)*x.W:]
			for j := range out.W {
				to[i*out.W+j] = row[border(j-p, x.W)]
			}
		}
	}
	return out
}

// Convolve is the convolution alone (strictly, the correlation), without padding: (I,H,W) becomes (O,H-K+1,W-K+1).
func Convolve(c model.Conv, x Features) Features {
	k := c.Kernel
	out := NewFeatures(c.Out, x.H-k+1, x.W-k+1)
	eachChannel(c.Out, func(o int) {
		sum := out.Plane(o)
		for i := range sum {
			sum[i] = float64(c.Bias[o])
		}
		for i := range c.In {
			plane := x.Plane(i)
			for t := range k * k {
				w := float64(c.Weight[(o*c.In+i)*k*k+t])
				for y := range out.H {
					from := plane[(y+t/k)*x.W+t%k:][:out.W]
					to := sum[y*out.W:][:out.W]
					for j, v := range from {
						to[j] += w * v
					}
				}
			}
		}
	})
	return out
}

// Run is one layer of the table with everything that belongs to it: padding, convolution, ReLU, pooling, upsampling. The
// second result is what comes before pooling and upsampling.
func Run(c model.Conv, x Features) (out, relu Features) {
	p := forward(c, x)
	return p.out, p.relu
}

// pass is what a layer leaves on the way forward for the way back.
type pass struct {
	in   Features // of the convolution, padded
	sums Features // of the convolution
	relu Features
	out  Features // after pooling or upsampling
}

func forward(c model.Conv, x Features) (p pass) {
	p.in = x
	if c.Kernel == 3 {
		p.in = Pad(x, 1, border(c))
	}
	p.sums = Convolve(c, p.in)
	p.relu = p.sums
	if c.ReLU {
		p.relu = ReLU(p.sums)
	}
	p.out = p.relu
	switch {
	case c.Pool:
		p.out = Pool(p.relu)
	case c.Upsample == model.Nearest:
		p.out = Upsample(p.relu)
	case c.Upsample == model.Bilinear:
		p.out = UpsampleBilinear(p.relu)
	}
	return p
}

// border is what a layer's padding repeats.
func border(c model.Conv) func(i, n int) int {
	if c.Repeat {
		return Replicate
	}
	return Reflect
}

// ReLU is max(x, 0).
func ReLU(x Features) Features {
	out := NewFeatures(x.C, x.H, x.W)
	for i, v := range x.Data {
		if !(v < 0) { // a NaN stays one
			out.Data[i] = v
		}
	}
	return out
}

// Pool takes the maximum of each 2x2, and of what is there of the last row or column of an odd side:
// (C, ceil(H/2), ceil(W/2)).
func Pool(x Features) Features {
	out := NewFeatures(x.C, (x.H+1)/2, (x.W+1)/2)
	for c := range x.C {
		from, to := x.Plane(c), out.Plane(c)
		for y := range out.H {
			for j := range out.W {
				y1, x1 := min(2*y+1, x.H-1), min(2*j+1, x.W-1)
				to[y*out.W+j] = max(from[2*y*x.W+2*j], from[2*y*x.W+x1], from[y1*x.W+2*j], from[y1*x.W+x1])
			}
		}
	}
	return out
}

// Upsample repeats every pixel 2x2: (C,2H,2W).
func Upsample(x Features) Features {
	out := NewFeatures(x.C, 2*x.H, 2*x.W)
	for c := range x.C {
		from, to := x.Plane(c), out.Plane(c)
		for i := range to {
			to[i] = from[i/out.W/2*x.W+i%out.W/2]
		}
	}
	return out
}

// UpsampleBilinear is model.Bilinear: (C,2H,2W).
func UpsampleBilinear(x Features) Features {
	out := NewFeatures(x.C, 2*x.H, 2*x.W)
	for c := range x.C {
		from, to := x.Plane(c), out.Plane(c)
		for i := range to {
			eachBilinear(i/out.W, i%out.W, x, func(k int, share float64) { to[i] += share * from[k] })
		}
	}
	return out
}

// eachBilinear calls do with the indices in a plane of x of the four pixels that make pixel (y,j) of the map twice as large, and their shares.
// At an edge some are the same.
func eachBilinear(y, j int, x Features, do func(k int, share float64)) {
	for t := range 4 {
		row, col := y/2, j/2
		share := [2]float64{.75, .25}
		if t/2 == 1 {
			row = Replicate(row+2*(y%2)-1, x.H)
		}
		if t%2 == 1 {
			col = Replicate(col+2*(j%2)-1, x.W)
		}
		do(row*x.W+col, share[t/2]*share[t%2])
	}
}

// Crop keeps the upper left h x w pixels.
func Crop(x Features, h, w int) Features {
	out := NewFeatures(x.C, h, w)
	for c := range x.C {
		for y := range h {
			copy(out.Plane(c)[y*w:][:w], x.Plane(c)[y*x.W:])
		}
	}
	return out
}

// Moments are what model.Stats are, in float64.
type Moments struct {
	Mean, Std []float64
}

// NewMoments are those of each channel, in two passes.
func NewMoments(x Features) Moments {
	m := Moments{make([]float64, x.C), make([]float64, x.C)}
	n := float64(x.H * x.W)
	for c := range x.C {
		var sum, square float64
		for _, v := range x.Plane(c) {
			sum += v
		}
		mean := sum / n
		for _, v := range x.Plane(c) {
			square += (v - mean) * (v - mean)
		}
		m.Mean[c], m.Std[c] = mean, math.Sqrt(square/n+model.Epsilon)
	}
	return m
}

// Statistics are the moments rounded to float32.
func Statistics(x Features) model.Stats { return NewMoments(x).Stats() }

// Stats are the moments rounded to float32.
func (m Moments) Stats() model.Stats {
	s := model.Stats{Mean: make([]float32, len(m.Mean)), Std: make([]float32, len(m.Std))}
	for c := range m.Mean {
		s.Mean[c], s.Std[c] = float32(m.Mean[c]), float32(m.Std[c])
	}
	return s
}

// AdaIN is alpha*t + (1-alpha)*x, where t is x with the style's statistics: (x - mean)/std * style.Std + style.Mean
// (equation 8 of Huang & Belongie; section 7.1 for alpha).
func AdaIN(x Features, style Moments, alpha float64) Features {
	return Adapt(x, []Region{{Share: everywhere(x), Content: NewMoments(x), Style: style}}, alpha)
}

// moments are statistics in float64.
func moments(s model.Stats) Moments {
	m := Moments{make([]float64, len(s.Mean)), make([]float64, len(s.Std))}
	for c := range s.Mean {
		m.Mean[c], m.Std[c] = float64(s.Mean[c]), float64(s.Std[c])
	}
	return m
}

// Encode computes relu1_1, relu2_1, relu3_1 and relu4_1 of a picture (3,H,W) of R'G'B' in [0,1].
func Encode(w *model.Weights, picture Features) (levels [4]Features) {
	x, level := picture, 0
	for _, c := range w.Layers {
		if c.Side != model.Encoder {
			break
		}
		var relu Features
		x, relu = Run(c, x)
		if isLevel(c.Layer) {
			levels[level] = relu
			level++
		}
	}
	return levels
}

// isLevel says whether statistics are taken of the layer's features.
func isLevel(l model.Layer) bool {
	return slices.Contains([]string{"conv1_1", "conv2_1", "conv3_1", "conv4_1"}, l.Name)
}

// Decode turns features like relu4_1 into R'G'B', not clamped, (3,8H,8W).
func Decode(w *model.Weights, x Features) Features {
	for _, c := range w.Layers {
		if c.Side == model.Decoder {
			x, _ = Run(c, x)
		}
	}
	return x
}

// Stylize is the whole method on a picture (3,H,W): R'G'B', not clamped, of the picture's size.
func Stylize(w *model.Weights, picture Features, style model.Stats, alpha float64) Features {
	x := AdaIN(Encode(w, picture)[3], moments(style), alpha)
	return Crop(Decode(w, x), picture.H, picture.W)
}

// String is the shape, for messages.
func (f Features) String() string { return fmt.Sprintf("(%d,%d,%d)", f.C, f.H, f.W) }

// eachChannel calls do for 0..n-1 on as many goroutines as there are processors.
func eachChannel(n int, do func(o int)) {
	var wait sync.WaitGroup
	workers := min(n, runtime.GOMAXPROCS(0))
	for k := range workers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for o := k; o < n; o += workers {
				do(o)
			}
		}()
	}
	wait.Wait()
}
