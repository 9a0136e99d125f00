package transcode

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/cpu"
	"adainfilter/element"
	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/picture"
	"adainfilter/trainer/transcode/claim"
	"adainfilter/trainer/transcode/store"
)

// childVariable makes the test program run one transcoding and end, so that tests can kill it.
const childVariable = "ADAIN_TRANSCODE_CHILD"

// The weights and the style of all tests.
var weightsFile, styleFile string

func TestMain(m *testing.M) {
	os.Setenv("GST_PLUGIN_PATH", "")
	gst.Init(nil)
	if widths := os.Getenv(encodeVariable); widths != "" {
		os.Exit(encodeChild(widths))
	}
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

// order is what a test wants of Run, in a form that can be given to another process.
type order struct {
	Inputs                        []Input
	Out, Codec, Container         string
	Start, Duration, Segment      time.Duration
	Jobs                          int
	Shard                         Shard
	Join, Compare, Overwrite      bool
	Strict, Silent                bool
	Program, Depth                int
	Smoothing                     float64
	Weights, Style, StyleSettings string
	Slow                          time.Duration // waits so long at each frame
	Pace                          time.Duration // takes so long for each frame on the average, if it can do it faster
	Still                         bool          // with alpha 0, so that frames stay as they are
	Lease                         time.Duration // of a worker, which it is with one
	Skew                          time.Duration // by which its clock is fast
	Lean                          bool          // takes as little memory as the command, and says how much
}

func (o order) options(w *watcher) Options {
	style := o.Style
	if style == "" {
		style = styleFile
	}
	weights := o.Weights
	if weights == "" {
		weights = weightsFile
	}
	alpha := 1.0
	if o.Still {
		alpha = 0
	}
	var own *Worker
	if o.Lease > 0 {
		own = &Worker{Lease: o.Lease, Log: w.log}
	}
	return Options{
		Worker: own,
		Inputs: o.Inputs, Out: o.Out, Codec: o.Codec, Container: o.Container, Start: o.Start, Duration: o.Duration, Segment: o.Segment, Jobs: o.Jobs,
		Shard: o.Shard, Join: o.Join, Compare: o.Compare, Overwrite: o.Overwrite, Strict: o.Strict, Silent: o.Silent, Program: o.Program, Depth: o.Depth, Smoothing: o.Smoothing, Watch: w, CPU: true, Settings: o.StyleSettings,
		Set: func(filter *gst.Element) error {
			for name, value := range map[string]any{"weights": weights, "style": style, "style-size": 16, "threads": 1, "smoothing": o.Smoothing, "alpha": alpha} {
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
	pace     time.Duration
	last     time.Time // that a frame was due
	said     []string
	tell     io.Writer // of what a worker says
}

func (w *watcher) log(text string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.said = append(w.said, text)
	if w.tell != nil {
		fmt.Fprintln(w.tell, text)
	}
}

// slack is how far a watcher's pace may lie behind and be caught up with: what lies between two segments belongs to a worker's speed.
const slack = 2 * time.Second

func (w *watcher) Begin(string, int) {}
func (w *watcher) Frames(_ string, n int) {
	w.lock.Lock()
	w.frames += n
	due := w.last.Add(w.pace)
	if early := time.Now().Add(-slack); due.Before(early) {
		due = early
	}
	w.last = due
	w.lock.Unlock()
	time.Sleep(w.slow)
	if w.pace > 0 {
		time.Sleep(time.Until(due))
	}
}
func (w *watcher) Warn(_, text string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.warnings = append(w.warnings, text)
}
func (w *watcher) End(Result) {}

func (o order) run(t *testing.T) (*Report, *watcher) {
	t.Helper()
	w := &watcher{slow: o.Slow}
	report, err := Run(context.Background(), o.options(w))
	if err != nil {
		t.Fatal(err)
	}
	return report, w
}

// one transcodes one film, which must succeed, and returns its result.
func (o order) one(t *testing.T) (Result, *watcher) {
	t.Helper()
	report, w := o.run(t)
	r := report.Films[0]
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return r, w
}

// inputsOf is one film as an input.
func inputsOf(path string) []Input {
	base := filepath.Base(path)
	return []Input{{Path: path, Base: strings.TrimSuffix(base, filepath.Ext(base))}}
}

// runChild is the other process: it prints the report.
func runChild(text string) int {
	var j order
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		fmt.Println(err)
		return 2
	}
	for i, in := range j.Inputs {
		if store.IsWeb(in.Path) {
			j.Inputs[i].Path, j.Inputs[i].Address = store.Plain(in.Path), in.Path
		}
	}
	// The lease of tests is short, and so must be what it is long beside.
	store.Limits.Answer = 2 * time.Second
	claim.Clock = func() time.Time { return time.Now().Add(j.Skew) }
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	options := j.options(&watcher{slow: j.Slow, pace: j.Pace, tell: os.Stderr})
	if j.Lean {
		defer options.lean()()
	}
	report, err := Run(ctx, options)
	if report != nil && ctx.Err() != nil {
		return 0
	}
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
func (o order) command(t *testing.T) *exec.Cmd {
	t.Helper()
	if o.Weights == "" {
		o.Weights, o.Style = weightsFile, styleFile
	}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childVariable+"="+string(text), "G_DEBUG=fatal-criticals") // what uses freed objects ends
	return c
}
