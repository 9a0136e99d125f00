package live

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/element"
	"adainfilter/model"
)

// running is a Run under test.
type running struct {
	address string // "http://host:port"
	cancel  context.CancelFunc
	ended   chan error
	temp    string // the folder of temporary folders
	err     announced
}

// said is what it has complained about.
func (r *running) said() string {
	r.err.Lock()
	defer r.err.Unlock()
	return r.err.text.String()
}

// announced finds the address in what Run prints.
type announced struct {
	sync.Mutex
	text bytes.Buffer
}

func (a *announced) Write(p []byte) (int, error) {
	a.Lock()
	defer a.Unlock()
	return a.text.Write(p)
}

func (a *announced) address() string {
	a.Lock()
	defer a.Unlock()
	_, rest, _ := strings.Cut(a.text.String(), "http://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// start begins a Run with a small picture; the test ends it and checks what it leaves.
func start(t *testing.T, c Config) *running {
	t.Helper()
	r := &running{ended: make(chan error, 1), temp: t.TempDir()}
	t.Setenv("TMPDIR", r.temp)
	var out announced
	c.Decoder = decoder
	c.Listen, c.Engine, c.Styles, c.Out, c.Err = "127.0.0.1:0", openEngine, model.BuiltinStyles(), &out, &r.err
	if c.Prepare == nil {
		c.Prepare = func(*gst.Element) error { return nil }
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { r.ended <- Run(ctx, c) }()
	for end := time.Now().Add(20 * time.Second); out.address() == ""; time.Sleep(10 * time.Millisecond) {
		select {
		case err := <-r.ended:
			t.Fatal(err)
		default:
		}
		if time.Now().After(end) {
			t.Fatal("no page for 20 seconds")
		}
	}
	r.address = "http://" + out.address()
	t.Cleanup(func() { r.stop(t) })
	return r
}

// stop interrupts and checks that nothing is left.
func (r *running) stop(t *testing.T) {
	t.Helper()
	if r.cancel == nil {
		return
	}
	r.cancel()
	r.cancel = nil
	select {
	case err := <-r.ended:
		if err != nil {
			t.Errorf("interrupted, it ends with: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("interrupted, it does not end")
	}
	r.clean(t)
}

func (r *running) clean(t *testing.T) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(r.temp, "adain-*")); len(left) > 0 { // a browser has files there too
		t.Errorf("it leaves %s", left)
	}
	http.DefaultClient.CloseIdleConnections()
	eventually(t, "no goroutine is left", func() bool { return goroutines() == "" })
}

// ask sends a request and decodes the answer.
func (r *running) ask(t *testing.T, method, address, kind string, body []byte, to any) int {
	t.Helper()
	request, err := http.NewRequest(method, r.address+address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if to != nil {
		if err := json.Unmarshal(data, to); err != nil {
			t.Fatalf("%s %s: %q: %v", method, address, data, err)
		}
	}
	return answer.StatusCode
}

// patch changes the state, which must work.
func (r *running) patch(t *testing.T, body string) (now state) {
	t.Helper()
	var got struct {
		state
		Error string
	}
	if status := r.ask(t, "PATCH", "/api/state", "application/json", []byte(body), &got); status != 200 {
		t.Fatalf("%s: %d, %s", body, status, got.Error)
	}
	return got.state
}

// watch opens the stream.
func (r *running) watch(t *testing.T) *multipart.Reader {
	t.Helper()
	answer, err := http.Get(r.address + "/stream.mjpeg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return multipart.NewReader(answer.Body, "frame")
}

// average is the mean red, green and blue of the next picture, 0 to 255.
func average(t *testing.T, m *multipart.Reader) (mean [3]float64, width, height int) {
	t.Helper()
	part, err := m.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(part)
	if err != nil {
		t.Fatal(err)
	}
	b := img.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			red, green, blue, _ := img.At(x, y).RGBA()
			for i, v := range []uint32{red, green, blue} {
				mean[i] += float64(v>>8) / float64(b.Dx()*b.Dy())
			}
		}
	}
	return mean, b.Dx(), b.Dy()
}

func TestRun(t *testing.T) {
	r := start(t, Config{Source: "test", Height: 72})
	m := r.watch(t)
	if _, w, h := average(t, m); w != 128 || h != 72 {
		t.Errorf("the picture has %dx%d pixels, wanted 128x72", w, h)
	}
	now := r.patch(t, `{"alpha":0,"smoothing":0.5,"preserve_color":true,"transition_ms":200}`)
	if now.Alpha != 0 || now.Smoothing != 0.5 || !now.PreserveCol || now.TransitionMS != 200 || now.Source != "test picture" {
		t.Errorf("the state is %+v", now)
	}
	r.patch(t, `{"alpha":1,"preserve_color":false,"transition_ms":0,"styles":[{"name":"ember"},{"name":"fresco","weight":2}]}`)
	var thumbnails []string
	for _, style := range now.Available {
		answer, err := http.Get(r.address + "/api/styles/" + style.Name + "/thumbnail.jpeg")
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if img, err := jpeg.Decode(bytes.NewReader(data)); err != nil || img.Bounds().Dy() != thumbnailHeight {
			t.Errorf("the thumbnail of %s: %d, %v", style.Name, answer.StatusCode, err)
		}
		for i, other := range thumbnails {
			if other == string(data) {
				t.Errorf("%s looks like %s", style.Name, now.Available[i].Name)
			}
		}
		thumbnails = append(thumbnails, string(data))
	}
	if len(thumbnails) != 12 {
		t.Errorf("%d thumbnails, wanted 12", len(thumbnails))
	}
	var added struct{ Name string }
	if status := r.ask(t, "POST", "/api/styles", "image/png", pngOf(64, 48), &added); status != 201 {
		t.Fatalf("the style is %d", status)
	}
	if now = r.patch(t, fmt.Sprintf(`{"styles":[{"name":"ember"},{"name":%q}]}`, added.Name)); len(now.Styles) != 2 || now.Styles[1].Name != "upload-1" {
		t.Errorf("the styles are %+v", now.Styles)
	}
	if status := r.ask(t, "POST", "/api/mask", "image/png", pngOf(16, 9), nil); status != 201 {
		t.Fatalf("the mask is %d", status)
	}
	if now = r.patch(t, `{"mask":true}`); !now.Mask.On {
		t.Errorf("the mask is %+v", now.Mask)
	}
	if now = r.patch(t, `{"styles":[{"name":"woodcut"}],"mask":false}`); now.Mask.On || !now.Mask.Uploaded || now.FPS == 0 || now.LatencyMS == 0 || now.Watchers != 1 {
		t.Errorf("the state is %+v", now)
	}
	average(t, m)
	r.stop(t)
}

// TestRefusedStyle is a file that vanishes; the old style must stay in force and in the state.
func TestRefusedStyle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a, b.png")
	if err := os.WriteFile(file, pngOf(32, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, Config{Source: "test", Height: 40, Prepare: func(e *gst.Element) error {
		element.SetStyles(e.Unsafe(), element.Styles{Names: []string{file}})
		return nil
	}})
	if now := r.patch(t, `{"styles":[{"name":"ember"}]}`); len(now.Available) != 13 || now.Available[12] != (available{"a, b", "file"}) {
		t.Errorf("the styles are %+v", now.Available)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	var refused struct{ Error string }
	if status := r.ask(t, "PATCH", "/api/state", "application/json", []byte(`{"alpha":0.3,"styles":[{"name":"a, b"}]}`), &refused); status != 422 ||
		!strings.Contains(refused.Error, "neither a file nor a built-in style") {
		t.Errorf("a vanished style: %d, %q", status, refused.Error)
	}
	if now := r.patch(t, `{}`); now.Styles[0].Name != "ember" || now.Alpha != 1 {
		t.Errorf("after that the state is %+v", now)
	}
}
