package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"adainfilter/cuda"
	"adainfilter/model"
	"adainfilter/trainer/terminal"
)

// gpuResult is what --kernels measured; the names are those of the JSON output.
type gpuResult struct {
	BestMS   float64           `json:"best_ms"` // frame in GPU memory, in and out
	MedianMS float64           `json:"median_ms"`
	FPS      float64           `json:"fps"`
	Share    float64           `json:"share_of_bound"` // FLOP as computed / time / what the GPU could do
	Limits   cuda.Limits       `json:"limits"`
	Kernels  []cuda.KernelTime `json:"kernels"`
}

// measureGPU times frames that stay on the GPU, as one graph and kernel by kernel.
func measureGPU(c *cli.Context, engine model.Engine, src *model.Image) (r *gpuResult, err error) {
	gpu, ok := engine.(*cuda.Engine)
	if !ok {
		return nil, fmt.Errorf("--kernels wants an engine on a GPU (--device cuda), this one is: %s", engine.Describe())
	}
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
	r = &gpuResult{}
	if r.BestMS, r.MedianMS, err = timeFrames(c, gpu, result, content, stats); err != nil {
		return nil, err
	}
	r.FPS = 1000 / r.MedianMS
	if r.Limits, err = gpu.Limits(); err != nil {
		return nil, err
	}
	if r.Kernels, err = gpu.Profile(result, content, &model.Stylization{Style: stats, Alpha: 1}, c.Int("runs")); err != nil {
		return nil, err
	}
	flop := 0.0
	for _, k := range r.Kernels {
		flop += k.FLOP
	}
	r.Share = flop / (r.MedianMS / 1e3) / r.Limits.FLOPS
	return r, nil
}

// rows are those of the printed table; none without --kernels.
func (r *gpuResult) rows() []terminal.Row {
	if r == nil {
		return nil
	}
	rows := []terminal.Row{
		{"the GPU could do", fmt.Sprintf("%.0f TFLOP/s, %.0f GB/s", r.Limits.FLOPS/1e12, r.Limits.Bandwidth/1e9)},
		{"frame in GPU memory", fmt.Sprintf("%.3f ms, %.1f frames per second, %.0f %% of that", r.MedianMS, r.FPS, 100*r.Share)},
	}
	for _, k := range r.Kernels {
		rows = append(rows, terminal.Row{k.Layer, fmt.Sprintf("%-20s %.4f ms, %.1f TFLOP/s, %.0f GB/s, %.0f %% of its bound", k.Kernel, k.Milliseconds,
			k.FLOP/k.Milliseconds/1e9, k.Bytes/k.Milliseconds/1e6, 100*k.Bound/k.Milliseconds)})
	}
	return rows
}

// selftest prints each check of the GPU's instructions; one that fails is an error.
func selftest(c *cli.Context) error {
	o, err := engineOptions(c)
	if err != nil {
		return err
	}
	checks, gpu, err := cuda.Selftest(o)
	if err != nil {
		return err
	}
	failed := 0
	var rows []terminal.Row
	for _, check := range checks {
		answer := "right"
		switch {
		case check.Wrong < 0:
			answer = "not put"
		case check.Wrong > 0 && check.Question:
			answer = fmt.Sprintf("no (%d values differ)", check.Wrong)
		case check.Question:
			answer = "yes"
		case check.Wrong > 0:
			answer = fmt.Sprintf("WRONG: %d values", check.Wrong)
			failed++
		}
		rows = append(rows, terminal.Row{check.Name, answer})
	}
	if c.Bool("json") {
		line, err := json.Marshal(checks)
		if err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer, string(line))
	} else if err := terminal.Table(c.App.Writer, rows); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%s fails %d of the checks: the kernels cannot be trusted on it", gpu, failed)
	}
	return nil
}
