// Package filmtest makes films for tests. It skips a test where GStreamer lacks what a film needs.
package filmtest

import (
	"context"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
)

// Patience ends a test that hangs; a busy machine may need a hundred times what an idle one does.
const Patience = 3 * time.Minute

// Needs skips a test where GStreamer lacks an element.
func Needs(t testing.TB, elements ...string) {
	t.Helper()
	film.Init()
	for _, e := range elements {
		if gst.Find(e) == nil {
			t.Skipf("GStreamer's element %s is missing", e)
		}
	}
}

// Write runs a pipeline to its end; its element out writes the file at path.
func Write(t testing.TB, path, description string) {
	t.Helper()
	p, err := film.NewPipeline(description, path, Patience)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, err := p.Element("out")
	if err != nil {
		t.Fatal(err)
	}
	if err := out.SetProperty("location", path); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := p.Run(ctx, nil); err != nil {
		t.Fatalf("%s: %v", description, err)
	}
}

// Bars makes a film of five frames of GStreamer's colour bars, 50x34 pixels without losses. The first row tells the pixels of all others
// above the lower third. It ends in .avi.
func Bars(t testing.TB, path string) {
	t.Helper()
	Needs(t, "videotestsrc", "avimux")
	Write(t, path, "videotestsrc num-buffers=5 ! video/x-raw,format=BGR,width=50,height=34,framerate=5/1 ! avimux ! filesink name=out")
}
