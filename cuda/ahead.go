package cuda

import (
	"errors"
	"fmt"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

// aheadMost is how many frames may be ordered and not done. With two the GPU always has the next one; more would only be late.
const aheadMost = 2

// ahead is the order of frames that nobody waits for.
type ahead struct {
	done    [aheadMost]cu.Event // behind the frames n, n+1, ... modulo aheadMost
	turn    cu.Event            // from one stream to another
	made    bool
	next    int // whose place in done is the next frame's
	ordered int // frames that may be under way
}

// make takes the events, once.
func (a *ahead) make() error {
	if a.made {
		return nil
	}
	a.made = true // what is missing after an error is zero, which free leaves out
	for _, e := range []*cu.Event{&a.done[0], &a.done[1], &a.turn} {
		made, err := cu.MakeEvent(cu.DisableTiming)
		if err != nil {
			return errors.Join(driver.Wrap("cuEventCreate", err), a.free())
		}
		*e = made
	}
	return nil
}

func (a *ahead) free() error {
	var failed []error
	for _, e := range []*cu.Event{&a.done[0], &a.done[1], &a.turn} {
		if *e != (cu.Event{}) {
			failed = append(failed, driver.Wrap("cuEventDestroy", cu.DestroyEvent(e)))
		}
	}
	*a = ahead{}
	return errors.Join(failed...)
}

// StylizeAhead is model.AheadEngine.StylizeAhead.
func (e *Engine) StylizeAhead(dst, src *model.Image, stylization *model.Stylization, streams model.Streams) error {
	if !dst.Device() || !src.Device() {
		return fmt.Errorf("cuda: a picture lies in the host's memory, wanted both in the GPU's")
	}
	return e.frame(dst, src, stylization, func(dst, src *model.Image, s *model.Stylization) error { return e.order(dst, src, s, streams) })
}

// order is what the GPU is told of a frame.
func (e *Engine) order(dst, src *model.Image, stylization *model.Stylization, streams model.Streams) error {
	if err := e.ahead.make(); err != nil {
		return err
	}
	if e.ahead.ordered == aheadMost { // the frame whose place this one takes
		if err := driver.Wrap("cuEventSynchronize", e.ahead.done[e.ahead.next].Synchronize()); err != nil {
			return err
		}
		e.ahead.ordered--
	}
	_, l, err := e.prepare(dst, src, stylization)
	if err != nil {
		return err
	}
	others := [...]cu.Stream{driver.Stream(streams.Content), driver.Stream(streams.Result)}
	for _, s := range others {
		if err := e.follow(e.stream, s); err != nil {
			return err
		}
	}
	if err := l.graph.Launch(e.stream); err != nil {
		return err
	}
	if err := driver.Wrap("cuEventRecord", e.ahead.done[e.ahead.next].Record(e.stream)); err != nil {
		return err
	}
	e.ahead.next = (e.ahead.next + 1) % aheadMost
	e.ahead.ordered++
	for _, s := range others {
		if err := e.follow(s, e.stream); err != nil {
			return err
		}
	}
	return nil
}

// follow lets what is ordered on a stream from now on come behind what lies on another.
func (e *Engine) follow(stream, other cu.Stream) error {
	if stream == other {
		return nil
	}
	if err := driver.Wrap("cuEventRecord", e.ahead.turn.Record(other)); err != nil {
		return err
	}
	return driver.Wrap("cuStreamWaitEvent", stream.Wait(e.ahead.turn, 0))
}
