package hdr

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

var sources = []Source{
	{PQ, BT2020, 1000}, {PQ, BT2020, 4000}, {PQ, BT2020, 10000}, {PQ, BT2020, 203}, {PQ, DisplayP3, 1000}, {PQ, BT709, 600},
	{HLG, BT2020, 1000}, {HLG, BT2020, 400},
}

// each calls f with the colours of a grid.
func each(n int, f func(rgb [3]float64)) {
	for i := range n * n * n {
		f([3]float64{float64(i%n) / float64(n-1), float64(i/n%n) / float64(n-1), float64(i/n/n) / float64(n-1)})
	}
}

func apart(a, b [3]float64) float64 {
	return max(math.Abs(a[0]-b[0]), math.Abs(a[1]-b[1]), math.Abs(a[2]-b[2]))
}

// brightest is the signal of the peak.
func (s Source) brightest() float64 {
	if s.Transfer == HLG {
		return 1
	}
	return pqSignal(s.Peak / 10000)
}

// TestInverse demands that every colour up to the peak comes back.
func TestInverse(t *testing.T) {
	for _, s := range sources {
		m, worst := s.mapping(), 0.0
		each(21, func(rgb [3]float64) {
			for c := range rgb {
				rgb[c] *= s.brightest()
			}
			network := m.toNetwork(rgb)
			for _, v := range network {
				if !(v >= 0 && v <= 1+1e-9) {
					t.Fatalf("%v: %v becomes %v, wanted 0 to 1", s, rgb, network)
				}
			}
			worst = max(worst, apart(m.fromNetwork(network), rgb))
		})
		if !(worst < 1e-5) {
			t.Errorf("%v: a colour comes back %v apart", s, worst)
		}
	}
}

// TestBack demands that fromNetwork gives colours of the source, whatever the network makes, and brighter ones for brighter greys.
func TestBack(t *testing.T) {
	for _, s := range sources {
		m, before := s.mapping(), -1.0
		each(17, func(rgb [3]float64) {
			for _, v := range m.fromNetwork(rgb) {
				if !(v >= 0 && v <= 1) {
					t.Fatalf("%v: %v comes back as %v", s, rgb, m.fromNetwork(rgb))
				}
			}
		})
		for i := range 101 {
			grey := m.fromNetwork([3]float64{float64(i) / 100, float64(i) / 100, float64(i) / 100})
			if apart(grey, [3]float64{grey[0], grey[0], grey[0]}) > 1e-3 || !(grey[0] > before) {
				t.Errorf("%v: grey %d %% comes back as %v behind %v", s, i, grey, before)
			}
			before = grey[0]
		}
	}
}

// TestTables says how far colours are from what they were when they went through both tables: greys as part of the signal's range, and all as
// part of the light of their brightest channel. It demands of greys less than a step of 8 bits and of the highlights that they keep their light.
func TestTables(t *testing.T) {
	for _, s := range sources {
		before, after := s.Tables()
		m := s.mapping()
		there := func(rgb [3]float64) [3]float64 { return after.At(before.At(rgb)) }
		light := func(rgb [3]float64) float64 {
			got, want := m.light.decode(there(rgb)), m.light.decode(rgb)
			return apart(got, want) / highest(want)
		}
		greys, bright := 0.0, 0.0
		for i := range 1024 {
			v := s.brightest() * float64(i) / 1023
			grey := [3]float64{v, v, v}
			greys = max(greys, apart(there(grey), grey))
			if s.Peak*m.light.decode(grey)[0] > 100 {
				bright = max(bright, light(grey))
			}
		}
		worst, sum, n := 0.0, 0.0, 0.0
		each(16, func(rgb [3]float64) {
			for c := range rgb {
				rgb[c] *= s.brightest()
			}
			if highest(rgb) > 0.2 {
				d := light(rgb)
				worst, sum, n = max(worst, d), sum+d, n+1
			}
		})
		t.Logf("%v: greys %.4f of the range apart, above 100 cd/m2 %.2f %% of their light, colours %.1f %%, on average %.2f %%", s, greys, 100*bright,
			100*worst, 100*sum/n)
		if !(greys < 1./255) || !(bright < 0.02) || !(sum/n < 0.02) {
			t.Errorf("%v: the tables together are too far from the identity", s)
		}
	}
}

// TestFormula compares toNetwork with the formulas stated once more, in Python.
func TestFormula(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 to compare with")
	}
	var in strings.Builder
	var got [][3]float64
	for _, s := range sources {
		if s.Primaries != BT2020 {
			continue // the other statement has BT.2020's matrix only
		}
		m := s.mapping()
		each(9, func(rgb [3]float64) {
			fmt.Fprintln(&in, []string{"pq", "hlg"}[s.Transfer], s.Peak, rgb[0], rgb[1], rgb[2])
			got = append(got, m.toNetwork(rgb))
		})
	}
	cmd := exec.Command(python, "testdata/formula.py")
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(got) {
		t.Fatalf("%d lines, wanted %d", len(lines), len(got))
	}
	inputs := strings.Split(in.String(), "\n")
	worst := 0.0
	for i, line := range lines {
		var want [3]float64
		if _, err := fmt.Sscan(line, &want[0], &want[1], &want[2]); err != nil {
			t.Fatal(err)
		}
		// Channels near 0 magnify what the printed matrix is rounded to.
		for c := range want {
			d := math.Abs(math.Pow(got[i][c], gamma) - math.Pow(want[c], gamma))
			if worst = max(worst, d); d > 2e-3 {
				t.Fatalf("%s becomes %v, the other statement says %v", inputs[i], got[i], want)
			}
		}
	}
	t.Logf("%d colours, at most %.1e of the display's light apart", len(got), worst)
}

// TestPQ compares the EOTF with that of zimg, through ffmpeg.
func TestPQ(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("there is no ffmpeg to compare with")
	}
	const n = 256
	signals := make([]float32, 3*n)
	for i := range signals {
		signals[i] = float32(i%n) / (n - 1)
	}
	in, err := binary.Append(nil, binary.LittleEndian, signals)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(ffmpeg, "-v", "error", "-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-s", "256x1", "-i", "-", "-vf",
		"zscale=pin=2020:p=2020:min=gbr:m=gbr:rin=full:r=full:tin=smpte2084:t=linear:npl=10000", "-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-")
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Skip("this ffmpeg has no zscale to compare with")
	}
	want := make([]float32, 3*n)
	if _, err := binary.Decode(out, binary.LittleEndian, want); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		got := pqLight(float64(signals[i]))
		if math.Abs(got-float64(want[i])) > 2e-4*got+5e-9 { // a millionth of a cd/m2 is what its tables leave near black
			t.Errorf("a signal of %v is %v of 10000 cd/m2, zimg says %v", signals[i], got, want[i])
		}
		if back := pqSignal(got); math.Abs(back-float64(signals[i])) > 1e-6 {
			t.Errorf("a signal of %v comes back as %v", signals[i], back)
		}
	}
}

// TestHLG demands the values that BT.2100 and BT.2408 print.
func TestHLG(t *testing.T) {
	if v := hlgSignal(1. / 12); math.Abs(v-0.5) > 1e-9 {
		t.Errorf("1/12 of the scene's light is a signal of %v, wanted 0.5", v)
	}
	for i := range 101 {
		if v := hlgSignal(hlgScene(float64(i) / 100)); math.Abs(v-float64(i)/100) > 1e-7 {
			t.Errorf("a signal of %d %% comes back as %v", i, v)
		}
	}
	white := newLight(Source{HLG, BT2020, 1000}).decode([3]float64{0.75, 0.75, 0.75})
	if nits := 1000 * white[0]; math.Abs(nits-203) > 1 {
		t.Errorf("HLG's reference white of 75 %% is %v cd/m2, wanted 203", nits)
	}
}

// TestPeak demands MaxCLL before the display's peak, and a sensible one of none.
func TestPeak(t *testing.T) {
	for _, c := range [][3]float64{{0, 0, 1000}, {0, 4000, 4000}, {700, 4000, 700}, {50, 0, 203}, {0, 99999, 10000}} {
		if got := Peak(c[0], c[1]); got != c[2] {
			t.Errorf("MaxCLL %v and a display of %v give a peak of %v, wanted %v", c[0], c[1], got, c[2])
		}
	}
}

// TestTablesKept demands that the tables of a source are made once, and those of another anew.
func TestTablesKept(t *testing.T) {
	one, other := Source{Transfer: PQ, Peak: 1000}, Source{Transfer: PQ, Peak: 4000}
	before, after := one.Tables()
	if b, a := one.Tables(); b != before || a != after {
		t.Error("a second call gives other tables")
	}
	if b, a := other.Tables(); b == before || a == after {
		t.Error("another source gets the same tables")
	}
	fresh, _ := one.tables()
	if kept, _ := one.Tables(); !slices.Equal(kept.Values, fresh.Values) || kept.High != fresh.High {
		t.Error("the tables are not those of the source")
	}
}
