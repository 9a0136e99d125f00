package element

import (
	"math"
	"sync/atomic"

	"adainfilter/model"
)

// none is an unknown time of GStreamer, in nanoseconds.
const none = math.MaxUint64

// scene is what the settings ask for, ready for frames. It does not change.
type scene struct {
	style      *model.Style // with a mask that of its white region
	mask       *model.Mask  // nil: one style everywhere
	transition uint64       // nanoseconds in which it comes into force
}

// fade is the way from the statistics in force when a scene came to those of the scene. It belongs to the streaming thread; any thread
// may read where it is.
type fade struct {
	to       *scene
	from     model.Stats
	now      model.Stats   // memory of the mix
	second   model.Stats   // as from, of the mask's black region
	mask     *model.Mask   // to's, with the mix in memory of its own; nil without
	start    uint64        // running time of the first frame that knew the scene
	last     uint64        // running time of the frame before
	progress atomic.Uint64 // bits of a float64: 0 is from, 1 is to
}

// arrived is a fade that is over.
func arrived(to *scene) *fade {
	f := &fade{to: to}
	f.setProgress(1)
	return f
}

// towards begins a fade from where f is, with the frame at a running time.
func (f *fade) towards(to *scene, time uint64) *fade {
	if to.transition == 0 || !to.mask.SameRegions(f.to.mask) {
		return arrived(to)
	}
	next := &fade{to: to, from: f.statistics(), now: to.style.Stats.Clone(), start: time, last: time}
	if to.mask != nil {
		mask := *to.mask
		mask.Second = mask.Second.Clone()
		next.mask, next.second = &mask, f.mixed(f.second, f.to.mask.Second)
	}
	return next
}

func (f *fade) setProgress(p float64) { f.progress.Store(math.Float64bits(p)) }

// at sets the styles and the mask of the frame at a running time, in memory of f. A frame without time, or with one before that of its
// predecessor, as after a seek, ends the fade.
func (f *fade) at(time uint64, s *model.Stylization) {
	p := math.Float64frombits(f.progress.Load())
	if p < 1 {
		p = 1
		if time != none && time >= f.last {
			p = min(float64(time-f.start)/float64(f.to.transition), 1)
		}
		f.last = time
		f.setProgress(p)
	}
	if p == 1 {
		s.Style, s.Mask = f.to.style.Stats, f.to.mask
		return
	}
	mix(f.now, f.from, f.to.style.Stats, p)
	if f.mask != nil {
		mix(f.mask.Second, f.second, f.to.mask.Second, p)
	}
	s.Style, s.Mask = f.now, f.mask
}

// statistics are those of the newest frame, of its white region, in memory of the caller's. Any thread.
func (f *fade) statistics() model.Stats { return f.mixed(f.from, f.to.style.Stats) }

func (f *fade) mixed(from, to model.Stats) model.Stats {
	out := to.Clone()
	if p := math.Float64frombits(f.progress.Load()); p < 1 {
		mix(out, from, to, p)
	}
	return out
}

// mix sets out to the point between from and to.
func mix(out, from, to model.Stats, progress float64) {
	for i := range out.Mean {
		out.Mean[i] = between(from.Mean[i], to.Mean[i], progress)
		out.Std[i] = between(from.Std[i], to.Std[i], progress)
	}
}

func between(from, to float32, progress float64) float32 {
	return float32(float64(from) + progress*(float64(to)-float64(from)))
}
