package transcode

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/cpu"
	"adainfilter/element"
	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/picture"
)

// childVariable makes the test program run one transcoding and end, so that tests can kill it.
const childVariable = "ADAIN_TRANSCODE_CHILD"

// The weights and the style of all tests.
var weightsFile, styleFile string

func TestMain(m *testing.M) {
	os.Setenv("GST_PLUGIN_PATH", "")
	gst.Init(nil)
	if !element.Register(nil, model.Engines{model.CPU: cpu.Open}) {
		fmt.Println("GStreamer refuses the element")
		os.Exit(1)
	}
	if text := os.Getenv(childVariable); text != "" {
		os.Exit(runChild(text))
	}
	dir, err := os.MkdirTemp("", "transcode")
	if err == nil {
		weightsFile, styleFile = filepath.Join(dir, "weights.safetensors"), filepath.Join(dir, "style.png")
		err = modeltest.RandomWeights(1, model.Widths{4, 8, 16, 32}).Save(weightsFile)
	}
	if err == nil {
		style := model.NewImage(model.RGB, 16, 16)
		modeltest.Fill(style, 2)
		err = picture.Write(styleFile, style)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// job is what a test wants of Run, in a form that can be given to another process.
type job struct {
	Inputs                        []Input
	Out, Codec, Container         string
	Start, Duration, Segment      time.Duration
	Jobs                          int
	Shard                         Shard
	Join, Overwrite               bool
	Smoothing                     float64
	Weights, Style, StyleSettings string
	Slow                          time.Duration // waits so long at each frame
}

func (j job) options(w *watcher) Options {
	style := j.Style
	if style == "" {
		style = styleFile
	}
	weights := j.Weights
	if weights == "" {
		weights = weightsFile
	}
	return Options{
		Inputs: j.Inputs, Out: j.Out, Codec: j.Codec, Container: j.Container, Start: j.Start, Duration: j.Duration, Segment: j.Segment, Jobs: j.Jobs,
		Shard: j.Shard, Join: j.Join, Overwrite: j.Overwrite, Smoothing: j.Smoothing, Watch: w, CPU: true, Settings: j.StyleSettings,
		Set: func(filter *gst.Element) error {
			for name, value := range map[string]any{"weights": weights, "style": style, "style-size": 16, "threads": 1, "smoothing": j.Smoothing} {
				if err := filter.SetProperty(name, value); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// watcher remembers warnings.
type watcher struct {
	lock     sync.Mutex
	warnings []string
	frames   int
	slow     time.Duration
}

func (w *watcher) Begin(string, int) {}
func (w *watcher) Frames(_ string, n int) {
	w.lock.Lock()
	w.frames += n
	w.lock.Unlock()
	time.Sleep(w.slow)
}
func (w *watcher) Warn(_, text string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.warnings = append(w.warnings, text)
}
func (w *watcher) End(Result) {}

func (j job) run(t *testing.T) (*Report, *watcher) {
	t.Helper()
	w := &watcher{slow: j.Slow}
	report, err := Run(context.Background(), j.options(w))
	if err != nil {
		t.Fatal(err)
	}
	return report, w
}

// one transcodes one film, which must succeed, and returns its result.
func (j job) one(t *testing.T) (Result, *watcher) {
	t.Helper()
	report, w := j.run(t)
	r := report.Films[0]
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return r, w
}

// inputsOf is one film as an input.
func inputsOf(path string) []Input {
	base := filepath.Base(path)
	return []Input{{path, strings.TrimSuffix(base, filepath.Ext(base))}}
}

// runChild is the other process: it prints the report.
func runChild(text string) int {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		fmt.Println(err)
		return 2
	}
	report, err := Run(context.Background(), j.options(&watcher{slow: j.Slow}))
	if err != nil {
		fmt.Println(err)
		return 2
	}
	json.NewEncoder(os.Stdout).Encode(report)
	if report.Counts[Failed] > 0 {
		return 1
	}
	return 0
}

// command is the other process, not yet started.
func (j job) command(t *testing.T) *exec.Cmd {
	t.Helper()
	if j.Weights == "" {
		j.Weights, j.Style = weightsFile, styleFile
	}
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childVariable+"="+string(text))
	return c
}
