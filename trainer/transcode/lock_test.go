package transcode

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// atLock calls a function once, when a lock does something for the first time. No test that uses it runs beside others.
func atLock(t *testing.T, event string, f func()) {
	t.Helper()
	var done atomic.Bool // not a sync.Once, for which others would wait while f runs
	onLock = func(e string) {
		if e == event && done.CompareAndSwap(false, true) {
			f()
		}
	}
	t.Cleanup(func() { onLock = func(string) {} })
}

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

// TestShardsBeginAnewTogether has the second shard come when the first is about to throw away what was made with another style.
func TestShardsBeginAnewTogether(t *testing.T) {
	_, first, second := shardsOf(t)
	first.one(t)
	first.StyleSettings, second.StyleSettings = "other", "other"
	var other <-chan *Report
	var early *Report
	waits := make(chan struct{})
	var once sync.Once
	atLock(t, "clear", func() {
		clear := onLock
		onLock = func(e string) {
			if e == "wait" {
				once.Do(func() { close(waits) })
			}
			clear(e)
		}
		other = second.begin()
		select {
		case early = <-other:
		case <-waits:
		}
	})
	report, w := first.run(t)
	if early == nil {
		early = <-other
	}
	for _, r := range []Result{report.Films[0], early.Films[0]} {
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
	base := filepath.Join(join.Out, "film")

	busy, err := openFolder(t.Context(), base, join.options(nil).Shard, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	atLock(t, "wait", func() { busy.close() })
	if r := (<-second.begin()).Films[0]; r.Status != Partial {
		t.Errorf("a shard that meets a join is %s, %v", r.Status, r.Err)
	}

	busy, err = openFolder(t.Context(), base, second.Shard, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := join
	whole.Join = false
	if r := (<-whole.begin()).Films[0]; r.Status != Failed || !strings.Contains(r.Error, "another run is at work") {
		t.Errorf("a run that meets a shard is %s, %v", r.Status, r.Err)
	}
	if busy.enter() != nil || !busy.alone() || busy.share() != nil {
		t.Error("the only shard does not count as alone")
	}
	atLock(t, "wait", func() { busy.close() })
	if r := (<-join.begin()).Films[0]; r.Status != Done {
		t.Errorf("a join that meets a shard is %s, %v", r.Status, r.Err)
	}
	if names := list(t, join.Out); len(names) != 1 {
		t.Errorf("files are %q", names)
	}
}

// TestFailedUpgrade keeps what a shard has when it is not alone.
func TestFailedUpgrade(t *testing.T) {
	base := filepath.Join(t.TempDir(), "film")
	a, err := openFolder(t.Context(), base, Shard{0, 2}, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.enter(); err != nil {
		t.Fatal(err)
	}
	b, err := openFolder(t.Context(), base, Shard{1, 2}, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b.alone() {
		t.Error("one of two shards is alone")
	}
	a.close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := openFolder(ctx, base, Shard{}, false, nil); !errors.Is(err, errOccupied) {
		t.Errorf("a shard whose upgrade has failed holds nothing any more: %v", err)
	}
	if !b.alone() {
		t.Error("a shard that is left alone is not alone")
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
