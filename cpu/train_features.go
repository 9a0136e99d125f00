package cpu

// #include "train_api.h"
import "C"

import (
	"fmt"

	"adainfilter/model"
)

// Features is the loss network alone: what it sees of a picture.
type Features struct {
	loss          []model.Conv
	threads       int
	features      *C.adain_cpu_features
	height, width int
	text          [C.ADAIN_CPU_ERROR]C.char
}

// OpenFeatures opens a loss network, given as the layers of an encoder. Calls must not overlap.
func OpenFeatures(loss []model.Conv, o model.Options) (*Features, error) {
	threads, err := teamSize(o.Threads)
	if err != nil {
		return nil, err
	}
	return &Features{loss: foldedEncoder(loss), threads: threads}, nil
}

// Extract encodes a picture (3,height,width) of R'G'B' in [0,1], both sides multiples of 8: features (C,height/8,width/8) of relu4_1
// and the statistics of relu1_1 to relu4_1, all in memory of their own. Memory is taken anew whenever the size changes.
func (f *Features) Extract(picture []float32, height, width int) (features []float32, levels [4]model.Stats, err error) {
	if height < 8 || width < 8 || height%8 != 0 || width%8 != 0 || len(picture) != 3*height*width {
		return nil, levels, fmt.Errorf("cpu: picture of %dx%d with %d samples, wanted sides that are multiples of 8 and three samples a pixel", width, height, len(picture))
	}
	if f.features == nil || f.height != height || f.width != width {
		f.close()
		shapes, parameters, _ := describeLayers(f.loss)
		f.features = C.adain_cpu_features_open(&shapes[0], (*C.float)(&parameters[0]), C.int(height), C.int(width), C.int(f.threads), &f.text[0])
		if f.features == nil {
			return nil, levels, fmt.Errorf("cpu: loss network for %dx%d: %s", width, height, C.GoString(&f.text[0]))
		}
		f.height, f.width = height, width
	}
	total := 0
	for _, layer := range []int{0, 2, 4, 8} {
		total += 2 * f.loss[layer].Out
	}
	features = make([]float32, f.loss[8].Out*height/8*width/8)
	statistics := make([]float32, total)
	if C.adain_cpu_features_extract(f.features, (*C.float)(&picture[0]), (*C.float)(&features[0]), (*C.float)(&statistics[0]), &f.text[0]) != 0 {
		return nil, levels, fmt.Errorf("cpu: loss network for %dx%d: %s", width, height, C.GoString(&f.text[0]))
	}
	for i, layer := range []int{0, 2, 4, 8} {
		n := f.loss[layer].Out
		levels[i] = model.Stats{Mean: statistics[:n], Std: statistics[n : 2*n]}
		statistics = statistics[2*n:]
	}
	return features, levels, nil
}

// Close stops the threads and frees all memory.
func (f *Features) Close() error {
	f.close()
	return nil
}

func (f *Features) close() {
	if f.features != nil {
		C.adain_cpu_features_close(f.features)
		f.features = nil
	}
}
