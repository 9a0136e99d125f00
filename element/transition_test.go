package element_test

import (
	"math"
	"regexp"
	"strconv"
	"testing"

	"adainfilter/element/harness"
	"adainfilter/model"
)

var number = regexp.MustCompile(`[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?`)

// changing is an element between two styles whose statistics are 10 and 30 everywhere, with a frame every 40 ms.
type changing struct {
	*harness.Harness
	t     *testing.T
	files map[float64]string
	seen  model.Stats // of the newest frame
	pts   uint64
}

func newChanging(t *testing.T, properties ...string) *changing {
	c := &changing{t: t, files: map[float64]string{}}
	dir := t.TempDir()
	for _, v := range []float64{10, 30, 90} {
		c.files[v] = paint(t, dir+"/"+strconv.Itoa(int(v))+".png", byte(v))
	}
	f := &fakes{stylize: func(_, _ *model.Image, l *model.Stylization) error { c.seen = l.Style.Clone(); return nil }}
	use(t, f.open)
	c.Harness = harness.New(caps("RGB", 16, 16), append([]string{"style", c.files[10], "style-size", "0"}, properties...)...)
	t.Cleanup(c.Close)
	styleMessage(t, c.Harness)
	return c
}

// to changes the style and waits until it is loaded.
func (c *changing) to(style float64) {
	c.t.Helper()
	c.Set("style", c.files[style])
	if m := styleMessage(c.t, c.Harness); !m.OK {
		c.t.Fatalf("message is %+v", m)
	}
}

// frame pushes the next one and holds every value of its statistics, and those that can be read, against want.
func (c *changing) frame(want float64) {
	c.t.Helper()
	c.frameAt(c.pts, want)
	c.pts += 40e6
}

func (c *changing) frameAt(pts uint64, want float64) {
	c.t.Helper()
	in := plain(model.RGB, 16, 16)
	in.PTS = pts
	must(c.t, c.Push(in))
	if len(c.seen.Mean) == 0 {
		c.t.Fatal("the engine has seen no statistics")
	}
	for i := range c.seen.Mean {
		if !(math.Abs(float64(c.seen.Mean[i])-want) <= 1e-4) || !(math.Abs(float64(c.seen.Std[i])-want) <= 1e-4) {
			c.t.Fatalf("at %d ms channel %d has mean %v and std %v, wanted %v", pts/1e6, i, c.seen.Mean[i], c.seen.Std[i], want)
		}
	}
	c.reads(want)
}

// reads holds current-statistics against want.
func (c *changing) reads(want float64) {
	c.t.Helper()
	values := number.FindAllString(c.Get("current-statistics"), -1)
	if len(values) != 2*model.Lite[3] {
		c.t.Fatalf("current-statistics has %d values, wanted %d", len(values), 2*model.Lite[3])
	}
	for _, text := range values {
		if v, err := strconv.ParseFloat(text, 64); err != nil || !(math.Abs(v-want) <= 1e-4) {
			c.t.Fatalf("current-statistics has the value %s, wanted %v", text, want)
		}
	}
}

func TestTransition(t *testing.T) {
	c := newChanging(t)
	c.frame(10)
	c.Set("transition", "1000000000")
	if got := c.Get("transition"); got != "1000000000" {
		t.Errorf("transition reads %s", got)
	}
	c.frame(10)
	c.to(30)
	c.reads(10)
	for i := range 26 {
		c.frame(10 + 20*float64(i)/25)
	}
	c.frame(30)
	c.to(10)
	c.frame(30)
	c.frame(29.2)
}

// TestTransitionOfWeights: the shares of a mix go the same way.
func TestTransitionOfWeights(t *testing.T) {
	c := newChanging(t, "transition", "400000000")
	c.Set("style", c.files[10]+","+c.files[30])
	styleMessage(t, c.Harness)
	for i := range 11 {
		c.frame(10 + float64(i))
	}
	c.Set("style-weights", "<1,3>")
	styleMessage(t, c.Harness)
	for i := range 11 {
		c.frame(20 + float64(i)/2)
	}
}

// TestTransitionFromTransition: a change under way goes on from the mix of that moment, with the time in force then.
func TestTransitionFromTransition(t *testing.T) {
	c := newChanging(t, "transition", "1000000000")
	c.to(30)
	for i := range 11 {
		c.frame(10 + 20*float64(i)/25)
	}
	c.Set("transition", "200000000")
	c.to(90) // from 18, where the frame before was
	for i := range 6 {
		c.frame(18 + 72*float64(i)/5)
	}
	c.frame(90)
	c.Set("transition", "0")
	c.to(10)
	c.reads(10)
	c.frame(10)
}

// TestTransitionEnds where time says nothing.
func TestTransitionEnds(t *testing.T) {
	for name, end := range map[string]func(c *changing){
		"frame without time": func(c *changing) { c.frameAt(harness.None, 30) },
		"flush":              func(c *changing) { c.Flush(); c.frameAt(0, 30) },
		"long gap":           func(c *changing) { c.frameAt(60e9, 30) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newChanging(t, "transition", "1000000000")
			c.to(30)
			c.frame(10)
			c.frame(10.8)
			end(c)
			c.frame(30)
		})
	}
}

// TestTransitionFromTheStart: the first style needs none.
func TestTransitionFromTheStart(t *testing.T) {
	c := newChanging(t, "transition", "1000000000")
	c.frame(10)
	c.frame(10)
}
