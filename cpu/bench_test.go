package cpu

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"adainfilter/model"
	"adainfilter/model/hdr"
	"adainfilter/model/modeltest"
)

// BenchmarkStylize times whole frames; its metric is milliseconds a frame. A case whose result is flat is not timed.
func BenchmarkStylize(b *testing.B) {
	for _, network := range []model.Widths{model.Lite, model.VGG19} {
		for _, size := range [][2]int{{512, 512}, {640, 360}, {1280, 720}} {
			b.Run(fmt.Sprintf("%s/%dx%d", network.Name(), size[0], size[1]), func(b *testing.B) {
				w := modeltest.RandomWeights(1, network)
				e, err := Open(w, model.Options{Precision: model.Float32})
				if err != nil {
					b.Fatal(err)
				}
				defer e.Close()
				src := model.NewImage(model.RGB, size[0], size[1])
				modeltest.Fill(src, 1)
				dst := model.NewImage(model.RGB, size[0], size[1])
				style, err := e.Statistics(src)
				if err != nil {
					b.Fatal(err)
				}
				s := &model.Stylization{Style: style, Alpha: 1}
				if err := e.Stylize(dst, src, s); err != nil {
					b.Fatal(err)
				}
				if flat(dst) {
					b.Fatal("the result is flat: not timed")
				}
				for b.Loop() {
					if err := e.Stylize(dst, src, s); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/frame")
			})
		}
	}
}

// BenchmarkControls times what each control adds to a frame: plain frames and others in turn, so that whatever else the machine does
// meets both, each kind with an engine of its own, so that what one remembers of the frame before is there. Half of a frame rests. Its
// metrics are the median ratio of neighbours in time on the clock, with the quartiles around it, and in processor time, which other
// programs disturb less. What a transition adds is not the engine's: see BenchmarkFade of the element.
func BenchmarkControls(b *testing.B) {
	before, after := hdr.Source{Transfer: hdr.PQ, Peak: 1000}.Tables()
	for _, network := range []model.Widths{model.Lite, model.VGG19} {
		w := modeltest.RandomWeights(1, network)
		mask := &model.Mask{Width: 640, Height: 360, White: make([]uint8, 640*360), Second: modeltest.RandomStats(2, network[3])}
		for i := range mask.White {
			mask.White[i] = uint8(255 * (i % 640) / 640)
		}
		for _, c := range []struct {
			name          string
			width, height int
			format        model.Format
			change        func(s *model.Stylization)
		}{
			{"nothing", 640, 360, model.RGB, func(*model.Stylization) {}},
			{"preserve color", 640, 360, model.RGB, func(s *model.Stylization) { s.PreserveColor = true }},
			{"preserve color", 640, 360, model.NV12, func(s *model.Stylization) { s.PreserveColor = true }},
			{"smoothing", 640, 360, model.RGB, func(s *model.Stylization) { s.Smoothing = 0.8 }},
			{"smoothing", 640, 360, model.NV12, func(s *model.Stylization) { s.Smoothing = 0.8 }},
			{"smoothing", 1280, 720, model.RGB, func(s *model.Stylization) { s.Smoothing = 0.8 }},
			{"smoothing", 1280, 720, model.NV12, func(s *model.Stylization) { s.Smoothing = 0.8 }},
			{"hdr", 1280, 720, model.NV12, func(s *model.Stylization) { s.Before, s.After = before, after }},
			{"motion", 640, 360, model.RGB, func(s *model.Stylization) { s.Smoothing, s.Motion = 0.8, true }},
			{"motion", 640, 360, model.NV12, func(s *model.Stylization) { s.Smoothing, s.Motion = 0.8, true }},
			{"motion", 1280, 720, model.NV12, func(s *model.Stylization) { s.Smoothing, s.Motion = 0.8, true }},
			{"mask", 640, 360, model.RGB, func(s *model.Stylization) { s.Mask = mask }},
			{"processing size 360", 1280, 720, model.RGB, func(s *model.Stylization) { s.ProcessingSize = 360 }},
			{"processing size 360", 1280, 720, model.NV12, func(s *model.Stylization) { s.ProcessingSize = 360 }},
		} {
			b.Run(fmt.Sprintf("%s/%s %v %dx%d", network.Name(), c.name, c.format, c.width, c.height), func(b *testing.B) {
				s := model.Stylization{Style: modeltest.RandomStats(1, network[3]), Alpha: 1}
				plain := newShow(b, w, c.format, c.width, c.height, s)
				c.change(&s)
				controlled := newShow(b, w, c.format, c.width, c.height, s)
				var clock, processor []float64
				for b.Loop() {
					with, used := controlled.frame(b)
					without, usedWithout := plain.frame(b)
					clock = append(clock, 100*(float64(with)/float64(without)-1))
					processor = append(processor, 100*(float64(used)/float64(usedWithout)-1))
				}
				slices.Sort(clock)
				slices.Sort(processor)
				n := len(clock)
				b.ReportMetric(clock[n/4], "%more(q1)")
				b.ReportMetric(clock[n/2], "%more")
				b.ReportMetric(clock[3*n/4], "%more(q3)")
				b.ReportMetric(processor[n/2], "%more(processor)")
			})
		}
	}
}

// show is an engine that stylizes two frames in turn, of which the lower half is the same.
type show struct {
	engine      model.Engine
	stylization model.Stylization
	src         [2]*model.Image
	dst         *model.Image
	frames      int
}

// newShow has stylized two frames already: memory is taken, and a mask prepared.
func newShow(b *testing.B, w *model.Weights, f model.Format, width, height int, stylization model.Stylization) *show {
	e, err := Open(w, model.Options{Precision: model.Float32})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { e.Close() })
	s := &show{engine: e, stylization: stylization, dst: model.NewImage(f, width, height)}
	for i := range s.src {
		s.src[i] = model.NewImage(f, width, height)
		modeltest.Fill(s.src[i], 1)
		upper := s.src[i].Planes[0].Data[:s.src[i].Planes[0].Stride*height/2]
		for k := range upper {
			upper[k] = upper[k]/2 + byte(60+8*i)
		}
	}
	var statistics [2]model.Stats
	for i, m := range s.src {
		if statistics[i], err = e.Statistics(m); err != nil {
			b.Fatal(err)
		}
	}
	if d := model.StatsDistance(statistics[0], statistics[1]); !(d > 0 && d < model.SceneCut(width, height)/2) {
		b.Fatalf("the frames are %g apart, wanted them in one scene, which ends at %g: smoothing is not timed", d, model.SceneCut(width, height))
	}
	s.frame(b)
	s.frame(b)
	if flat(s.dst) {
		b.Fatal("the result is flat: not timed")
	}
	return s
}

func (s *show) frame(b *testing.B) (clock, processor time.Duration) {
	s.frames++
	start, used := time.Now(), processorTime(b)
	if err := s.engine.Stylize(s.dst, s.src[s.frames%2], &s.stylization); err != nil {
		b.Fatal(err)
	}
	return time.Since(start), processorTime(b) - used
}

// processorTime is what all threads of the process used so far.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func flat(m *model.Image) bool {
	for _, v := range m.Planes[0].Data {
		if v != m.Planes[0].Data[0] {
			return false
		}
	}
	return true
}

// BenchmarkStep times whole training steps of four pairs at 128x128, those of float32 and of bfloat16 in turn so that a busy machine meets
// both, after two of each that are not timed: medians.
func BenchmarkStep(b *testing.B) {
	random := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(i*7919%1009) / 1008
		}
		return v
	}
	batch := &model.Batch{Content: random(4 * 3 * 128 * 128), Style: random(4*3*128*128 + 5)[5:], Alpha: []float32{1, 1, .5, 1},
		ContentKey: []uint64{1, 2, 3, 4}, StyleKey: []uint64{1, 2, 3, 4}}
	vgg := modeltest.RandomWeights(1, model.VGG19)
	for _, c := range []struct {
		name      string
		w         *model.Weights
		objective model.Objective
		cache     int64
	}{
		{"decoder", vgg, model.Objective{Content: 1, Style: 10}, 0},
		{"lite", modeltest.RandomWeights(2, model.Lite), model.Objective{Content: 1, Style: 10}, 0},
		{"lite-identity", modeltest.RandomWeights(2, model.Lite), model.Objective{Content: 1, Style: 10, Identity: 1}, 0},
		{"lite-cached", modeltest.RandomWeights(2, model.Lite), model.Objective{Content: 1, Style: 10, Identity: 1}, 1 << 30},
	} {
		b.Run(c.name, func(b *testing.B) {
			o := model.TrainingOptions{Encoder: c.w != vgg, Batch: 4, Height: 128, Width: 128, Cache: c.cache}
			var engines []*timedTraining
			for _, p := range []model.Precision{model.Float32, model.Half} {
				if p == model.Half && !hasBFloat16() {
					continue
				}
				o.Precision = p
				e, err := OpenTraining(vgg.Layers[:10], c.w, o)
				if err != nil {
					b.Fatal(err)
				}
				defer e.Close()
				engines = append(engines, &timedTraining{engine: e, name: string(p)})
			}
			u := model.Update{Objective: c.objective, Rate: 1e-6, EncoderRate: 1e-6}
			for range 2 {
				for _, e := range engines {
					e.step(b, batch, u)
					e.clock, e.processor = nil, nil
				}
			}
			for b.Loop() {
				for _, e := range engines {
					e.step(b, batch, u)
				}
			}
			for _, e := range engines {
				b.ReportMetric(median(e.clock), e.name+"-ms/step")
				b.ReportMetric(median(e.processor), e.name+"-processor-ms/step")
			}
		})
	}
}

// timedTraining keeps what each step took, in ms.
type timedTraining struct {
	engine           model.TrainingEngine
	name             string
	clock, processor []float64
}

func (t *timedTraining) step(b *testing.B, batch *model.Batch, u model.Update) {
	start, used := time.Now(), processorTime(b)
	if _, err := t.engine.Step(batch, u); err != nil {
		b.Fatal(err)
	}
	t.clock = append(t.clock, time.Since(start).Seconds()*1e3)
	t.processor = append(t.processor, (processorTime(b)-used).Seconds()*1e3)
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
