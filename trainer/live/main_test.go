package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/cpu"
	"adainfilter/element"
	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/vips"
)

var engines = model.Engines{model.CPU: cpu.Open}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == DecodeCommand {
		if os.Getenv(endlessEnv) != "" {
			for err := limit(os.Args[2:]); err == nil; {
			}
		}
		picture.Extend(vips.Open)
		os.Exit(Decode(os.Args[2:]))
	}
	os.Setenv("GST_PLUGIN_PATH", "") // an installed plugin must not take the place of the element under test
	gst.Init(nil)
	if !element.Register(nil, engines) {
		fmt.Println("GStreamer refuses the element")
		os.Exit(1)
	}
	if os.Getenv(childEnv) != "" {
		os.Exit(asChild())
	}
	os.Exit(m.Run())
}

// openEngine is the one for thumbnails.
func openEngine() (model.Engine, error) {
	w, err := model.BuiltinWeights()
	if err != nil {
		return nil, err
	}
	return engines.Open(w, model.Options{Threads: 1, DeviceID: -1})
}

// decoder is the command that decodes uploads.
var decoder = []string{os.Args[0], DecodeCommand}

// endlessEnv makes such a process take time without end.
const endlessEnv = "LIVE_TEST_ENDLESS"

// seconds are those of computing that an upload may take.
var seconds = maxDecodeSeconds

// grace is the time that the body of an upload has at least.
var grace = bodyGrace

// fake is a player without a pipeline.
type fake struct {
	sync.Mutex
	now     controls
	changes int
	refuses error // what change says
}

func newFake() *fake {
	return &fake{now: controls{Alpha: 1, Styles: element.Styles{Names: []string{model.DefaultStyle}}}}
}

func (f *fake) controls() (controls, error) {
	f.Lock()
	defer f.Unlock()
	return f.now, nil
}

func (f *fake) change(from, to controls) error {
	f.Lock()
	defer f.Unlock()
	if f.refuses != nil {
		return f.refuses
	}
	f.now, f.changes = to, f.changes+1
	return nil
}

func (f *fake) content(context.Context) (*model.Image, error) {
	return nil, errors.New("no frame")
}

func (f *fake) rates() rates { return rates{FPS: 25, Latency: 40} }

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("for five seconds it did not come about: ", what)
		}
	}
}

// goroutines are those of this package that are not a test's own.
func goroutines() string {
	stacks := make([]byte, 1<<20)
	var left []string
	for _, g := range strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(g, "trainer/live.") && !strings.Contains(g, "testing.tRunner") {
			left = append(left, g)
		}
	}
	return strings.Join(left, "\n\n")
}
