package element_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"adainfilter/cuda/emu"
	"adainfilter/element"
	"adainfilter/element/harness"
	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
	"adainfilter/picture"
)

// patience is how long a test waits for what must come. Only a failure takes it.
const patience = time.Minute

// opener is the engine that elements get, as long as a test uses it; gpuOpener is the one on a GPU, nil for none.
var opener, gpuOpener atomic.Pointer[model.Opener]

func TestMain(m *testing.M) { os.Exit(emu.Main(tests{m})) }

// tests are run by emu.Main, in a process that has the emulated driver.
type tests struct{ m *testing.M }

func (t tests) Run() int {
	// An installed plugin must not take the place of the element under test, nor a registry say that there is no GPU.
	os.Setenv("GST_PLUGIN_PATH", "")
	registry, err := os.CreateTemp("", "registry*.bin")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.Remove(registry.Name())
	os.Setenv("GST_REGISTRY", registry.Name())
	data, err := os.MkdirTemp("", "data") // for presets
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(data)
	os.Setenv("XDG_DATA_HOME", data)
	harness.Init()
	open := func(w *model.Weights, o model.Options) (model.Engine, error) { return (*opener.Load())(w, o) }
	openGPU := func(w *model.Weights, o model.Options) (model.Engine, error) {
		if open := gpuOpener.Load(); open != nil {
			return (*open)(w, o)
		}
		return nil, errors.New("cuda: this test has no GPU")
	}
	if !element.Register(nil, model.Engines{model.CPU: open, model.CUDA: openGPU}) {
		fmt.Println("GStreamer refuses the element")
		return 1
	}
	return t.m.Run()
}

// use makes elements of this test open their engines with open.
func use(t *testing.T, open model.Opener) {
	t.Helper()
	opener.Store(&open)
}

// fakes are engines without a network: frames come out inverted, and statistics are the first byte of the picture.
type fakes struct {
	opened, closed atomic.Int32
	options        atomic.Pointer[model.Options] // of the first engine
	stylize        func(dst, src *model.Image, s *model.Stylization) error
	statistics     func(picture *model.Image) // called before the statistics are given
}

func (f *fakes) open(w *model.Weights, o model.Options) (model.Engine, error) {
	f.opened.Add(1)
	f.options.CompareAndSwap(nil, &o)
	return &fake{f, w}, nil
}

// check fails the test if an engine is still open.
func (f *fakes) check(t *testing.T) {
	t.Helper()
	if f.opened.Load() != f.closed.Load() {
		t.Errorf("%d engines were opened, %d closed", f.opened.Load(), f.closed.Load())
	}
}

type fake struct {
	*fakes
	weights *model.Weights
}

func (f *fake) Weights() *model.Weights { return f.weights }
func (f *fake) Describe() string        { return "fake" }
func (f *fake) Close() error            { f.closed.Add(1); return nil }

func (f *fake) Statistics(picture *model.Image) (model.Stats, error) {
	if f.statistics != nil {
		f.statistics(picture)
	}
	return constant(f.weights, float32(samples(picture, 0)[0])), nil
}

func (f *fake) Stylize(dst, src *model.Image, stylization *model.Stylization) error {
	if f.weights != nil { // those of an element
		if err := model.CheckStylize(f.weights, dst, src, stylization); err != nil {
			return err
		}
	}
	if f.stylize != nil {
		if err := f.stylize(dst, src, stylization); err != nil {
			return err
		}
	}
	for i := range src.Format.Planes() {
		row, rows := src.Format.Plane(i, src.Width, src.Height)
		for y := range rows {
			s, d := samples(src, i)[y*src.Planes[i].Stride:], samples(dst, i)[y*dst.Planes[i].Stride:]
			for x := range row {
				d[x] = 255 - s[x]
			}
		}
	}
	return nil
}

// samples is a plane's memory. That of an emulated GPU is the host's.
func samples(m *model.Image, i int) []byte {
	p := &m.Planes[i]
	if p.Device == 0 {
		return p.Data
	}
	row, rows := m.Format.Plane(i, m.Width, m.Height)
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&p.Device)), p.Stride*(rows-1)+row)
}

// constant are statistics with one value everywhere.
func constant(w *model.Weights, v float32) model.Stats {
	s := model.Stats{Mean: make([]float32, w.Widths[3]), Std: make([]float32, w.Widths[3])}
	for i := range s.Mean {
		s.Mean[i], s.Std[i] = v, v
	}
	return s
}

// tiny is a network small enough for the reference engine, with a style, as files.
type tiny struct {
	weights      *model.Weights
	style        *model.Style
	weightsFile  string
	styleFile    string
	engine       model.Engine
	elementProps []string
}

func newTiny(t *testing.T) *tiny {
	t.Helper()
	dir := t.TempDir()
	w := modeltest.RandomWeights(1, model.Widths{4, 8, 16, 32})
	n := &tiny{weights: w, weightsFile: filepath.Join(dir, "tiny.safetensors"), styleFile: filepath.Join(dir, "style.safetensors")}
	n.style = &model.Style{Name: "test", Network: w.Network, Encoder: w.EncoderID(), Stats: modeltest.RandomStats(2, 32)}
	must(t, w.Save(n.weightsFile))
	must(t, n.style.Save(n.styleFile))
	engine, err := ref.Open(w, model.Options{})
	must(t, err)
	n.engine = engine
	n.elementProps = []string{"weights", n.weightsFile, "style", n.styleFile}
	return n
}

// paint writes a picture of one grey value.
func paint(t *testing.T, path string, value byte) string {
	t.Helper()
	img := model.NewImage(model.RGB, 12, 9)
	for i := range img.Planes[0].Data {
		img.Planes[0].Data[i] = value
	}
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, picture.Write(path, img))
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func caps(format string, w, h int) string {
	return fmt.Sprintf("video/x-raw,format=%s,width=%d,height=%d,framerate=25/1", format, w, h)
}

// styleMessage waits for the next adain-style.
func styleMessage(t *testing.T, h *harness.Harness) harness.Message {
	t.Helper()
	for {
		m, ok := h.Message(patience)
		if !ok {
			t.Fatal("no adain-style message came")
		}
		if m.Structure == "adain-style" {
			return m
		}
	}
}

// errorMessage waits for the next error.
func errorMessage(t *testing.T, h *harness.Harness) harness.Message {
	t.Helper()
	for {
		m, ok := h.Message(patience)
		if !ok {
			t.Fatal("no error message came")
		}
		if m.Type == "error" {
			return m
		}
	}
}

// settled waits until no more than n goroutines are left and returns how many there are.
func settled(n int) int {
	for end := time.Now().Add(patience); runtime.NumGoroutine() > n && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	return runtime.NumGoroutine()
}
