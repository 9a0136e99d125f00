package film

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"testing"
	"time"
)

// slow is a film behind a network that takes its time for one request.
type slow struct {
	data  []byte
	wait  time.Duration
	asked int
	most  int // goroutines
}

func (s *slow) ReadRange(_ context.Context, offset int64, length int) ([]byte, error) {
	if s.asked++; s.asked == 3 {
		time.Sleep(s.wait)
	}
	s.most = max(s.most, runtime.NumGoroutine())
	if offset >= int64(len(s.data)) {
		return nil, io.EOF
	}
	return s.data[offset:min(len(s.data), int(offset)+length)], nil
}

// TestElsewhere waits for a network longer than for a pipeline, and has no goroutine for it.
func TestElsewhere(t *testing.T) {
	data, err := os.ReadFile(bars(t, "200"))
	if err != nil {
		t.Fatal(err)
	}
	const limit = 300 * time.Millisecond
	s := &slow{data: data, wait: 5 * limit}
	before := runtime.NumGoroutine()
	p, err := OpenElsewhere(t.Context(), "appsrc name=file ! decodebin ! fakesink name=sink sync=false", "film.avi", s, int64(len(data)), func(err error) { t.Error(err) }, limit)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Run(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if s.asked < 10 || s.most > before+2 { // Run's and that of the thread that asks
		t.Errorf("%d requests with %d goroutines at most, wanted %d", s.asked, s.most, before+2)
	}
	hangs, err := OpenElsewhere(t.Context(), "appsrc name=file ! decodebin ! "+stalls+"fakesink sync=false", "film.avi", &slow{data: data}, int64(len(data)), nil, limit)
	if err != nil {
		t.Fatal(err)
	}
	defer func(d time.Duration) { closeLimit = d }(closeLimit)
	closeLimit = 100 * time.Millisecond
	defer hangs.Close()
	if err := hangs.Run(t.Context(), nil); !errors.Is(err, ErrStalled) {
		t.Errorf("error is %v, wanted %v", err, ErrStalled)
	}
}
