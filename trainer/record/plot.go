package record

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// curve is one loss of the plot.
type curve struct {
	name  string
	color color.RGBA
	value func(Entry) float64
}

var curves = []curve{
	{"content", color.RGBA{31, 119, 180, 255}, func(e Entry) float64 { return e.Content }},
	{"style", color.RGBA{214, 39, 40, 255}, func(e Entry) float64 { return e.Style }},
	{"identity", color.RGBA{44, 160, 44, 255}, func(e Entry) float64 { return e.Identity }},
	{"consistency", color.RGBA{148, 103, 189, 255}, func(e Entry) float64 { return e.Consistency }},
	{"lattice", color.RGBA{255, 127, 14, 255}, func(e Entry) float64 { return e.Lattice }},
}

// scoreCurves are the scores of the plot, dashed.
var scoreCurves = []struct {
	name  string
	color color.RGBA
	value func(Scores) float64
}{
	{"style ratio", color.RGBA{230, 120, 120, 255}, func(s Scores) float64 { return s.StyleRatio }},
	{"content ratio", color.RGBA{110, 170, 220, 255}, func(s Scores) float64 { return s.ContentRatio }},
}

// Size of the plot, and of the column at its right that the legend has to itself.
const (
	plotWidth, plotHeight = 9 * vg.Inch, 5 * vg.Inch
	legendWidth           = 1.3 * vg.Inch
)

// WritePlot draws the losses of a log over the iterations, smoothed, on a logarithmic scale, and the scores if there are any. A loss that
// is 0 has no curve; without any there is no plot.
func (f *Folder) WritePlot(log []Entry) error {
	p := plot.New()
	p.Title.Text = "Losses without their weights"
	p.X.Label.Text = "iteration"
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.TickerFunc(logTicks)
	p.Add(plotter.NewGrid())
	legend := plot.NewLegend()
	legend.Top, legend.Left, legend.YOffs = true, true, -p.Title.TextStyle.Font.Size*2
	add := func(name string, points plotter.XYs, color color.Color, dashes []vg.Length) error {
		if len(points) < 2 {
			return nil
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return fmt.Errorf("plot of %s: %w", name, err)
		}
		line.Color, line.Width, line.Dashes = color, vg.Points(1.5), dashes
		p.Add(line)
		legend.Add(name, line)
		return nil
	}
	for _, c := range curves {
		if err := add(c.name, smooth(log, c.value), c.color, nil); err != nil {
			return err
		}
	}
	for _, c := range scoreCurves {
		var points plotter.XYs
		for _, e := range log {
			if e.Scores != nil && c.value(*e.Scores) > 0 {
				points = append(points, plotter.XY{X: float64(e.Iteration), Y: c.value(*e.Scores)})
			}
		}
		if err := add(c.name, points, c.color, []vg.Length{vg.Points(4), vg.Points(3)}); err != nil {
			return err
		}
	}
	// The ranges of a plot without curves mean nothing.
	if p.Y.Min > p.Y.Max || !(p.Y.Min > 0) {
		return nil
	}
	if p.Y.Min == p.Y.Max {
		p.Y.Min, p.Y.Max = p.Y.Min/1.1, p.Y.Max*1.1
	}
	canvas := vgimg.New(plotWidth, plotHeight)
	whole := draw.New(canvas)
	p.Draw(draw.Crop(whole, vg.Points(6), -legendWidth, vg.Points(4), -vg.Points(4)))
	legend.Draw(draw.Crop(whole, plotWidth-legendWidth+vg.Points(6), 0, 0, 0))
	return f.Write(PlotFile, func(w io.Writer) error {
		_, err := vgimg.PngCanvas{Canvas: canvas}.WriteTo(w)
		return err
	})
}

// logTicks are the ticks of a logarithmic axis: powers of ten with 2 and 5 times each where the axis is short, and numbers as on any other
// axis where it has fewer than two of these.
func logTicks(low, high float64) (ticks []plot.Tick) {
	labels := 0
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for i := 1; i <= 9; i++ {
			v := power * float64(i)
			if v < low || v > high {
				continue
			}
			t := plot.Tick{Value: v}
			if i == 1 || (i == 2 || i == 5) && high < 1e4*low {
				t.Label = strconv.FormatFloat(v, 'g', 4, 64)
				labels++
			}
			ticks = append(ticks, t)
		}
	}
	if labels < 2 {
		return plot.DefaultTicks{}.Ticks(low, high)
	}
	return ticks
}

// smooth is the moving mean of a loss over a fiftieth of the log, one point for each entry whose loss is above 0.
func smooth(log []Entry, value func(Entry) float64) (points plotter.XYs) {
	var window []float64
	var sum float64
	n := 1 + len(log)/50
	for _, e := range log {
		v := value(e)
		if !(v > 0) {
			continue
		}
		window, sum = append(window, v), sum+v
		if len(window) > n {
			window, sum = window[1:], sum-window[0]
		}
		if mean := sum / float64(len(window)); mean > 0 {
			points = append(points, plotter.XY{X: float64(e.Iteration), Y: mean})
		}
	}
	return points
}

// Mean is the mean of the entries within the last iterations of a log, each counted once, and how many iterations that are.
func Mean(log []Entry, iterations int) (mean Entry, n int) {
	if len(log) == 0 {
		return mean, 0
	}
	last := log[len(log)-1]
	var entries float64
	first := last.Iteration
	for i := len(log) - 1; i >= 0 && log[i].Iteration > last.Iteration-iterations; i-- {
		e := log[i]
		mean.Content += e.Content
		mean.Style += e.Style
		mean.Identity += e.Identity
		mean.Consistency += e.Consistency
		mean.Lattice += e.Lattice
		mean.Total += e.Total
		mean.Gradient += e.Gradient
		mean.Seconds += e.Seconds
		mean.Data += e.Data
		mean.Busy += e.Busy
		entries++
		first = 0
		if i > 0 {
			first = log[i-1].Iteration
		}
	}
	for _, v := range []*float64{&mean.Content, &mean.Style, &mean.Identity, &mean.Consistency, &mean.Lattice, &mean.Total, &mean.Gradient, &mean.Seconds,
		&mean.Data, &mean.Busy} {
		*v /= entries
	}
	mean.Iteration, mean.Rate = last.Iteration, last.Rate
	return mean, last.Iteration - first
}
