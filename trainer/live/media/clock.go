// Package media carries pictures and sound between the pipelines of adain live, all of which run by one clock. A pipeline that breaks
// takes no other with it.
package media

import (
	"time"

	"github.com/go-gst/go-gst/gst"
)

// Clock is the time of a session: it begins with 0 when the session does, and all pipelines run by it. Any thread may use it.
type Clock struct {
	clock *gst.Clock
	began gst.ClockTime
}

// NewClock begins a session. GStreamer must be initialised.
func NewClock() Clock {
	clock := gst.ObtainSystemClock().Clock
	return Clock{clock, clock.GetTime()}
}

// Now is how long the session has gone on.
func (c Clock) Now() time.Duration { return time.Duration(c.clock.GetTime() - c.began) }

// Begin lets a pipeline's running time start now and says when that is. Call it before the pipeline starts.
func (c Clock) Begin(p *gst.Pipeline) time.Duration {
	now := c.clock.GetTime()
	c.at(p, now)
	return time.Duration(now - c.began)
}

// Share gives a pipeline the session's time as its running time. Call it before the pipeline starts.
func (c Clock) Share(p *gst.Pipeline) { c.at(p, c.began) }

func (c Clock) at(p *gst.Pipeline, base gst.ClockTime) {
	p.ForceClock(c.clock)
	p.SetStartTime(gst.ClockTimeNone) // else the pipeline would choose its base time itself
	p.SetBaseTime(base)
}
