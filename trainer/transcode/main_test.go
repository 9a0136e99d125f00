package transcode

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

func film1(path string) []Input {
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

// needs skips a test where GStreamer lacks an element.
func needs(t *testing.T, elements ...string) {
	t.Helper()
	for _, e := range elements {
		if !has(e) {
			t.Skipf("GStreamer's element %s is missing", e)
		}
	}
}

// launch runs a pipeline to its end; elements named out write to path.
func launch(t *testing.T, path, description string) {
	t.Helper()
	g, err := newPipeline(description)
	if err != nil {
		t.Fatal(err)
	}
	defer g.stop()
	out, err := g.element("out")
	if err != nil {
		t.Fatal(err)
	}
	if err := out.SetProperty("location", path); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := g.play(ctx, nil); err != nil {
		t.Fatalf("%s: %v", description, err)
	}
}

// clip makes a film of a moving pattern: 64x48, 25 frames a second, a key frame every tenth, unless the arguments say otherwise.
func clip(t *testing.T, name string, frames int, more string) string {
	t.Helper()
	needs(t, "x264enc", "mp4mux", "avenc_aac", "h264parse")
	path := filepath.Join(t.TempDir(), name)
	launch(t, path, fmt.Sprintf("videotestsrc pattern=smpte75 horizontal-speed=3 num-buffers=%d ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! "+
		"x264enc key-int-max=10 bframes=2 speed-preset=ultrafast ! h264parse ! %s", frames, more))
	return path
}

const toMP4 = "mp4mux name=m ! filesink name=out"

// withSound adds a track of sound as long as so many frames.
func withSound(frames int, muxer string) string {
	return fmt.Sprintf("%s name=m ! filesink name=out  audiotestsrc wave=ticks num-buffers=%d samplesperbuffer=1920 ! audio/x-raw,rate=48000,channels=2 ! "+
		"avenc_aac ! aacparse ! m.", muxer, frames)
}

// picture1 is one decoded frame.
type picture1 struct {
	time time.Duration
	sum  uint32
}

// decode decodes the first video of a film.
func decode(t *testing.T, path string) (frames []picture1, caps string) {
	t.Helper()
	g, err := newPipeline("filesrc name=file ! parsebin name=streams  decodebin name=decoder ! fakesink name=sink sync=false async=false")
	if err != nil {
		t.Fatal(err)
	}
	defer g.stop()
	c := &coding{graph: g, film: &film{plan: &plan{Facts: &facts{Caps: videoCaps(t, path)}}}, abort: make(chan error, 1)}
	if err := c.setFile(path); err != nil {
		t.Fatal(err)
	}
	if err := c.linkDecoder(); err != nil {
		t.Fatal(err)
	}
	sink, err := c.sinkOf("sink")
	if err != nil {
		t.Fatal(err)
	}
	var s clock
	sink.AddProbe(gst.PadProbeTypeBuffer|gst.PadProbeTypeEventDownstream, func(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		if event := eventOf(info); event != nil {
			switch event.Type() {
			case gst.EventTypeSegment:
				s.segment(event)
			case gst.EventTypeCaps:
				caps = event.ParseCaps().String()
			}
		} else if buffer := bufferOf(info); buffer != nil {
			at, _ := s.time(buffer.PresentationTimestamp())
			withData(buffer, func(data []byte) { frames = append(frames, picture1{at, crc32.ChecksumIEEE(data)}) })
		}
		return gst.PadProbeOK
	})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := c.play(ctx, c.abort); err != nil {
		t.Fatalf("%q: %v", path, err)
	}
	return frames, caps
}

// videoCaps are those of the coded video.
func videoCaps(t *testing.T, path string) string {
	t.Helper()
	videos := scan(t, path).videos()
	if len(videos) == 0 {
		t.Fatalf("%q has no video", path)
	}
	return videos[0].caps
}

func sums(frames []picture1) (s []uint32) {
	for _, f := range frames {
		s = append(s, f.sum)
	}
	return s
}

func times(frames []picture1) (s []time.Duration) {
	for _, f := range frames {
		s = append(s, f.time)
	}
	return s
}

// samePictures fails unless two films have the same pictures.
func samePictures(t *testing.T, got, want string) {
	t.Helper()
	a, _ := decode(t, got)
	b, _ := decode(t, want)
	if len(b) == 0 || !slices.Equal(sums(a), sums(b)) {
		differ := 0
		for i := range min(len(a), len(b)) {
			if a[i].sum != b[i].sum {
				differ++
			}
		}
		t.Fatalf("%d pictures, wanted %d, %d of them differ", len(a), len(b), differ)
	}
}

// sameSound fails unless all packets of sound are the same.
func sameSound(t *testing.T, got, want string) {
	t.Helper()
	a, b := scan(t, got).sounds(), scan(t, want).sounds()
	if len(a) != len(b) || len(b) == 0 {
		t.Fatalf("%d tracks of sound, wanted %d", len(a), len(b))
	}
	for i := range a {
		if a[i].packets != b[i].packets || a[i].bytes != b[i].bytes || a[i].sum != b[i].sum {
			t.Errorf("sound %d has %d packets, %d bytes, wanted %d, %d and the same", i, a[i].packets, a[i].bytes, b[i].packets, b[i].bytes)
		}
	}
}

func scan(t *testing.T, path string) *contents {
	t.Helper()
	c, err := scanFile(context.Background(), path, true)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// list is all files below a folder, hidden ones too.
func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && path != dir {
			below, _ := filepath.Rel(dir, path)
			names = append(names, below)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
