// Package quantization prepares a network for integers of 8 bits: it watches what the layers read on pictures and chooses the steps that bytes
// count in.
package quantization

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"adainfilter/cpu"
	"adainfilter/model"
	"adainfilter/trainer/evaluation"
	"adainfilter/trainer/files"
	"adainfilter/trainer/score"
	"adainfilter/trainer/terminal"
)

// Key is the metadata entry that says how close the results come to float32: the least PSNR in dB of the pictures that were checked.
const Key = "int8_psnr_db"

const (
	stylesOfContent = 4    // pairs of a content, one of them at half strength
	layerWindows    = 2048 // windows that a layer's steps are judged by
	most            = 99   // dB, of equal pictures
	checkedContents = 4    // contents of the check, each in all styles of the network's own and some of the others
)

// margin enlarges the steps, since chance leaves out what few styles make large.
const margin = 1.25

// takes says whether a layer is calibrated: the encoder is not, since AdaIN enlarges what it rounds where a photograph has little contrast; nor is the
// last upsampling, whose four phases would round apart and draw a lattice. documents/lite.md has the measurements.
func takes(l model.Layer) bool { return l.Int8() && l.Side == model.Decoder && l.Name != "mirror1_2" }

// Options are what a network is calibrated on.
type Options struct {
	Contents, Styles []files.File
	Pictures         int // at most so many contents and style pictures
	Size             int // side of the pictures in pixels, a multiple of 8; their middle is cut out
	Seed             uint64
	Threads          int
}

// Result is a calibrated network, and what it loses.
type Result struct {
	Weights  *model.Weights
	Contents int     // that were used
	Styles   int     // with the network's own
	Pairs    int     // that were checked
	Least    float64 // PSNR to float32 in dB, of the pair that loses most
	Median   float64
}

// Run calibrates weights, in float32 on the CPU, and checks the result. Each layer is a step of out. Errors: no pictures, a picture that cannot be
// read, the engine's, the context's.
func Run(ctx context.Context, w *model.Weights, o Options, out *terminal.Steps) (*Result, error) {
	plain := *w
	plain.Int8 = nil
	exact, err := cpu.Open(&plain, model.Options{Precision: model.Float32, Threads: o.Threads})
	if err != nil {
		return nil, err
	}
	defer exact.Close()
	c := &calibration{o: o, engine: exact.(*cpu.Engine), random: rand.New(rand.NewPCG(o.Seed, 1))}
	if err := c.read(ctx, &plain); err != nil {
		return nil, err
	}
	layers := map[string]model.Int8Layer{}
	for i, l := range plain.Folded() {
		if !takes(l.Layer) {
			continue
		}
		out.Step(l.Name)
		s, err := c.sample(ctx, i, l)
		if err != nil {
			return nil, err
		}
		own := s.choose()
		for i := range own.Steps {
			own.Steps[i] *= margin
		}
		layers[l.Name] = own
	}
	calibrated, err := plain.WithInt8(layers)
	if err != nil {
		return nil, err
	}
	r := &Result{Weights: calibrated, Contents: len(c.contents), Styles: len(c.styles)}
	return r, c.check(ctx, r)
}

// Steps is how many steps Run makes with a network.
func Steps(w *model.Weights) (n int) {
	for _, l := range w.Layers {
		if takes(l.Layer) {
			n++
		}
	}
	return n
}

type calibration struct {
	o        Options
	engine   *cpu.Engine // in float32
	random   *rand.Rand
	contents []*model.Image
	styles   []model.Stats
	own      int // of styles, the first
	input    cpu.Map
}

// read reads the pictures and takes the statistics of the styles: those that belong to the network and those of the pictures.
func (c *calibration) read(ctx context.Context, w *model.Weights) error {
	for _, name := range model.BuiltinStyles() {
		if s, err := model.BuiltinStyle(w.Network, name); err == nil && s.Fits(w) == nil {
			c.styles = append(c.styles, s.Stats)
		}
	}
	for _, s := range w.Styles {
		c.styles = append(c.styles, s.Stats)
	}
	c.own = len(c.styles)
	err := c.squares(ctx, c.o.Contents, func(img *model.Image) error {
		c.contents = append(c.contents, img)
		return nil
	})
	if err != nil {
		return err
	}
	err = c.squares(ctx, c.o.Styles, func(img *model.Image) error {
		s, err := c.engine.Statistics(img)
		c.styles = append(c.styles, s)
		return err
	})
	if err != nil {
		return err
	}
	if len(c.contents) == 0 || len(c.styles) == 0 {
		return errors.New("no pictures to calibrate on, wanted contents and styles")
	}
	return nil
}

// squares reads pictures that are chosen by chance, in their order.
func (c *calibration) squares(ctx context.Context, all []files.File, use func(img *model.Image) error) error {
	chosen := c.random.Perm(len(all))[:min(c.o.Pictures, len(all))]
	slices.Sort(chosen)
	for _, i := range chosen {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		img, err := evaluation.ReadSquare(all[i].Path, c.o.Size)
		if err != nil {
			return err
		}
		if err := use(img); err != nil {
			return err
		}
	}
	return nil
}

// stylization is the k-th of a content's: each content meets other styles, one of four at half strength.
func (c *calibration) stylization(content, k int) *model.Stylization {
	s := &model.Stylization{Style: c.styles[(content*stylesOfContent+k)%len(c.styles)], Alpha: 1}
	if k%4 == 3 {
		s.Alpha = 0.5
	}
	return s
}

// sample watches what a layer, an index into the folded network, reads.
func (c *calibration) sample(ctx context.Context, layer int, l model.Conv) (*samples, error) {
	s := newSamples(l)
	for i, img := range c.contents {
		for k := range stylesOfContent {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if err := c.engine.Input(img, c.stylization(i, k), layer, &c.input); err != nil {
				return nil, err
			}
			s.take(&c.input, layerWindows/(len(c.contents)*stylesOfContent)+1, c.random)
		}
	}
	return s, nil
}

// check stylises pairs in both precisions and notes how close they come.
func (c *calibration) check(ctx context.Context, r *Result) error {
	quick, err := cpu.Open(r.Weights, model.Options{Precision: model.Int8, Threads: c.o.Threads})
	if err != nil {
		return err
	}
	defer quick.Close()
	var all []float64
	for _, img := range c.contents[:min(checkedContents, len(c.contents))] {
		results := [2]*model.Image{model.NewImage(img.Format, img.Width, img.Height), model.NewImage(img.Format, img.Width, img.Height)}
		for _, style := range c.styles[:min(c.own+checkedContents, len(c.styles))] {
			for _, alpha := range []float32{1, 0.5} {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				for i, e := range []model.Engine{c.engine, quick} {
					if err := e.Stylize(results[i], img, &model.Stylization{Style: style, Alpha: alpha}); err != nil {
						return err
					}
				}
				all = append(all, min(most, score.PSNR(results[0], results[1])))
			}
		}
	}
	slices.Sort(all)
	r.Pairs, r.Least, r.Median = len(all), all[0], all[len(all)/2]
	r.Weights.Metadata = withEntry(r.Weights.Metadata, Key, fmt.Sprintf("%.2f", r.Least))
	return nil
}
