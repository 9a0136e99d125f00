package modeltest

import (
	"fmt"
	"math"
	"slices"

	"adainfilter/model"
	"adainfilter/model/lut"
	"adainfilter/model/ref"
)

// frame is one call of Stylize.
type frame struct {
	format        model.Format
	width, height int
	pad, offset   int // of the content; the result has other ones
	colorimetry   model.Colorimetry
	interlaced    bool
	alpha         float32
	seed          uint64
	style         model.Stats // random if empty
	faded         float64     // 0 to 1: how little contrast the content has
	mask          *model.Mask
	preserve      bool
	smoothing     float32
	discontinuity bool
	processing    int
	before, after *lut.Table
	noise         uint64 // of the content, from none at the left to much at the right; 0 is none
	motion        bool
	pan           int // pixels that a camera has gone to the right and down, up to panned
}

// sizes are width and height: the smallest, odd ones, multiples of 8 and of none, wide and high.
var sizes = [][2]int{{8, 8}, {15, 17}, {16, 16}, {33, 41}, {64, 24}, {72, 88}}

// check stylizes one frame with the engine and with the reference and compares the results.
func (s suite) check(e model.Engine, w *model.Weights, f frame) error {
	r, err := ref.Open(w, model.Options{})
	if err != nil {
		return err
	}
	return s.compare(e, r, f, s.tolerance)
}

// compare is check with a reference that has seen the frames that the engine has seen.
func (s suite) compare(e, r model.Engine, f frame, tolerance Tolerance) error {
	got, src, err := stylize(e, f)
	if err == nil {
		want := f.image()
		if err = r.Stylize(want, src, f.stylization(r.Weights())); err == nil {
			err = CheckPicture(got, want, tolerance)
		}
	}
	if err == nil && f.preserve {
		err = checkColours(got, src)
	}
	if err != nil {
		return fmt.Errorf("%v %dx%d, %d bytes between rows, alpha %g, %+v: %w", f.format, f.width, f.height, f.pad, f.alpha, f.colorimetry, err)
	}
	return nil
}

// stylization is what is asked for.
func (f frame) stylization(w *model.Weights) *model.Stylization {
	style := f.style
	if style.Mean == nil {
		style = RandomStats(f.seed, w.Widths[3])
	}
	return &model.Stylization{Style: style, Alpha: f.alpha, Mask: f.mask, PreserveColor: f.preserve, Smoothing: f.smoothing, Discontinuity: f.discontinuity,
		ProcessingSize: f.processing, Before: f.before, After: f.after, Motion: f.motion}
}

// image is an empty one for the frame.
func (f frame) image() *model.Image {
	m := model.NewImage(f.format, f.width, f.height)
	m.Colorimetry, m.Interlaced = f.colorimetry, f.interlaced
	return m
}

// content is the frame itself.
func (f frame) content() *Guarded {
	src := NewGuarded(f.format, f.width, f.height, f.pad, f.offset, f.colorimetry)
	src.Interlaced = f.interlaced
	f.fill(src.Image)
	for _, c := range ref.Channels(src.Image) {
		middle := float64(int(90) << (f.format.Layout().Depth - 8))
		eachSample(c, func(v int) int { return int(middle + math.Round((float64(v)-middle)*(1-f.faded))) })
	}
	if f.noise != 0 {
		shake(src.Image, f.noise)
	}
	src.Remember()
	return src
}

// panned is by how much the picture that a camera pans over is larger than its frames.
const panned = 32

// fill is Fill, or with motion what a camera sees of a larger picture: between two pixels of chroma, the mean of what is on both sides.
func (f frame) fill(m *model.Image) {
	if !f.motion {
		Fill(m, f.seed)
		return
	}
	whole := model.NewImage(f.format, f.width+panned, f.height+panned)
	Fill(whole, f.seed)
	from := ref.Channels(whole)
	for i, c := range ref.Channels(m) {
		by := 2
		if c.Width < m.Width {
			by = 1 // of chroma, which two pixels share
		}
		a, b := by*(f.pan/2), by*((f.pan+1)/2)
		for y := range c.Height {
			for x := range c.Width {
				c.Set(x, y, (from[i].Get(x+a, y+a)+from[i].Get(x+b, y+b))/2)
			}
		}
	}
}

// stylize is the engine's result for a frame, and the frame. Memory beside the pictures is checked.
func stylize(e model.Engine, f frame) (result, content *model.Image, err error) {
	src := f.content()
	dst := NewGuarded(f.format, f.width, f.height, f.offset+3, f.pad%16, f.colorimetry)
	dst.Interlaced = f.interlaced
	if err := e.Stylize(dst.Image, src.Image, f.stylization(e.Weights())); err != nil {
		return nil, nil, err
	}
	if err := src.Changed(); err != nil {
		return nil, nil, fmt.Errorf("content: %w", err)
	}
	if err := dst.Damage(); err != nil {
		return nil, nil, fmt.Errorf("result: %w", err)
	}
	return dst.Image, src.Image, nil
}

func (s suite) identity() error {
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		if e.Weights() != w {
			return fmt.Errorf("method Weights is not what the engine was opened with")
		}
		if e.Describe() == "" {
			return fmt.Errorf("method Describe is empty")
		}
		return nil
	})
}

func (s suite) format(f model.Format) error {
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		for i, size := range sizes {
			for k, pad := range []int{0, 5, 64} {
				at := shortSize[f%8]
				if (s.short || f > model.I420) && (i != at || k != at%3) && (i != (at+3)%6 || k != (at+1)%3) {
					continue
				}
				alpha := []float32{1, 0.3, 1}[k]
				if err := s.check(e, w, frame{format: f, width: size[0], height: size[1], pad: pad, offset: k, alpha: alpha, seed: uint64(i)}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// colorimetry goes through matrices, ranges, places of chroma and fields.
func (s suite) colorimetry() error {
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		formats := s.taken(model.NV12, model.I420, model.Y42B, model.Y41B, model.YUY2, model.P010, model.V210, model.Y444x12, model.GRAY16, model.RGB, model.VUYA)
		for i, f := range formats {
			for m := model.BT601; m <= model.Identity; m++ {
				for k, full := range []bool{false, true} {
					if (s.short || i > 1) && (int(m)+k)%3 != i%3 {
						continue
					}
					n := int(m) + 2*i + k
					c := model.Colorimetry{Matrix: m, FullRange: full, CositedX: n&1 != 0, CositedY: n&2 != 0}
					shown := frame{format: f, width: 33 + k, height: 23 + n%4, pad: k, alpha: 1, colorimetry: c, interlaced: n%3 == 0, seed: 5}
					if err := s.check(e, w, shown); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
}

func (s suite) alpha() error {
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		for _, alpha := range []float32{0, 0.001, 0.3, 0.5, 1} {
			if err := s.check(e, w, frame{format: model.RGB, width: 33, height: 41, alpha: alpha, seed: 6}); err != nil {
				return err
			}
		}
		return nil
	})
}

// flat is a style without contrast, and a content without contrast, whose std is the root of Epsilon.
func (s suite) flat() error {
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		style := RandomStats(7, w.Widths[3])
		for i := range style.Std {
			style.Std[i] = float32(math.Sqrt(model.Epsilon)) * float32(i%2)
		}
		if err := s.check(e, w, frame{format: model.RGB, width: 33, height: 41, alpha: 1, style: style}); err != nil {
			return fmt.Errorf("flat style: %w", err)
		}
		if s.tolerance.Precision != model.Float32 {
			return nil // rounding is all the contrast there is, divided by a std of 0.003
		}
		if err := s.check(e, w, frame{format: model.RGB, width: 40, height: 24, alpha: 1, faded: 1}); err != nil {
			return fmt.Errorf("flat content: %w", err)
		}
		return nil
	})
}

func (s suite) lite() error {
	return s.with(model.Lite, func(e model.Engine, w *model.Weights) error {
		for i, f := range []model.Format{model.RGB, model.NV12, model.BGRx} {
			if err := s.check(e, w, frame{format: f, width: 35 + 30*i, height: 41, pad: i, alpha: 1, seed: 8}); err != nil {
				return err
			}
		}
		return s.checkStatistics(e, w, model.RGB, 61, 45)
	})
}

// upsamplings are all three bilinear, and each of them alone.
var upsamplings = []string{"bilinear", "bilinear,nearest,nearest", "nearest,bilinear,nearest", "nearest,nearest,bilinear"}

// upsampling goes through the upsamplings at the smallest size, where each map's edge is all there is, and at others, with the
// lite network's widths too.
func (s suite) upsampling() error {
	for i, words := range upsamplings {
		for _, widths := range []model.Widths{Widths, model.Lite} {
			w, err := RandomWeights(1, widths).WithUpsamplings(words)
			if err != nil {
				return err
			}
			err = s.withWeights(w, func(e model.Engine, w *model.Weights) error {
				for k, size := range [][2]int{{8, 8}, {33, 41}, {72, 88}, {150, 35}} {
					if k > 0 && (k+i)%3 != 0 && (s.short || i > 0) || k > 1 && s.short && widths == model.Lite {
						continue
					}
					if err := s.check(e, w, frame{format: model.Format(k), width: size[0], height: size[1], pad: k, alpha: 1, seed: uint64(10 + k)}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("upsampling %s: %w", words, err)
			}
		}
	}
	return nil
}

func (s suite) statistics() error {
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		for i, size := range [][2]int{{1, 1}, {3, 2}, {1, 9}, {7, 7}, {8, 8}, {16, 17}, {53, 37}, {130, 70}} {
			for k, f := range s.formats() {
				if i < 4 || (i+k)%3 == 0 {
					if err := s.checkStatistics(e, w, f, size[0], size[1]); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
}

// checkStatistics compares the statistics of one picture.
func (s suite) checkStatistics(e model.Engine, w *model.Weights, f model.Format, width, height int) error {
	picture := NewGuarded(f, width, height, 7, 1, model.Colorimetry{})
	Fill(picture.Image, 9)
	picture.Remember()
	got, err := e.Statistics(picture.Image)
	if err != nil {
		return fmt.Errorf("statistics of %v %dx%d: %w", f, width, height, err)
	}
	want := ref.Statistics(ref.Encode(w, ref.Read(picture.Image))[3])
	for _, err := range []error{
		picture.Changed(),
		CheckClose("mean and std", slices.Concat(got.Mean, got.Std), slices.Concat(want.Mean, want.Std), s.tolerance.Stats),
	} {
		if err != nil {
			return fmt.Errorf("statistics of %v %dx%d: %w", f, width, height, err)
		}
	}
	return nil
}
