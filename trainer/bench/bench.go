// Package bench measures the time per frame of an engine.
package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/terminal"
)

// Result is what was measured; the names are those of the JSON output.
type Result struct {
	Network    string  `json:"network"`
	Widths     string  `json:"widths"`
	Engine     string  `json:"engine"`
	Width      int     `json:"width"`
	Height     int     `json:"height"`
	Runs       int     `json:"runs"`
	FirstMS    float64 `json:"first_frame_ms"` // with taking the memory for this size
	BestMS     float64 `json:"best_ms"`
	MedianMS   float64 `json:"median_ms"`
	FPS        float64 `json:"fps"`
	GFLOPS     float64 `json:"gflops"`
	StyleMS    float64 `json:"statistics_ms"`  // statistics of a picture of the frame's size
	PeakMemory int64   `json:"peak_memory_kb"` // of the process, 0 where the system does not say
	Format     string  `json:"format"`
	GPU        *GPU    `json:"gpu,omitempty"` // nil where it was not asked for
}

// Rows are the lines of a table.
func (r *Result) Rows() []terminal.Row {
	rows := []terminal.Row{
		{"network", r.Network + ", widths " + r.Widths}, {"engine", r.Engine}, {"frame", fmt.Sprintf("%dx%d %s", r.Width, r.Height, r.Format)},
		{"first frame", fmt.Sprintf("%.1f ms", r.FirstMS)}, {"statistics", fmt.Sprintf("%.1f ms", r.StyleMS)},
		{"median of " + strconv.Itoa(r.Runs), fmt.Sprintf("%.2f ms, %.1f frames per second", r.MedianMS, r.FPS)},
		{"best", fmt.Sprintf("%.2f ms", r.BestMS)}, {"rate", fmt.Sprintf("%.1f GFLOP/s", r.GFLOPS)},
		{"peak memory", fmt.Sprintf("%.0f MB", float64(r.PeakMemory)*1024/1e6)},
	}
	return append(rows, r.GPU.rows()...)
}

// Noise is a frame of random samples.
func Noise(f model.Format, width, height int) *model.Image {
	m := model.NewImage(f, width, height)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range f.Planes() {
		for k := range m.Planes[i].Data {
			m.Planes[i].Data[k] = uint8(random.Uint32())
		}
	}
	return m
}

// Measure stylises one frame runs times with the statistics of itself. Errors: the engine's, a result that cannot be right, since its
// time would mean nothing, ctx's cause.
func Measure(ctx context.Context, engine model.Engine, src *model.Image, runs int) (*Result, error) {
	w := engine.Weights()
	r := &Result{Network: w.Network, Widths: w.Widths.String(), Engine: engine.Describe(), Width: src.Width, Height: src.Height,
		Format: src.Format.String(), Runs: runs}
	dst := model.NewImage(src.Format, src.Width, src.Height)
	// The first call takes memory for the size; the second is what a change of style costs.
	if _, err := engine.Statistics(src); err != nil {
		return r, err
	}
	start := time.Now()
	stats, err := engine.Statistics(src)
	if err != nil {
		return r, err
	}
	r.StyleMS = milliseconds(start)
	if err := stats.Check(w.Widths[3]); err != nil {
		return r, fmt.Errorf("the engine's result is wrong, so its time means nothing: %w", err)
	}
	start = time.Now()
	if err := engine.Stylize(dst, src, &model.Stylization{Style: stats, Alpha: 1}); err != nil {
		return r, err
	}
	r.FirstMS = milliseconds(start)
	if err := plausible(dst, src); err != nil {
		return r, err
	}
	if r.BestMS, r.MedianMS, err = timeFrames(ctx, engine, dst, src, stats, runs); err != nil {
		return r, err
	}
	r.FPS, r.GFLOPS = 1000/r.MedianMS, w.Widths.FLOP(src.Width, src.Height)/r.MedianMS/1e6
	r.PeakMemory = peakMemory()
	return r, nil
}

// timeFrames stylises a frame runs times.
func timeFrames(ctx context.Context, engine model.Engine, dst, src *model.Image, stats model.Stats, runs int) (best, median float64, err error) {
	s := &model.Stylization{Style: stats, Alpha: 1}
	var times []float64
	for range runs {
		if ctx.Err() != nil {
			return 0, 0, context.Cause(ctx)
		}
		start := time.Now()
		if err := engine.Stylize(dst, src, s); err != nil {
			return 0, 0, err
		}
		times = append(times, milliseconds(start))
	}
	return slices.Min(times), middle(times), nil
}

func milliseconds(since time.Time) float64 { return float64(time.Since(since).Nanoseconds()) / 1e6 }

// plausible refuses a frame of one value, which a NaN or an overflow in the network leads to, and an untouched copy.
func plausible(dst, src *model.Image) error {
	d := dst.Planes[0].Data
	if slices.Min(d) == slices.Max(d) {
		return fmt.Errorf("the engine's result is wrong, so its time means nothing: every sample is %d", d[0])
	}
	if bytes.Equal(d, src.Planes[0].Data) {
		return errors.New("the engine's result is wrong, so its time means nothing: it is the frame itself")
	}
	return nil
}

// peakMemory is the most memory the process ever had resident, in kB of 1024 bytes (proc(5), VmHWM).
func peakMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kb
		}
	}
	return 0
}
