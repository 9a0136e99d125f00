package element_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"adainfilter/element/harness"
	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

// launch is a line that shows 3 small frames to an element with properties.
func launch(frames int, properties string) string {
	return fmt.Sprintf("videotestsrc num-buffers=%d ! video/x-raw,format=I420,width=32,height=24,framerate=25/1 ! adainfilter name=f %s ! fakesink name=s",
		frames, properties)
}

func TestStartErrors(t *testing.T) {
	const resource, library = "gst-resource-error-quark", "gst-library-error-quark"
	n := newTiny(t)
	dir := t.TempDir()
	writeFile(t, dir+"/junk.safetensors", "this is not a weights file")
	writeFile(t, dir+"/junk.png", "this is not a picture")
	use(t, (&fakes{}).open)
	for _, c := range []struct {
		properties string
		domain     string
		code       int
		text       string
	}{
		{"weights=" + dir + "/none.safetensors", resource, 3, "none.safetensors"},
		{"weights=fien", resource, 3, "eights \"fien\" are neither a file nor a built-in network, which are lite and fine; is fine meant?"},
		{"weights=" + dir + "/junk.safetensors", resource, 9, "junk.safetensors"},
		{"weights=" + n.styleFile, resource, 9, "style.safetensors"},
		{"weights=" + n.weightsFile, resource, 13, "name a picture or a style file, as in style=PICTURE"}, // the built-in style belongs to the built-in network
		{"style=" + dir + "/none.png", resource, 3, "none.png"},
		{"style=nosuchstyle", resource, 3, model.DefaultStyle},
		{"style=" + dir + "/junk.png", resource, 9, "junk.png"},
		{"style=" + dir + "/junk.safetensors", resource, 9, "junk.safetensors"},
		{"style=" + n.styleFile, resource, 13, "network"},
		{"style-weights=<1.0,2.0>", resource, 13, "tyle-weights"},
		{"style-statistics=adain-statistics,network=(string)lite", resource, 13, "0 means"},
		{"lut=" + dir + "/none.cube", resource, 3, "none.cube"},
		{"output-lut=" + dir + "/junk.png", resource, 9, "utput-lut: " + dir + "/junk.png: line 1"},
		{"processing-size=7", resource, 13, "rocessing-size is 7 pixels, wanted -1, which is what keeps up with the frames, 0, which is the frame's size, or at least 8"},
		{"processing-size=1", resource, 13, "rocessing-size is 1 pixels"},
		{"device=cuda", library, 3, "no GPU"},
	} {
		p, err := harness.NewPipeline(launch(3, c.properties))
		must(t, err)
		if p.Play() {
			t.Errorf("%s: the pipeline plays", c.properties)
		}
		m, ok := p.Wait(patience, "error")
		if !ok || m.Domain != c.domain || m.Code != c.code || !strings.Contains(m.Text, c.text) || !strings.HasSuffix(m.Text, ".") && !strings.HasSuffix(m.Text, "?") {
			t.Errorf("%s: error is %s %d %q, wanted %s %d with %q", c.properties, m.Domain, m.Code, m.Text, c.domain, c.code, c.text)
		}
		if !strings.Contains(m.Debug, c.text) || strings.Contains(m.Debug, "goroutine") {
			t.Errorf("%s: the debug text does not hold the cause, or a stack beside it: %q", c.properties, m.Debug)
		}
		p.Close()
	}
}

// TestWeightsWithStyles plays weights that carry styles without being told any style, and by their names.
func TestWeightsWithStyles(t *testing.T) {
	n := newTiny(t)
	use(t, ref.Open)
	second := *n.style
	second.Name, second.Stats = "second", modeltest.RandomStats(3, 32)
	n.weights.Styles = []*model.Style{n.style, &second}
	must(t, n.weights.Save(n.weightsFile))
	for _, c := range []struct {
		properties []string
		want       *model.Style
	}{{nil, n.style}, {[]string{"style", "test"}, n.style}, {[]string{"style", "second"}, &second}} {
		h := harness.New(caps("RGB", 24, 16), append([]string{"weights", n.weightsFile, "smoothing", "0"}, c.properties...)...)
		in := plain(model.RGB, 24, 16)
		must(t, h.Push(in))
		want := model.NewImage(model.RGB, 24, 16)
		must(t, n.engine.Stylize(want, view(in, model.RGB), &model.Stylization{Style: c.want.Stats, Alpha: 1}))
		if err := sameSamples(view(pull(t, h), model.RGB), want); err != nil {
			t.Errorf("%v: the result is not that of the style %s: %v", c.properties, c.want.Name, err)
		}
		h.Close()
	}
	p, err := harness.NewPipeline(launch(3, "style=woodcut weights="+n.weightsFile))
	must(t, err)
	defer p.Close()
	p.Play()
	if m, ok := p.Wait(patience, "error"); !ok || !strings.Contains(m.Text, "they carry the styles test, second") || !strings.Contains(m.Text, "style=test") {
		t.Errorf("a built-in style: error is %q", m.Text)
	}
}

// TestStartAgainAfterError corrects the property and plays.
func TestStartAgainAfterError(t *testing.T) {
	f := &fakes{}
	use(t, f.open)
	p, err := harness.NewPipeline(launch(3, "style=nosuchstyle"))
	must(t, err)
	defer p.Close()
	if p.Play() {
		t.Fatal("the pipeline plays without a style")
	}
	p.Null()
	p.Set("f", "style", model.DefaultStyle)
	if !p.Play() {
		t.Fatal("the pipeline does not play with a good style")
	}
	if m, ok := p.Wait(patience, "eos"); !ok {
		t.Errorf("no end of stream, %+v", m)
	}
}

func TestUnreadableFile(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read every file")
	}
	file := filepath.Join(t.TempDir(), "w.safetensors")
	must(t, os.WriteFile(file, nil, 0))
	use(t, (&fakes{}).open)
	p, err := harness.NewPipeline(launch(3, "weights="+file))
	must(t, err)
	defer p.Close()
	p.Play()
	if m, ok := p.Wait(patience, "error"); !ok || m.Domain != "gst-resource-error-quark" || m.Code != 5 {
		t.Errorf("error is %+v", m)
	}
}

// TestEngineFailures: errors and panics of an engine become element errors, wherever they happen.
func TestEngineFailures(t *testing.T) {
	boom := func(_, _ *model.Image, _ *model.Stylization) error { panic("100% boom %s") }
	nothing := func(_, _ *model.Image, _ *model.Stylization) error {
		none := []int{}
		return fmt.Errorf("%d", none[len(none)])
	}
	fails := func(_, _ *model.Image, _ *model.Stylization) error { return errors.New("no memory for 100% of it") }
	picture := paint(t, t.TempDir()+"/a.png", 1)
	for _, c := range []struct {
		name, properties, debug string
		engine                  *fakes
		open                    model.Opener
		noStack                 bool
	}{
		{"panic in a frame", "", "100% boom %s", &fakes{stylize: boom}, nil, false},
		{"bad index in a frame", "", "index out of range", &fakes{stylize: nothing}, nil, false},
		{"error in a frame", "", "100% of it", &fakes{stylize: fails}, nil, true},
		{"panic in open", "", "open boom", nil, func(*model.Weights, model.Options) (model.Engine, error) { panic("open boom") }, false},
		{"panic in statistics", "style=" + picture, "stats boom", &fakes{statistics: func(*model.Image) { panic("stats boom") }}, nil, false},
	} {
		open := c.open
		if open == nil {
			open = c.engine.open
		}
		use(t, open)
		p, err := harness.NewPipeline(launch(3, c.properties))
		must(t, err)
		p.Play()
		m, ok := p.Wait(patience, "error")
		if !ok || m.Domain != "gst-library-error-quark" || !strings.Contains(m.Debug, c.debug) || strings.Contains(m.Debug, "goroutine") == c.noStack {
			t.Errorf("%s: error is %+v", c.name, m)
		}
		p.Close()
		if c.engine != nil {
			c.engine.check(t)
		}
	}
}

// TestPanicInWorker: a style that makes the engine panic is an error of the element, and the worker lives.
func TestPanicInWorker(t *testing.T) {
	f := &fakes{statistics: func(*model.Image) { panic("worker boom") }}
	use(t, f.open)
	h := harness.New(caps("RGB", 16, 16))
	styleMessage(t, h)
	h.Set("style", paint(t, t.TempDir()+"/a.png", 1))
	if m := errorMessage(t, h); !strings.Contains(m.Debug, "worker boom") {
		t.Errorf("error is %+v", m)
	}
	h.Set("style", model.DefaultStyle)
	if m := styleMessage(t, h); !m.OK {
		t.Errorf("a good style after the panic: %+v", m)
	}
	h.Close()
	f.check(t)
}

func TestOptions(t *testing.T) {
	f := &fakes{}
	use(t, f.open)
	harness.New(caps("RGB", 16, 16), "device", "cpu", "threads", "3", "precision", "half").Close()
	want := model.Options{Device: model.CPU, DeviceID: -1, Threads: 3, Precision: model.Half}
	if got := f.options.Load(); got == nil || *got != want {
		t.Errorf("the engine was opened with %+v, wanted %+v", got, want)
	}
}

func TestCycles(t *testing.T) {
	f := &fakes{}
	use(t, f.open)
	p, err := harness.NewPipeline(launch(-1, ""))
	must(t, err)
	for i := range 50 {
		if !p.Play() || !p.Null() {
			t.Fatalf("cycle %d failed", i)
		}
	}
	p.Close()
	if f.opened.Load() != 50 {
		t.Errorf("%d engines in 50 cycles", f.opened.Load())
	}
	f.check(t)
}

func TestSeek(t *testing.T) {
	use(t, (&fakes{}).open)
	p, err := harness.NewPipeline(launch(100, ""))
	must(t, err)
	defer p.Close()
	if !p.Pause() {
		t.Fatal("the pipeline does not pause")
	}
	for _, to := range []time.Duration{2 * time.Second, 0, time.Second} {
		if !p.Seek(to) || !p.Pause() {
			t.Errorf("seek to %v failed", to)
		}
	}
	p.Play()
	if m, ok := p.Wait(patience, "eos", "error"); !ok || m.Type != "eos" {
		t.Errorf("after seeking: %+v", m)
	}
}

func TestPipelinesAtOnce(t *testing.T) {
	f := &fakes{}
	use(t, f.open)
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			p, err := harness.NewPipeline(launch(200, ""))
			if err != nil {
				t.Error(err)
				return
			}
			defer p.Close()
			p.Play()
			if m, ok := p.Wait(patience, "eos", "error"); !ok || m.Type != "eos" {
				t.Errorf("ended with %+v", m)
			}
		}()
	}
	all.Wait()
	f.check(t)
}
