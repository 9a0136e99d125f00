package claim

import (
	"flag"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

var update = flag.Bool("update", false, "write the plot and the tables of documents/cluster-simulation.md anew")

// The cases of the page.
var (
	simWorkers  = []int{2, 8, 32, 128, 512}
	simSegments = []float64{10, 30, 60, 120, 300, 1000000}
)

// chosen is the length of a segment that adain transcode has by default.
const chosen = 60.0

func usual(workers int, segment float64) scene {
	return scene{workers: workers, films: 1000, segment: segment, lease: 60, seed: 1}
}

func (o outcome) loss() float64 { return o.makespan / o.ideal }

// TestSimulation: with the chosen length a thousand films take at most 1.15 of the ideal time on any number of uneven workers, also when a
// tenth of them vanish, and 1.2 with a slow store, and nothing is made twice that no lost worker had begun.
func TestSimulation(t *testing.T) {
	numbers := simWorkers
	if testing.Short() {
		numbers = []int{8, 512}
	}
	for _, n := range numbers {
		for name, change := range map[string]func(*scene){"": func(*scene) {}, "slow": func(s *scene) { s.slow = true }, "lost": func(s *scene) { s.lost = 0.1 }} {
			s := usual(n, chosen)
			change(&s)
			o := simulate(s)
			t.Logf("%d workers %s: %.3f of the ideal %.0f s, %.2f requests/s, peak %.0f, leases %.0f %%, %d again", n, name, o.loss(), o.ideal, o.requests, o.peak, 100*o.leases, o.twice)
			most := 1.15
			if s.slow {
				most = 1.2
			}
			if !(o.loss() >= 0.999 && o.loss() <= most) {
				t.Errorf("%d workers %s take %.3f of the ideal", n, name, o.loss())
			}
			if lost := int(s.lost * float64(n)); o.twice > lost {
				t.Errorf("%d workers %s: %d segments were begun again, %d workers were lost", n, name, o.twice, lost)
			}
			if perWorker := o.requests / float64(n); perWorker > 1 {
				t.Errorf("%d workers %s: %.2f requests per second and worker", n, name, perWorker)
			}
		}
	}
	// Who takes whole films waits for the slowest in the end.
	if o := simulate(usual(512, 1e6)); o.loss() < 1.15 {
		t.Errorf("whole films on 512 workers take %.3f of the ideal: the model does not see unevenness", o.loss())
	}
	if testing.Short() {
		return
	}
	page := simulationPage()
	path := filepath.Join("../../../documents", "cluster-simulation.md")
	if *update {
		if err := drawSimulation(strings.TrimSuffix(path, ".md") + ".png"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if held, _ := os.ReadFile(path); string(held) != page {
		t.Error("documents/cluster-simulation.md is not what the simulation gives: go test ./trainer/transcode/claim -run TestSimulation -update")
	}
}

func simulationPage() string {
	var b strings.Builder
	b.WriteString(`# Uneven machines, simulated

A thousand films of 20 minutes in the middle (a tenth has over 55), on workers whose speeds lie between 6 and 48 frames per second, by the rules of
[workers](cluster.md). A piece of work costs a second and 40 frames beside its own, a look at a film 0.3 % of its length and a join 1 %; a request
takes 50 ms, those of the slow store 300, and each fiftieth five seconds. Lost workers, a tenth of all, vanish at any moment and do not come back.
Nothing here was measured on a cluster; the test that checks this page is the model: ` + "`trainer/transcode/claim/simulation_test.go`" + `.

![Time over the ideal, by the length of a segment](cluster-simulation.png)

## Time, as a part of the ideal

The ideal is all frames by the sum of the speeds of all workers while they are there.

| segment |`)
	for _, n := range simWorkers {
		fmt.Fprintf(&b, " %d workers |", n)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(simWorkers)) + "\n")
	for _, s := range simSegments {
		fmt.Fprintf(&b, "| %s |", segmentLabel(s))
		for _, n := range simWorkers {
			fmt.Fprintf(&b, " %.3f |", simulate(usual(n, s)).loss())
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "\nShort segments pay for their beginnings, long ones let everybody wait for the slowest in the end. `--segment` is a minute by default.\n\n")
	b.WriteString("## With segments of a minute\n\n| workers | store, machines | time | requests a second | in the busiest 10 s | of them renew leases | begun again |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, n := range simWorkers {
		for _, kind := range []string{"", "slow store", "a tenth lost"} {
			s := usual(n, chosen)
			s.slow = kind == "slow store"
			if kind == "a tenth lost" {
				s.lost = 0.1
			}
			o := simulate(s)
			fmt.Fprintf(&b, "| %d | %s | %.3f | %.2f | %.0f | %.0f %% | %d |\n", n, kind, o.loss(), o.requests, o.peak, 100*o.leases, o.twice)
		}
	}
	return b.String()
}

func segmentLabel(s float64) string {
	switch {
	case s > 1e5:
		return "the film"
	case s >= 60:
		return fmt.Sprintf("%.0f min", s/60)
	}
	return fmt.Sprintf("%.0f s", s)
}

// drawSimulation draws the time over the ideal against the length of a segment, a line for each number of workers.
func drawSimulation(path string) error {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "segment, seconds of film", "time / ideal"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Y.Min, p.Y.Max = 1, 1.5
	p.Legend.Top, p.Legend.Left = true, true
	for i, n := range simWorkers {
		var points plotter.XYs
		for _, s := range []float64{10, 20, 30, 60, 120, 300, 600} {
			points = append(points, plotter.XY{X: s, Y: min(simulate(usual(n, s)).loss(), 1.5)})
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		shade := uint8(200 - 45*i)
		line.Color, line.Width = color.RGBA{R: uint8(50 * i), G: shade, B: 220 - shade, A: 255}, vg.Points(1.5)
		p.Add(line)
		p.Legend.Add(fmt.Sprintf("%d workers", n), line)
	}
	return p.Save(16*vg.Centimeter, 10*vg.Centimeter, path)
}
