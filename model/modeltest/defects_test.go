package modeltest

import (
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// broken is the reference with something done to it before or after.
type broken struct {
	model.Engine
	stylize    func(e model.Engine, dst, src *model.Image, stylization *model.Stylization) error
	statistics func(s model.Stats)
}

func (b *broken) Stylize(dst, src *model.Image, s *model.Stylization) error {
	if b.stylize == nil {
		return b.Engine.Stylize(dst, src, s)
	}
	return b.stylize(b.Engine, dst, src, s)
}

func (b *broken) Statistics(picture *model.Image) (model.Stats, error) {
	s, err := b.Engine.Statistics(picture)
	if err == nil && b.statistics != nil {
		b.statistics(s)
	}
	return s, err
}

// after is an opener of the reference with damage done to every result.
func after(damage func(dst, src *model.Image)) model.Opener {
	return around(func(e model.Engine, dst, src *model.Image, s *model.Stylization) error {
		err := e.Stylize(dst, src, s)
		if err == nil {
			damage(dst, src)
		}
		return err
	})
}

func around(stylize func(e model.Engine, dst, src *model.Image, s *model.Stylization) error) model.Opener {
	return func(w *model.Weights, o model.Options) (model.Engine, error) {
		e, err := ref.Open(w, o)
		return &broken{Engine: e, stylize: stylize}, err
	}
}

// withStylization is an opener of the reference that is asked for something else. An engine gets no stylization to change where there is none.
func withStylization(change func(s *model.Stylization)) model.Opener {
	return around(func(e model.Engine, dst, src *model.Image, s *model.Stylization) error {
		if s == nil {
			return e.Stylize(dst, src, nil)
		}
		l := *s
		change(&l)
		return e.Stylize(dst, src, &l)
	})
}

func withStatistics(change func(s model.Stats)) model.Opener {
	return func(w *model.Weights, o model.Options) (model.Engine, error) {
		e, err := ref.Open(w, o)
		return &broken{Engine: e, statistics: change}, err
	}
}

// defect is an engine with something wrong and the name of the case that is there to find it.
type defect struct {
	name, found string
	open        model.Opener
}

// sampleDefects are wrong in what they write.
func sampleDefects() []defect {
	return []defect{
		{"red and blue swapped", "format RGB", after(func(dst, _ *model.Image) {
			p := dst.Planes[0].Data
			for i := 0; dst.Format == model.RGB && i+2 < 3*dst.Width; i += 3 {
				p[i], p[i+2] = p[i+2], p[i]
			}
		})},
		{"Cb and Cr swapped", "format I420", after(func(dst, _ *model.Image) {
			p, q := dst.Planes[1].Data, dst.Planes[2].Data
			for i := range p[:min(len(p), len(q))] {
				p[i], q[i] = q[i], p[i]
			}
		})},
		{"write behind a row", "format BGR", after(func(dst, _ *model.Image) {
			if row, _ := dst.Format.Plane(0, dst.Width, dst.Height); row < len(dst.Planes[0].Data) {
				dst.Planes[0].Data[row] ^= 1
			}
		})},
		{"write before the picture", "format NV12", after(func(dst, _ *model.Image) {
			*(*byte)(unsafe.Add(unsafe.Pointer(&dst.Planes[1].Data[0]), -1)) ^= 1
		})},
		{"write behind the picture", "format RGBx", after(func(dst, _ *model.Image) {
			p := dst.Planes[0].Data
			*(*byte)(unsafe.Add(unsafe.Pointer(&p[0]), len(p))) ^= 1
		})},
		{"content changed", "format BGRx", after(func(_, src *model.Image) { src.Planes[0].Data[0] ^= 1 })},
		{"alpha byte set", "format RGBA", after(func(dst, _ *model.Image) { dst.Planes[0].Data[3] = 255 })},
		{"one wrong sample", "format BGRA", after(func(dst, _ *model.Image) {
			p := &dst.Planes[0].Data[4*(dst.Width-1)]
			if *p += 2; *p < 2 {
				*p -= 4
			}
		})},
		{"truncated, not rounded", "format RGB", after(func(dst, _ *model.Image) {
			n := 0
			eachSample(ref.Channels(dst)[0], func(v int) int {
				n++
				return max(v-n%2, 0)
			})
		})},
	}
}

// arithmeticDefects compute something else.
func arithmeticDefects() []defect {
	return []defect{
		{"alpha ignored", "alpha", withStylization(func(s *model.Stylization) { s.Alpha = 1 })},
		{"alpha reversed", "alpha", withStylization(func(s *model.Stylization) { s.Alpha = 1 - s.Alpha })},
		{"alpha not checked", "refusals", withStylization(func(s *model.Stylization) { s.Alpha = max(0, min(s.Alpha, 1)) })},
		{"processing size not checked", "refusals", withStylization(func(s *model.Stylization) {
			if s.ProcessingSize < model.MinSize {
				s.ProcessingSize = 0
			}
		})},
		{"refused by any error", "refusals", around(func(e model.Engine, dst, src *model.Image, s *model.Stylization) error {
			if err := e.Stylize(dst, src, s); err != nil {
				return errors.New(err.Error())
			}
			return nil
		})},
		{"NaN in a mean", "statistics", withStatistics(func(s model.Stats) { s.Mean[1] = float32(math.NaN()) })},
		{"NaN everywhere", "statistics", withStatistics(func(s model.Stats) {
			for i := range s.Std {
				s.Std[i] = float32(math.NaN())
			}
		})},
		{"infinite std", "statistics", withStatistics(func(s model.Stats) { s.Std[0] = float32(math.Inf(1)) })},
		{"variance with N-1", "statistics", openVariant(func(v *variant) {
			v.statistics = func(x ref.Features, share []float64) model.Stats {
				s := weighted(x, share)
				for i := range s.Std {
					s.Std[i] *= float32(math.Sqrt(1 + 1/float64(x.H*x.W)))
				}
				return s
			}
		})},
		{"no epsilon", "flat", openVariant(func(v *variant) {
			v.statistics = func(x ref.Features, share []float64) model.Stats {
				s := weighted(x, share)
				for i, d := range s.Std {
					s.Std[i] = float32(math.Sqrt(max(0, float64(d)*float64(d)-model.Epsilon)))
				}
				return s
			}
		})},
		{"zeros at the border", "format RGB", openVariant(func(v *variant) { v.border = ref.Replicate })},
		{"bfloat16 where float32 is wanted", "lite widths", openVariant(func(v *variant) { v.round = bfloat16 })},
	}
}

// stateDefects behave differently from call to call or from engine to engine.
func stateDefects() []defect {
	var calls int
	var lock sync.Mutex
	var last model.Engine
	return []defect{
		{"full range taken for limited", "colorimetry", around(func(e model.Engine, dst, src *model.Image, stylization *model.Stylization) error {
			d, s := *dst, *src
			d.Colorimetry.FullRange, s.Colorimetry.FullRange = false, false
			return e.Stylize(&d, &s, stylization)
		})},
		{"every other frame differs", "determinism", after(func(dst, _ *model.Image) {
			calls++
			dst.Planes[0].Data[0] ^= byte(calls / 2 % 2)
		})},
		{"fails after a change of size", "sizes", func(w *model.Weights, o model.Options) (model.Engine, error) {
			var size *model.Image
			return around(func(e model.Engine, dst, src *model.Image, stylization *model.Stylization) error {
				if size == nil {
					size = src
				}
				if size.Width != src.Width {
					return errors.New("another size")
				}
				return e.Stylize(dst, src, stylization)
			})(w, o)
		}},
		{"engines share their weights", "two engines", func(w *model.Weights, o model.Options) (model.Engine, error) {
			e, err := ref.Open(w, o)
			lock.Lock()
			defer lock.Unlock()
			if last == nil {
				last = e
			}
			return serial{last, &lock}, err
		}},
		{"open fails", "identity", func(*model.Weights, model.Options) (model.Engine, error) {
			return nil, errors.New("no memory")
		}},
	}
}

// Every seeded defect has to be found by its case.
func TestSuiteFindsDefects(t *testing.T) {
	for _, d := range slices.Concat(sampleDefects(), arithmeticDefects(), stateDefects()) {
		t.Run(d.name, func(t *testing.T) {
			mustFind(t, Cases(d.open, Float32), d.found)
		})
	}
}

// mustFind demands that the case of a name fails.
func mustFind(t *testing.T, cases []Case, name string) {
	t.Helper()
	i := slices.IndexFunc(cases, func(c Case) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("there is no case %q", name)
	}
	if err := cases[i].Check(); err != nil {
		t.Log(err)
	} else {
		t.Fatalf("case %q did not find it", name)
	}
}

// serial stylizes one frame at a time: what goes wrong with an engine that is shared must be seen in its pictures, not by the race detector.
type serial struct {
	model.Engine
	lock *sync.Mutex
}

func (s serial) Stylize(dst, src *model.Image, stylization *model.Stylization) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.Engine.Stylize(dst, src, stylization)
}
