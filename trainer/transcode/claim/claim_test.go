package claim

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"adainfilter/trainer/transcode/store"
)

const short = time.Second

func pair(t *testing.T) (a, b *Claimer) {
	s := store.NewFolder(filepath.Join(t.TempDir(), "out"))
	return &Claimer{Store: s, Worker: "a", Lease: short}, &Claimer{Store: s, Worker: "b", Lease: short}
}

func look(t *testing.T, c *Claimer) (held, free map[string]int) {
	t.Helper()
	objects, err := c.Store.List(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	return c.Held(context.Background(), objects)
}

// watchFor looks again and again, as workers do.
func watchFor(t *testing.T, c *Claimer, d time.Duration) (held, free map[string]int) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(short / 8) {
		held, free = look(t, c)
	}
	return held, free
}

// TestTakeOver: what is renewed stays held for as long as it is; what is not is free after the lease, and its old holder learns it.
func TestTakeOver(t *testing.T) {
	a, b := pair(t)
	ctx := context.Background()
	alive, stop := context.WithCancel(ctx)
	k, own, err := a.Take(alive, "w/000001", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Take(ctx, "w/000001", 0); !errors.Is(err, ErrHeld) {
		t.Errorf("a second Take: %v", err)
	}
	if held, free := watchFor(t, b, 2*short); held["w/000001"] != 1 || len(free) != 0 {
		t.Errorf("renewed: held %v, free %v", held, free)
	}
	notes, err := Read(ctx, b.Store, map[string]int{"w/000001": 1})
	if n := notes["w/000001"]; err != nil || n.Worker != "a" || n.Beat < 4 {
		t.Errorf("%+v, %v", notes, err)
	}
	stop() // as a machine that vanishes
	<-k.ended
	if held, free := watchFor(t, b, 2*short); held["w/000001"] != 0 || free["w/000001"] != 1 {
		t.Fatalf("not renewed: held %v, free %v", held, free)
	}
	second, _, err := b.Take(ctx, "w/000001", 1)
	if err != nil {
		t.Fatal(err)
	}
	if held, _ := look(t, a); held["w/000001"] != 2 {
		t.Errorf("taken over: %v", held)
	}
	if own.Err() == nil {
		t.Error("the context of the first goes on")
	}
	if err := errors.Join(second.Release(ctx), k.Release(ctx)); err != nil {
		t.Error(err)
	}
	if held, free := look(t, a); len(held)+len(free) != 0 {
		t.Errorf("given back: %v %v", held, free)
	}
}

// TestLost: a holder that was too slow learns that another has taken over, and what was cleared away does not come back.
func TestLost(t *testing.T) {
	a, b := pair(t)
	ctx := context.Background()
	for name, steal := range map[string]func(task string){
		"taken over": func(task string) { b.Take(ctx, task, 1) },
		"cleared":    func(task string) { b.Store.Remove(ctx, NameOf(task, 1)) },
	} {
		task := strings.ReplaceAll(name, " ", "")
		k, own, err := a.Take(ctx, task, 0)
		if err != nil {
			t.Fatal(err)
		}
		steal(task)
		select {
		case <-own.Done():
		case <-time.After(10 * short):
			t.Fatalf("%s: the context does not end", name)
		}
		if !errors.Is(context.Cause(own), ErrHeld) {
			t.Errorf("%s: cause is %v", name, context.Cause(own))
		}
		k.Release(ctx)
		if held, _ := look(t, b); name == "cleared" && held[task] != 0 {
			t.Error("what was cleared away is there again")
		}
	}
}

// TestOutage: time in which nobody could look does not count, for nobody could renew either.
func TestOutage(t *testing.T) {
	a, b := pair(t)
	alive, stop := context.WithCancel(context.Background())
	k, _, err := a.Take(alive, "w/1", 0)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	<-k.ended
	look(t, b)
	time.Sleep(2 * short)
	if held, free := look(t, b); held["w/1"] != 1 || len(free) > 0 {
		t.Errorf("after two leases without a look: %v %v", held, free)
	}
}

func TestIsClaim(t *testing.T) {
	for name, want := range map[string]int{"a/000001.claim.0003": 3, "a/.claim.x": 0, "plan.json": 0, "x.claim.0": 0} {
		if _, n, ok := IsClaim(name); ok != (want > 0) || ok && n != want {
			t.Errorf("%s: %d, %v", name, n, ok)
		}
	}
}
