package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"

	"adainfilter/model"
	"adainfilter/model/ref"
	"adainfilter/picture"
	"adainfilter/trainer/files"
	"adainfilter/trainer/terminal"
)

// Photos are the photographs that an encoder's activations are measured on.
type Photos struct {
	Folder string // pictures in and below it
	Short  int    // pixels of the short side to which each is resized; 0 is 256
	Side   int    // pixels of the square that is then cut from its middle; 0 is 96
}

const (
	photoShort      = 256
	photoSide       = 96
	normalisePhotos = 48 // as many as are used at most; the reference takes some seconds for each
	alivePhotos     = 8  // as many as are looked at to see whether a filter is alive
)

// some are at most n of the photographs, evenly spread.
func (p Photos) some(n int) ([]files.File, error) {
	photos, err := files.NamedPictures([]string{p.Folder})
	if err != nil || len(photos) <= n {
		return photos, err
	}
	for i := range n {
		photos[i] = photos[i*len(photos)/n]
	}
	return photos[:n], nil
}

// normalise scales every filter of the encoder so that its activation has mean 1 over the photographs, and the next layer's
// weights so that the function stays the same but for the scale of its result (Gatys et al. 2016, section 2). ReLU and
// maximum pass a positive factor on, so one run over the photographs gives the factors of all layers.
func normalise(ctx context.Context, w *model.Weights, p Photos, out io.Writer) error {
	photos, err := p.some(normalisePhotos)
	if err != nil {
		return err
	}
	steps := terminal.NewSteps(out, "normalising", len(photos))
	defer steps.Finish()
	means, err := p.meanActivations(ctx, w, photos, steps)
	if err != nil {
		return err
	}
	if dead := rescale(w, means); dead > 0 {
		fmt.Fprintf(out, "adain: %d filters never answer to these photographs and keep their scale\n", dead)
	}
	return nil
}

// meanActivations are the means after ReLU of each encoder layer's channels over the photographs; the colour layer's are nil.
func (p Photos) meanActivations(ctx context.Context, w *model.Weights, photos []files.File, steps *terminal.Steps) ([][]float64, error) {
	var lock sync.Mutex
	all := make([][][]float64, len(photos))
	work := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range work {
				means, err := p.activations(w, photos[i].Path)
				lock.Lock()
				if err != nil {
					steps.Failed(err)
				} else {
					all[i] = means
					steps.Step(photos[i].Path)
				}
				lock.Unlock()
			}
		}()
	}
	for i := range photos {
		if ctx.Err() != nil {
			break
		}
		work <- i
	}
	close(work)
	workers.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return meanOf(all)
}

// meanOf is the mean over the photographs that could be read, in their order: a sum must not depend on who was first.
func meanOf(all [][][]float64) ([][]float64, error) {
	var sums [][]float64
	used := 0
	for _, means := range all {
		if means != nil {
			sums = add(sums, means)
			used++
		}
	}
	if used == 0 {
		return nil, errors.New("none of the photographs could be read")
	}
	for _, layer := range sums {
		for i := range layer {
			layer[i] /= float64(used)
		}
	}
	return sums, nil
}

func add(sums, more [][]float64) [][]float64 {
	if sums == nil {
		return more
	}
	for l := range sums {
		for i := range sums[l] {
			sums[l][i] += more[l][i]
		}
	}
	return sums
}

// activations runs the encoder on the middle of one photograph.
func (p Photos) activations(w *model.Weights, path string) ([][]float64, error) {
	img, err := picture.ReadStyle(path, cmp.Or(p.Short, photoShort), picture.Limit{})
	if err != nil {
		return nil, err
	}
	img = picture.Middle(img, cmp.Or(p.Side, photoSide))
	x := ref.Read(img)
	var means [][]float64
	for _, conv := range w.Layers {
		if conv.Side != model.Encoder {
			break
		}
		var relu ref.Features
		x, relu = ref.Run(conv, x)
		if !conv.ReLU {
			means = append(means, nil)
			continue
		}
		layer := make([]float64, relu.C)
		for i := range layer {
			for _, v := range relu.Plane(i) {
				layer[i] += v
			}
			layer[i] /= float64(relu.H * relu.W)
		}
		means = append(means, layer)
	}
	return means, nil
}

// rescale divides the filters by their mean activation and multiplies the next layer's input slices by it. It returns the
// number of filters that are never active; they keep their scale.
func rescale(w *model.Weights, means [][]float64) (dead int) {
	var before []float64
	for l, conv := range w.Layers[:len(means)] {
		k := conv.Kernel * conv.Kernel
		if means[l] == nil {
			continue
		}
		factors := make([]float64, conv.Out)
		for o := range conv.Out {
			factors[o] = 1
			if m := means[l][o]; m > 0 && !math.IsInf(m, 0) {
				factors[o] = m
			} else {
				dead++
			}
			for i := range conv.In {
				scale := 1 / factors[o]
				if before != nil {
					scale *= before[i]
				}
				for t := range k {
					conv.Weight[(o*conv.In+i)*k+t] = float32(float64(conv.Weight[(o*conv.In+i)*k+t]) * scale)
				}
			}
			conv.Bias[o] = float32(float64(conv.Bias[o]) / factors[o])
		}
		before = factors
	}
	return dead
}
