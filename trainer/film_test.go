package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"
)

// writeFilm makes a film of GStreamer's colour bars, of which the first row tells the pixels of all others above the lower third.
func writeFilm(t *testing.T, path string) {
	t.Helper()
	initGStreamer()
	pipeline, err := gst.NewPipelineFromString("videotestsrc num-buffers=5 ! video/x-raw,format=BGR,width=50,height=34,framerate=5/1 ! avimux ! filesink name=file")
	if err != nil {
		t.Skip("GStreamer's elements for a test film are missing: ", err)
	}
	defer pipeline.SetState(gst.StateNull)
	file, err := pipeline.GetElementByName("file")
	if err != nil {
		t.Fatal(err)
	}
	if err := file.SetProperty("location", path); err != nil {
		t.Fatal(err)
	}
	if err := pipeline.SetState(gst.StatePlaying); err != nil {
		t.Fatal(err)
	}
	message := pipeline.GetPipelineBus().TimedPopFiltered(gst.ClockTime(20*time.Second), gst.MessageEOS|gst.MessageError)
	if message == nil || message.Type() != gst.MessageEOS {
		t.Fatalf("the test film was not written: %v", message)
	}
}

func TestReadFilm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a film, é%.avi")
	writeFilm(t, path)
	for _, c := range []struct{ size, n, frames, width, height int }{{34, 100, 5, 50, 34}, {17, 3, 3, 25, 17}} {
		frames, err := readFilm(context.Background(), path, c.size, c.n)
		if err != nil {
			t.Fatal(err)
		}
		if len(frames) != c.frames {
			t.Errorf("%d frames, wanted %d", len(frames), c.frames)
		}
		for _, f := range frames {
			if f.Width != c.width || f.Height != c.height {
				t.Errorf("a frame has %dx%d pixels, wanted %dx%d", f.Width, f.Height, c.width, c.height)
			}
			// White, yellow, cyan, green, magenta, red, blue; from them every row follows.
			for bar, want := range [][3]bool{{true, true, true}, {true, true, false}, {false, true, true}, {false, true, false}, {true, false, true}, {true, false, false}, {false, false, true}} {
				for _, y := range []int{0, c.height / 4, c.height / 2} {
					p := pixel(f.Planes[0].Data[y*f.Planes[0].Stride:], (2*bar+1)*c.width/14)
					for k := range want {
						if (p[k] > 128) != want[k] {
							t.Errorf("bar %d in row %d is %v", bar, y, p)
						}
					}
				}
			}
		}
	}
	if _, err := readFilm(context.Background(), path, 34, 1); err == nil {
		t.Error("one frame is a film")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := readFilm(ctx, path, 34, 5); err != errInterrupted {
		t.Errorf("interrupted: error is %v", err)
	}
}

func pixel(row []byte, x int) [3]byte { return [3]byte(row[3*x : 3*x+3]) }
