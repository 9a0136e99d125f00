package transcode

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/transcode/claim"
	"adainfilter/trainer/transcode/store"
)

// sharedFilm is a film that a run has taken up, in an empty folder.
func sharedFilm(t *testing.T, out string) *shared {
	t.Helper()
	o := &Options{Inputs: inputsOf("film.mp4"), Out: out, Watch: &watcher{}}
	local := store.NewFolder(out)
	w := &worker{Worker: &Worker{Figures: &Figures{}}, options: o, fixed: true, solo: true, local: local, self: "1." + claim.Self(), grace: t.Context()}
	w.Claimer = claim.Claimer{Store: local, Worker: "test", Lease: time.Minute, Near: true}
	if err := w.name(); err != nil {
		t.Fatal(err)
	}
	return w.films[0]
}

// TestJoinEndsItself: while a result has its name and the join is about to clear away, no other job of the run does so, nor says how it went.
func TestJoinEndsItself(t *testing.T) {
	out := t.TempDir()
	f := sharedFilm(t, out)
	ctx := t.Context()
	if err := f.Store.Put(ctx, "film.mp4", []byte("result"), true); err != nil {
		t.Fatal(err)
	}
	for _, work := range []bool{true, false} { // before the join has cleared away, and after
		if work {
			if err := os.MkdirAll(filepath.Join(f.dir, "result"), 0o700); err != nil {
				t.Fatal(err)
			}
		} else {
			os.RemoveAll(filepath.Join(out, ".film.adain"))
		}
		if !f.take(joinTask) {
			t.Fatal("the join is in hand")
		}
		films, err := f.candidates(ctx)
		if err != nil || len(films) != 1 {
			t.Fatalf("films that are not finished are %v, %v", films, err)
		}
		if p := f.advance(ctx); p != nothing || f.over() {
			t.Errorf("beside a join that is in hand a look gives %v, the film is over: %v", p, f.over())
		}
		if _, err := os.Stat(f.dir); work && err != nil {
			t.Errorf("what the join works with: %v", err)
		}
		f.options.Overwrite = true // as if none were there: it is not begun anew
		if p := f.advance(ctx); p != nothing || f.over() {
			t.Errorf("beside a join that takes a result's place a look gives %v, the film is over: %v", p, f.over())
		}
		f.options.Overwrite = false
		f.put(joinTask)
	}
	if p := f.advance(ctx); p != ended || f.job.result.Status != Skipped {
		t.Errorf("a result that is there gives %v, %v", p, f.job.result.Status)
	}
}

// TestLeavesNothing: who finds a result beside a claim of another waits for it, as that one may have died before it cleared away.
func TestLeavesNothing(t *testing.T) {
	for _, task := range []string{joinTask, segmentTask(1)} {
		for _, fixed := range []bool{false, true} {
			out := t.TempDir()
			f := sharedFilm(t, out)
			f.fixed, f.solo, f.Claimer.Lease = fixed, fixed, 400*time.Millisecond
			for name, text := range map[string]string{
				"film.mp4": "result", f.prefix + planName: "{}", f.prefix + segmentName(0): "coded", claim.NameOf(f.prefix+task, 1): "{}",
			} {
				if err := f.Store.Put(t.Context(), name, []byte(text), true); err != nil {
					t.Fatal(err)
				}
			}
			if films, err := f.candidates(t.Context()); err != nil || len(films) != 1 {
				t.Fatalf("films that are not finished are %v, %v", films, err)
			}
			begun, work := time.Now(), list(t, out)
			for p := progress(nothing); p != ended; p = f.advance(t.Context()) {
				if p == worked || time.Since(begun) > patience {
					t.Fatalf("a look beside a claim on %q gives %v", task, p)
				}
				if here := list(t, out); !slices.Equal(here, work) {
					t.Fatalf("beside a claim on %q lie %q", task, here)
				}
				time.Sleep(20 * time.Millisecond)
			}
			if here := list(t, out); !slices.Equal(here, []string{"film.mp4"}) || time.Since(begun) < f.Claimer.Lease {
				t.Errorf("after a claim on %q ran out, in %v, %q lie there", task, time.Since(begun), here)
			}
		}
	}
}

// TestShardsLeave: two shards at work, of which each finds a result that a join has stored before it was killed, do not wait for each other.
func TestShardsLeave(t *testing.T) {
	out := t.TempDir()
	var shards []*shared
	for i := range 2 {
		f := sharedFilm(t, out)
		f.solo, f.options.Shard, f.Claimer.Worker = false, Shard{Index: i + 1, Count: 2}, fmt.Sprint("test", i)
		v, err := f.look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := f.attend(t.Context(), v); !ok {
			t.Fatalf("shard %v is not at work: %v", f.options.Shard, err)
		}
		shards = append(shards, f)
	}
	for name, text := range map[string]string{"film.mp4": "result", shards[0].prefix + planName: "{}", shards[0].prefix + segmentName(0): "coded"} {
		if err := shards[0].Store.Put(t.Context(), name, []byte(text), true); err != nil {
			t.Fatal(err)
		}
	}
	for look := 0; !shards[0].over() || !shards[1].over(); look++ {
		if look == 5 {
			t.Fatalf("each shard has looked %d times, and beside the result lie %q", look, list(t, out))
		}
		for _, f := range shards {
			if _, err := f.candidates(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.advance(t.Context())
		}
	}
	if here := list(t, out); !slices.Equal(here, []string{"film.mp4"}) {
		t.Errorf("%q lie there", here)
	}
}

// TestSegmentOfAnotherPlan: a machine that stood still until others had begun the film anew stores no segment beside theirs.
func TestSegmentOfAnotherPlan(t *testing.T) {
	for _, c := range []struct {
		plan   string
		stored bool
	}{{"own", true}, {"other", false}, {"", false}} {
		out := t.TempDir()
		f := sharedFilm(t, out)
		f.job.plan = &plan{Segments: make([]segment, 2)}
		for _, text := range []string{"own", c.plan} {
			if err := f.Store.Remove(t.Context(), f.prefix+planName); err != nil {
				t.Fatal(err)
			}
			if text == "" {
				continue
			}
			if err := f.Store.Put(t.Context(), f.prefix+planName, []byte(text), true); err != nil {
				t.Fatal(err)
			}
			if o, err := f.Store.Stat(t.Context(), f.prefix+planName); err != nil {
				t.Fatal(err)
			} else if text == "own" {
				f.version = o.Version
			}
		}
		if err := os.MkdirAll(f.job.folder.path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.job.folder.file(segmentName(0)), []byte("coded"), 0o600); err != nil {
			t.Fatal(err)
		}
		h := &holding{film: f, task: segmentTask(0), ctx: t.Context(), stop: func() bool { return true }}
		if last := f.bring(t.Context(), h, 0); last {
			t.Error("one of two segments is the last")
		}
		if names := list(t, out); slices.Contains(names, ".film.adain/"+segmentName(0)) != c.stored {
			t.Errorf("beside the plan %q lie %q, a segment is to be stored: %v", c.plan, names, c.stored)
		}
		if !h.released {
			t.Errorf("beside the plan %q the claim is not given back", c.plan)
		}
	}
}

// TestManyJobs: as many short films are at work at the same time as there are jobs.
func TestManyJobs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const jobs = patrol + 3
	film := clip(t, "film.mp4", 5, toMP4)
	o := order{Out: t.TempDir(), Jobs: jobs}
	for range jobs {
		o.Inputs = append(o.Inputs, inputsOf(film)...)
	}
	options := o.options(&watcher{})
	set := options.Set
	var at atomic.Int32
	all := make(chan struct{})
	options.Set = func(filter *gst.Element) error {
		if at.Add(1) == jobs {
			close(all)
		}
		select {
		case <-all:
		case <-time.After(patience):
			t.Errorf("%d of %d segments are made at the same time", at.Load(), jobs)
		}
		return set(filter)
	}
	report, err := Run(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Films {
		if r.Status != Done {
			t.Errorf("a film is %s, %v", r.Status, r.Err)
		}
	}
}
