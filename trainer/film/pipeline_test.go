package film

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"
)

// TestFreed lets go of closed pipelines: a film of hours has one for each of its segments.
func TestFreed(t *testing.T) {
	for name, use := range map[string]func(*Pipeline) error{
		"played": func(*Pipeline) error { return nil },
		"with a probe": func(p *Pipeline) error {
			sink, err := p.Sink("sink")
			if err == nil {
				p.Probe(sink, gst.PadProbeTypeBuffer, func(*gst.Pad, *gst.PadProbeInfo) gst.PadProbeReturn { p.Moved(); return gst.PadProbeOK })
			}
			return err
		},
		"told of pads": func(p *Pipeline) error {
			decoder, err := p.Element("decoder")
			if err != nil {
				return err
			}
			return p.PadAdded(decoder, func(*gst.Pad) { p.Moved() })
		},
	} {
		freed := make(chan bool, 1)
		func() {
			p, err := NewPipeline("videotestsrc num-buffers=3 ! decodebin name=decoder ! fakesink name=sink", "a test", 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			runtime.SetFinalizer(p, func(*Pipeline) { freed <- true })
			if err := use(p); err != nil {
				t.Fatal(err)
			}
			if err := p.Run(context.Background(), nil); err != nil || !p.Close() {
				t.Fatalf("%s: it ends with %v, or does not", name, err)
			}
			if name != "played" && p.moved.Load() == 0 {
				t.Errorf("%s: nothing was called", name)
			}
		}()
		for range 100 {
			runtime.GC()
			select {
			case <-freed:
				freed = nil
			case <-time.After(20 * time.Millisecond):
				continue
			}
			break
		}
		if freed != nil {
			t.Errorf("a pipeline %s is kept after Close", name)
		}
	}
}
