package bench

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/terminal"
)

// FormatCost is what a format costs; the names are those of the JSON output.
type FormatCost struct {
	Format string  `json:"format"`
	CPUMS  float64 `json:"cpu_ms"`  // processor time of a frame
	Ratio  float64 `json:"to_nv12"` // median of that in proportion to a frame in NV12 beside it
}

// framesPerRound are timed in succession, after one that takes the memory which the format needs.
const framesPerRound = 3

// MeasureFormats stylises frames of every format that the engine takes, each after some in NV12, rounds times. Processor time counts, of all
// threads: that of day says little on a machine that does something else too. Errors: the engine's, ctx's cause.
func MeasureFormats(ctx context.Context, engine model.Engine, formats []model.Format, width, height, rounds int) ([]FormatCost, error) {
	stats, err := engine.Statistics(Noise(model.NV12, width, height))
	if err != nil {
		return nil, err
	}
	out := make([]FormatCost, len(formats))
	times, ratios := make([][]float64, len(formats)), make([][]float64, len(formats))
	for range rounds {
		for i, f := range formats {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			plain, err := processorTime(engine, model.NV12, width, height, stats)
			if err != nil {
				return nil, err
			}
			other, err := processorTime(engine, f, width, height, stats)
			if err != nil {
				return nil, err
			}
			times[i], ratios[i] = append(times[i], other), append(ratios[i], other/plain)
		}
	}
	for i, f := range formats {
		out[i] = FormatCost{f.String(), middle(times[i]), middle(ratios[i])}
	}
	return out, nil
}

// FormatRows are the lines of a table.
func FormatRows(costs []FormatCost) []terminal.Row {
	var rows []terminal.Row
	for _, c := range costs {
		rows = append(rows, terminal.Row{c.Format, fmt.Sprintf("%.2f ms of processor time, %+.1f %% against NV12", c.CPUMS, 100*(c.Ratio-1))})
	}
	return rows
}

// processorTime is that of one frame, in milliseconds.
func processorTime(engine model.Engine, f model.Format, width, height int, stats model.Stats) (float64, error) {
	src, dst := Noise(f, width, height), model.NewImage(f, width, height)
	s := &model.Stylization{Style: stats, Alpha: 1}
	if err := engine.Stylize(dst, src, s); err != nil {
		return 0, err
	}
	before, err := used()
	if err != nil {
		return 0, err
	}
	for range framesPerRound {
		if err := engine.Stylize(dst, src, s); err != nil {
			return 0, err
		}
	}
	after, err := used()
	return float64((after - before).Microseconds()) / 1e3 / framesPerRound, err
}

// used is the processor time of this process.
func used() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

func middle(v []float64) float64 {
	slices.Sort(v)
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
