package cpu

// #include "engine.h"
import "C"

import (
	"fmt"

	"adainfilter/model"
)

// Map is the input of a layer: pixels (Rows+2,Cols+2,Channels), channels innermost, with the border of one pixel that the layer reads.
type Map struct {
	Rows, Cols, Channels int
	Values               []float32
}

// Input stylises a picture with one style, without mask, smoothing and tables, and fills m with the input of a layer, an index into
// Weights.Folded: of the third and those behind it but for the last. m's memory is used again. Errors: an engine in another precision than
// float32, a picture that CheckStylize refuses, another layer.
func (e *Engine) Input(picture *model.Image, s *model.Stylization, layer int, m *Map) error {
	if err := model.CheckStylize(e.weights, picture, picture, s); err != nil {
		return err
	}
	if err := checkHost(picture); err != nil {
		return err
	}
	folded := e.weights.Folded()
	if layer < 0 || layer >= len(folded) {
		return fmt.Errorf("cpu: layer %d, wanted one of %d", layer, len(folded))
	}
	m.Channels = folded[layer].In
	if room := (picture.Height + 2) * (picture.Width + 2) * m.Channels; len(m.Values) < room {
		m.Values = make([]float32, room)
	}
	e.src = describe(picture)
	e.before.Forget()
	var height, width C.int32_t
	if C.adain_cpu_input(e.engine, &e.src, plane(picture, 0), plane(picture, 1), plane(picture, 2), plane(picture, 3), floats(s.Style.Mean), floats(s.Style.Std),
		C.float(s.Alpha), C.int(layer), floats(m.Values), &height, &width, &e.text[0]) != 0 {
		return e.fail("input of layer "+folded[layer].Name, picture)
	}
	m.Rows, m.Cols = int(height), int(width)
	return nil
}
