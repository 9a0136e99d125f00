package record

import (
	"os"
	"strings"
	"testing"

	"adainfilter/picture"
)

func TestLogTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0.02, 300, "0.1 1 10 100"}, {1.5, 7, "2 5"}, {0.9, 30, "1 2 5 10 20"}, {2.1, 2.9, ""}, {3, 4, ""}, {0.00121, 0.00122, ""}, {6, 9, ""},
	} {
		var labels []string
		for _, tick := range logTicks(c.low, c.high) {
			if tick.Value < c.low || tick.Value > c.high {
				t.Errorf("%v to %v has a tick at %v", c.low, c.high, tick.Value)
			}
			if tick.Label != "" {
				labels = append(labels, tick.Label)
			}
		}
		if len(labels) < 2 || c.want != "" && strings.Join(labels, " ") != c.want {
			t.Errorf("%v to %v has the numbers %v, wanted %q", c.low, c.high, labels, c.want)
		}
	}
}

func TestBest(t *testing.T) {
	s := func(v float64) *Scores { return &Scores{StyleRatio: v, ContentRatio: 1} }
	log := []Entry{{Iteration: 1}, {Iteration: 2, Scores: s(3)}, {Iteration: 3}, {Iteration: 4, Scores: s(1)}, {Iteration: 5, Scores: s(2)}, {Iteration: 6, Scores: s(1)}}
	if best, since := Best(log); best == nil || best.Iteration != 4 || since != 2 {
		t.Errorf("the best is %+v, %d scores ago, wanted iteration 4, 2 ago", best, since)
	}
	if best, since := Best(log[:1]); best != nil || since != 0 {
		t.Errorf("without scores the best is %+v", best)
	}
}

func TestMean(t *testing.T) {
	var log []Entry
	for i := 1; i <= 30; i++ {
		log = append(log, Entry{Iteration: 10 * i, Style: float64(i), Rate: 0.5})
	}
	m, n := Mean(log, 100)
	// Entries 21 to 30.
	if n != 100 || m.Style != 25.5 || m.Iteration != 300 || m.Rate != 0.5 {
		t.Errorf("mean is %+v over %d, wanted 25.5 over 100", m, n)
	}
	if m, n := Mean(log[:2], 100); n != 20 || m.Style != 1.5 {
		t.Errorf("mean is %+v over %d, wanted 1.5 over 20", m, n)
	}
	if _, n := Mean(nil, 100); n != 0 {
		t.Errorf("no entries are %d iterations", n)
	}
}

func TestPlot(t *testing.T) {
	f := open(t, t.TempDir(), New)
	if err := f.WritePlot([]Entry{{Iteration: 1, Content: 1}}); err != nil {
		t.Errorf("one entry: %v", err)
	}
	if _, err := os.Stat(f.Path(PlotFile)); err == nil {
		t.Error("one entry makes a plot")
	}
	var log []Entry
	for i := 1; i <= 200; i++ {
		log = append(log, Entry{Iteration: i, Content: 1 / float64(i), Style: 5})
	}
	if err := f.WritePlot(log); err != nil {
		t.Fatal(err)
	}
	img, err := picture.Read(f.Path(PlotFile), picture.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	// The legend has the right of the plot to itself, and all of its lines are as far right.
	border := int(float64(img.Width) * float64((plotWidth-legendWidth)/plotWidth))
	for _, c := range curves {
		var columns []int
		p := img.Planes[0].Data
		pixel := img.Planes[0].Stride / img.Width
		for i := 0; i+2 < len(p); i += pixel {
			if p[i] == c.color.R && p[i+1] == c.color.G && p[i+2] == c.color.B {
				columns = append(columns, i/pixel%img.Width)
			}
		}
		if want := c.name == "content" || c.name == "style"; len(columns) > 0 != want {
			t.Errorf("curve %s is drawn: %v, wanted %v", c.name, len(columns) > 0, want)
		}
		drawn := map[bool]int{}
		for _, x := range columns {
			drawn[x >= border]++
		}
		if len(columns) > 0 && (drawn[true] < 10 || drawn[true] > 120 || drawn[false] < 100) {
			t.Errorf("curve %s has %d pixels in the plot and %d in the legend", c.name, drawn[false], drawn[true])
		}
	}
	if err := f.WritePlot([]Entry{{Iteration: 1, Content: 2}, {Iteration: 2, Content: 2}}); err != nil {
		t.Errorf("a loss that stays the same: %v", err)
	}
	if got := smooth(log, func(e Entry) float64 { return e.Content }); len(got) != 200 || got[0].Y != 1 || got[199].X != 200 {
		t.Errorf("smoothed: %d points, first %v", len(got), got[0])
	}
}
