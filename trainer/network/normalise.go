package network

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/files"
	"adainfilter/trainer/terminal"
)

// Photos are the photographs that an encoder's activations are measured on.
type Photos struct {
	Folder string // pictures in and below it
	Short  int    // pixels of the short side to which each is resized; 0 is 256
	Side   int    // pixels of the square that is then cut from its middle; 0 is 96
	Quiet  bool   // whoever calls names the pictures that cannot be read
}

const (
	photoShort      = 256
	photoSide       = 96
	normalisePhotos = 48 // as many as are used at most
	scalePhotos     = 8  // as many as the scale of a revived filter is measured on
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

// read are the middles of at most n photographs; those that cannot be read are left out, and named on out. None is an error.
func (p Photos) read(ctx context.Context, n int, out io.Writer) ([]planes, error) {
	photos, err := p.some(n)
	if err != nil {
		return nil, err
	}
	all := make([]planes, len(photos))
	failures := make([]error, len(photos))
	err = parallel(ctx, len(photos), func(i int) { all[i], failures[i] = p.middle(photos[i].Path) })
	if err != nil {
		return nil, err
	}
	for _, failure := range failures {
		if failure != nil && !p.Quiet {
			fmt.Fprintf(out, "adain: passed over: %v\n", failure)
		}
	}
	all = slices.DeleteFunc(all, func(m planes) bool { return m.data == nil })
	if len(all) == 0 {
		return nil, fmt.Errorf("none of the photographs could be read, the first of them: %w", failures[0])
	}
	return all, nil
}

// middle is the middle of one photograph.
func (p Photos) middle(path string) (planes, error) {
	img, err := picture.ReadStyle(path, cmp.Or(p.Short, photoShort), picture.Limit{})
	if err != nil {
		return planes{}, err
	}
	return planesOf(picture.Middle(img, cmp.Or(p.Side, photoSide))), nil
}

// normalise scales every filter of the encoder so that its activation has mean 1 over the photographs, and the next layer's
// weights so that the function stays the same but for the scale of its result (Gatys et al. 2016, section 2). ReLU and
// maximum pass a positive factor on, so one run over the photographs gives the factors of all layers.
func normalise(ctx context.Context, w *model.Weights, p Photos, out io.Writer) error {
	photos, err := p.read(ctx, normalisePhotos, out)
	if err != nil {
		return err
	}
	progress := terminal.NewProgress(out)
	defer progress.Finish()
	bar := progress.Bar(terminal.BarOptions{Title: "normalising the loss network", Total: len(photos)})
	if bar == nil {
		fmt.Fprintf(out, "normalising the loss network on %d photographs\n", len(photos))
	}
	means, err := meanActivations(ctx, w, photos, func() { bar.Add(1) })
	if err != nil {
		return err
	}
	if dead := rescale(w, means); dead > 0 {
		fmt.Fprintf(progress, "adain: %d filters of the loss network answer to none of %d photographs and keep their scale\n", dead, len(photos))
	}
	return nil
}

// meanActivations are the means after ReLU of each encoder layer's channels over the photographs; the colour layer's are nil. done is
// called after each photograph, by any thread.
func meanActivations(ctx context.Context, w *model.Weights, photos []planes, done func()) ([][]float64, error) {
	all := make([][][]float64, len(photos))
	err := parallel(ctx, len(photos), func(i int) {
		all[i] = activations(w, photos[i])
		done()
	})
	if err != nil {
		return nil, err
	}
	return meanOf(all), nil
}

// meanOf is the mean over the photographs, in their order: a sum must not depend on who was first.
func meanOf(all [][][]float64) (sums [][]float64) {
	for _, means := range all {
		sums = add(sums, means)
	}
	for _, layer := range sums {
		for i := range layer {
			layer[i] /= float64(len(all))
		}
	}
	return sums
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

// activations runs the encoder on one photograph.
func activations(w *model.Weights, x planes) (means [][]float64) {
	for _, conv := range w.Layers {
		if conv.Side != model.Encoder {
			break
		}
		x = x.run(conv)
		if !conv.ReLU {
			means = append(means, nil)
			continue
		}
		means = append(means, x.means())
		x = x.next(conv)
	}
	return means
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
