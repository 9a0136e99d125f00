package quantization

import (
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"adainfilter/cpu"
	"adainfilter/model"
)

// samples are what a layer reads: windows of its input, and the largest value of each channel.
type samples struct {
	layer   model.Conv
	windows []float32 // (n,I,K,K), as the layer's weights lie
	largest []float32 // (I)
}

func newSamples(l model.Conv) *samples { return &samples{layer: l, largest: make([]float32, l.In)} }

// take adds n windows of a map, chosen by chance, and looks at all its values.
func (s *samples) take(m *cpu.Map, n int, random *rand.Rand) {
	pitch, k := m.Cols+2, s.layer.Kernel
	for i := range (m.Rows + 2) * pitch * m.Channels {
		s.largest[i%m.Channels] = max(s.largest[i%m.Channels], m.Values[i])
	}
	for range n {
		y, x := random.IntN(m.Rows+3-k), random.IntN(m.Cols+3-k)
		for c := range m.Channels {
			for t := range k * k {
				s.windows = append(s.windows, m.Values[((y+t/k)*pitch+x+t%k)*m.Channels+c])
			}
		}
	}
}

// The steps of a layer are those of a family with the least squared error of the layer's results: channel c counts in
// clip * (its largest value)^spread * (the largest of all)^(1-spread) / 255. With a spread of 1 each channel has all 256 values, but
// weights of channels with large values lose theirs, whose scale is one for an output; with 0 it is the other way round. What clip cuts off is little
// where large values are rare.
var (
	spreads = []float64{0.4, 0.55, 0.7, 0.8, 0.9, 1}
	clips   = []float64{0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1}
)

// least keeps channels that hardly answer from steps of nothing: a part of the largest of all.
const least = 1e-3

func (s *samples) steps(spread, clip float64) []float32 {
	all := 0.
	for _, v := range s.largest {
		all = max(all, float64(v))
	}
	if all == 0 {
		all = 1
	}
	out := make([]float32, len(s.largest))
	for c, v := range s.largest {
		out[c] = float32(clip * math.Pow(max(float64(v), least*all), spread) * math.Pow(all, 1-spread) / 255)
	}
	return out
}

// choose finds the layer's steps, and its shifts: the mean error of each output where it is above 0.
func (s *samples) choose() model.Int8Layer {
	type candidate struct {
		steps []float32
		error float64
		mean  []float64
	}
	var all []candidate
	for _, spread := range spreads {
		for _, clip := range clips {
			all = append(all, candidate{steps: s.steps(spread, clip)})
		}
	}
	want := s.results(s.windows, s.layer.Weight)
	var wait sync.WaitGroup
	turn := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range turn {
				got := s.results(s.rounded(all[i].steps), roundWeights(s.layer, all[i].steps))
				all[i].error, all[i].mean = s.compare(want, got)
			}
		}()
	}
	for i := range all {
		turn <- i
	}
	close(turn)
	wait.Wait()
	best := all[0]
	for _, c := range all {
		if c.error < best.error {
			best = c
		}
	}
	outputs := len(s.layer.Bias)
	if s.layer.Phases {
		outputs /= 4
	}
	shift := make([]float32, outputs)
	for o, v := range best.mean {
		shift[o%outputs] += float32(v) * float32(outputs) / float32(len(best.mean))
	}
	return model.Int8Layer{Steps: best.steps, Shift: shift}
}

// results are what a convolution makes of windows, (n,O), before its ReLU.
func (s *samples) results(windows, weight []float32) []float32 {
	taps := s.layer.In * s.layer.Kernel * s.layer.Kernel
	out := make([]float32, 0, len(windows)/taps*len(s.layer.Bias))
	for ; len(windows) > 0; windows = windows[taps:] {
		for o, b := range s.layer.Bias {
			out = append(out, b+dot(windows[:taps], weight[o*taps:][:taps]))
		}
	}
	return out
}

func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}

// compare sums the squared errors behind the ReLU, and gives each output's mean error, as much as its bias has to change to take it back: where the
// result is above 0.
func (s *samples) compare(want, got []float32) (sum float64, mean []float64) {
	outputs := len(s.layer.Bias)
	mean = make([]float64, outputs)
	active := make([]float64, outputs)
	for i, v := range want {
		d := float64(max(v, 0)) - float64(max(got[i], 0))
		sum += d * d
		mean[i%outputs] += d
		if got[i] > 0 {
			active[i%outputs]++
		}
	}
	n := float64(len(want) / outputs)
	for o := range mean {
		mean[o] /= max(active[o], n/4) // few results say little about the bias
	}
	return sum, mean
}

// rounded are the windows as bytes have them.
func (s *samples) rounded(steps []float32) []float32 {
	taps := s.layer.Kernel * s.layer.Kernel
	out := make([]float32, len(s.windows))
	for i, v := range s.windows {
		step := steps[i/taps%s.layer.In]
		out[i] = float32(math.RoundToEven(float64(min(max(v/step, 0), 255)))) * step
	}
	return out
}

// roundWeights are a layer's weights as the engine rounds them for an input of these steps: see cpu/layer_bytes.cpp.
func roundWeights(l model.Conv, steps []float32) []float32 {
	taps := l.Kernel * l.Kernel
	row := l.In * taps
	out := make([]float32, len(l.Weight))
	for o := range l.Bias {
		w := l.Weight[o*row:][:row]
		at := func(i, t int) float64 { return float64(w[i*taps+t]) * float64(steps[i]) }
		most := 0.
		for i := 0; i < l.In; i += 2 {
			for t := range taps {
				a, b := at(i, t), at(i+1, t)
				most = max(most, math.Abs(a), math.Abs(b))
				if a*b > 0 {
					most = max(most, math.Abs(a+b))
				}
			}
		}
		if most == 0 {
			continue
		}
		step := most / 127
		for i := range row {
			out[o*row+i] = float32(math.RoundToEven(at(i/taps, i%taps)/step) * step / float64(steps[i/taps]))
		}
	}
	return out
}

// withEntry is metadata with one more entry.
func withEntry(metadata map[string]string, key, value string) map[string]string {
	out := maps.Clone(metadata)
	if out == nil {
		out = map[string]string{}
	}
	out[key] = value
	return out
}
