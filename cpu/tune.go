package cpu

// #include "engine.h"
import "C"

import (
	"fmt"
	"strings"

	"adainfilter/model"
)

// worthwhile is how much less a method must take than the rule's to be taken instead: what is less may be chance.
const worthwhile = 0.95

// Tune measures what each layer may be computed with, in frames like src that are stylised into dst runs times for each method, and keeps the
// fastest in the user's cache folder, at path. From now on this engine and all that are opened later take them for frames of this size with a
// network of these widths and as many threads; any other frame follows the rule of thumb. Errors: an engine in float32, which always follows
// the rule so that its bits do not depend on a clock; those of Profile; a file that cannot be written, after which the engine goes on as before.
func (e *Engine) Tune(dst, src *model.Image, s *model.Stylization, runs int) (path string, err error) {
	if e.number != bfloat16 {
		return "", fmt.Errorf("cpu: nothing to choose in %s, where layers follow a rule so that results do not depend on a clock; wanted bfloat16", e.precision)
	}
	if err := checkRuns(runs); err != nil {
		return "", err
	}
	layers := e.methods()
	best := make([]byte, len(layers))
	times := make([]float64, len(layers))
	for i, letters := range layers {
		best[i] = letters[0]
	}
	width, height := s.Size(src.Width, src.Height)
	defer e.choose(width, height)
	for _, letter := range " mdf" { // the rule's methods first
		methods, some := with(layers, byte(letter))
		if !some {
			continue
		}
		if err := e.useMethods(methods); err != nil {
			return "", err
		}
		e.chosenWidth, e.chosenHeight = width, height
		stages, err := e.timeStages(dst, src, s, runs)
		if err != nil {
			return "", err
		}
		for _, stage := range stages {
			for i := stage.first; i >= 0 && i <= stage.last; i++ {
				if letter == ' ' || (methods[i] == byte(letter) && stage.ms < worthwhile*times[i]) {
					best[i], times[i] = methods[i], stage.ms
				}
			}
		}
	}
	c := e.choice(width, height)
	c.Methods = string(best)
	if path, err = c.keep(); err != nil {
		return "", fmt.Errorf("cpu: the fastest methods of the layers cannot be kept: %w", err)
	}
	return path, nil
}

// methods are the letters of each layer's methods, that of the rule first; none in float32.
func (e *Engine) methods() []string {
	var text [4096]C.char
	C.adain_cpu_methods(e.engine, &text[0], C.int(len(text)))
	return strings.Fields(C.GoString(&text[0]))
}

// with gives each layer the method of a letter where it has it, else the rule's, and says whether a layer has it; with a space all have the rule's.
func with(layers []string, letter byte) (methods string, some bool) {
	for _, letters := range layers {
		c := letters[0]
		if strings.IndexByte(letters, letter) > 0 {
			c, some = letter, true
		}
		methods += string(c)
	}
	return methods, some || letter == ' '
}
