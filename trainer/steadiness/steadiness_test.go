package steadiness

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/trainer/files"
	"adainfilter/trainer/score"
	"adainfilter/trainer/stylize"
	"adainfilter/trainer/terminal"
)

// jitter is an engine that adds a known number to all samples of a frame. Statistics are the mean of its samples, and such that
// model.StatsDistance is what that changes by.
type jitter struct {
	test      *jitterTest
	smoothing float32 // that of all its frames
	n, since  int     // frames so far, and since the brightness jumped
	before    float64
	closed    bool
}

// jitterTest opens such engines and remembers them.
type jitterTest struct {
	add    func(n, since int, smoothing float32) int // to frame n, since frames behind a jump or the first
	fails  int                                       // the frame that an engine refuses, counted from 1; 0 is none
	nan    bool
	opened []*jitter
}

func (t *jitterTest) open() (model.Engine, error) {
	t.opened = append(t.opened, &jitter{test: t, smoothing: -1})
	return t.opened[len(t.opened)-1], nil
}

func (*jitter) Weights() *model.Weights { return &model.Weights{Network: "jitter"} }
func (*jitter) Describe() string        { return "jitter" }
func (e *jitter) Close() error          { e.closed = true; return nil }

func (e *jitter) Statistics(m *model.Image) (model.Stats, error) {
	if e.test.nan {
		return model.Stats{Mean: []float32{float32(math.NaN())}, Std: []float32{1}}, nil
	}
	return model.Stats{Mean: []float32{float32(level(m)) / 64}, Std: []float32{0.45}}, nil
}

func (e *jitter) Stylize(dst, src *model.Image, s *model.Stylization) error {
	if s.Alpha != 1 || e.smoothing >= 0 && s.Smoothing != e.smoothing {
		return fmt.Errorf("alpha %v, smoothing %v behind %v", s.Alpha, s.Smoothing, e.smoothing)
	}
	if now := level(src); e.n > 0 && math.Abs(now-e.before) > 50 {
		e.since = 0
	}
	add := e.test.add(e.n, e.since, s.Smoothing)
	for i, v := range src.Planes[0].Data {
		dst.Planes[0].Data[i] = byte(int(v) + add)
	}
	e.smoothing, e.before = s.Smoothing, level(src)
	e.n, e.since = e.n+1, e.since+1
	if e.n == e.test.fails {
		return errors.New("no more")
	}
	return nil
}

// level is the mean of all samples.
func level(m *model.Image) float64 {
	sum := 0
	for _, v := range m.Planes[0].Data {
		sum += int(v)
	}
	return float64(sum) / float64(len(m.Planes[0].Data))
}

// flickering adds 8 at every second frame, less with smoothing: 4 with 0.5, 2 with 0.75.
func flickering(n, _ int, smoothing float32) int { return n % 2 * int(8*(1-smoothing)) }

// drawn makes n frames of 21x13 pixels. On grey noise of 20 to 99 comes what add says for column x of frame i.
func drawn(n int, add func(i, x int) int) iter.Seq2[*model.Image, error] {
	return func(yield func(*model.Image, error) bool) {
		for i := range n {
			random := rand.New(rand.NewPCG(5, 6))
			m := model.NewImage(model.RGB, 21, 13)
			for k := range m.Planes[0].Data {
				m.Planes[0].Data[k] = byte(20 + random.IntN(80) + add(i, k/3%21))
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// halves is noise of one step in 11 columns, of which 10 count as still, and motion of 20 in the 10 others.
func halves(i, x int) int {
	if x <= 10 {
		return i % 2
	}
	return i % 2 * 20
}

func newSteadiness(test *jitterTest, smoothing []float64, frames iter.Seq2[*model.Image, error]) *Measurement {
	engine, _ := test.open()
	stats := model.Stats{Mean: []float32{1}, Std: []float32{1}}
	return &Measurement{
		Options: Options{Films: []files.File{{Path: "dir/clip.mp4", Base: "clip"}}, Smoothing: smoothing,
			Styles: []stylize.Style{{File: files.File{Path: "a", Base: "a"}, Stats: stats}, {File: files.File{Path: "b", Base: "b"}, Stats: stats}}},
		engine: engine, open: test.open,
		frames: func(string) iter.Seq2[*model.Image, error] { return frames },
		flow: func(_ string, _ int, frame, _ *model.Image) *score.Flow {
			return score.NewFlow(frame.Width, frame.Height)
		},
	}
}

// show is a figure for comparison: six digits, or "-".
func show(v *float64) string { return terminal.Number(v, 6) }

func TestSteadiness(t *testing.T) {
	jump := func(add func(i, x int) int, at ...int) func(i, x int) int {
		return func(i, x int) int {
			bright := 0
			for _, a := range at {
				if i >= a {
					bright = 100 - bright
				}
			}
			return add(i, x) + bright
		}
	}
	standing := func(int, int) int { return 0 }
	// For the first k frames of a scene the smoothed result is 3 steps off.
	lagging := func(k int) func(n, since int, smoothing float32) int {
		return func(n, since int, smoothing float32) int {
			if n != since && since < k && smoothing > 0 {
				return 3
			}
			return 0
		}
	}
	for _, c := range []struct {
		name  string
		film  iter.Seq2[*model.Image, error]
		add   func(n, since int, smoothing float32) int
		still string
		cuts  []int
		film0 [2]string // flicker and its percentile of the film itself
		rows  [3]string // of smoothing 0, 0.5 and 0.75: flicker, p95, change, noise gain, pumping, ghosting, p99, after cut
	}{
		// On still pixels the film changes by 1 and the result by 1 and what the engine adds; the luminance by that, too. The
		// luminance of the film changes by (11 + 10*20)/21, so all of it is taken for the film's. Ghosting comes at every second frame.
		{"flicker", drawn(9, halves), flickering, "0.476190", []int{}, terminal.Row{"1.000000", "1.000000"}, [3]string{
			"9.000000 9.000000 - 9.000000 8.000000 - - -",
			"5.000000 5.000000 -0.444444 5.000000 4.000000 2.000000 4.000000 -",
			"3.000000 3.000000 -0.666667 3.000000 2.000000 3.000000 6.000000 -"}},
		{"nothing moves", drawn(9, standing), flickering, "1.000000", []int{}, terminal.Row{"0.000000", "0.000000"}, [3]string{
			"8.000000 8.000000 - - 8.000000 - - -",
			"4.000000 4.000000 -0.500000 - 4.000000 - - -",
			"2.000000 2.000000 -0.750000 - 2.000000 - - -"}},
		{"a steady result", drawn(9, standing), lagging(0), "1.000000", []int{}, terminal.Row{"0.000000", "0.000000"}, [3]string{
			"0.000000 0.000000 - - 0.000000 - - -", "0.000000 0.000000 - - 0.000000 - - -", "0.000000 0.000000 - - 0.000000 - - -"}},
		{"everything moves", drawn(9, func(i, x int) int { return (i + x) % 2 * 30 }), flickering, "0.000000", []int{}, terminal.Row{"-", "-"}, [3]string{
			// The luminance of the film changes by 30/21.
			"- - - - 8.000000 - - -", "- - - - 4.000000 2.000000 4.000000 -", "- - - - 2.000000 3.000000 6.000000 -"}},
		// Frame 6 is bright. There the result with smoothing is as far off as at every second frame, and not at the one that follows.
		{"a cut", drawn(9, jump(halves, 5)), flickering, "0.476190", []int{6}, terminal.Row{"1.000000", "1.000000"}, [3]string{
			"9.000000 9.000000 - 9.000000 8.000000 - - -",
			"5.000000 5.000000 -0.444444 5.000000 4.000000 1.714286 4.000000 1",
			"3.000000 3.000000 -0.666667 3.000000 2.000000 2.571429 6.000000 1"}},
		{"a lag", drawn(9, jump(standing, 4)), lagging(3), "1.000000", []int{5}, terminal.Row{"0.000000", "0.000000"}, [3]string{
			"0.000000 0.000000 - - 0.000000 - - -", "0.428571 3.000000 - - 1.133893 - - 3", "0.428571 3.000000 - - 1.133893 - - 3"}},
		{"a lag to the next cut and the end", drawn(9, jump(standing, 4, 6)), lagging(3), "1.000000", []int{5, 7}, terminal.Row{"0.000000", "0.000000"}, [3]string{
			"0.000000 0.000000 - - 0.000000 - - -", "0.000000 0.000000 - - 0.000000 - - 2x never", "0.000000 0.000000 - - 0.000000 - - 2x never"}},
		// Behind the first cut it takes three frames until the result is no more than 1 off, behind the second one.
		{"two lags", drawn(12, jump(standing, 3, 7)), func(n, since int, smoothing float32) int {
			switch {
			case n == since || smoothing == 0:
				return 0
			case since < 3 && n < 7 || since < 1:
				return 3
			}
			return 1
		}, "1.000000", []int{4, 8}, terminal.Row{"0.000000", "0.000000"}, [3]string{
			"0.000000 0.000000 - - 0.000000 - - -", "0.444444 2.000000 - - 0.942809 - - 3", "0.444444 2.000000 - - 0.942809 - - 3"}},
		{"all cuts", drawn(4, jump(standing, 1, 2, 3)), lagging(0), "-", []int{2, 3, 4}, terminal.Row{"-", "-"}, [3]string{
			"- - - - - - - -", "- - - - - - - 0", "- - - - - - - 0"}},
	} {
		test := &jitterTest{add: c.add}
		v := newSteadiness(test, []float64{0, 0.5, 0.75}, c.film)
		if err := v.run(context.Background(), io.Discard); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		f := v.table(v.films[0])
		if show(f.Still) != c.still || !slices.Equal(f.Cuts, c.cuts) || len(f.Resized) != 0 || f.Width != 21 || f.Height != 13 || len(f.Rows) != 10 {
			t.Errorf("%s: film is %+v", c.name, f)
		}
		var levels []float64
		for m := range c.film {
			levels = append(levels, level(m))
		}
		farthest := math.NaN()
		for i := 1; i < len(levels); i++ {
			// The levels are the statistics of these engines. Of equal ones float32 makes one the farthest.
			d := math.Abs(levels[i]-levels[i-1]) / 64
			if d <= model.SceneCut(f.Width, f.Height) && !(d <= farthest) {
				farthest = d
			}
			if i+1 == f.At && show(f.Farthest) != show(&d) {
				t.Errorf("%s: frame %d is %s far, wanted %v", c.name, f.At, show(f.Farthest), d)
			}
		}
		if show(f.Farthest) != show(known(farthest)) || (f.At > 0) != (f.Farthest != nil) {
			t.Errorf("%s: frame %d is farthest, %s, wanted %v", c.name, f.At, show(f.Farthest), farthest)
		}
		if r := f.Rows[0]; show(r.Flicker) != c.film0[0] || show(r.FlickerP95) != c.film0[1] || r.Smoothing != nil || r.Style != itself {
			t.Errorf("%s: the film itself is %v %v", c.name, show(r.Flicker), show(r.FlickerP95))
		}
		for i, r := range f.Rows[1:] {
			if i >= 6 {
				r.Unsettled /= 2 // all styles have those of both
			}
			got := strings.Join([]string{show(r.Flicker), show(r.FlickerP95), show(r.Change), show(r.NoiseGain), show(r.Pumping), show(r.Ghosting), show(r.GhostP99), r.afterCut()}, " ")
			if style := []string{"a", "b", allStyles}[i/3]; got != c.rows[i%3] || r.Style != style || *r.Smoothing != v.Smoothing[i%3] {
				t.Errorf("%s: row %d, %s with %v, is\n%s, wanted\n%s", c.name, i, r.Style, *r.Smoothing, got, c.rows[i%3])
			}
		}
		// One engine for statistics and one for each run, which sees all frames.
		if len(test.opened) != 1+2*3 {
			t.Errorf("%s: %d engines were opened", c.name, len(test.opened))
		}
		for i, e := range test.opened[1:] {
			if !e.closed || e.n != len(v.films[0].frames) {
				t.Errorf("%s: engine %d saw %d frames, closed: %v", c.name, i, e.n, e.closed)
			}
		}
		checkVideoOutput(t, c.name, v)
	}
}

// checkVideoOutput prints the report in all forms.
func checkVideoOutput(t *testing.T, name string, v *Measurement) {
	t.Helper()
	var text bytes.Buffer
	report := v.Report()
	if err := report.Print(&text); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	line, err := json.Marshal(report)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	film := v.table(v.films[0])
	if strings.Contains(text.String(), "NaN") || strings.Contains(text.String(), "Inf") || strings.Count(text.String(), "\n") < 7+len(film.Rows) {
		t.Errorf("%s: the table is\n%s", name, text.String())
	}
	var r Report
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatalf("%s: %v in %s", name, err, line)
	}
	if len(r.Films) != 1 || !reflect.DeepEqual(r.Films[0], film) {
		t.Errorf("%s: JSON is %s", name, line)
	}
	var table bytes.Buffer
	if err := v.WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	frames := len(v.films[0].frames)
	if len(lines) != 1+len(v.films[0].runs)*frames {
		t.Errorf("%s: %d lines in the CSV file", name, len(lines))
	}
	for i, l := range lines[1:] {
		if l[3] != strconv.Itoa(v.Skip+i%frames+1) || slices.Contains(l, "NaN") || (l[4] == "") != (l[6] != "") {
			t.Errorf("%s: line %d of the CSV file is %v", name, i+2, l)
		}
	}
}

// TestSteadinessPart measures a part of a film whose size changes.
func TestSteadinessPart(t *testing.T) {
	taken := 0
	frames := func(yield func(*model.Image, error) bool) {
		for taken = 1; taken <= 100; taken++ {
			m := model.NewImage(model.RGB, 21, 13)
			if taken > 5 {
				m = model.NewImage(model.RGB, 13, 21)
			}
			for i := range m.Planes[0].Data {
				m.Planes[0].Data[i] = byte(50 + taken%2)
			}
			if !yield(m, nil) {
				return
			}
		}
	}
	v := newSteadiness(&jitterTest{add: flickering}, []float64{0, 0.5}, frames)
	v.Skip, v.Count = 2, 6
	v.Styles = v.Styles[:1]
	if err := v.run(context.Background(), io.Discard); err != nil {
		t.Fatal(err)
	}
	if taken != 8 {
		t.Errorf("%d frames were decoded, wanted 8", taken)
	}
	f := v.table(v.films[0])
	if f.Frames != 6 || len(f.Cuts) != 0 || !slices.Equal(f.Resized, []int{6}) || show(f.Still) != "1.000000" || len(f.Rows) != 3 {
		t.Errorf("film is %+v", f)
	}
	// Frames 3, 5 and 7 are bright, 4, 6 and 8 have the engine's 8, with smoothing 4; frame 6 is compared with none.
	for i, want := range []string{"1.000000", "7.000000", "3.000000"} {
		if got := show(f.Rows[i].Flicker); got != want {
			t.Errorf("flicker in row %d is %s, wanted %s", i, got, want)
		}
	}
	if r := f.Rows[2]; r.AfterCut == nil || *r.AfterCut != 1 {
		t.Errorf("behind the change of size: %+v", r)
	}
	checkVideoOutput(t, "part", v)
}
