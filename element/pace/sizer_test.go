package pace

import (
	"errors"
	"testing"
	"time"
)

// machine is one on which a frame at a size takes base + each * size^2.
type machine struct{ base, each time.Duration }

func (m machine) try(size int) (time.Duration, error) {
	return m.base + m.each*time.Duration(size*size), nil
}

// TestSizes: sizes are multiples of 8 or the frame's, and never below 64 or above the frame.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		width, height int
		each          time.Duration
		want          int
	}{
		{640, 360, 1, 360}, {360, 640, 1, 360}, {641, 363, 1, 363}, {640, 360, time.Second, 64}, {80, 60, time.Second, 60}, {16, 8, 1, 8},
		{640, 360, 583, 200}, {640, 360, 600, 192}, {1920, 1080, 583, 200}, {1920, 1080, 20, 1080},
	} {
		s := NewSizer(c.width, c.height, time.Second/30)
		if err := s.Find(machine{each: c.each}.try); err != nil {
			t.Fatal(err)
		}
		if got := s.Size(); got != c.want {
			t.Errorf("%dx%d, %d ns each: size %d, wanted %d", c.width, c.height, c.each, got, c.want)
		}
	}
}

// TestFindsSoon: on a machine that is very slow the first frame does not wait for figures.
func TestFindsSoon(t *testing.T) {
	var spent time.Duration
	s := NewSizer(640, 360, time.Second/30)
	if err := s.Find(func(size int) (time.Duration, error) {
		took := 300*ms + 30*time.Microsecond*time.Duration(size)
		spent += took
		return took, nil
	}); err != nil {
		t.Fatal(err)
	}
	if spent > 400*ms || s.Size() != 64 {
		t.Errorf("%v for size %d, wanted one try and the smallest", spent, s.Size())
	}
}

func TestFindFails(t *testing.T) {
	wrong := errors.New("no memory")
	n := 0
	err := NewSizer(640, 360, 0).Find(func(int) (time.Duration, error) {
		if n++; n == 3 {
			return 0, wrong
		}
		return 1, nil
	})
	if err != wrong {
		t.Errorf("error is %v", err)
	}
}

// TestRestless: on a machine that is busy for 4 s of every 8 the size does not go up and down for ever.
func TestRestless(t *testing.T) {
	s := NewSizer(640, 360, 40*ms)
	if err := s.Find(machine{each: 700}.try); err != nil {
		t.Fatal(err)
	}
	changes := 0
	for i := range 7500 { // 5 minutes
		now := time.Duration(i) * 40 * ms
		took, _ := machine{each: 700}.try(s.Size())
		if now%(8*time.Second) < 4*time.Second {
			took = took * 3 / 2
		}
		before := s.Size()
		s.Follow(took, now)
		if s.Size() != before && now > time.Minute {
			changes++
		}
	}
	if changes > 16 {
		t.Errorf("%d changes of size in four minutes", changes)
	}
}

// TestLatencyFigure: a figure comes at once, rises after a second and falls after ten.
func TestLatencyFigure(t *testing.T) {
	var l Latency
	at := func(second float64) time.Duration { return time.Duration(second * float64(time.Second)) }
	for i, c := range []struct {
		second  float64
		wanted  time.Duration
		changed bool
		figure  time.Duration
	}{
		{0, 20 * ms, true, 20 * ms}, {1, 25 * ms, false, 20 * ms}, {1.5, 15 * ms, false, 20 * ms}, {2, 25 * ms, false, 20 * ms},
		{2.9, 40 * ms, false, 20 * ms}, {3, 25 * ms, true, 40 * ms}, {4, 10 * ms, false, 40 * ms}, {13, 15 * ms, false, 40 * ms},
		{14, 5 * ms, true, 15 * ms}, {15, 14 * ms, false, 15 * ms},
	} {
		if changed := l.follow(c.wanted, at(c.second)); changed != c.changed || l.Figure() != c.figure {
			t.Errorf("step %d: changed %v, figure %v, wanted %v, %v", i, changed, l.Figure(), c.changed, c.figure)
		}
	}
	if got := Wanted(41*ms, 33*ms); got != 75*ms {
		t.Errorf("the latency of 41 ms every 33 is %v, wanted 75 ms", got)
	}
}

// TestFits: the size is found anew for another size or rate of frames, and not because their times are rounded or shake.
func TestFits(t *testing.T) {
	const period = time.Second / 30
	s := NewSizer(640, 360, period)
	for i := range 100 {
		for _, d := range []time.Duration{0, 1, -5 * ms, 5 * ms, period} { // the last as behind a frame that is missing
			if !s.Fits(640, 360, period+d) {
				t.Fatalf("round %d: not for frames of %v", i, period+d)
			}
		}
	}
	if s.Fits(640, 480, period) {
		t.Error("it fits frames of another size")
	}
	n := 0
	for s.Fits(640, 360, time.Second/60) {
		if n++; n > 20 {
			t.Fatal("it fits another rate")
		}
	}
}
