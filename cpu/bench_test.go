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
				if err := e.Stylize(dst, src, style, 1); err != nil {
					b.Fatal(err)
				}
				if flat(dst) {
					b.Fatal("the result is flat: not timed")
				}
				for b.Loop() {
					if err := e.Stylize(dst, src, style, 1); err != nil {
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
