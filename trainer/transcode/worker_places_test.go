package transcode

import (
	"bytes"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"adainfilter/trainer/transcode/store/storetest"
)

// TestStatus: who looks sees films, segments and holders, and at the end that all is done.
func TestStatus(t *testing.T) {
	eachPlace(t, "", func(t *testing.T, c *cluster) {
		look := func() *Standing {
			o, err := Observe(c.order.Out, 0)
			if err != nil {
				t.Fatal(err)
			}
			st, err := o.Look(t.Context(), c.order.Inputs)
			if err != nil {
				t.Fatal(err)
			}
			return st
		}
		if st := look(); st.Counts[Unbegun] != 2 || len(st.Films) != 2 {
			t.Errorf("before: %+v", st)
		}
		p := c.begin(t, func(o *order, _ *exec.Cmd) { o.Slow = 100 * time.Millisecond })
		p.until(t, "is finished")
		var st *Standing
		var f FilmStanding
		for deadline := time.Now().Add(patience); len(f.Held) == 0 && time.Now().Before(deadline); { // else between two segments
			st = look()
			for _, g := range st.Films {
				if g.State == Begun {
					f = g
				}
			}
		}
		if f.Segments < 4 || f.Done < 1 || f.Done >= f.Segments || len(f.Held) == 0 || f.Held[0].Worker == "" || f.Frames < 40 || f.Left >= f.Frames {
			t.Errorf("in work: %+v", st)
		}
		p.wait(t)
		if st := look(); st.Counts[Ready] != 2 || len(st.Films) != 2 || st.Segments != 0 {
			t.Errorf("after: %+v", st)
		}
	})
}

// TestBadPlaces: what is wrong with a place is said in a sentence, and nothing in it changes.
func TestBadPlaces(t *testing.T) {
	c := newCluster(t, true)
	const prefix = "styled/.a.adain/"
	for name, want := range map[string]string{
		`{"version": 1, "facts": {}}`: "made by another version of adain",
		"somebody's own":              "is no plan of this program",
	} {
		c.server.Clear(t, "styled")
		c.server.Put(t, prefix+planName, []byte(name))
		c.server.Put(t, prefix+"notes.txt", []byte("mine"))
		o := c.order
		o.Inputs = o.Inputs[:1]
		report, _ := o.run(t)
		if err := report.Films[0].Err; err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, wanted %q", err, want)
		}
		if got := c.server.Get(t, prefix+planName); string(got) != name {
			t.Errorf("the plan is %q", got)
		}
	}
	// Another program's object is where the result belongs, and below the prefix: it stays.
	c.server.Clear(t, "styled")
	c.server.Put(t, "styled/a.mp4", []byte("mine"))
	c.server.Put(t, "styled/.b.adain/notes.txt", []byte("mine"))
	report, w := c.order.run(t)
	if r := report.Films; r[0].Status != Skipped || r[1].Status != Done {
		t.Errorf("%+v", r)
	}
	if !slices.ContainsFunc(w.warnings, func(text string) bool { return strings.Contains(text, "notes.txt") }) {
		t.Errorf("warnings are %q", w.warnings)
	}
	if got := c.server.Objects(t); !slices.Equal(got, []string{"input/a.mp4", "input/b.mp4", "styled/.b.adain/notes.txt", "styled/a.mp4", "styled/b.mp4"}) {
		t.Errorf("objects are %q", got)
	}
	// Other options than those it was begun with.
	c.server.Clear(t, "styled")
	p := c.begin(t, func(o *order, _ *exec.Cmd) { o.Inputs, o.Slow = o.Inputs[:1], 100*time.Millisecond })
	p.until(t, "segment")
	o := c.order
	o.Inputs, o.Codec = o.Inputs[:1], "ffv1"
	o.Container = "mkv"
	report, _ = o.run(t)
	if err := report.Films[0].Err; err == nil || !strings.Contains(err.Error(), "was begun with other options") {
		t.Errorf("other options: %v", err)
	}
	p.wait(t)
	// Places that do not exist or may not be used are one error for all films.
	c.server.AddUser("reader", "reader's", "s3:GetObject", "s3:ListBucket")
	c.server.Clear(t, "styled")
	for _, bad := range []struct{ key, secret, out, want string }{
		{storetest.Key, "wrong", "s3://films/styled", "does not accept the key"},
		{storetest.Key, storetest.Secret, "s3://nowhere/styled", "there is no bucket"},
		{"reader", "reader's", "s3://films/styled", "no right to write"},
	} {
		storetest.Environment(t, c.server.Address, bad.key, bad.secret)
		before := c.server.Objects(t)
		o := c.order
		o.Out = bad.out
		report, err := Run(t.Context(), o.options(&watcher{}))
		if report != nil {
			err = report.Films[0].Err
		}
		if err == nil || !strings.Contains(err.Error(), bad.want) || strings.Contains(err.Error(), bad.secret) {
			t.Errorf("%q: %v, wanted %q", bad.key, err, bad.want)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("more than one line: %q", err)
		}
		if after := c.server.Objects(t); !slices.Equal(after, before) {
			t.Errorf("%q: objects are %q, wanted %q", bad.key, after, before)
		}
	}
}

// TestForeignFolder: what other programs have put where a film's work goes stays, in a folder as in a bucket.
func TestForeignFolder(t *testing.T) {
	film := clip(t, "a.mp4", 20, toMP4)
	for _, lease := range []time.Duration{0, 2 * time.Second} {
		o := order{Inputs: inputsOf(film), Out: t.TempDir(), Lease: lease}
		work := filepath.Join(o.Out, ".a.adain")
		write := func(name, text string) {
			t.Helper()
			if err := errors.Join(os.MkdirAll(work, 0o700), os.WriteFile(filepath.Join(work, name), []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		write("notes.txt", "mine")
		if r, w := o.one(t); r.Status != Done || !slices.ContainsFunc(w.warnings, func(text string) bool { return strings.Contains(text, "notes.txt") }) {
			t.Errorf("it is %s, warnings %q", r.Status, w.warnings)
		}
		if text, _ := os.ReadFile(filepath.Join(work, "notes.txt")); string(text) != "mine" {
			t.Errorf("the other program's file is %q", text)
		}
		if names := list(t, o.Out); !slices.Equal(names, []string{".a.adain", ".a.adain/notes.txt", "a.mp4"}) {
			t.Errorf("files are %q", names)
		}
		os.Remove(filepath.Join(o.Out, "a.mp4"))
		write(planName, `{"version": 8}`)
		write(segmentName(0), "coded")
		report, _ := o.run(t)
		if err := report.Films[0].Err; err == nil || !strings.Contains(err.Error(), "made by another version of adain (its plan has version 8") || strings.Contains(err.Error(), "\n") {
			t.Errorf("the work of an earlier version: %v", err)
		}
		if text, _ := os.ReadFile(filepath.Join(work, segmentName(0))); string(text) != "coded" {
			t.Errorf("the segment of an earlier version is %q", text)
		}
	}
}

// TestWebSources: films on a web server give what they give as files, whether they can be read in parts or not. Who may read them is said nowhere.
func TestWebSources(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a quarter of a minute")
	}
	c := newCluster(t, false)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		i := slices.Index(c.films, name)
		if _, word, _ := r.BasicAuth(); word != "hidden" || i < 0 {
			http.NotFound(w, r)
			return
		}
		if i == 1 {
			r.Header.Del("Range")
		}
		w.Header().Set("ETag", strconv.Quote(name))
		http.ServeFile(w, r, filepath.Join(filepath.Dir(c.order.Inputs[i].Path), name))
	}))
	defer server.Close()
	known := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(known, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	begin := func(names ...string) *process {
		return c.begin(t, func(o *order, cmd *exec.Cmd) {
			if cmd != nil {
				cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+known, "SSL_CERT_DIR="+t.TempDir())
				return
			}
			o.Inputs, o.Slow = nil, 20*time.Millisecond
			for _, name := range names {
				o.Inputs = append(o.Inputs, Input{Path: strings.Replace(server.URL, "//", "//me:hidden@", 1) + "/" + name, Base: strings.TrimSuffix(name, ".mp4")})
			}
		})
	}
	all := []*process{begin(c.films...), begin(c.films...)}
	all[0].until(t, "is finished")
	for _, name := range c.names(t) {
		if text, _ := os.ReadFile(name); bytes.Contains(text, []byte("hidden")) {
			t.Errorf("the password is in %s", name)
		}
	}
	for _, p := range all {
		p.wait(t)
	}
	c.check(t)
	gone := begin("none.mp4")
	if err := <-gone.ended; err == nil || gone.said("none.mp4: the server answers 404 Not Found") == 0 {
		t.Errorf("a film that is not there: %v, %q", err, gone.lines)
	}
	if n := total(append(all, gone), "hidden"); n > 0 {
		t.Errorf("a worker has said the password %d times", n)
	}
}

// TestUnevenWorkers: four workers, one at a quarter of the speed, take at most 1.15 of the time that their speeds allow. Their engines have a pace of so
// many frames a second, so that two cores do for four: what counts beside it is what sharing costs, and the end, when some have nothing to do.
func TestUnevenWorkers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two minutes")
	}
	const frames, pace, length = 4500, 80 * time.Millisecond, 30
	film := clip(t, "a.mp4", frames, toMP4)
	c := &cluster{order: order{Inputs: inputsOf(film), Out: filepath.Join(t.TempDir(), "out"), Segment: length * 40 * time.Millisecond, Lease: 20 * time.Second}}
	begun := time.Now()
	var all []*process
	for i := range 4 {
		all = append(all, c.begin(t, func(o *order, _ *exec.Cmd) {
			if o.Pace = pace; i == 0 {
				o.Pace = 4 * pace
			}
		}))
	}
	for _, p := range all {
		select {
		case err := <-p.ended:
			if err != nil {
				t.Error(err, p.lines)
			}
		case <-time.After(10 * time.Minute):
			t.Fatal("a worker does not end")
		}
	}
	took := time.Since(begun)
	ideal := frames * pace * 4 / 13 // three and a quarter of them
	measured := 0.0                 // speeds that they had on this machine, whatever else it did
	for i, p := range all {
		own := float64(length*p.said("is finished")) / p.busy().Seconds()
		measured += own
		t.Logf("worker %d: %d segments, %.2f frames a second", i, p.said("is finished"), own)
	}
	t.Logf("%v, %.3f of the ideal %v; by measured speeds %.3f", took, took.Seconds()/ideal.Seconds(), ideal, took.Seconds()*measured/frames)
	if took.Seconds() > 1.15*ideal.Seconds() {
		if took.Seconds()*measured > 1.15*frames {
			t.Errorf("%v is %.3f of the ideal %v", took, took.Seconds()/ideal.Seconds(), ideal)
		} else {
			t.Log("this machine was too busy for the pace")
		}
	}
	if n := total(all, "begins") - total(all, "join begins"); n != frames/length {
		t.Errorf("%d segments were made, wanted %d", n, frames/length)
	}
}
