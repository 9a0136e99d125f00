package live

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"adainfilter/cpu"
	"adainfilter/model"
)

// frames are contents for thumbnails, each when the test lets it go.
type frames struct {
	sync.Mutex
	asked int
	let   chan error
}

func (f *frames) content(ctx context.Context) (*model.Image, error) {
	f.Lock()
	f.asked++
	f.Unlock()
	select {
	case err := <-f.let:
		if err != nil {
			return nil, err
		}
		return model.NewImage(model.RGB, 16, 16), nil
	case <-ctx.Done():
		return nil, errors.New("no frame came")
	}
}

func (f *frames) count() int {
	f.Lock()
	defer f.Unlock()
	return f.asked
}

// TestFailedThumbnail: a style that cannot be shown is tried once, and costs the others nothing.
func TestFailedThumbnail(t *testing.T) {
	f := &frames{let: make(chan error, 9)}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c := newCatalogue(t.TempDir(), nil, openEngine, f.content)
	gone, good := c.nameOf("/nowhere/gone.png"), c.nameOf(model.DefaultStyle)
	for range 3 {
		f.let <- nil
		if file, err := c.thumbnail(ctx, gone); err == nil {
			t.Fatalf("a style that is not there is shown as %s", file)
		}
	}
	if n := f.count(); n != 1 {
		t.Errorf("three requests took %d frames, wanted 1", n)
	}
	if _, err := c.thumbnail(ctx, good); err != nil || f.count() != 1 {
		t.Errorf("the style beside it: %v, after %d frames", err, f.count())
	}
}

// TestOwnStyles: styles that the weights carry are on the page by their names, and drawn like the built-in ones.
func TestOwnStyles(t *testing.T) {
	f := &frames{let: make(chan error, 9)}
	f.let <- nil
	own := func() (model.Engine, error) {
		builtin, err := model.BuiltinWeights()
		if err != nil {
			return nil, err
		}
		w := *builtin
		w.Network = "mine"
		mean, std := make([]float32, w.Widths[3]), make([]float32, w.Widths[3])
		w.Styles = []*model.Style{{Name: "dunes", Network: w.Network, Encoder: w.EncoderID(), Stats: model.Stats{Mean: mean, Std: std}}}
		return cpu.Open(&w, model.Options{Threads: 1})
	}
	c := newCatalogue(t.TempDir(), []string{"dunes"}, own, f.content)
	if all := c.available(); len(all) != 1 || all[0].Name != "dunes" {
		t.Errorf("the page has %+v", all)
	}
	if file, err := c.thumbnail(t.Context(), "dunes"); err != nil || file == "" {
		t.Errorf("its thumbnail: %q, %v", file, err)
	}
}

// TestWaitingThumbnails: those who ask while thumbnails are drawn share the end of that, and one who goes away holds up nobody.
func TestWaitingThumbnails(t *testing.T) {
	f := &frames{let: make(chan error)}
	c := newCatalogue(t.TempDir(), model.BuiltinStyles(), openEngine, f.content)
	ask := func(ctx context.Context) chan error {
		done := make(chan error, 1)
		go func() {
			_, err := c.thumbnail(ctx, model.DefaultStyle)
			done <- err
		}()
		return done
	}
	var waiting []chan error
	for range 5 {
		waiting = append(waiting, ask(t.Context()))
	}
	time.Sleep(50 * time.Millisecond) // who asks only now would draw again, rightly
	f.let <- errors.New("no frame")
	for _, w := range waiting {
		select {
		case err := <-w:
			if err == nil {
				t.Error("there was no frame, and yet there is a thumbnail")
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("a request waits for another frame; %d were asked for", f.count())
		}
	}

	first, leave := context.WithCancel(t.Context())
	gone := ask(first)
	eventually(t, "a frame is asked for", func() bool { return f.count() == 2 })
	second := ask(t.Context())
	leave()
	if err := <-gone; err == nil {
		t.Error("a request that was given up has a thumbnail")
	}
	f.let <- nil
	if err := <-second; err != nil {
		t.Error("the request behind one that was given up: ", err)
	}
}
