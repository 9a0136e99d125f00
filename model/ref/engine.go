package ref

import (
	"errors"
	"fmt"

	"adainfilter/model"
)

// Engine runs the network with the functions of this package.
type Engine struct {
	weights *model.Weights
	history history
	blend   temporalBlend
}

var _ model.Engine = (*Engine)(nil)

// Open is the model.Opener of this package. It computes on the CPU in float64 whatever the threads; it refuses CUDA and
// half and int8.
func Open(w *model.Weights, o model.Options) (model.Engine, error) {
	if o.Device == model.CUDA || o.Precision == model.Half || o.Precision == model.Int8 {
		return nil, errors.New("the reference engine computes on the CPU in float64 only")
	}
	return &Engine{weights: w}, nil
}

// Weights is that of model.Engine.
func (e *Engine) Weights() *model.Weights { return e.weights }

// Statistics is that of model.Engine.
func (e *Engine) Statistics(picture *model.Image) (model.Stats, error) {
	if err := checkHost(picture); err != nil {
		return model.Stats{}, fmt.Errorf("reference engine: %w", err)
	}
	return Statistics(Encode(e.weights, Read(picture))[3]), nil
}

// Stylize is that of model.Engine, but that it allocates.
func (e *Engine) Stylize(dst, src *model.Image, s *model.Stylization) error {
	if err := model.CheckStylize(e.weights, dst, src, s); err != nil {
		return fmt.Errorf("reference engine: %w", err)
	}
	for _, m := range []*model.Image{src, dst} {
		if err := checkHost(m); err != nil {
			return fmt.Errorf("reference engine: %w", err)
		}
	}
	small := reduced(src, s)
	x := Encode(e.weights, Looked(Read(small), s.Before))[3]
	regions := Regions(s, x, small.Width, small.Height)
	continues := e.history.smooth(s, regions, src, small)
	result := Looked(Crop(Decode(e.weights, Adapt(x, regions, float64(s.Alpha))), small.Height, small.Width), s.After)
	if small == src && s.Smoothing == 0 {
		e.blend = temporalBlend{}
		write(dst, src, result, s.PreserveColor)
		return nil
	}
	samples := copyOf(small)
	Write(samples, small, result)
	if small != src {
		larger := copyOf(src)
		Enlarge(larger, src, small, samples)
		samples = larger
	}
	shown := e.blend.apply(s, src, samples, small.Width, small.Height, continues)
	rewrite(dst, src, shown, s.PreserveColor)
	return nil
}

// reduced is the frame as the network sees it: itself, or a small one.
func reduced(src *model.Image, s *model.Stylization) *model.Image {
	w, h := s.Size(src.Width, src.Height)
	if w == src.Width && h == src.Height {
		return src
	}
	small := model.NewImage(src.Format, w, h)
	small.Colorimetry = src.Colorimetry
	Reduce(small, src)
	return small
}

// Describe is that of model.Engine.
func (e *Engine) Describe() string { return "CPU, plain Go reference, float64" }

// Close has nothing to free.
func (e *Engine) Close() error { return nil }

// checkHost reports a picture that this engine cannot read.
func checkHost(m *model.Image) error {
	if m == nil {
		return errors.New("there is no picture")
	}
	if err := m.Check(); err != nil {
		return err
	}
	for i := range m.Format.Planes() {
		if m.Planes[i].Device != 0 {
			return fmt.Errorf("plane %d lies in the memory of a CUDA device, wanted host memory", i)
		}
	}
	return nil
}
