package pace

import (
	"math"
	"time"
)

// Sizer finds the largest short side at which the network keeps up with frames. Sizes are multiples of 8, from 64 on, and the frame's
// own. One thread at a time.
type Sizer struct {
	width, height int
	period        time.Duration
	size          int

	times   times         // since the last change, without the first frame, which prepares
	fresh   bool          // there was no frame since then
	dropped int           // frames since then that could not be in time
	changed time.Duration // when it was
	raised  bool          // it was to a larger size
	others  int           // frames in a row of another period
	wait    time.Duration // how long there must be room for a larger size; grows when one did not last
}

const (
	step     = 8
	smallest = 64

	// Shares of a frame's period that its computing may take: what is aimed at; above which the size falls; below which it grows. The
	// rest belongs to decoding, conversion and the window, and to other programs.
	aimed, most, least = 0.70, 0.88, 0.58

	patient    = 250 * time.Millisecond // that finding a size goes on, so that the first frame comes soon
	settled    = 8                      // frames from which on a size may fall
	shortWait  = 2 * time.Second
	longWait   = time.Minute
	failedSoon = 15 * time.Second // a larger size that falls within it did not last
)

// NewSizer is one for frames of width x height pixels that come every period, 0 if that is unknown.
func NewSizer(width, height int, period time.Duration) *Sizer {
	if period <= 0 {
		period = time.Second / 30
	}
	s := &Sizer{width: width, height: height, period: period, fresh: true, wait: shortWait}
	s.size = s.fit(float64(s.short()) / 4)
	return s
}

// Size is the short side for the next frame.
func (s *Sizer) Size() int { return s.size }

// Fits says of each frame whether s is for such. Rounded times differ by a nanosecond, and those of cameras shake: another period is one that
// stays.
func (s *Sizer) Fits(width, height int, period time.Duration) bool {
	if off := period - s.period; period > 0 && max(off, -off) > s.period/5 {
		s.others++
	} else {
		s.others = 0
	}
	return s.width == width && s.height == height && s.others < settled
}

func (s *Sizer) short() int { return min(s.width, s.height) }

// fit is the largest size that is not above a short side.
func (s *Sizer) fit(side float64) int {
	short := s.short()
	if side >= float64(short) {
		return short
	}
	return min(short, max(smallest, int(side)/step*step))
}

// Find calls try, which computes a frame at a size and says what that took, some times, and takes the size that fits. An error of try is
// returned at once.
func (s *Sizer) Find(try func(size int) (time.Duration, error)) error {
	small, spent := s.size, time.Duration(0)
	t1, err := fastest(try, small, 2, &spent)
	if err != nil {
		return err
	}
	budget := aimed * float64(s.period)
	guess := s.fit(float64(small) * math.Sqrt(min(budget/t1, 16)))
	s.size = guess
	if guess == small || spent > patient {
		return nil
	}
	t2, err := fastest(try, guess, 1, &spent)
	if err != nil {
		return err
	}
	// What does not depend on the size counts less, the larger it is.
	p1, p2 := float64(small*small), float64(guess*guess)
	slope := (t2 - t1) / (p2 - p1)
	rest := t1 - slope*p1
	if slope <= 0 || rest < 0 {
		slope, rest = t2/p2, 0
	}
	s.size = s.fit(math.Sqrt(max(0, (budget-rest)/slope)))
	return nil
}

// fastest is the least of n times, in nanoseconds, behind one that prepares; of fewer where they take long. spent grows by all.
func fastest(try func(size int) (time.Duration, error), size, n int, spent *time.Duration) (float64, error) {
	best := math.Inf(1)
	for i := range n + 1 {
		took, err := try(size)
		if err != nil {
			return 0, err
		}
		*spent += took
		if i > 0 || *spent > patient {
			best = min(best, float64(max(took, 1)))
		}
		if *spent > patient {
			break
		}
	}
	return best, nil
}

// Dropped counts a frame that could not be in time.
func (s *Sizer) Dropped() { s.dropped++ }

// Follow counts a frame that took so long, at a time, and may change the size.
func (s *Sizer) Follow(took, now time.Duration) {
	if now < s.changed { // the clock has begun anew
		s.changed = now
	}
	if s.fresh {
		s.fresh = false
		return
	}
	if s.times.add(took); s.times.n < settled {
		return
	}
	usual := float64(s.times.quantile(recent, 0.75)) / float64(s.period)
	switch {
	case usual > most, s.dropped > 2 && usual > aimed/2:
		s.fall(usual, now)
	case usual < least && now-s.changed >= s.wait && s.times.n >= recent:
		s.grow(usual, now)
	case s.times.n%window == 0:
		s.dropped = 0 // some from time to time are not of the size
	}
}

// fall goes to what fits. Slowly, unless frames are missed by a lot.
func (s *Sizer) fall(usual float64, now time.Duration) {
	to := s.fit(float64(s.size) * math.Sqrt(aimed/max(usual, aimed)))
	if usual < 2 {
		to = max(to, s.fit(float64(s.size-3*step)))
	}
	to = min(to, s.fit(float64(s.size-1)))
	if s.raised && now-s.changed < failedSoon {
		s.wait = min(2*s.wait, longWait)
	}
	s.change(to, now)
}

func (s *Sizer) grow(usual float64, now time.Duration) {
	to := s.fit(float64(s.size + step))
	if s.size+step > s.short()-step { // the last step may be a larger one
		to = s.short()
	}
	if ratio := float64(to) / float64(s.size); usual*ratio*ratio > (aimed+most)/2 {
		return
	}
	if now-s.changed > longWait {
		s.wait = shortWait
	}
	s.change(to, now)
}

func (s *Sizer) change(to int, now time.Duration) {
	s.raised = to > s.size
	s.size, s.changed, s.dropped, s.times, s.fresh = to, now, 0, times{}, true
}
