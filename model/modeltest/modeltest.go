// Package modeltest is what every engine has to pass: it compares an engine with the plain network of model/ref, sample for
// sample, in every format, at odd sizes, with padded rows and guarded memory.
package modeltest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"adainfilter/model"
)

// Tolerance is how far an engine may be from the reference. Bounds are for a whole picture.
type Tolerance struct {
	Precision model.Precision // that the engine is opened with
	Levels    int             // largest difference of a sample; if above 1, in codes of 8 bits, whatever the depth
	Range     float64         // if that is more, the largest difference before rounding as a share of the range
	Share     float64         // of the samples of 8 bits may differ at all, a third of those of 10 bits and any deeper ones; two always may
	PSNR      float64         // dB at least
	Stats     float64         // largest difference of a mean or std, relative to the largest of all of them
	Formats   []model.Format  // that the engine takes; nil for all
}

// Float32 is for engines whose sums are float32. Eighteen layers with sums of up to 9*128 products round to about 1e-5 of
// the range, 0.0026 levels, at worst (ten times that where a few features make a frame's statistics): 0.5 % of the samples then lie so near to a rounding boundary that they may take its
// other side. The share is what catches a bias such as truncation, which is one level at most and half of all samples.
var Float32 = Tolerance{Precision: model.Float32, Levels: 1, Range: 1e-4, Share: 0.005, PSNR: 60, Stats: 2e-5}

// Half is for bfloat16 and float16 features. A bfloat16 rounds by 2^-9 of itself, and eighteen layers leave about 1 % of the
// range. Where a small frame has four pixels at relu4_1 the division by their std enlarges that several times.
var Half = Tolerance{Precision: model.Half, Levels: 80, Share: 1, PSNR: 25, Stats: 3e-2}

// Float16 is for float16 features with sums in float32. A float16 rounds by 2^-12 of itself, an eighth of a bfloat16: the bounds are a
// fifth of Half's (14 dB), as the smallest frames, of four pixels at relu4_1, leave nothing to chance.
var Float16 = Tolerance{Precision: model.Half, Levels: 16, Share: 1, PSNR: 39, Stats: 6e-3, Formats: model.CUDAFormats()}

// loose is for results that are made of 8-bit results of the network. One that took the other side of a rounding boundary moves the
// weights and slopes of what is made of it, by up to a step and a half for each of its own, and the frames after it follow.
func (t Tolerance) loose() Tolerance {
	t.Levels, t.Range, t.Share, t.PSNR = 4*t.Levels, 4*t.Range, min(8*t.Share, 1), t.PSNR-6
	return t
}

// Case is one property of an engine; Check says what is wrong.
type Case struct {
	Name  string
	Check func() error
}

// Run runs every case on engines that open delivers.
func Run(t *testing.T, open model.Opener, tolerance Tolerance) {
	for _, c := range Cases(open, tolerance) {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Cases are the cases that Run runs. Under -short those that go through products of formats, sizes and other choices take each choice once
// or twice instead.
func Cases(open model.Opener, tolerance Tolerance) []Case {
	s := suite{open, tolerance, testing.Short()}
	cases := []Case{
		{"identity", s.identity},
		{"alpha", s.alpha},
		{"flat", s.flat},
		{"statistics", s.statistics},
		{"sizes", s.sizes},
		{"determinism", s.determinism},
		{"two engines", s.twoEngines},
		{"refusals", s.refusals},
		{"colorimetry", s.colorimetry},
		{"lite widths", s.lite},
		{"upsampling", s.upsampling},
		{"mask", s.mask},
		{"preserve color", s.preserveColor},
		{"smoothing", s.smoothing},
		{"temporal blend", s.temporalBlend},
		{"motion", s.motion},
		{"processing size", s.processing},
		{"tables", s.tables},
	}
	for _, f := range s.formats() {
		cases = append(cases, Case{"format " + f.String(), func() error { return s.format(f) }})
	}
	return cases
}

// Widths are those of the tests' networks: as small as an engine must run.
var Widths = model.Widths{4, 8, 16, 32}

type suite struct {
	open      model.Opener
	tolerance Tolerance
	short     bool
}

// formats are those that the engine takes.
func (s suite) formats() []model.Format {
	if s.tolerance.Formats != nil {
		return s.tolerance.Formats
	}
	return model.Formats()
}

// taken are those of some formats that the engine takes.
func (s suite) taken(some ...model.Format) []model.Format {
	return slices.DeleteFunc(some, func(f model.Format) bool { return !slices.Contains(s.formats(), f) })
}

// shortSize is which of sizes goes with each of eight formats or masks under -short.
var shortSize = [8]int{0, 2, 5, 1, 3, 4, 1, 3}

// with opens an engine for random weights and closes it after use.
func (s suite) with(widths model.Widths, use func(e model.Engine, w *model.Weights) error) (err error) {
	return s.withWeights(RandomWeights(1, widths), use)
}

func (s suite) withWeights(w *model.Weights, use func(e model.Engine, w *model.Weights) error) (err error) {
	e, err := s.open(w, model.Options{Precision: s.tolerance.Precision})
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() {
		if failed := e.Close(); failed != nil {
			err = errors.Join(err, fmt.Errorf("close: %w", failed))
		}
	}()
	return use(e, w)
}
