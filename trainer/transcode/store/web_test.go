package store

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// webVariable holds the address of a server for the process that reads from it: certificates that a process trusts are read once.
const webVariable = "ADAIN_STORE_WEB"

// filmServer serves a film in the ways in which servers do, by the path that is asked for.
func filmServer(film []byte) http.Handler {
	var lock sync.Mutex
	asked := map[string]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		asked[r.URL.Path]++
		n := asked[r.URL.Path]
		lock.Unlock()
		tag := `"one"`
		switch r.URL.Path {
		case "/moved.mp4":
			http.Redirect(w, r, "/film.mp4?signature=hidden", http.StatusFound)
			return
		case "/circle.mp4":
			http.Redirect(w, r, "/circle.mp4?signature=hidden", http.StatusFound)
			return
		case "/whole.mp4", "/breaks.mp4", "/breaks-once.mp4", "/endless.mp4":
			if r.URL.Path != "/endless.mp4" {
				w.Header().Set("Content-Length", fmt.Sprint(len(film)))
			}
			w.Header().Set("ETag", tag)
			// The first look does not read on.
			if r.URL.Path == "/breaks.mp4" && n > 1 || r.URL.Path == "/breaks-once.mp4" && n == 2 {
				w.Write(film[:len(film)/2])
				panic(http.ErrAbortHandler)
			}
			for part := film; len(part) > 0; part = part[min(len(part), 1<<16):] {
				w.Write(part[:min(len(part), 1<<16)])
			}
			return
		case "/private.mp4":
			if name, word, _ := r.BasicAuth(); name != "me" || word != "hidden" {
				http.Error(w, "not for you", http.StatusUnauthorized)
				return
			}
		case "/changes.mp4":
			if n > 2 {
				tag = `"two"`
			}
		case "/forgets.mp4":
			if n > 2 {
				r.Header.Del("Range")
			}
		case "/cut.mp4":
			if n%2 == 0 {
				w = &cutOff{w, 100_000}
			}
		case "/busy.mp4":
			if n%2 == 1 {
				http.Error(w, "later", http.StatusServiceUnavailable)
				return
			}
		case "/film.mp4":
		default:
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, "film.mp4", time.Time{}, bytes.NewReader(film))
	})
}

// cutOff ends the connection after some bytes.
type cutOff struct {
	http.ResponseWriter
	left int
}

// Write implements io.Writer.
func (c *cutOff) Write(b []byte) (int, error) {
	if len(b) >= c.left {
		c.ResponseWriter.Write(b[:c.left])
		panic(http.ErrAbortHandler)
	}
	c.left -= len(b)
	return c.ResponseWriter.Write(b)
}

// TestHTTPS reads a film from a server whose certificate only SSL_CERT_FILE knows, in another process.
func TestHTTPS(t *testing.T) {
	film := noise(9, 10<<20+321)
	if address := os.Getenv(webVariable); address != "" {
		readFilms(t, address, film)
		return
	}
	server := httptest.NewUnstartedServer(filmServer(film))
	server.Config.ErrorLog = nil
	server.StartTLS()
	defer server.Close()
	known := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(known, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^TestHTTPS$", "-test.v")
	c.Env = append(os.Environ(), webVariable+"="+server.URL, "SSL_CERT_FILE="+known, "SSL_CERT_DIR="+t.TempDir())
	out, err := c.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
		t.Errorf("%v\n%s", err, out)
	}
	// Without the certificate it is refused, at once.
	begun := time.Now()
	if _, err := OpenSource(t.Context(), server.URL+"/film.mp4"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a server that nobody knows: %v", err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it was tried for %v", took)
	}
}

// readFilms is the other process.
func readFilms(t *testing.T, address string, film []byte) {
	quick(t)
	ctx := context.Background()
	with := strings.Replace(address, "https://", "https://me:hidden@", 1)
	for _, c := range []struct {
		place  string
		ranges bool
		want   string // in the error, "" if there is none
	}{
		{address + "/film.mp4", true, ""},
		{address + "/film.mp4?X-Signature=hidden", true, ""},
		{address + "/moved.mp4", true, ""},
		{address + "/cut.mp4", true, ""},
		{address + "/busy.mp4", true, ""},
		{with + "/private.mp4", true, ""},
		{address + "/whole.mp4", false, ""},
		{address + "/endless.mp4", false, ""},
		{address + "/breaks-once.mp4", false, ""},
		{address + "/breaks.mp4?X-Signature=hidden", false, "/breaks.mp4 breaks off after 524"},
		{with + "/changes.mp4", true, "/changes.mp4: it has changed while it was read, or is gone"},
		{with + "/forgets.mp4", true, "/forgets.mp4: it has changed while it was read, or is gone (200 OK)"},
		{with + "/circle.mp4", true, "/circle.mp4: the server leads on and on (10 redirections)"},
		{with + "/none.mp4?X-Signature=hidden", true, "/none.mp4: the server answers 404 Not Found"},
		{address + "/private.mp4", true, "/private.mp4: the server answers 401 Unauthorized"},
	} {
		r, err := OpenSource(ctx, c.place)
		path := filepath.Join(t.TempDir(), "film")
		if err == nil {
			if r.Ranges != c.ranges || c.ranges && r.Size != int64(len(film)) {
				t.Errorf("%s: ranges %v, %d bytes", c.place, r.Ranges, r.Size)
			}
			err = r.Copy(ctx, path)
			if strings.Contains(r.Display+r.Stamp(), "hidden") {
				t.Errorf("%s is %s, %s", c.place, r.Display, r.Stamp())
			}
		}
		switch got, _ := os.ReadFile(path); {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, wanted %q", c.place, err, c.want)
			}
			if got != nil {
				t.Errorf("%s: %d bytes were left", c.place, len(got))
			}
		case err != nil:
			t.Errorf("%s: %v", c.place, err)
		case !bytes.Equal(got, film):
			t.Errorf("%s: came back with %d bytes", c.place, len(got))
		}
	}
}
