package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"adainfilter/trainer/transcode"
)

// TestPublish asks as Prometheus and Kubernetes do.
func TestPublish(t *testing.T) {
	f := &transcode.Figures{}
	f.Frames.Store(25)
	stop, address, err := publish("127.0.0.1:0", f)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for path, want := range map[string]string{"/metrics": "# TYPE adain_frames_total counter\nadain_frames_total 25\n", "/healthz": "ok"} {
		r, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if !strings.Contains(string(text), want) {
			t.Errorf("%s gives %q, wanted %q", path, text, want)
		}
	}
	if _, _, err := publish(address, f); err == nil || !strings.Contains(err.Error(), "--metrics") {
		t.Errorf("an address that is taken: %v", err)
	}
}

// TestWorkerOptions: what does not go together is said before anything is looked at.
func TestWorkerOptions(t *testing.T) {
	for line, want := range map[string]string{
		"transcode --lease 5s --out x film.mp4":                    "--lease is for workers",
		"transcode --worker --lease 5ms --out x film.mp4":          "--lease is 5ms, wanted 1s or more",
		"transcode --dry-run --out x https://127.0.0.1:1/film.mp4": "--dry-run looks at films that are files",
		"transcode --out s3://bucket/film.mp4 film.mp4":            "results in a bucket lie below a prefix",
		"transcode --out s3://key:secret@bucket/x film.mp4":        "keys belong into the environment",
		"transcode --worker --overwrite --out x film.mp4":          "workers make no finished films anew",
		"transcode --status x --worker film.mp4":                   "--status PLACE goes without",
		"transcode --out https://server/x film.mp4":                "cannot be written to a web server",
		"transcode --worker --out x s3://key:secret@bucket/films":  "keys belong into the environment",
	} {
		err := newApp(io.Discard, io.Discard).Run(append([]string{"adain"}, strings.Fields(line)...))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, wanted %q", line, err, want)
		}
	}
}
