package transcode

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"adainfilter/trainer/transcode/store/storetest"
)

// TestWorkersKilled: of two workers one after the other is killed, at random moments and in the join, and replaced. Nothing is made
// more often than that explains.
func TestWorkersKilled(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 1
	}
	eachPlace(t, "folder", func(t *testing.T, c *cluster) {
		out := c.order.Out
		for round := range rounds {
			c.order.Out = fmt.Sprintf("%s%d", out, round)
			if c.server != nil {
				c.server.Clear(t, "styled")
				c.order.Out = out
			}
			random := rand.New(rand.NewPCG(uint64(round), 4))
			slow := func(o *order, _ *exec.Cmd) { o.Slow = 10 * time.Millisecond }
			steady, victim := c.begin(t, slow), c.begin(t, slow)
			all := []*process{steady, victim}
			if round%3 == 0 {
				victim.until(t, "begins")
			}
			time.Sleep(time.Duration(random.Int64N(int64(1500 * time.Millisecond))))
			victim.kill()
			all = append(all, c.begin(t, nil))
			steady.wait(t)
			all[2].wait(t)
			c.check(t)
			explained := segmentsOfCluster + 1
			if n := total(all, "begins") - total(all, "join begins"); n > explained {
				t.Errorf("round %d: %d segments were begun, wanted %d at most", round, n, explained)
			}
		}
	})
}

// TestWorkerLeaves: a worker that is told to end gives back within 5 s what it holds, and others need not wait for the lease.
func TestWorkerLeaves(t *testing.T) {
	eachPlace(t, "bucket", func(t *testing.T, c *cluster) {
		patient := func(o *order, _ *exec.Cmd) { o.Lease = time.Hour }
		slow := func(o *order, _ *exec.Cmd) { o.Lease, o.Slow = time.Hour, 300*time.Millisecond }
		first := c.begin(t, slow)
		first.until(t, "segment")
		time.Sleep(300 * time.Millisecond)
		begun := time.Now()
		first.Process.Signal(syscall.SIGTERM)
		if err := <-first.ended; err != nil {
			t.Error(err)
		}
		took := time.Since(begun)
		for _, name := range c.names(t) {
			if strings.Contains(name, ".claim.") {
				t.Errorf("after %v there is %s", took, name)
			}
			if c.server != nil && strings.Contains(string(c.server.Get(t, name)), storetest.Secret) {
				t.Errorf("the key is in %s", name)
			}
		}
		if took > 5*time.Second {
			t.Errorf("it took %v to leave", took)
		}
		second := c.begin(t, patient)
		second.wait(t)
		c.check(t)
	})
}

// names are all files or objects of the place.
func (c *cluster) names(t *testing.T) (names []string) {
	t.Helper()
	if c.server != nil {
		return c.server.Objects(t)
	}
	filepath.WalkDir(c.order.Out, func(path string, _ os.DirEntry, _ error) error {
		names = append(names, path)
		return nil
	})
	return names
}

// TestServerStops: while the server is away for longer than the lease, nobody takes over what is still being made.
func TestServerStops(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	c := newCluster(t, true)
	c.order.Slow, c.order.Lease = 50*time.Millisecond, 10*time.Second
	all := []*process{c.begin(t, nil), c.begin(t, nil)}
	all[0].until(t, "segment")
	c.server.Stop()
	time.Sleep(20 * time.Second)
	c.server.Begin()
	for _, p := range all {
		p.wait(t)
	}
	c.check(t)
	if n := total(all, "begins") - total(all, "join begins"); n != segmentsOfCluster {
		t.Errorf("%d segments were begun, wanted %d", n, segmentsOfCluster)
	}
}

// TestFaultyNetwork: requests that are lost, cut and refused change nothing.
func TestFaultyNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a quarter of a minute")
	}
	c := newCluster(t, true)
	between := storetest.Between(t, c.server.Address, 5, storetest.Faults{Drop: 0.02, Cut: 0.05, Refused: 0.1, Late: 0.3, Delay: 100 * time.Millisecond})
	storetest.Environment(t, between.Address, storetest.Key, storetest.Secret)
	c.order.Lease = 10 * time.Second
	all := []*process{c.begin(t, nil), c.begin(t, nil)}
	for _, p := range all {
		p.wait(t)
	}
	c.check(t)
	if n := total(all, "begins") - total(all, "join begins"); n != segmentsOfCluster {
		t.Errorf("%d segments were begun, wanted %d", n, segmentsOfCluster)
	}
	for _, fault := range []string{"Drop", "Cut", "Refused"} {
		t.Logf("%d requests have failed by %s", between.Count(fault), fault)
	}
	if between.Count("Refused") == 0 {
		t.Error("no request was refused")
	}
}

// TestSkewedClocks: workers whose clocks differ by minutes share work as others do, and one that was killed is still replaced.
func TestSkewedClocks(t *testing.T) {
	eachPlace(t, "", func(t *testing.T, c *cluster) {
		skewed := func(by time.Duration) *process {
			return c.begin(t, func(o *order, _ *exec.Cmd) { o.Slow, o.Skew = 20*time.Millisecond, by })
		}
		late := skewed(-17 * time.Minute)
		late.until(t, "segment")
		early := skewed(23 * time.Minute)
		early.until(t, "segment")
		late.kill()
		early.wait(t)
		c.begin(t, nil).wait(t) // which finds what the killed one has left on this machine
		c.check(t)
		if n := total([]*process{late, early}, "begins") - total([]*process{late, early}, "join begins"); n > segmentsOfCluster+1 {
			t.Errorf("%d segments were begun, wanted %d at most", n, segmentsOfCluster+1)
		}
	})
}
