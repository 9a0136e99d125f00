package cpu

import (
	"fmt"
	"testing"

	"adainfilter/model"
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
				look := &model.Look{Style: style, Alpha: 1}
				if err := e.Stylize(dst, src, look); err != nil {
					b.Fatal(err)
				}
				if flat(dst) {
					b.Fatal("the result is flat: not timed")
				}
				for b.Loop() {
					if err := e.Stylize(dst, src, look); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/frame")
			})
		}
	}
}

func flat(m *model.Image) bool {
	for _, v := range m.Planes[0].Data {
		if v != m.Planes[0].Data[0] {
			return false
		}
	}
	return true
}

// BenchmarkStep times whole training steps of four pairs at 128x128 after three that are not timed.
func BenchmarkStep(b *testing.B) {
	random := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(i*7919%1009) / 1008
		}
		return v
	}
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
			e, err := OpenTraining(vgg.Layers[:10], c.w, o)
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			batch := &model.Batch{Content: random(4 * 3 * 128 * 128), Style: random(4*3*128*128 + 5)[5:], Alpha: []float32{1, 1, .5, 1},
				ContentKey: []uint64{1, 2, 3, 4}, StyleKey: []uint64{1, 2, 3, 4}}
			step := func() {
				if _, err := e.Step(batch, model.Update{Objective: c.objective, Rate: 1e-6, EncoderRate: 1e-6}); err != nil {
					b.Fatal(err)
				}
			}
			step()
			step()
			for b.Loop() {
				step()
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/step")
		})
	}
}
