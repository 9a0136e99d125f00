package transcode

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// framesAt makes frames at so many a second with a key frame at every n-th.
func framesAt(n, rate, key int) (frames []frameTime) {
	for i := range n {
		frames = append(frames, frameTime{time.Duration(i) * time.Second / time.Duration(rate), i%key == 0})
	}
	return frames
}

func TestCut(t *testing.T) {
	whole := span{0, forever}
	for _, c := range []struct {
		name    string
		frames  []frameTime
		part    span
		length  time.Duration
		warm    int
		borders []time.Duration // of the segments after the first
		seeks   []time.Duration
		warms   []time.Duration
	}{
		{"whole", framesAt(100, 10, 10), whole, 0, 5, nil, []time.Duration{-1}, []time.Duration{0}},
		{"at key frames", framesAt(100, 10, 10), whole, 4 * time.Second, 0, []time.Duration{4 * time.Second, 8 * time.Second},
			[]time.Duration{-1, 4 * time.Second, 8 * time.Second}, []time.Duration{0, 4 * time.Second, 8 * time.Second}},
		{"warm", framesAt(100, 10, 10), whole, 4 * time.Second, 15, []time.Duration{4 * time.Second, 8 * time.Second},
			[]time.Duration{-1, 2 * time.Second, 6 * time.Second}, []time.Duration{0, 2500 * time.Millisecond, 6500 * time.Millisecond}},
		{"warm longer than what is before", framesAt(30, 10, 10), whole, time.Second, 15, []time.Duration{time.Second, 2 * time.Second},
			[]time.Duration{-1, -1, -1}, []time.Duration{0, 0, 500 * time.Millisecond}},
		{"key frames beside the multiples", framesAt(100, 10, 7), whole, 4 * time.Second, 0, []time.Duration{4200 * time.Millisecond, 7700 * time.Millisecond},
			[]time.Duration{-1, 4200 * time.Millisecond, 7700 * time.Millisecond}, []time.Duration{0, 4200 * time.Millisecond, 7700 * time.Millisecond}},
		{"no key frame but the first", framesAt(50, 10, 1000), whole, 2 * time.Second, 0, []time.Duration{2 * time.Second, 4 * time.Second},
			[]time.Duration{-1, -1, -1}, []time.Duration{0, 2 * time.Second, 4 * time.Second}},
		{"part", framesAt(100, 10, 10), span{2500 * time.Millisecond, 6 * time.Second}, 2 * time.Second, 0, []time.Duration{5 * time.Second},
			[]time.Duration{2 * time.Second, 5 * time.Second}, []time.Duration{2500 * time.Millisecond, 5 * time.Second}},
		{"nothing", framesAt(10, 10, 10), span{time.Minute, forever}, 0, 0, nil, nil, nil},
	} {
		segments := cut(c.frames, c.part, c.length, c.warm)
		var borders, seeks, warms []time.Duration
		frames := 0
		for i, s := range segments {
			if i > 0 {
				borders = append(borders, s.Begin)
				if segments[i-1].End != s.Begin {
					t.Errorf("%s: segment %d ends at %v, the next begins at %v", c.name, i-1, segments[i-1].End, s.Begin)
				}
			}
			seeks, warms = append(seeks, s.Seek), append(warms, s.Warm)
			frames += s.Frames
		}
		if !slices.Equal(borders, c.borders) || !slices.Equal(seeks, c.seeks) || !slices.Equal(warms, c.warms) {
			t.Errorf("%s: borders %v, seeks %v, warm from %v, wanted %v, %v, %v", c.name, borders, seeks, warms, c.borders, c.seeks, c.warms)
		}
		want := 0
		for _, f := range c.frames {
			if f.time >= c.part.Begin && f.time < c.part.End {
				want++
			}
		}
		if frames != want {
			t.Errorf("%s: %d frames in all segments, wanted %d", c.name, frames, want)
		}
	}
}

func TestPlanOfAPart(t *testing.T) {
	for _, c := range []struct {
		start, duration time.Duration
		frames          int
	}{{0, 0, 30}, {time.Second, time.Second, 10}, {time.Second, forever, 20}, {2 * time.Second, forever - time.Second, 10}, {forever, forever, 0}} {
		o := Options{Start: c.start, Duration: c.duration, CPU: true, Codec: "h264", Quality: DefaultQuality}
		f := facts{Media: "video/x-h264", Width: 64, Height: 48, Aspect: "1/1", End: 3 * time.Second, frames: framesAt(30, 10, 10)}
		needs(t, "x264enc", "mp4mux")
		p, err := o.makePlan(&f, "film.mp4", "", "")
		if c.frames == 0 {
			if err == nil || !strings.Contains(err.Error(), "no frame lies between") {
				t.Errorf("from %v for %v: %v", c.start, c.duration, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		frames := 0
		for _, s := range p.Segments {
			frames += s.Frames
		}
		if frames != c.frames {
			t.Errorf("from %v for %v: %d frames, wanted %d", c.start, c.duration, frames, c.frames)
		}
	}
}

func TestOrientationLost(t *testing.T) {
	for container, lost := range map[string]bool{"mp4": false, "mov": false, "mkv": true, "webm": true} {
		p := &plan{Muxer: container, Facts: &facts{Orientation: "rotate-90"}}
		p.warn(&Options{})
		if (len(p.Warnings) == 1 && strings.Contains(p.Warnings[0], "rotate-90 is lost")) != lost {
			t.Errorf("%s: warnings are %q", container, p.Warnings)
		}
	}
}

func TestWarmUp(t *testing.T) {
	for _, smoothing := range []float64{0, 0.1, 0.5, 0.8, 0.9, 0.95, 1} {
		n := WarmUp(smoothing)
		s := min(1-math.Pow(1-smoothing, 1.5), 0.95)
		if n > 109 || smoothing == 0 && n != 0 || smoothing > 0 && (math.Pow(s, float64(n)) > 1.0/256 || math.Pow(s, float64(n-1)) <= 1.0/256) {
			t.Errorf("smoothing %v: %d frames", smoothing, n)
		}
	}
}

func TestDecodingTimes(t *testing.T) {
	for name, times := range map[string][]time.Duration{
		"in order":      {0, 40, 80, 120},
		"B-frames":      {0, 120, 40, 80, 240, 160, 200},
		"variable rate": {0, 300, 10, 20, 1000, 310, 900, 1010},
		"one frame":     {5},
		"all reversed":  {0, 40, 30, 20, 10},
	} {
		v := &joined{sorted: slices.Sorted(slices.Values(times)), delay: reordering(times)}
		var dts []time.Duration
		for i := range times {
			dts = append(dts, v.decoding(i))
		}
		for i := range dts {
			if dts[i] > times[i] || i > 0 && dts[i] <= dts[i-1] {
				t.Errorf("%s: frames shown at %v are decoded at %v", name, times, dts)
				break
			}
		}
		if ahead, after := times[0]-dts[0], slices.Max(times)-dts[len(dts)-1]; ahead != after {
			t.Errorf("%s: the first is decoded %v ahead and the last %v", name, ahead, after)
		}
	}
}

func TestVaries(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		steps []time.Duration
		want  bool
	}{{nil, false}, {[]time.Duration{41 * ms, 42 * ms, 42 * ms, 41 * ms}, false}, {[]time.Duration{40 * ms, 40 * ms, 80 * ms}, true}, {[]time.Duration{40 * ms, 20 * ms, 40 * ms}, true}} {
		if got := varies(c.steps); got != c.want {
			t.Errorf("%v: %v", c.steps, got)
		}
	}
}

func TestParseShard(t *testing.T) {
	for _, name := range indexVariables {
		t.Setenv(name, "")
	}
	for _, c := range []struct {
		text, variable, value string
		want                  Shard
		fails                 string
	}{
		{text: "", want: Shard{}}, {text: "0/1", want: Shard{0, 1}}, {text: "3/4", want: Shard{3, 4}},
		{text: "/4", variable: "SLURM_ARRAY_TASK_ID", value: "2", want: Shard{2, 4}}, {text: "/4", variable: "JOB_COMPLETION_INDEX", value: "0", want: Shard{0, 4}},
		{text: "1/4", variable: "SLURM_ARRAY_TASK_ID", value: "2", want: Shard{1, 4}},
		{text: "/4", fails: "is set"}, {text: "4/4", fails: "wanted 0 to 3"}, {text: "-1/4", fails: "wanted 0 to 3"}, {text: "1/0", fails: "1 or more"}, {text: "1", fails: "wanted i/n"},
		{text: "a/4", fails: "wanted 0 to 3"}, {text: "/4", variable: "SLURM_ARRAY_TASK_ID", value: "4", fails: "SLURM_ARRAY_TASK_ID says"},
	} {
		if c.variable != "" {
			os.Setenv(c.variable, c.value)
		}
		got, err := ParseShard(c.text)
		if c.fails == "" && (err != nil || got != c.want) || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%q with %s=%s: %v, %v", c.text, c.variable, c.value, got, err)
		}
		if c.variable != "" {
			os.Setenv(c.variable, "")
		}
	}
	for film := range 3 {
		for segment := range 7 {
			n := 0
			for i := range 4 {
				if (Shard{i, 4}).has(film, segment) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("segment %d of film %d belongs to %d shards", segment, film, n)
			}
		}
	}
}

func TestOptionErrors(t *testing.T) {
	in := []Input{{Path: "a", Base: "a"}}
	for want, o := range map[string]Options{
		"codec is \"mp3\"":           {Inputs: in, Out: "o", Codec: "mp3"},
		"container is \"avi\"":       {Inputs: in, Out: "o", Container: "avi"},
		"h264 does not go into webm": {Inputs: in, Out: "o", Codec: "h264", Container: "webm"},
		"quality is 101":             {Inputs: in, Out: "o", Quality: 101},
		"output folder is missing":   {Inputs: in},
		"no film was named":          {Out: "o"},
		"times of 0 or more":         {Inputs: in, Out: "o", Start: -1},
		"or at least 100ms":          {Inputs: in, Out: "o", Segment: 1},
		"leave the shard out":        {Inputs: in, Out: "o", Join: true, Shard: Shard{0, 2}},
	} {
		if err := o.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, wanted one with %q", err, want)
		}
	}
}
