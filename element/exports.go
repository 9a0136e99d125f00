package element

/*
#include <stdlib.h>
#include "adain.h"
*/
import "C"

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"adainfilter/model"
	"adainfilter/picture/style"
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
func goAdaInCaps(element *C.GstAdaInFilter, format *C.char, width, height, matrix C.gint, colourRange C.GstVideoColorRange, site C.GstVideoChromaSite, colour *C.AdaInColour, e *C.AdaInError) (ok C.gboolean) {
	defer guard(e, &ok)
	st := lookup(element).running.Load()
	if st == nil {
		return report(e, failure{capsKind, fmt.Errorf("the element is not started")})
	}
	colorimetry := model.Colorimetry{
		Matrix: model.Matrix(matrix), FullRange: colourRange == C.GST_VIDEO_COLOR_RANGE_0_255,
		CositedX: site&C.GST_VIDEO_CHROMA_SITE_H_COSITED != 0, CositedY: site&C.GST_VIDEO_CHROMA_SITE_V_COSITED != 0,
	}
	if err := st.negotiate(C.GoString(format), int(width), int(height), colorimetry); err != nil {
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

// goAdaInGoesAhead is called by the streaming thread, before a frame.
//
//export goAdaInGoesAhead
func goAdaInGoesAhead(element *C.GstAdaInFilter) (yes C.gboolean) {
	defer guardElement(element)
	if st := lookup(element).running.Load(); st != nil && st.goesAhead() {
		return 1
	}
	return 0
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

// goAdaInJoin is called by any thread: n names as the property style takes them, in memory of malloc.
//
//export goAdaInJoin
func goAdaInJoin(element *C.GstAdaInFilter, names **C.char, n C.guint) *C.char {
	defer guardElement(element)
	all := make([]string, n)
	for i, name := range unsafe.Slice(names, int(n)) {
		all[i] = C.GoString(name)
	}
	return C.CString(style.Join(all))
}

// goAdaInSplit is called by any thread and appends the names in a value of the property style to an array.
//
//export goAdaInSplit
func goAdaInSplit(element *C.GstAdaInFilter, text *C.char, array *C.GValue) {
	defer guardElement(element)
	for _, name := range style.Split(C.GoString(text)) {
		c := C.CString(name)
		C.adain_append_name(array, c)
		C.free(unsafe.Pointer(c))
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

// goAdaInStatistics is called by any thread in any state and returns the statistics in force, NULL before the element is started. The
// caller owns the structure.
//
//export goAdaInStatistics
func goAdaInStatistics(element *C.GstAdaInFilter) (s *C.GstStructure) {
	defer guardElement(element)
	if st := lookup(element).running.Load(); st != nil {
		return structure(st.statistics())
	}
	return nil
}

// goAdaInDrop is called by the streaming thread before a frame is computed: whether it is not to be, and why.
//
//export goAdaInDrop
func goAdaInDrop(element *C.GstAdaInFilter, frame *C.AdaInFrame, drop *C.AdaInDrop) (dropped C.gboolean) {
	defer guardElement(element)
	now := C.adain_now(element)
	if st := lookup(element).running.Load(); st != nil && now != none && st.drop(frame, time.Duration(now), drop) {
		return 1
	}
	return 0
}

// goAdaInReport is called by any thread: a sink says how late a frame came, or, with throttle, for how long it wants no frame. It returns
// what those upstream are to hear in place of diff.
//
//export goAdaInReport
func goAdaInReport(element *C.GstAdaInFilter, throttle C.gboolean, diff C.gint64, running C.guint64, blocks C.gboolean) (upstream C.gint64) {
	defer guardElement(element)
	now := C.adain_now(element)
	st := lookup(element).running.Load()
	switch {
	case st == nil || now == none:
	case throttle != 0:
		st.tempo.pace.Throttle(time.Duration(running) + time.Duration(diff))
	default:
		return C.gint64(st.tempo.pace.Report(time.Duration(running), time.Duration(diff), time.Duration(now), blocks != 0))
	}
	return diff
}

// goAdaInForgetLateness is called by any thread when earlier reports of sinks say nothing any more: in another stream, or because the
// pipeline has another latency.
//
//export goAdaInForgetLateness
func goAdaInForgetLateness(element *C.GstAdaInFilter, stream C.gboolean) {
	defer guardElement(element)
	st := lookup(element).running.Load()
	switch {
	case st == nil:
	case stream != 0:
		st.tempo.pace.Forget()
	default:
		st.tempo.pace.NewLatency()
	}
}

// goAdaInLatency is called by any thread in any state when a pipeline, live or not, asks for the element's latency, in ns.
//
//export goAdaInLatency
func goAdaInLatency(element *C.GstAdaInFilter, live C.gboolean) (ns C.guint64) {
	defer guardElement(element)
	st := lookup(element).running.Load()
	if st == nil {
		return 0
	}
	st.tempo.pace.SetLive(live != 0)
	return C.guint64(st.tempo.stats().latency)
}

// goAdaInStats is called by any thread in any state.
//
//export goAdaInStats
func goAdaInStats(element *C.GstAdaInFilter, out *C.AdaInStats) {
	defer guardElement(element)
	st := lookup(element).running.Load()
	if st == nil {
		return
	}
	s := st.tempo.stats()
	*out = C.AdaInStats{
		processed: C.guint64(s.processed), dropped: C.guint64(s.dropped), average: C.gdouble(milliseconds(s.times.Average)),
		p95: C.gdouble(milliseconds(s.times.P95)), latency: C.GstClockTime(s.latency), processing_size: C.gint(s.size),
	}
}
