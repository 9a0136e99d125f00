package cpu

// #include "engine.h"
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"adainfilter/model"
)

// LayerTime is what layers cost that an engine computes together; the names are those of the JSON output.
type LayerTime struct {
	Layers    string  `json:"layers"`              // "conv1_1, conv1_2", or what is computed besides the convolutions
	MS        float64 `json:"ms"`                  // median
	Algorithm string  `json:"algorithm,omitempty"` // what computes the widest of them, by oneDNN's names; "winograd:" where tiles are transformed, with "own" where their product is ours
	GFLOPS    float64 `json:"gflops"`              // of the layers as they are written down; 0 for what is no convolution
	Share     float64 `json:"share_of_peak"`       // of the same
	Chunks    int     `json:"chunks,omitempty"`    // what threads take one after another; 0 for several stages
	Alone     float64 `json:"alone_ms,omitempty"`  // of MS, where one thread works and the others wait
}

// Profile stylises src into dst runs times and measures the stages of a frame, in their order; what is no convolution comes last, added up. peak is
// what oneDNN's matrix product reaches on the engine's threads, in GFLOP/s. A frame takes the longer of what it takes and the clock's
// few microseconds. Errors: those of Stylize, runs below 1.
func (e *Engine) Profile(dst, src *model.Image, s *model.Stylization, runs int) (layers []LayerTime, peak float64, err error) {
	if err := checkRuns(runs); err != nil {
		return nil, 0, err
	}
	if peak = float64(C.adain_cpu_peak(C.int(e.threads), C.int(e.number), &e.text[0])) / 1e9; peak == 0 {
		return nil, 0, fmt.Errorf("cpu: matrix product: %s", C.GoString(&e.text[0]))
	}
	stages, err := e.timeStages(dst, src, s, runs)
	if err != nil {
		return nil, 0, err
	}
	names, flop := e.written(s.Size(src.Width, src.Height))
	besides := LayerTime{Layers: "AdaIN, edges, formats"}
	for _, stage := range stages {
		if stage.first < 0 {
			besides.MS += stage.ms
			if stage.chunks == 1 {
				besides.Alone += stage.ms
			}
			continue
		}
		t := LayerTime{Layers: strings.Join(names[stage.first:stage.last+1], ", "), MS: stage.ms, Algorithm: stage.algorithm, Chunks: stage.chunks}
		for _, f := range flop[stage.first : stage.last+1] {
			t.GFLOPS += f / stage.ms / 1e6
		}
		t.Share = t.GFLOPS / peak
		layers = append(layers, t)
	}
	return append(layers, besides), peak, nil
}

func checkRuns(runs int) error {
	if runs < 1 {
		return fmt.Errorf("cpu: %d runs, wanted 1 or more", runs)
	}
	return nil
}

// stageTime is a stage of a frame: the convolutions that it computes, from first to last, -1 where it computes none, and the median of its times.
type stageTime struct {
	first, last int
	chunks      int
	ms          float64
	algorithm   string
}

// timeStages stylises src into dst runs times, at least once, and measures the stages.
func (e *Engine) timeStages(dst, src *model.Image, s *model.Stylization, runs int) ([]stageTime, error) {
	C.adain_cpu_time_stages(e.engine, 1)
	defer C.adain_cpu_time_stages(e.engine, 0)
	var stages [64]C.adain_cpu_stage
	var times [len(stages)][]float64
	n := 0
	for range runs {
		if err := e.Stylize(dst, src, s); err != nil {
			return nil, err
		}
		if n = int(C.adain_cpu_stages(e.engine, &stages[0], C.int(len(stages)))); n == 0 {
			return nil, errors.New("cpu: nothing was measured")
		}
		for i := range n {
			times[i] = append(times[i], float64(stages[i].seconds)*1e3)
		}
	}
	var out []stageTime
	for i := range n {
		slices.Sort(times[i])
		out = append(out, stageTime{int(stages[i].first), int(stages[i].last), int(stages[i].chunks), times[i][len(times[i])/2], C.GoString(&stages[i].implementation[0])})
	}
	return out, nil
}

// written are the names of an engine's convolutions and their operations for a frame, as the network is written down: that of colour is
// part of the first.
func (e *Engine) written(width, height int) (names []string, flop []float64) {
	all := e.weights.Widths.FLOPs(width, height)
	for i, l := range e.weights.Widths.Layers() {
		if i == 0 {
			continue
		}
		names, flop = append(names, l.Name), append(flop, all[i])
	}
	flop[0] += all[0]
	return names, flop
}
