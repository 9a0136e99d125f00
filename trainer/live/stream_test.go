package live

import (
	"context"
	"io"
	"log"
	"mime/multipart"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"adainfilter/model"
)

func TestHub(t *testing.T) {
	var opened []bool
	h := newHub(func(on bool) { opened = append(opened, on) })
	h.publish([]byte("nobody sees this"))
	slow, leaveSlow, _ := h.watch()
	fast, leaveFast, _ := h.watch()
	for i := range 1000 { // more than any buffer holds: nobody may wait for the slow one
		h.publish([]byte{byte(i)})
		if got := <-fast; got[0] != byte(i) {
			t.Fatalf("picture %d is %d", i, got)
		}
	}
	if got := <-slow; got[0] != byte(999%256) {
		t.Errorf("the slow one gets picture %d, wanted the newest", got[0])
	}
	leaveSlow()
	h.publish([]byte{1})
	leaveFast()
	if want := []bool{true, false}; !slices.Equal(opened, want) {
		t.Errorf("opened is %v, wanted %v", opened, want)
	}
	for range maxWatchers {
		h.watch()
	}
	if _, _, ok := h.watch(); ok {
		t.Error("there is no end of watchers")
	}
}

// TestStream also ends the server under its clients.
func TestStream(t *testing.T) {
	hub := newHub(func(bool) {})
	f := newFake()
	s, err := newServer(f, "test", hub, newCatalogue(t.TempDir(), model.BuiltinStyles(), openEngine, f.content), newAccess("", nil))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx, listener, log.New(io.Discard, "", 0)) }()
	parts := make([]*multipart.Reader, 3)
	for i := range parts {
		answer, err := http.Get("http://" + listener.Addr().String() + "/stream.mjpeg")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		parts[i] = multipart.NewReader(answer.Body, "frame")
	}
	eventually(t, "three watch", func() bool { return hub.count() == 3 })
	for _, want := range []string{"one", "two\r\n--fram"} {
		hub.publish([]byte(want))
		for i, p := range parts {
			part, err := p.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(part)
			if err != nil || string(got) != want || part.Header.Get("Content-Type") != "image/jpeg" {
				t.Errorf("client %d gets %q, %v, wanted %q", i, got, err, want)
			}
		}
	}
	began := time.Now()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d > 1500*time.Millisecond {
		t.Errorf("the end took %v", d)
	}
	eventually(t, "nobody watches", func() bool { return hub.count() == 0 })
	http.DefaultClient.CloseIdleConnections()
	eventually(t, "no goroutine is left", func() bool { return goroutines() == "" })
}
