package element_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"adainfilter/cpu"
	"adainfilter/element/harness"
	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/picture"
)

// halves writes a mask that is white on the left and black on the right.
func halves(t *testing.T, path string, format model.Format, w, h int) string {
	t.Helper()
	img := model.NewImage(format, w, h)
	pixel := 3
	if format == model.RGBA {
		pixel = 4
	}
	for y := range h {
		for x := range w {
			p := img.Planes[0].Data[y*img.Planes[0].Stride+pixel*x:][:pixel]
			if x < w/2 {
				copy(p, []byte{255, 255, 255})
			}
			if pixel == 4 {
				p[3] = byte(x) // transparency, which must not count
			}
		}
	}
	must(t, picture.Write(path, img))
	return path
}

// seenMask is what the engine was told of the newest frame.
type seenMask struct {
	first, second float32 // a value of each style; second is -1 without mask
	width, height int
	white         *uint8
	samples       []uint8
}

func watchMask(seen *seenMask) *fakes {
	return &fakes{stylize: func(_, _ *model.Image, l *model.Stylization) error {
		*seen = seenMask{first: l.Style.Mean[0], second: -1}
		if m := l.Mask; m != nil {
			*seen = seenMask{l.Style.Mean[0], m.Second.Std[0], m.Width, m.Height, &m.White[0], m.White}
		}
		return nil
	}}
}

func TestMask(t *testing.T) {
	dir := t.TempDir()
	a, b, c := paint(t, dir+"/a.png", 10), paint(t, dir+"/b.png", 30), paint(t, dir+"/c.png", 70)
	var seen seenMask
	f := watchMask(&seen)
	use(t, f.open)
	h := harness.New(caps("RGB", 16, 16), "style", a+","+b, "style-size", "0", "style-weights", "<1,3>")
	defer h.Close()
	styleMessage(t, h)
	frame := func(first, second float32) {
		t.Helper()
		must(t, h.PushMany(caps("RGB", 16, 16), 1))
		if seen.first != first || seen.second != second {
			t.Errorf("frames have styles %v and %v, wanted %v and %v", seen.first, seen.second, first, second)
		}
	}
	set := func(property, value string) {
		t.Helper()
		h.Set(property, value)
		if m := styleMessage(t, h); !m.OK {
			t.Errorf("%s=%s: message is %+v", property, value, m)
		}
		if got := h.Get(property); got != value {
			t.Errorf("%s was set to %s and reads %s", property, value, got)
		}
	}
	frame(25, -1)
	set("mask", halves(t, dir+"/mask.png", model.RGB, 7, 5))
	frame(10, 30)
	if want := []uint8{255, 255, 255, 0, 0, 0, 0}; seen.width != 7 || seen.height != 5 || !bytes.Equal(seen.samples[28:], want) {
		t.Errorf("the mask is %dx%d with the last row %v, wanted %v", seen.width, seen.height, seen.samples[28:], want)
	}
	white := seen.white
	set("style", b+","+c)
	frame(30, 70)
	if seen.white != white {
		t.Error("a change of style makes a new mask, for which engines prepare themselves anew")
	}
	set("mask", halves(t, dir+"/transparent.png", model.RGBA, 9, 3))
	if frame(30, 70); seen.width != 9 || seen.samples[0] != 255 || seen.samples[8] != 0 {
		t.Errorf("a transparent mask is %d wide with %v", seen.width, seen.samples)
	}
	set("mask", "")
	frame(60, -1)
}

// TestMaskGrey: colours count by their luminance, also of a picture with a palette or of another kind.
func TestMaskGrey(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir+"/colours.ppm", "P3 4 1 255 255 0 0 0 255 0 0 0 255 128 128 128\n")
	writeFile(t, dir+"/grey.pgm", "P2 3 1 255 0 100 255\n")
	writeFile(t, dir+"/bits.pbm", "P1 2 1 0 1\n")
	var seen seenMask
	use(t, watchMask(&seen).open)
	for file, want := range map[string][]uint8{
		"colours.ppm": {76, 150, 29, 128}, "grey.pgm": {0, 100, 255}, "bits.pbm": {255, 0},
	} {
		h := harness.New(caps("RGB", 16, 16), "style", "woodcut,ember", "mask", dir+"/"+file)
		must(t, h.PushMany(caps("RGB", 16, 16), 1))
		if !bytes.Equal(seen.samples, want) {
			t.Errorf("%s reads as %v, wanted %v", file, seen.samples, want)
		}
		h.Close()
	}
}

func TestBadMasksKeepOldState(t *testing.T) {
	dir := t.TempDir()
	a, b := paint(t, dir+"/a.png", 10), paint(t, dir+"/b.png", 30)
	good := halves(t, dir+"/good.png", model.RGB, 8, 8)
	writeFile(t, dir+"/notes.txt", "no picture")
	data, err := os.ReadFile(good)
	must(t, err)
	writeFile(t, dir+"/cut.png", string(data[:len(data)/2]))
	var seen seenMask
	f := watchMask(&seen)
	use(t, f.open)
	h := harness.New(caps("RGB", 16, 16), "style", a+","+b, "style-size", "0", "mask", good)
	styleMessage(t, h)
	must(t, h.PushMany(caps("RGB", 16, 16), 1))
	text := h.Get("current-statistics")
	for _, c := range []struct{ property, value, wanted string }{
		{"mask", dir + "/none.png", "none.png"},
		{"mask", dir + "/notes.txt", "text"},
		{"mask", dir + "/cut.png", "cut.png"},
		{"mask", dir, "folder"},
		{"mask", "/dev/zero", "wanted a file"},
		{"style", a, "has 1"},
		{"style", a + "," + b + "," + a, "has 3"},
		{"style", a + "," + dir + "/none.png", "none.png"},
		{"style", a + ",", "empty"},
		{"style-statistics", text, "tyle-statistics is one style"},
	} {
		h.Set(c.property, c.value)
		if m := styleMessage(t, h); m.OK || !strings.Contains(m.Error, c.wanted) || !strings.HasSuffix(m.Error, ".") {
			t.Errorf("%s=%.60s: message is %+v, wanted an error with %q", c.property, c.value, m, c.wanted)
		}
		must(t, h.PushMany(caps("RGB", 16, 16), 1))
		if seen.first != 10 || seen.second != 30 || seen.width != 8 {
			t.Errorf("%s=%.60s: frames have %+v, wanted the old state", c.property, c.value, seen)
		}
		h.SetTogether("style", a+","+b, "mask", good)
		if m := styleMessage(t, h); !m.OK {
			t.Errorf("the old state set again: %+v", m)
		}
	}
	h.Close()
	f.check(t)

	p, err := harness.NewPipeline(launch(3, "style=woodcut,ember mask="+dir+"/none.png"))
	must(t, err)
	defer p.Close()
	if p.Play() {
		t.Error("a pipeline plays without its mask")
	}
}

// TestSetTogether: two properties set in one call become known together, whatever else is notified in the middle of it. Its first half
// alone would be refused.
func TestSetTogether(t *testing.T) {
	dir := t.TempDir()
	a, b := paint(t, dir+"/a.png", 10), paint(t, dir+"/b.png", 30)
	mask := halves(t, dir+"/mask.png", model.RGB, 8, 8)
	var seen seenMask
	use(t, watchMask(&seen).open)
	h := harness.New(caps("RGB", 16, 16), "style", a, "style-size", "0")
	defer h.Close()
	styleMessage(t, h)
	expect := func(first, second float32) {
		t.Helper()
		if m := styleMessage(t, h); !m.OK {
			t.Errorf("message is %+v", m)
		}
		must(t, h.PushMany(caps("RGB", 16, 16), 1))
		if seen.first != first || seen.second != second {
			t.Errorf("frames have styles %v and %v, wanted %v and %v", seen.first, seen.second, first, second)
		}
	}
	for range 5 {
		h.SetInMiddle("alpha", "0.5", [2]string{"mask", mask}, [2]string{"style", a + "," + b})
		expect(10, 30)
		h.SetInMiddle("smoothing", "0.5", [2]string{"style", b}, [2]string{"mask", ""})
		expect(30, -1)
	}
}

// TestTransitionOfMask: both styles go to new ones, a new mask comes at once.
func TestTransitionOfMask(t *testing.T) {
	dir := t.TempDir()
	a, b, c := paint(t, dir+"/a.png", 10), paint(t, dir+"/b.png", 30), paint(t, dir+"/c.png", 70)
	var seen seenMask
	use(t, watchMask(&seen).open)
	h := harness.New(caps("RGB", 16, 16), "style", a+","+b, "style-size", "0", "transition", "400000000")
	defer h.Close()
	styleMessage(t, h)
	pts := uint64(0)
	frame := func(first, second float32) {
		t.Helper()
		in := plain(model.RGB, 16, 16)
		in.PTS = pts
		pts += 100e6
		must(t, h.Push(in))
		if seen.first != first || seen.second != second {
			t.Errorf("frames have styles %v and %v, wanted %v and %v", seen.first, seen.second, first, second)
		}
	}
	frame(20, -1)
	h.Set("mask", halves(t, dir+"/mask.png", model.RGB, 8, 8))
	styleMessage(t, h)
	frame(10, 30)
	h.Set("style", b+","+c)
	styleMessage(t, h)
	for i := range 3 {
		frame(10+5*float32(i), 30+10*float32(i))
	}
	h.Set("style", a+","+a)
	styleMessage(t, h)
	for i := range 5 {
		frame(20-2.5*float32(i), 50-10*float32(i))
	}
	h.Set("mask", "")
	styleMessage(t, h)
	frame(10, -1)
}

// TestMaskMatchesEngine: frames are, bit for bit, what the engine makes of the same mask.
func TestMaskMatchesEngine(t *testing.T) {
	n := newTiny(t)
	dir := t.TempDir()
	second := &model.Style{Name: "second", Network: n.weights.Network, Encoder: n.weights.EncoderID(), Stats: modeltest.RandomStats(7, 32)}
	must(t, second.Save(dir+"/second.safetensors"))
	engine, err := cpu.Open(n.weights, model.Options{Threads: 1, Precision: model.Float32})
	must(t, err)
	defer engine.Close()
	use(t, cpu.Open)
	h := harness.New(caps("RGB", 50, 34), "weights", n.weightsFile, "style", n.styleFile+","+dir+"/second.safetensors",
		"mask", halves(t, dir+"/mask.png", model.RGB, 20, 10), "device", "cpu", "threads", "1", "precision", "float32")
	defer h.Close()
	in := plain(model.RGB, 50, 34)
	must(t, h.Push(in))
	out, ok := h.Pull()
	if !ok {
		t.Fatal("no frame came out")
	}
	mask := &model.Mask{Width: 2, Height: 1, White: []uint8{255, 0}, Second: second.Stats}
	want := model.NewImage(model.RGB, 50, 34)
	must(t, engine.Stylize(want, view(in, model.RGB), &model.Stylization{Style: n.style.Stats, Alpha: 1, Mask: mask}))
	if err := sameSamples(view(out, model.RGB), want); err != nil {
		t.Error(err)
	}
}
