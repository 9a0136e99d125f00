package main

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/model/ref"
	"adainfilter/picture"
	"adainfilter/trainer/files"
	"adainfilter/trainer/pth"
	"adainfilter/trainer/terminal"
)

// torchvision's vgg19 numbers its modules without padding layers and without the colour layer: our index by theirs.
var torchvisionIndex = map[string]string{
	"2": "0", "5": "2", "9": "5", "12": "7", "16": "10", "19": "12", "22": "14", "25": "16", "29": "19",
}

func isTorchvision(f *pth.File) bool { return f.Tensors["features.0.weight"] != nil }

// torchvisionName turns "29.weight" into "features.19.weight".
func torchvisionName(short string) string {
	for i := range short {
		if short[i] == '.' {
			return "features." + torchvisionIndex[short[:i]] + short[i:]
		}
	}
	return short
}

// imageNetColour is the colour layer that does what torchvision asks of its users: (x - mean)/std, RGB.
func imageNetColour(key string) (shape []int, v []float32, ok bool) {
	mean, std := [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
	switch key {
	case "encoder.0.weight":
		v = make([]float32, 9)
		for c := range 3 {
			v[4*c] = float32(1 / std[c])
		}
		return []int{3, 3, 1, 1}, v, true
	case "encoder.0.bias":
		for c := range 3 {
			v = append(v, float32(-mean[c]/std[c]))
		}
		return []int{3}, v, true
	}
	return nil, nil, false
}

const (
	normalisePhotos = 48  // as many as are used at most; the reference takes some seconds for each
	normaliseShort  = 256 // pixels of the short side to which each is resized
	normaliseSide   = 96  // pixels of the square that is then cut from its middle
)

// normalise scales every filter of the encoder so that its activation has mean 1 over the photographs, and the next layer's
// weights so that the function stays the same but for the scale of its result (Gatys et al. 2016, section 2). ReLU and
// maximum pass a positive factor on, so one run over the photographs gives the factors of all layers.
func normalise(c *cli.Context, w *model.Weights, folder string) error {
	photos, err := somePhotos(folder, normalisePhotos)
	if err != nil {
		return err
	}
	p := terminal.NewSteps(c.App.ErrWriter, "normalising", len(photos))
	defer p.Finish()
	means, err := meanActivations(c, w, photos, p)
	if err != nil {
		return err
	}
	if dead := rescale(w, means); dead > 0 {
		fmt.Fprintf(c.App.ErrWriter, "adain: %d filters never answer to these photographs and keep their scale\n", dead)
	}
	return nil
}

// somePhotos are at most n of the pictures in and below a folder, evenly spread.
func somePhotos(folder string, n int) ([]files.File, error) {
	photos, err := files.Named([]string{folder}, files.Pictures)
	if err != nil || len(photos) <= n {
		return photos, err
	}
	for i := range n {
		photos[i] = photos[i*len(photos)/n]
	}
	return photos[:n], nil
}

// meanActivations are the means after ReLU of each encoder layer's channels over the photographs; the colour layer's are nil.
func meanActivations(c *cli.Context, w *model.Weights, photos []files.File, p *terminal.Steps) ([][]float64, error) {
	var lock sync.Mutex
	all := make([][][]float64, len(photos))
	work := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range work {
				means, err := activations(w, photos[i].Path)
				lock.Lock()
				if err != nil {
					p.Failed(err)
				} else {
					all[i] = means
					p.Step(photos[i].Path)
				}
				lock.Unlock()
			}
		}()
	}
	for i := range photos {
		if c.Context.Err() != nil {
			break
		}
		work <- i
	}
	close(work)
	workers.Wait()
	if err := interrupted(c.Context); err != nil {
		return nil, err
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
func activations(w *model.Weights, path string) ([][]float64, error) {
	img, err := picture.ReadStyle(path, normaliseShort, picture.Limit{})
	if err != nil {
		return nil, err
	}
	img = picture.Middle(img, normaliseSide)
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
