package element

/*
#include "adain.h"
*/
import "C"

import (
	"slices"
	"strings"
	"sync"

	"adainfilter/model"
	"adainfilter/picture/style"
)

// walk goes through styles one by one, forwards and backwards, and round at the ends. It remembers the list that the property style held
// before the first step, until somebody else sets the property.
type walk struct {
	sync.Mutex
	names []string
	at    int
	set   string // what the last step has set
}

// step is the style beside the present one as the property style takes it: of several names in style each alone, else of the
// weights' own styles, else of the built-in ones. From a mix, and from a style that is none of these, it goes to the first or last. "" is
// none: a mask needs its two.
func (w *walk) step(s settings, own []string, by int) string {
	w.Lock()
	defer w.Unlock()
	if s.mask != "" {
		return ""
	}
	if w.names == nil || s.style != w.set {
		w.begin(s.style, own)
	}
	switch {
	case w.at < 0 && by < 0:
		w.at = len(w.names) - 1
	default:
		w.at = (w.at + by + len(w.names)) % len(w.names)
	}
	w.set = style.Join(w.names[w.at : w.at+1])
	return w.set
}

func (w *walk) begin(list string, own []string) {
	names := style.Split(list)
	if len(names) > 1 {
		w.names, w.at = names, -1
		return
	}
	w.names = own
	if len(own) == 0 {
		w.names = model.BuiltinStyles()
	}
	w.at = slices.Index(w.names, strings.TrimSpace(names[0]))
}
