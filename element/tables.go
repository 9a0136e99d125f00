package element

/*
#include "adain.h"
*/
import "C"

import (
	"fmt"

	"adainfilter/model/hdr"
	"adainfilter/model/lut"
)

// tables are the look-up tables around the network: those of files, or those that bring high dynamic range to the network and back.
type tables struct {
	ofFiles       bool       // the properties name some
	hdr           bool       // as the property says
	source        hdr.Source // that the tables below are for, without files; the zero value is none
	before, after *lut.Table // in force; streaming thread only
}

// load reads the files that the settings name.
func (t *tables) load(s settings) error {
	t.hdr = s.hdr
	for _, f := range []struct {
		property, path string
		to             **lut.Table
	}{{"lut", s.lut, &t.before}, {"output-lut", s.outputLUT, &t.after}} {
		if f.path == "" {
			continue
		}
		table, err := lut.Load(f.path)
		if err != nil {
			return fileFailure(fmt.Errorf("%s: %w", f.property, err))
		}
		*f.to, t.ofFiles = table, true
	}
	return nil
}

// negotiate takes over what the caps say of the frames' colours. Tables of a source that goes on stay the same ones, by which engines know
// that a film goes on.
func (t *tables) negotiate(element *C.GstAdaInFilter, c *C.AdaInColour) {
	if t.ofFiles {
		return
	}
	if !t.hdr || c.transfer == 0 {
		t.source, t.before, t.after = hdr.Source{}, nil, nil
		return
	}
	source := hdr.Source{
		Transfer: hdr.Transfer(c.transfer - 1), Primaries: hdr.Primaries(c.primaries),
		Peak: hdr.Peak(float64(c.max_cll), float64(c.display)),
	}
	if source == t.source {
		return
	}
	t.source = source
	t.before, t.after = source.Tables()
	logInfo(element, fmt.Sprintf("high dynamic range: %v", source))
}
