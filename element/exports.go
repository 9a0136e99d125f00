package element

/*
#include "adain.h"
*/
import "C"

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// filter is the Go side of one element, from construction to finalisation.
type filter struct {
	element *C.GstAdaInFilter
	running atomic.Pointer[state] // nil unless started
	walk    walk
}

// filters finds the Go side of an element: C must not keep Go pointers.
var filters struct {
	sync.RWMutex
	of map[*C.GstAdaInFilter]*filter
}

func lookup(element *C.GstAdaInFilter) *filter {
	filters.RLock()
	defer filters.RUnlock()
	return filters.of[element]
}

//export goAdaInNew
func goAdaInNew(element *C.GstAdaInFilter) {
	defer guardMaking(element)
	filters.Lock()
	defer filters.Unlock()
	if filters.of == nil {
		filters.of = map[*C.GstAdaInFilter]*filter{}
	}
	filters.of[element] = &filter{element: element}
}

//export goAdaInFree
func goAdaInFree(element *C.GstAdaInFilter) {
	defer guardMaking(element)
	filters.Lock()
	defer filters.Unlock()
	delete(filters.of, element)
}

// goAdaInStart is called by the thread that changes the state to PAUSED.
//
//export goAdaInStart
func goAdaInStart(element *C.GstAdaInFilter, e *C.AdaInError) (ok C.gboolean) {
	defer guard(e, &ok)
	f := lookup(element)
	st, err := start(f, available)
	if err != nil {
		return report(e, err)
	}
	f.running.Store(st)
	return 1
}

// goAdaInStop is called by the thread that changes the state to READY, when no frame is under way any more. Nobody can do anything
// about an engine that does not close well, so that is only logged.
//
//export goAdaInStop
func goAdaInStop(element *C.GstAdaInFilter, e *C.AdaInError) (ok C.gboolean) {
	defer guard(e, &ok)
	if st := lookup(element).running.Swap(nil); st != nil {
		if err := st.stop(); err != nil {
			logWarning(element, fmt.Sprintf("closing the engine: %v", err))
		}
	}
	return 1
}

// goAdaInCaps is called by the streaming thread, between frames.
//
//export goAdaInCaps
func goAdaInCaps(element *C.GstAdaInFilter, format *C.char, width, height, matrix C.gint, fullRange C.gboolean, colour *C.AdaInColour, e *C.AdaInError) (ok C.gboolean) {
	defer guard(e, &ok)
	st := lookup(element).running.Load()
	if st == nil {
		return report(e, failure{capsKind, fmt.Errorf("the element is not started")})
	}
	if err := st.negotiate(C.GoString(format), int(width), int(height), int(matrix), fullRange != 0); err != nil {
		return report(e, failure{capsKind, err})
	}
	st.tables.negotiate(element, colour)
	if element.gpu_memory != 0 {
		if err := st.follow(); err != nil {
			return report(e, err)
		}
	}
	return 1
}

// goAdaInFollow is called by the streaming thread, between frames, after the element's CUDA context has changed.
//
//export goAdaInFollow
func goAdaInFollow(element *C.GstAdaInFilter, e *C.AdaInError) (ok C.gboolean) {
	defer guard(e, &ok)
	st := lookup(element).running.Load()
	if st == nil {
		return report(e, failure{streamKind, fmt.Errorf("a frame came before the element was started")})
	}
	if err := st.follow(); err != nil {
		return report(e, err)
	}
	return 1
}

// goAdaInFrame is called by the streaming thread; the planes are valid during the call.
//
//export goAdaInFrame
func goAdaInFrame(element *C.GstAdaInFilter, frame *C.AdaInFrame, e *C.AdaInError) (ok C.gboolean) {
	defer guard(e, &ok)
	st := lookup(element).running.Load()
	if st == nil {
		return report(e, failure{streamKind, fmt.Errorf("a frame came before the element was started")})
	}
	if err := st.frame(frame); err != nil {
		return report(e, err)
	}
	return 1
}

// goAdaInStyleChanged is called by any thread in any state after a property that has to do with the style has changed.
//
//export goAdaInStyleChanged
func goAdaInStyleChanged(element *C.GstAdaInFilter) {
	defer guardElement(element)
	if st := lookup(element).running.Load(); st != nil {
		st.worker.wake()
	}
}

// goAdaInNextStyle is called by any thread in any state: the style that a key asks for, in memory of malloc, or NULL for none.
//
//export goAdaInNextStyle
func goAdaInNextStyle(element *C.GstAdaInFilter, step C.int) (style *C.char) {
	defer guardElement(element)
	e := lookup(element)
	var own []string // the styles that the weights carry
	if st := e.running.Load(); st != nil {
		own = st.weights.StyleNames()
	}
	if name := e.walk.step(copySettings(element), own, int(step)); name != "" {
		return C.CString(name)
	}
	return nil
}

// goAdaInStatistics is called by any thread in any state and returns the statistics in force, before the element is
// started those that were written, else NULL. The caller owns the structure.
//
//export goAdaInStatistics
func goAdaInStatistics(element *C.GstAdaInFilter) (s *C.GstStructure) {
	defer guardElement(element)
	if st := lookup(element).running.Load(); st != nil {
		return structure(st.statistics())
	}
	return structure(copySettings(element).statistics)
}
