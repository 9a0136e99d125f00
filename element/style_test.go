package element_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"adainfilter/element/harness"
	"adainfilter/model"
	"adainfilter/picture"
)

// watch is a fake whose Stylize remembers the style it was given, as the first mean.
func watch(last *float32) *fakes {
	return &fakes{stylize: func(_, _ *model.Image, l *model.Stylization) error { *last = l.Style.Mean[0]; return nil }}
}

// TestStyleChange holds the worker in the middle of a picture: frames go on with the old style until it is done.
// held are two styles, of the values 10 and 20, of which the engines of the test load one only once it is released.
type held struct {
	*fakes
	first, second    string
	last             float32       // value of the newest frame's style
	reached, release chan struct{} // closed by the engine, closed by the test
}

// hold makes them and waits at the picture of a value.
func hold(t *testing.T, value byte) *held {
	t.Helper()
	dir := t.TempDir()
	h := &held{first: paint(t, dir+"/first.png", 10), second: paint(t, dir+"/second.png", 20), reached: make(chan struct{}), release: make(chan struct{})}
	h.fakes = watch(&h.last)
	h.statistics = func(p *model.Image) {
		if p.Planes[0].Data[0] == value {
			close(h.reached)
			<-h.release
		}
	}
	use(t, h.open)
	return h
}

func TestStyleChange(t *testing.T) {
	f := hold(t, 20)
	h := harness.New(caps("RGB", 16, 16), "style", f.first, "style-size", "0")
	if m := styleMessage(t, h); !m.OK || m.Style != f.first || m.Error != "" {
		t.Errorf("the first style's message is %+v", m)
	}
	must(t, h.PushMany(caps("RGB", 16, 16), 1))
	if f.last != 10 {
		t.Errorf("the first frame has style %v, wanted 10", f.last)
	}
	h.Set("style", f.second)
	<-f.reached
	must(t, h.PushMany(caps("RGB", 16, 16), 3))
	if f.last != 10 {
		t.Errorf("while the new style is loaded, frames have style %v, wanted 10", f.last)
	}
	close(f.release)
	if m := styleMessage(t, h); !m.OK || m.Style != f.second {
		t.Errorf("the second style's message is %+v", m)
	}
	must(t, h.PushMany(caps("RGB", 16, 16), 1))
	if f.last != 20 {
		t.Errorf("afterwards frames have style %v, wanted 20", f.last)
	}
	h.Close()
	f.check(t)
}

func TestFailingStyleKeepsOld(t *testing.T) {
	dir := t.TempDir()
	good, text := paint(t, dir+"/good.png", 10), filepath.Join(dir, "notes.txt")
	writeFile(t, text, "no picture")
	other := filepath.Join(dir, "other.safetensors")
	must(t, (&model.Style{Name: "other", Network: "other", Stats: model.Stats{Mean: make([]float32, 128), Std: make([]float32, 128)}}).Save(other))
	var last float32
	f := watch(&last)
	use(t, f.open)
	h := harness.New(caps("RGB", 16, 16), "style", good, "style-size", "0")
	defer h.Close()
	styleMessage(t, h)
	for _, c := range []struct{ style, wanted string }{
		{dir + "/none.png", "none.png"},
		{text, "notes.txt"},
		{dir, filepath.Base(dir)},
		{other, `network "other"`},
		{"", "empty"},
		{good + "," + dir + "/none.png", "none.png"},
		{good + ",", "empty"},
	} {
		h.Set("style", c.style)
		m := styleMessage(t, h)
		if m.OK || m.Style != c.style || !strings.Contains(m.Error, c.wanted) || !strings.HasSuffix(m.Error, ".") {
			t.Errorf("style %q: message is %+v, wanted an error with %q", c.style, m, c.wanted)
		}
		must(t, h.PushMany(caps("RGB", 16, 16), 1))
		if last != 10 {
			t.Errorf("style %q: frames have style %v, wanted the old 10", c.style, last)
		}
	}
	h.Set("style", good)
	if m := styleMessage(t, h); !m.OK {
		t.Errorf("a good style after bad ones: %+v", m)
	}
}

func TestMixedStyles(t *testing.T) {
	dir := t.TempDir()
	a, b := paint(t, dir+"/a.png", 10), paint(t, dir+"/b.png", 30)
	var last float32
	read := 0
	f := watch(&last)
	f.statistics = func(*model.Image) { read++ }
	use(t, f.open)
	h := harness.New(caps("RGB", 16, 16), "style", a+","+b, "style-size", "0")
	defer h.Close()
	styleMessage(t, h)
	expect := func(want float32) {
		t.Helper()
		must(t, h.PushMany(caps("RGB", 16, 16), 1))
		if last != want {
			t.Errorf("frames have style %v, wanted %v", last, want)
		}
	}
	expect(20)
	h.Set("style-weights", "<3,1>")
	styleMessage(t, h)
	expect(15)
	h.Set("style-weights", "<0.0,0.1>")
	styleMessage(t, h)
	expect(30)
	if read != 2 {
		t.Errorf("pictures were encoded %d times, wanted once each: a change of weights needs no picture", read)
	}
	for _, weights := range []string{"<1,1,1>", "<-1.0,1.0>", "<0.0,0.0>"} {
		h.Set("style-weights", weights)
		if m := styleMessage(t, h); m.OK || !strings.Contains(m.Error, "tyle-weights") {
			t.Errorf("style-weights %s: message is %+v", weights, m)
		}
		expect(30)
	}
	h.SetStyleAndWeights(b+","+a, 1, 3)
	if m := styleMessage(t, h); !m.OK {
		t.Errorf("style and style-weights set together: %+v", m)
	}
	expect(15)
}

func TestStyleSize(t *testing.T) {
	file := paint(t, t.TempDir()+"/a.png", 10) // 12x9
	var seen []string
	f := &fakes{statistics: func(p *model.Image) { seen = append(seen, fmt.Sprintf("%dx%d", p.Width, p.Height)) }}
	use(t, f.open)
	h := harness.New(caps("RGB", 16, 16), "style", file)
	defer h.Close()
	styleMessage(t, h)
	for _, size := range []string{"0", "90"} {
		h.Set("style-size", size)
		styleMessage(t, h)
	}
	if got, want := strings.Join(seen, " "), "682x512 12x9 120x90"; got != want {
		t.Errorf("style pictures were encoded at %s, wanted %s", got, want)
	}
	if o := f.options.Load(); o == nil || o.Device != model.Auto {
		t.Errorf("the engine was opened with %+v", o)
	}
}

func TestOddPaths(t *testing.T) {
	n := newTiny(t)
	dir := t.TempDir()
	use(t, (&fakes{}).open)
	for _, name := range []string{"a b.png", "100%d %s.png", "comma,x.png", "ähm-写.png", `back\slash.png`, "quote\"'.png"} {
		file := paint(t, filepath.Join(dir, name), 9)
		weights := filepath.Join(dir, name+".safetensors")
		must(t, n.weights.Save(weights))
		escaped := strings.NewReplacer(`\`, `\\`, `,`, `\,`).Replace(file)
		h := harness.New(caps("RGB", 16, 16), "weights", weights, "style", escaped+","+escaped)
		if m := styleMessage(t, h); !m.OK {
			t.Errorf("%s, escaped: %+v", name, m)
		}
		h.Set("style", file)
		if m := styleMessage(t, h); !m.OK {
			t.Errorf("%s, alone and as it is: %+v", name, m)
		}
		h.Set("style", filepath.Join(dir, "missing "+name))
		if m := styleMessage(t, h); m.OK || !strings.Contains(m.Error, "missing ") {
			t.Errorf("%s, missing: %+v", name, m)
		}
		h.Close()
	}
}

// TestManyChanges sets 200 styles as fast as it can: the last one wins, and nothing is left behind.
func TestManyChanges(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for i := range 4 {
		files = append(files, paint(t, dir+"/"+strconv.Itoa(i)+".png", byte(10*i)))
	}
	var last float32
	f := watch(&last)
	use(t, f.open)
	before := runtime.NumGoroutine()
	h := harness.New(caps("RGB", 16, 16), "style-size", "0")
	for i := range 200 {
		h.Set("style", files[i%4])
		if i%10 == 0 {
			must(t, h.PushMany(caps("RGB", 16, 16), 1))
		}
	}
	for last != 30 {
		m := styleMessage(t, h)
		if !m.OK {
			t.Fatalf("message is %+v", m)
		}
		must(t, h.PushMany(caps("RGB", 16, 16), 1))
		if m.Style == files[3] && last == 30 {
			break
		}
	}
	h.Close()
	f.check(t)
	if now := settled(before); now > before {
		t.Errorf("%d goroutines are left, %d before", now, before)
	}
}

// TestChangeWhileStarting changes the style between start's look at it and the first frame.
func TestChangeWhileStarting(t *testing.T) {
	f := hold(t, 10)
	h := harness.New(caps("RGB", 16, 16), "style-size", "0") // built-in
	h.Null()
	h.Set("style", f.first)
	go func() {
		<-f.reached
		h.Set("style", f.second)
		close(f.release)
	}()
	h.Play()
	for styleMessage(t, h).Style != f.second {
	}
	must(t, h.PushMany(caps("RGB", 16, 16), 1))
	if f.last != 20 {
		t.Errorf("frames have style %v, wanted 20", f.last)
	}
	h.Close()
	f.check(t)
}

func TestAbsurdPictures(t *testing.T) {
	dir := t.TempDir()
	dot := model.NewImage(model.RGB, 1, 1)
	stripe := model.NewImage(model.RGB, 1, 20000)
	must(t, picture.Write(dir+"/dot.png", dot))
	must(t, picture.Write(dir+"/stripe.png", stripe))
	must(t, picture.Write(dir+"/huge.png", model.NewImage(model.RGB, 5000, 4000)))
	use(t, (&fakes{}).open)
	h := harness.New(caps("RGB", 16, 16))
	defer h.Close()
	styleMessage(t, h)
	for _, c := range []struct {
		file, size string
		ok         bool
	}{{"dot", "0", true}, {"dot", "512", true}, {"stripe", "0", true}, {"stripe", "64", true}, {"stripe", "2000", true}, {"huge", "0", false}, {"huge", "64", true}} {
		h.Set("style-size", c.size)
		styleMessage(t, h)
		h.Set("style", dir+"/"+c.file+".png")
		if m := styleMessage(t, h); m.OK != c.ok {
			t.Errorf("%s at style-size %s: %+v, wanted ok %v", c.file, c.size, m, c.ok)
		}
		h.Set("style", model.DefaultStyle)
		styleMessage(t, h)
	}
}
