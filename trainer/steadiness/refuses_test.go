package steadiness

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"

	"adainfilter/model"
)

func TestSteadinessRefuses(t *testing.T) {
	torn := func(yield func(*model.Image, error) bool) {
		for m := range drawn(3, halves) {
			if !yield(m, nil) {
				return
			}
		}
		yield(nil, errors.New("the film is torn"))
	}
	turns := 0
	growing := func(yield func(*model.Image, error) bool) {
		turns++
		drawn(3+turns, halves)(yield)
	}
	shrinking := func(yield func(*model.Image, error) bool) {
		turns++
		drawn(9-turns, halves)(yield)
	}
	moving := func(yield func(*model.Image, error) bool) {
		turns++
		drawn(5, func(i, x int) int { return halves(i, x) * (2*turns - 1) })(yield)
	}
	for _, c := range []struct {
		name string
		film iter.Seq2[*model.Image, error]
		test jitterTest
		skip int
		want string
	}{
		{"no frame", drawn(0, halves), jitterTest{}, 0, "has 0 frames, wanted at least 2"},
		{"one frame", drawn(1, halves), jitterTest{}, 0, "has 1 frames, wanted at least 2"},
		{"one frame left", drawn(5, halves), jitterTest{}, 4, "has 1 frames behind the first 4"},
		{"fewer frames than skipped", drawn(3, halves), jitterTest{}, 9, "has 0 frames behind the first 9"},
		{"torn", torn, jitterTest{}, 0, "the film is torn"},
		{"engine", drawn(5, halves), jitterTest{fails: 3}, 1, "film \"dir/clip.mp4\", frame 4: no more"},
		{"NaN", drawn(5, halves), jitterTest{nan: true}, 0, "frame 1: style statistics of channel 0 are mean NaN"},
		{"growing", growing, jitterTest{}, 0, "something writes to the file"},
		{"shrinking", shrinking, jitterTest{}, 0, "something writes to the file"},
		{"moving", moving, jitterTest{}, 0, "something writes to the file"},
	} {
		turns, c.test.add = 0, flickering
		v := newSteadiness(&c.test, []float64{0, 0.5}, c.film)
		v.Skip = c.skip
		if err := v.run(context.Background(), io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, wanted one with %q", c.name, err, c.want)
		}
		for i, e := range c.test.opened[1:] {
			if !e.closed {
				t.Errorf("%s: engine %d stays open", c.name, i)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := newSteadiness(&jitterTest{}, []float64{0}, drawn(5, halves)).run(ctx, io.Discard); err != context.Canceled {
		t.Errorf("interrupted: error is %v", err)
	}
}
