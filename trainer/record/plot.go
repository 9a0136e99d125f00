package record

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
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
}

// WritePlot draws the losses of a log over the iterations, smoothed, on a logarithmic scale. A loss that is 0 has no curve;
// without any there is no plot.
func (f *Folder) WritePlot(log []Entry) error {
	p := plot.New()
	p.Title.Text = "Losses without their weights"
	p.X.Label.Text = "iteration"
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	drawn := 0
	for _, c := range curves {
		points := smooth(log, c.value)
		if len(points) < 2 {
			continue
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return fmt.Errorf("plot of the %s loss: %w", c.name, err)
		}
		line.Color, line.Width = c.color, vg.Points(1.5)
		p.Add(line)
		p.Legend.Add(c.name, line)
		drawn++
	}
	if drawn == 0 {
		return nil
	}
	picture, err := p.WriterTo(8*vg.Inch, 5*vg.Inch, "png")
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return f.Write(PlotFile, func(w io.Writer) error {
		_, err := picture.WriteTo(w)
		return err
	})
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
	for _, v := range []*float64{&mean.Content, &mean.Style, &mean.Identity, &mean.Consistency, &mean.Total, &mean.Gradient, &mean.Seconds,
		&mean.Data, &mean.Busy} {
		*v /= entries
	}
	mean.Iteration, mean.Rate = last.Iteration, last.Rate
	return mean, last.Iteration - first
}
