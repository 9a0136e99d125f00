package transcode

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What shards have made to take the place of a result stays until they are joined.
func TestOverwriteByShards(t *testing.T) {
	path := clip(t, "film.mp4", 20, toMP4)
	j := order{Inputs: inputsOf(path), Out: t.TempDir()}
	whole, _ := j.one(t)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(whole.Output, old, old); err != nil {
		t.Fatal(err)
	}
	shard, join := j, j
	shard.Overwrite, shard.Shard = true, Shard{0, 1}
	shard.one(t)
	join.Join = true
	if r, _ := join.one(t); r.Status != Skipped {
		t.Errorf("joined without overwriting: %s", r.Status)
	}
	join.Overwrite = true
	if r, _ := join.one(t); r.Status != Done {
		t.Errorf("joined: %s", r.Status)
	}
	// A run that was killed between giving the result its name and cleaning up.
	shard.one(t)
	soon := time.Now().Add(time.Hour)
	if err := os.Chtimes(whole.Output, soon, soon); err != nil {
		t.Fatal(err)
	}
	j.one(t)
	if names := list(t, j.Out); !slices.Equal(names, []string{"film.mp4"}) {
		t.Errorf("files are %q", names)
	}
}

// TestFailedJoin: what shards have made survives joins that cannot use it, of a film that was touched and by a program of another version.
func TestFailedJoin(t *testing.T) {
	path := clip(t, "film.mp4", 20, toMP4)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	shard := order{Inputs: inputsOf(path), Out: t.TempDir(), Shard: Shard{0, 1}}
	join := shard
	join.Shard, join.Join = Shard{}, true
	shard.one(t)
	fails := func(want string) {
		t.Helper()
		report, _ := join.run(t)
		if err := report.Films[0].Err; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, wanted %q", err, want)
		}
	}
	touch := func(at time.Time) {
		t.Helper()
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	touch(time.Now())
	fails("has changed since the shards began")
	touch(info.ModTime())
	plan := filepath.Join(shard.Out, ".film.adain", planName)
	text, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	replace := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(plan, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replace([]byte(`{"version": 1}`))
	fails("made by another version of adain")
	replace(text)
	if r, _ := join.one(t); r.Status != Done || r.Coded != 0 {
		t.Errorf("joined at last: %+v", r)
	}
}

func TestShards(t *testing.T) {
	a, b := clip(t, "a.mp4", 60, withSound(60, "mp4mux")), clip(t, "b.mp4", 20, toMP4)
	dir := t.TempDir()
	j := order{Inputs: append(inputsOf(a), inputsOf(b)...), Out: filepath.Join(dir, "one"), Segment: 400 * time.Millisecond}
	j.one(t)
	j.Out = filepath.Join(dir, "shards")
	join := j
	join.Join = true
	for _, i := range []int{2, 0, 1} {
		report, _ := join.run(t)
		if r := report.Films[0]; r.Err == nil || i == 0 && (len(r.Missing) == 0 || !strings.Contains(r.Err.Error(), "shard 0/3")) {
			t.Errorf("joined before shard %d: %v, missing %q", i, r.Err, r.Missing)
		}
		s := j
		s.Shard = Shard{i, 3}
		report, _ = s.run(t)
		for _, r := range report.Films {
			if r.Status != Partial || r.Segments > 0 && r.Coded >= 60 {
				t.Errorf("shard %d: %+v", i, r)
			}
		}
	}
	report, _ := join.run(t)
	for _, r := range report.Films {
		if r.Err != nil || r.Status != Done || r.Coded != 0 {
			t.Errorf("joined: %+v", r)
		}
		samePictures(t, r.Output, strings.Replace(r.Output, "/shards/", "/one/", 1))
	}
	if names := list(t, j.Out); !slices.Equal(names, []string{"a.mp4", "b.mp4"}) {
		t.Errorf("files are %q", names)
	}
	// All shards at the same time, in other processes.
	j.Out = filepath.Join(dir, "together")
	errs := make(chan error, 3)
	for i := range 3 {
		s := j
		s.Shard = Shard{i, 3}
		c := s.command(t)
		go func() { errs <- c.Run() }()
	}
	for range 3 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	join.Out = j.Out
	report, _ = join.run(t)
	samePictures(t, report.Films[0].Output, filepath.Join(dir, "one", "a.mp4"))
}

func TestTwoRunsAtOnce(t *testing.T) {
	path := clip(t, "film.mp4", 60, toMP4)
	j := order{Inputs: inputsOf(path), Out: t.TempDir(), Segment: 400 * time.Millisecond, Slow: 50 * time.Millisecond}
	first := j.command(t)
	var out bytes.Buffer
	first.Stdout = &out
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer first.Process.Kill()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(j.Out, ".film.adain", planName)); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the first run does not begin")
		}
	}
	// It waits, so that it is still at work however long the others take.
	if err := first.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for _, shard := range []Shard{{}, {0, 2}} {
		second := j
		second.Shard = shard
		report, _ := second.run(t)
		if err := report.Films[0].Err; err == nil || !strings.Contains(err.Error(), "another run is at work") {
			t.Errorf("a second run: error is %v", err)
		}
	}
	if err := first.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err != nil {
		t.Error(err)
	}
	var report Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil || len(report.Films) != 1 || report.Films[0].Status != Done || report.Films[0].Frames != 60 {
		t.Errorf("the first run: %v, %s", err, &out)
	}
}
