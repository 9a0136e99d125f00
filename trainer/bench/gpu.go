package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"adainfilter/cuda"
	"adainfilter/model"
	"adainfilter/trainer/terminal"
)

// GPU is what was measured on frames in GPU memory; the names are those of the JSON output.
type GPU struct {
	BestMS   float64           `json:"best_ms"` // frame in GPU memory, in and out
	MedianMS float64           `json:"median_ms"`
	FPS      float64           `json:"fps"`
	AheadMS  float64           `json:"ahead_ms"`       // of each of all frames, where the host waits for none but the last but one
	Share    float64           `json:"share_of_bound"` // FLOP as computed / time / what the GPU could do
	Limits   cuda.Limits       `json:"limits"`
	Kernels  []cuda.KernelTime `json:"kernels"`
}

// OnGPU is the engine as MeasureGPU wants it. Errors: an engine that is on no GPU.
func OnGPU(engine model.Engine) (*cuda.Engine, error) {
	gpu, ok := engine.(*cuda.Engine)
	if !ok {
		return nil, fmt.Errorf("--kernels wants an engine on a GPU (--device cuda), this one is: %s", engine.Describe())
	}
	return gpu, nil
}

// MeasureGPU times frames that stay on the GPU, as one graph and kernel by kernel. Errors: the engine's, ctx's cause.
func MeasureGPU(ctx context.Context, gpu *cuda.Engine, src *model.Image, runs int) (r *GPU, err error) {
	content, freeContent, err := gpu.NewImage(src)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, freeContent()) }()
	result, freeResult, err := gpu.NewImage(src)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, freeResult()) }()
	stats, err := gpu.Statistics(content)
	if err != nil {
		return nil, err
	}
	if err := gpu.Stylize(result, content, &model.Stylization{Style: stats, Alpha: 1}); err != nil {
		return nil, err
	}
	r = &GPU{}
	if r.BestMS, r.MedianMS, err = timeFrames(ctx, gpu, result, content, stats, runs); err != nil {
		return nil, err
	}
	r.FPS = 1000 / r.MedianMS
	if r.AheadMS, err = timeAhead(ctx, gpu, result, content, stats, runs); err != nil {
		return nil, err
	}
	if r.Limits, err = gpu.Limits(); err != nil {
		return nil, err
	}
	if r.Kernels, err = gpu.Profile(result, content, &model.Stylization{Style: stats, Alpha: 1}, runs); err != nil {
		return nil, err
	}
	flop := 0.0
	for _, k := range r.Kernels {
		flop += k.FLOP
	}
	r.Share = flop / (r.MedianMS / 1e3) / r.Limits.FLOPS
	return r, nil
}

// timeAhead is the milliseconds for each of runs frames that are ordered before the ones before are done.
func timeAhead(ctx context.Context, gpu *cuda.Engine, result, content *model.Image, stats model.Stats, runs int) (float64, error) {
	s := &model.Stylization{Style: stats, Alpha: 1}
	began := time.Now()
	for range runs - 1 {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		if err := gpu.StylizeAhead(result, content, s, model.Streams{}); err != nil {
			return 0, err
		}
	}
	if err := gpu.Stylize(result, content, s); err != nil { // returns when all are done
		return 0, err
	}
	return float64(time.Since(began)) / float64(time.Millisecond) / float64(runs), nil
}

// rows are those of the printed table; none of a nil GPU.
func (r *GPU) rows() []terminal.Row {
	if r == nil {
		return nil
	}
	rows := []terminal.Row{
		{"the GPU could do", fmt.Sprintf("%.0f TFLOP/s, %.0f GB/s", r.Limits.FLOPS/1e12, r.Limits.Bandwidth/1e9)},
		{"frame in GPU memory", fmt.Sprintf("%.3f ms, %.1f frames per second, %.0f %% of that", r.MedianMS, r.FPS, 100*r.Share)},
	}
	rows = append(rows, terminal.Row{"nobody waiting", fmt.Sprintf("%.3f ms, %.1f frames per second", r.AheadMS, 1000/r.AheadMS)})
	for _, k := range r.Kernels {
		rows = append(rows, terminal.Row{k.Layer, fmt.Sprintf("%-20s %.4f ms, %.1f TFLOP/s, %.0f GB/s, %.0f %% of its bound", k.Kernel, k.Milliseconds,
			k.FLOP/k.Milliseconds/1e9, k.Bytes/k.Milliseconds/1e6, 100*k.Bound/k.Milliseconds)})
	}
	return rows
}
