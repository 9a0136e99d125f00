package transcode

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// left is what lies in a place, by name.
type left map[string][]byte

// keep copies all of a film's work but claims and temporary files: what a run finds whose forerunner was killed.
func (c *cluster) keep(t *testing.T) left {
	t.Helper()
	kept := left{}
	for _, name := range c.names(t) {
		if strings.Contains(name, ".claim.") || strings.Contains(name, ".part") || strings.HasPrefix(name, "input/") {
			continue
		}
		if c.server != nil {
			kept[name] = c.server.Get(t, name)
		} else if data, err := os.ReadFile(name); err == nil { // folders are none
			kept[name] = data
		}
	}
	return kept
}

// restore makes a place as it was kept.
func (c *cluster) restore(t *testing.T, kept left) {
	t.Helper()
	if c.server != nil {
		c.server.Clear(t, "styled")
	} else if err := os.RemoveAll(c.order.Out); err != nil {
		t.Fatal(err)
	}
	for name, data := range kept {
		if c.server != nil {
			c.server.Put(t, name, data)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKilledInJoin kills who joins a film of 40 segments at random moments, now and then also who takes its place. What follows joins it, makes no segment again and leaves
// nothing over: workers of a bucket and of a folder, and runs that are alone.
func TestKilledInJoin(t *testing.T) {
	rounds, segments := 20, 40
	if testing.Short() {
		rounds, segments = 1, 8
	}
	for _, kind := range []string{"bucket", "folder", "alone"} {
		if testing.Short() && kind != "bucket" {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			frames := 10 * segments
			film := clip(t, "a.mp4", frames, withSound(frames, "mp4mux"))
			c := newCluster(t, kind == "bucket")
			c.films = c.films[:1]
			one := order{Inputs: inputsOf(film), Out: filepath.Join(t.TempDir(), "one"), Segment: 400 * time.Millisecond}
			r, _ := one.one(t)
			data, err := os.ReadFile(r.Output)
			if err != nil {
				t.Fatal(err)
			}
			c.want[c.films[0]] = data
			c.order.Inputs = one.Inputs
			if c.server != nil {
				data, _ := os.ReadFile(film)
				c.server.Put(t, "input/a.mp4", data)
				c.order.Inputs[0].Path = "s3://films/input/a.mp4"
			}
			c.order.Lease = time.Second
			first := c.begin(t, nil)
			first.until(t, "join begins")
			first.kill()
			kept := c.keep(t)
			if n := len(kept); n != segments+1 {
				t.Fatalf("%d objects lie there, wanted the plan and %d segments", n, segments)
			}
			if kind == "alone" {
				c.order.Lease = 0 // it goes on with what workers have made
			}
			// How long a join takes here.
			c.restore(t, kept)
			begun := time.Now()
			p := c.begin(t, nil)
			if kind != "alone" {
				p.until(t, "join begins")
				begun = time.Now()
			}
			p.wait(t)
			took := time.Since(begun)
			c.check(t)
			random := rand.New(rand.NewPCG(3, 9))
			kills, before := 0, 0
			for round := range rounds {
				c.restore(t, kept)
				for range 1 + max(0, round%5-3) {
					kills++
					p := c.begin(t, nil)
					if kind != "alone" {
						p.untilEnd(t, "join begins")
					}
					time.Sleep(time.Duration(random.Int64N(int64(took))))
					p.kill()
					if c.result(t, c.films[0]) == nil {
						before++
					}
				}
				p := c.begin(t, nil)
				p.wait(t)
				c.check(t)
				if n := p.said("begins") - p.said("join begins"); n > 0 {
					t.Errorf("%d segments were made, all were there", n)
				}
				if strings.Contains(strings.Join(p.lines, ""), "\"coded\"") {
					t.Errorf("frames were coded anew: %q", p.lines)
				}
			}
			t.Logf("a join takes %v; of %d kills %d came before the result", took, kills, before)
			if before == 0 {
				t.Error("no kill came before the result")
			}
		})
	}
}

// untilEnd waits for a worker to say something, or to end.
func (p *process) untilEnd(t *testing.T, what string) {
	t.Helper()
	for deadline := time.Now().Add(patience); p.said(what) == 0; time.Sleep(2 * time.Millisecond) {
		select {
		case err := <-p.ended:
			p.ended <- err
			return
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("no worker says %q: %q", what, p.lines)
		}
	}
}
