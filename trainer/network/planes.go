package network

import (
	"context"
	"runtime"
	"sync"

	"adainfilter/model"
)

// planes are features (C,H,W) of one photograph.
type planes struct {
	c, h, w int
	data    []float32
}

func newPlanes(c, h, w int) planes { return planes{c, h, w, make([]float32, c*h*w)} }

func (x planes) plane(c int) []float32 { return x.data[c*x.h*x.w:][:x.h*x.w] }

// planesOf are the samples of an RGB image in [0,1].
func planesOf(img *model.Image) planes {
	x := newPlanes(3, img.Height, img.Width)
	for y := range x.h {
		row := img.Planes[0].Data[y*img.Planes[0].Stride:]
		for i := range 3 * x.w {
			x.plane(i % 3)[y*x.w+i/3] = float32(row[i]) / 255
		}
	}
	return x
}

// mirror is the index that stands for i in 0 to n-1, one beyond either end at most: reflection, the edge not repeated.
func mirror(i, n int) int {
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

// padded has one more pixel on each side, by reflection.
func (x planes) padded() planes {
	out := newPlanes(x.c, x.h+2, x.w+2)
	for c := range x.c {
		from, to := x.plane(c), out.plane(c)
		for y := range out.h {
			row, line := from[mirror(y-1, x.h)*x.w:][:x.w], to[y*out.w:][:out.w]
			copy(line[1:], row)
			line[0], line[x.w+1] = row[mirror(-1, x.w)], row[mirror(x.w, x.w)]
		}
	}
	return out
}

// run is one layer: its convolution and ReLU, before a pooling.
func (x planes) run(c model.Conv) planes {
	out := newPlanes(c.Out, x.h, x.w)
	if c.Kernel == 3 {
		x = x.padded()
	}
	k := c.Kernel * c.Kernel
	for o := range c.Out {
		to := out.plane(o)
		for i := range to {
			to[i] = c.Bias[o]
		}
		for i := range c.In {
			kernel, from := c.Weight[(o*c.In+i)*k:][:k], x.plane(i)
			if k == 1 {
				for j, v := range from {
					to[j] += kernel[0] * v
				}
				continue
			}
			for y := range out.h {
				convolveRow(to[y*out.w:][:out.w], from[y*x.w:], x.w, kernel)
			}
		}
		if c.ReLU {
			for i, v := range to {
				to[i] = max(v, 0)
			}
		}
	}
	return out
}

// convolveRow adds a 3x3 kernel over three rows, the first of which begins at from.
func convolveRow(to, from []float32, pitch int, k []float32) {
	n := len(to)
	above, here, below := from[:n+2], from[pitch:][:n+2], from[2*pitch:][:n+2]
	k0, k1, k2, k3, k4, k5, k6, k7, k8 := k[0], k[1], k[2], k[3], k[4], k[5], k[6], k[7], k[8]
	for x := range to {
		to[x] += k0*above[x] + k1*above[x+1] + k2*above[x+2] + k3*here[x] + k4*here[x+1] + k5*here[x+2] + k6*below[x] + k7*below[x+1] + k8*below[x+2]
	}
}

// pooled are the maxima of 2x2 pixels; an odd last row or column makes pixels of its own.
func (x planes) pooled() planes {
	out := newPlanes(x.c, (x.h+1)/2, (x.w+1)/2)
	for c := range x.c {
		from, to := x.plane(c), out.plane(c)
		for y := range out.h {
			for i := range out.w {
				v := from[2*y*x.w+2*i]
				for _, at := range [][2]int{{2 * y, 2*i + 1}, {2*y + 1, 2 * i}, {2*y + 1, 2*i + 1}} {
					if at[0] < x.h && at[1] < x.w {
						v = max(v, from[at[0]*x.w+at[1]])
					}
				}
				to[y*out.w+i] = v
			}
		}
	}
	return out
}

// next is what the layer after c gets of its features.
func (x planes) next(c model.Conv) planes {
	if c.Pool {
		return x.pooled()
	}
	return x
}

// means are those of the channels.
func (x planes) means() []float64 {
	all := make([]float64, x.c)
	for c := range all {
		for _, v := range x.plane(c) {
			all[c] += float64(v)
		}
		all[c] /= float64(x.h * x.w)
	}
	return all
}

// parallel calls work for 0 to n-1, on all processors. It ends early where ctx is done, with its cause.
func parallel(ctx context.Context, n int, work func(i int)) error {
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range next {
				work(i)
			}
		}()
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
