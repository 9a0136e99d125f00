package quantization

import (
	"math"
	"math/rand/v2"
	"testing"

	"adainfilter/cpu"
	"adainfilter/model"
	"adainfilter/model/modeltest"
)

func layer(name string) model.Conv {
	for _, l := range modeltest.RandomWeights(2, model.Widths{8, 12, 16, 20}).Folded() {
		if l.Name == name {
			return l
		}
	}
	panic(name)
}

// TestChoose demands that the chosen steps lose less than one step that covers all values of channels that differ a lot.
func TestChoose(t *testing.T) {
	for _, name := range []string{"conv2_1", "mirror3_4"} {
		l := layer(name)
		random := rand.New(rand.NewPCG(1, 2))
		m := &cpu.Map{Rows: 20, Cols: 30, Channels: l.In, Values: make([]float32, 22*32*l.In)}
		for i := range m.Values { // channels of ever larger values, few of them large
			m.Values[i] = float32(math.Abs(random.NormFloat64())*math.Pow(2, float64(i%l.In)/2)) * max(0, float32(random.IntN(3)-1))
		}
		s := newSamples(l)
		s.take(m, 300, random)
		want := s.results(s.windows, l.Weight)
		loss := func(steps []float32) float64 {
			e, _ := s.compare(want, s.results(s.rounded(steps), roundWeights(l, steps)))
			return e
		}
		chosen := s.choose()
		if got, one := loss(chosen.Steps), loss(s.steps(0, 1)); !(got < 0.95*one) {
			t.Errorf("%s: the chosen steps lose %g, one step for all channels %g", name, got, one)
		}
		if outputs := l.Out; l.Phases && len(chosen.Shift) != outputs/4 || !l.Phases && len(chosen.Shift) != outputs {
			t.Errorf("%s: %d shifts", name, len(chosen.Shift))
		}
		// With the shift the mean of the results is nearer.
		got := s.results(s.rounded(chosen.Steps), roundWeights(l, chosen.Steps))
		_, before := s.compare(want, got)
		for i := range got {
			got[i] += chosen.Shift[i%l.Out%len(chosen.Shift)]
		}
		_, after := s.compare(want, got)
		if a, b := norm(after), norm(before); !l.Phases && !(a < b) {
			t.Errorf("%s: mean errors of %g with shifts, %g without", name, a, b)
		}
	}
}

func norm(v []float64) (sum float64) {
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum)
}

// TestRoundWeights holds rounded weights to the engine's promise: 127 steps at most, neighbours of one sign 128 together.
func TestRoundWeights(t *testing.T) {
	l := layer("mirror3_4")
	for i := range l.Weight[:l.In*4] { // one output whose neighbours are all of one sign and size
		l.Weight[i] = 0.3
	}
	steps := make([]float32, l.In)
	for i := range steps {
		steps[i] = float32(i%5+1) / 7
	}
	rounded := roundWeights(l, steps)
	row := l.In * 4
	for o := range l.Bias {
		largest, pair := 0., 0.
		unit := math.Inf(1)
		for i := range row {
			v := math.Abs(float64(rounded[o*row+i]) * float64(steps[i/4]))
			largest = max(largest, v)
			if i/4%2 == 0 {
				a, b := float64(rounded[o*row+i])*float64(steps[i/4]), float64(rounded[o*row+i+4])*float64(steps[i/4+1])
				if a*b > 0 {
					pair = max(pair, math.Abs(a+b))
				}
			}
			if d := math.Abs(float64(rounded[o*row+i]-l.Weight[o*row+i])) * float64(steps[i/4]); v > 0 {
				unit = min(unit, v)
				if d > max(largest, pair) {
					t.Fatalf("output %d: weight %d became %g of %g", o, i, rounded[o*row+i], l.Weight[o*row+i])
				}
			}
		}
		if n := max(largest, pair) / unit; n > 128.5 {
			t.Errorf("output %d: weights of %.1f steps", o, n)
		}
	}
}
