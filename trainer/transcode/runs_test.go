package transcode

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"adainfilter/trainer/transcode/claim"
	"adainfilter/trainer/transcode/store"
)

// begin runs an order beside the test.
func (o order) begin() <-chan *Report {
	done := make(chan *Report, 1)
	go func() {
		report, _ := Run(context.Background(), o.options(&watcher{}))
		done <- report
	}()
	return done
}

func shardsOf(t *testing.T) (whole, first, second order) {
	whole = order{Inputs: inputsOf(clip(t, "film.mp4", 20, toMP4)), Out: t.TempDir(), Segment: 400 * time.Millisecond}
	first, second = whole, whole
	first.Shard, second.Shard = Shard{0, 2}, Shard{1, 2}
	return whole, first, second
}

// claims takes something of the film in a folder, as another run of this machine would.
func claims(t *testing.T, out, task string) (release func()) {
	t.Helper()
	c := claim.Claimer{Store: store.NewFolder(out), Worker: "test", Lease: time.Minute}
	k, _, err := c.Take(t.Context(), ".film.adain/"+task, 0)
	if err != nil {
		t.Fatal(err)
	}
	return func() { k.Release(context.Background()) }
}

// later fails if a run ends before something is done, and gives its film after that.
func later(t *testing.T, run <-chan *Report, do func()) Result {
	t.Helper()
	select {
	case r := <-run:
		t.Errorf("it has not waited: %+v", r.Films[0])
		return r.Films[0]
	case <-time.After(300 * time.Millisecond):
		do()
		return (<-run).Films[0]
	}
}

// TestShardsBeginAnewTogether has the second shard come when the first is about to throw away what was made with another style.
func TestShardsBeginAnewTogether(t *testing.T) {
	_, first, second := shardsOf(t)
	first.one(t)
	first.StyleSettings, second.StyleSettings = "other", "other"
	other := make(<-chan *Report)
	var once sync.Once
	onClear = func() {
		once.Do(func() {
			other = second.begin()
			time.Sleep(300 * time.Millisecond)
		})
	}
	defer func() { onClear = func() {} }()
	report, w := first.run(t)
	late := <-other
	for _, r := range []Result{report.Films[0], late.Films[0]} {
		if r.Status != Partial || r.Coded == 0 {
			t.Errorf("a shard is %s with %d frames, %v", r.Status, r.Coded, r.Err)
		}
	}
	if !strings.Contains(strings.Join(w.warnings, ""), "of that thrown away") {
		t.Errorf("the first shard's warnings are %q", w.warnings)
	}
}

// TestJoinAndShards has each come while the other is at work.
func TestJoinAndShards(t *testing.T) {
	join, first, second := shardsOf(t)
	first.one(t)
	second.one(t)
	join.Join = true

	other := second
	other.StyleSettings = "other"
	if r := later(t, other.begin(), claims(t, join.Out, joinTask)); r.Status != Partial || r.Coded == 0 {
		t.Errorf("a shard that meets a join is %s with %d frames, %v", r.Status, r.Coded, r.Err)
	}

	release := claims(t, join.Out, shardTask(second.Shard))
	refused := func(o order, want string) {
		t.Helper()
		if r := (<-o.begin()).Films[0]; r.Status != Failed || !strings.Contains(r.Error, want) {
			t.Errorf("it is %s, %v, wanted %q", r.Status, r.Err, want)
		}
	}
	whole := join
	whole.Join = false
	refused(whole, "another run is at work on")
	refused(first, "other shards are at work on it with other options")
	other.StyleSettings = ""
	first.StyleSettings = "other"
	second.StyleSettings = "other"
	refused(second, "another run is at work on shard 1/2, it holds")
	// The first shard comes while the second is still there: the join waits for its end, and finds what it has made.
	joined := join.begin()
	if r := later(t, joined, func() { first.one(t); release() }); r.Status != Done {
		t.Errorf("a join that meets a shard is %s, %v", r.Status, r.Err)
	}
	if names := list(t, join.Out); len(names) != 1 {
		t.Errorf("files are %q", names)
	}
}

// TestVanishedMachine: what a machine has left that nobody hears of is waited for as long as a lease, and one that is heard of is not disturbed.
func TestVanishedMachine(t *testing.T) {
	defer func(d time.Duration) { ownLease = d }(ownLease)
	ownLease = 2 * time.Second
	whole, _, _ := shardsOf(t)
	s := store.NewFolder(whole.Out)
	note := func(beat int) {
		t.Helper()
		text, _ := json.Marshal(claim.Note{Worker: "elsewhere", Beat: beat, Process: "0123-1-1"})
		if err := s.Put(t.Context(), claim.NameOf(".film.adain/run", 1), text, false); err != nil {
			t.Fatal(err)
		}
	}
	note(0)
	r := later(t, whole.begin(), func() { time.Sleep(200 * time.Millisecond); note(1) })
	if r.Status != Failed || !strings.Contains(r.Error, "another run is at work on") {
		t.Errorf("beside a machine that is at work it is %s, %v", r.Status, r.Err)
	}
	if names := list(t, whole.Out); !slices.Contains(names, ".film.adain/run.claim.0001") {
		t.Errorf("files are %q", names)
	}
	begun := time.Now()
	w := &watcher{}
	report, err := Run(t.Context(), whole.options(w))
	if took := time.Since(begun); err != nil || report.Films[0].Status != Done || took < ownLease {
		t.Errorf("behind a machine that has vanished it is %s after %v, %v", report.Films[0].Status, took, err)
	}
	if !strings.Contains(strings.Join(w.warnings, ""), "or has vanished") {
		t.Errorf("warnings are %q", w.warnings)
	}
	if names := list(t, whole.Out); len(names) != 1 {
		t.Errorf("files are %q", names)
	}
}

// TestWorkerAndRun: a worker leaves films alone that a run has for itself, and makes them when that has gone.
func TestWorkerAndRun(t *testing.T) {
	whole, _, _ := shardsOf(t)
	worker := whole
	worker.Lease = 2 * time.Second
	release := claims(t, whole.Out, runTask)
	look := func() {
		if names := list(t, whole.Out); !slices.Equal(names, []string{".film.adain", ".film.adain/run.claim.0001"}) {
			t.Errorf("beside a run a worker has made %q", names)
		}
		release()
	}
	if r := later(t, worker.begin(), look); r.Status != Done || r.Coded != 20 {
		t.Errorf("it is %s with %d frames, %v", r.Status, r.Coded, r.Err)
	}
}

// TestEarlierFolder: what workers of an earlier version have left is named and stays.
func TestEarlierFolder(t *testing.T) {
	whole, _, _ := shardsOf(t)
	old := filepath.Join(whole.Out, ".film.adain-work")
	if err := os.MkdirAll(old, 0o700); err != nil {
		t.Fatal(err)
	}
	r, w := whole.one(t)
	if said := strings.Join(w.warnings, ""); r.Status != Done || !strings.Contains(said, fmt.Sprintf("%s is unfinished work of an earlier version", old)) {
		t.Errorf("it is %s, warnings %q", r.Status, w.warnings)
	}
	if _, err := os.Stat(old); err != nil {
		t.Error(err)
	}
}

// TestUnfitShard has a plan of a machine with another encoder. The shard does not have the film's first segment.
func TestUnfitShard(t *testing.T) {
	join, first, second := shardsOf(t)
	first.one(t)
	path := filepath.Join(join.Out, ".film.adain", planName)
	change := func(old, by string) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), old) {
			t.Fatalf("the plan lacks %s: %v", old, err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, by, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(what, want string) {
		t.Helper()
		report, _ := second.run(t)
		if r := report.Films[0]; r.Status != Failed || !strings.Contains(r.Error, want) {
			t.Errorf("%s: the shard is %s, %v, wanted an error with %q", what, r.Status, r.Err, want)
		}
	}
	change("libx264.so.", "libx264.so.9")
	refused("another library", "would not fit the others: x264enc is that of GStreamer")
	change("libx264.so.9", "libx264.so.")
	change(`"element": "x264enc"`, `"element": "nvnoneenc"`)
	refused("another encoder", "GStreamer lacks the element nvnoneenc (Debian's package gstreamer1.0-plugins-bad has it;")
	change("nvnoneenc", "x264enc")
	change(`"processor": "`, `"processor": "another than `)
	r, w := second.one(t)
	if r.Status != Partial || !strings.Contains(strings.Join(w.warnings, ""), "processor of another kind (another than ") {
		t.Errorf("on another processor the shard is %s with warnings %q", r.Status, w.warnings)
	}

	join.Join, join.Compare, join.StyleSettings = true, true, "other"
	report, _ := join.run(t)
	if r := report.Films[0]; r.Status != Failed || !strings.Contains(r.Error, "made with other options") {
		t.Errorf("a join with other options is %s, %v", r.Status, r.Err)
	}
	join.StyleSettings = ""
	if r, _ := join.one(t); r.Status != Done {
		t.Errorf("a join with the shards' options is %s", r.Status)
	}
}

// TestLooksAhead: the next film has been looked at when the last segment of one is finished.
func TestLooksAhead(t *testing.T) {
	a, b := clip(t, "a.mp4", 25, toMP4), clip(t, "b.mp4", 25, toMP4)
	o := order{Inputs: append(inputsOf(a), inputsOf(b)...), Out: t.TempDir()}
	done := make(chan *Report)
	go func() {
		report, _ := Run(context.Background(), o.options(&watcher{slow: 60 * time.Millisecond}))
		done <- report
	}()
	plan := filepath.Join(o.Out, ".b.adain", planName)
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(plan); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the second film is not looked at")
		}
	}
	if names := list(t, o.Out); slices.Contains(names, "a.mp4") || slices.Contains(names, ".a.adain/"+segmentName(0)) {
		t.Errorf("the first film is finished already: %q", names)
	}
	if r := <-done; r.Counts[Done] != 2 {
		t.Errorf("%+v", r)
	}
}
