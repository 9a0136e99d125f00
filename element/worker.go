package element

/*
#include "adain.h"
*/
import "C"

// worker loads styles while frames go on. Wishes that come while it is busy add up to one: the newest.
type worker struct {
	element *C.GstAdaInFilter
	state   *state
	loader  *loader
	applied uint32 // serial of the settings that were last tried

	wanted, quit, done chan struct{}
}

// startWorker runs until stop. applied is the serial of the settings that are in force.
func startWorker(element *C.GstAdaInFilter, st *state, l *loader, applied uint32) *worker {
	w := &worker{
		element: element, state: st, loader: l, applied: applied,
		wanted: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	w.wake() // a property may have changed while the element started
	go w.run()
	return w
}

// wake makes the worker look at the settings; it never blocks.
func (w *worker) wake() {
	select {
	case w.wanted <- struct{}{}:
	default:
	}
}

// stop returns when the worker has ended; a style that is being read is finished before.
func (w *worker) stop() {
	close(w.quit)
	<-w.done
}

func (w *worker) run() {
	defer close(w.done)
	for {
		select {
		case <-w.quit:
			return
		case <-w.wanted:
			w.apply()
		}
	}
}

// apply brings the wanted style into force, or keeps the old one, and says so.
func (w *worker) apply() {
	defer guardElement(w.element)
	s := copyAnnounced(w.element)
	if int32(s.styleSerial-w.applied) <= 0 { // what start has seen may not be announced yet
		return
	}
	w.applied = s.styleSerial
	// One thread: the others belong to the frames.
	scene, err := w.loader.load(s, 1)
	if err == nil {
		if !scene.mask.SameRegions(w.state.scene.Load().mask) {
			scene.transition = 0 // there is no line from one style to two
		}
		w.state.scene.Store(scene)
	}
	postStyle(w.element, s.name(), err)
	if err == nil {
		C.adain_notify_statistics(w.element)
	}
}
