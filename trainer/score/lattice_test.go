package score

import (
	"math"
	"math/rand/v2"
	"testing"

	"adainfilter/model"
)

// A lattice of amplitude a on white noise of variance v has, with a window whose values add up to n along an axis and whose squares to
// q, the power (a n^2/2)^2 at its frequency and v q^2 elsewhere: n = 64, q = 48. At period 2 both halves of the spectrum meet, and a cosine has
// (a n^2)^2. The median of six powers that are means of 2 patches' worth of two axes or more lies near v q^2.
func TestLattice(t *testing.T) {
	const side, deviation, amplitude = 512, 8.0, 1.5
	noise := func(x, y int, rng *rand.Rand) float64 { return 128 + deviation*rng.NormFloat64() }
	lattice := func(k float64, phase float64) func(x, y int) float64 {
		return func(x, y int) float64 {
			return amplitude * (math.Cos(2*math.Pi*k*float64(x)/16+phase) + math.Cos(2*math.Pi*k*float64(y)/16+phase))
		}
	}
	for _, c := range []struct {
		name   string
		add    func(x, y int) float64
		period int // that stands out; -1 is none
	}{
		{"noise", func(x, y int) float64 { return 0 }, -1},
		{"period 8", lattice(2, 0.7), 0},
		{"period 4", lattice(4, 2), 1},
		{"period 8/3", lattice(6, 1), 2},
		{"period 2", lattice(8, 0), 3},
		{"period 5", lattice(3.2, 0), -1},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		m := painted(side, side-40, func(x, y, channel int) int { return 0 })
		for y := range m.Height {
			for x := range m.Width {
				v := byte(min(max(math.Round(noise(x, y, rng)+c.add(x, y)), 0), 255))
				p := m.Planes[0].Data[y*m.Planes[0].Stride+3*x:]
				p[0], p[1], p[2] = v, v, v
			}
		}
		got, ok := Lattice(m)
		if !ok {
			t.Fatalf("%s: the picture is too small", c.name)
		}
		for i, dB := range got {
			want := 0.0
			if i == c.period {
				// The rounding of 0.447/12 that Lattice adds is next to nothing here; a pixel's own rounding has 1/12.
				signal := amplitude * 64 * 64 / 2
				if i == 3 {
					signal *= 2
				}
				want = 10 * math.Log10(1+signal*signal/((deviation*deviation+1./12)*48*48))
			}
			// Powers are exponential; of some 30 independent patches and axes together the mean is off by 1/sqrt(30), 0.8 dB.
			if !(math.Abs(dB-want) <= 2.4) {
				t.Errorf("%s: %.2f dB at period %s, wanted %.2f", c.name, dB, LatticePeriods[i], want)
			}
		}
	}
}

func TestLatticeOfFlatAndSmall(t *testing.T) {
	if dB, ok := Lattice(painted(128, 130, func(x, y, c int) int { return 77 })); !ok || math.Abs(dB[0])+math.Abs(dB[1])+math.Abs(dB[2])+math.Abs(dB[3]) > 1e-9 {
		t.Errorf("flat: %v, %v", dB, ok)
	}
	for _, size := range [][2]int{{127, 300}, {300, 127}, {8, 8}} {
		if _, ok := Lattice(model.NewImage(model.RGB, size[0], size[1])); ok {
			t.Errorf("%v is large enough", size)
		}
	}
}

func TestStep(t *testing.T) {
	extract := func(v ...float32) Extract {
		e := Extract{Features: v}
		e.Levels[3].Mean = make([]float32, 2)
		return e
	}
	for _, c := range []struct {
		name string
		a, b Extract // two channels at two positions
		want float64
	}{
		{"equal", extract(1, 2, 3, 4), extract(1, 2, 3, 4), 0},
		{"louder", extract(1, 2, 3, 4), extract(7, 3, 21, 6), 0},
		{"at right angles", extract(1, 1, 0, 0), extract(0, 0, 5, 5), math.Sqrt2},
		{"half of it", extract(1, 1, 0, 0), extract(0, 1, 5, 0), 1},
		{"45 degrees", extract(1, 1, 0, 0), extract(2, 2, 2, 2), math.Sqrt(2 - math.Sqrt2)},
		{"nothing there", extract(0, 0, 0, 0), extract(0, 0, 0, 0), 0},
		{"nothing there once", extract(0, 1, 0, 1), extract(3, 1, 0, 1), math.Sqrt(0.5)},
	} {
		if got := Step(c.a, c.b); !(math.Abs(got-c.want) <= 1e-7) || math.Abs(got-Step(c.b, c.a)) > 1e-12 {
			t.Errorf("%s: %v, wanted %v", c.name, got, c.want)
		}
	}
}
