package element

/*
#include "adain.h"
*/
import "C"

import (
	"slices"
	"unsafe"

	"adainfilter/model"
)

// settings are the properties as the application wants them, copied out of the element in one go.
type settings struct {
	weights      string // file or built-in network; "" is the default one
	style        string
	mask         string // picture file; "" is none
	lut          string // .cube files; "" is none
	outputLUT    string
	hdr          bool
	styleWeights []float64
	statistics   *model.Style // replaces style if not nil
	styleSize    int          // pixels, 0 keeps
	processing   int          // pixels of the short side that the network sees, 0 is the frame's
	transition   uint64       // nanoseconds
	options      model.Options
	styleSerial  uint32 // grows, and wraps round, with every change that can change the style in force
}

// The order of the enum types in specs.c.
var (
	devices    = [...]model.Device{model.Auto, model.CUDA, model.CPU}
	precisions = [...]model.Precision{model.AutoPrecision, model.Float32, model.Half, model.Int8}
)

// copySettings may be called by any thread.
func copySettings(element *C.GstAdaInFilter) settings {
	var c C.AdaInSettings
	C.adain_settings_copy(element, &c)
	return taken(&c)
}

// copyAnnounced are the settings without those that are still being set together with others. Any thread.
func copyAnnounced(element *C.GstAdaInFilter) settings {
	var c C.AdaInSettings
	C.adain_settings_copy_announced(element, &c)
	return taken(&c)
}

// taken are C's settings, which go.
func taken(c *C.AdaInSettings) settings {
	defer C.adain_settings_clear(c)
	s := settings{
		weights:      C.GoString(c.weights),
		style:        C.GoString(c.style),
		mask:         C.GoString(c.mask),
		lut:          C.GoString(c.lut),
		outputLUT:    C.GoString(c.output_lut),
		hdr:          c.hdr == 0,
		styleWeights: slices.Clone(doubles(c.style_weights, c.n_style_weights)),
		styleSize:    int(c.style_size),
		processing:   int(c.processing_size),
		transition:   uint64(c.transition),
		options: model.Options{
			Device: devices[c.device], DeviceID: int(c.device_id), Threads: int(c.threads), Precision: precisions[c.precision],
		},
		styleSerial: uint32(c.style_serial),
	}
	if c.use_statistics != 0 {
		s.statistics = &model.Style{Name: "style-statistics", Network: C.GoString(c.statistics.network), Stats: model.Stats{
			Mean: floats(doubles(c.statistics.mean, c.statistics.n_mean)),
			Std:  floats(doubles(c.statistics.std, c.statistics.n_std)),
		}}
	}
	return s
}

// name is what messages call the wanted style.
func (s settings) name() string {
	if s.statistics != nil {
		return s.statistics.Name
	}
	return s.style
}

// doubles is C's memory, which goes when the settings are cleared.
func doubles(p *C.gdouble, n C.guint) []float64 {
	return unsafe.Slice((*float64)(unsafe.Pointer(p)), int(n))
}

func floats(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}
