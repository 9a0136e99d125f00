package film_test

import (
	"context"
	"path/filepath"
	"testing"

	"adainfilter/trainer/film"
	"adainfilter/trainer/film/filmtest"
)

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a film, é%.avi")
	filmtest.Bars(t, path)
	for _, c := range []struct{ size, n, frames, width, height int }{{34, 100, 5, 50, 34}, {68, 2, 2, 50, 34}, {17, 3, 3, 25, 17}} {
		frames, err := film.Read(context.Background(), path, c.size, c.n)
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
	if _, err := film.Read(context.Background(), path, 34, 1); err == nil {
		t.Error("one frame is a film")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := film.Read(ctx, path, 34, 5); err != context.Canceled {
		t.Errorf("interrupted: error is %v", err)
	}
}

func pixel(row []byte, x int) [3]byte { return [3]byte(row[3*x : 3*x+3]) }
