package transcode

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"adainfilter/trainer/film/filmtest"
	"adainfilter/trainer/transcode/store/storetest"
)

// cluster is what several workers of a test share.
type cluster struct {
	order  order
	server *storetest.Server // nil for a folder
	films  []string          // names of the results
	want   map[string][]byte // what one machine makes of them
}

// segments of the films of newCluster, all together.
const segmentsOfCluster = 10

// newCluster has two films, and what one machine makes of them. With a bucket the films lie there too.
func newCluster(t *testing.T, bucket bool) *cluster {
	t.Helper()
	a, b := clip(t, "a.mp4", 60, withSound(60, "mp4mux")), clip(t, "b.mp4", 40, toMP4)
	c := &cluster{films: []string{"a.mp4", "b.mp4"}, want: map[string][]byte{}}
	c.order = order{Inputs: append(inputsOf(a), inputsOf(b)...), Out: filepath.Join(t.TempDir(), "one"), Segment: 400 * time.Millisecond}
	c.order.run(t)
	for _, name := range c.films {
		data, err := os.ReadFile(filepath.Join(c.order.Out, name))
		if err != nil {
			t.Fatal(err)
		}
		c.want[name] = data
	}
	c.order.Out, c.order.Lease = filepath.Join(t.TempDir(), "out"), 2*time.Second
	if bucket {
		c.server = storetest.Start(t)
		storetest.Environment(t, c.server.Address, storetest.Key, storetest.Secret)
		t.Setenv("TMPDIR", t.TempDir())
		c.order.Out = "s3://films/styled"
		for i, path := range []string{a, b} {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			c.server.Put(t, "input/"+filepath.Base(path), data)
			c.order.Inputs[i].Path = "s3://films/input/" + filepath.Base(path)
		}
	}
	return c
}

// result reads a finished film, nil if there is none.
func (c *cluster) result(t *testing.T, name string) []byte {
	t.Helper()
	if c.server != nil {
		if !slices.Contains(c.server.Objects(t), "styled/"+name) {
			return nil
		}
		return c.server.Get(t, "styled/"+name)
	}
	data, _ := os.ReadFile(filepath.Join(c.order.Out, name))
	return data
}

// check fails unless the results are those of one machine and nothing else is left.
func (c *cluster) check(t *testing.T) {
	t.Helper()
	for _, name := range c.films {
		if got := c.result(t, name); !bytes.Equal(got, c.want[name]) {
			t.Errorf("%s has %d bytes, others than the %d of one machine", name, len(got), len(c.want[name]))
		}
	}
	var left []string
	if c.server != nil {
		for _, name := range c.server.Objects(t) {
			if !strings.HasPrefix(name, "input/") {
				left = append(left, strings.TrimPrefix(name, "styled/"))
			}
		}
		here, _ := filepath.Glob(filepath.Join(os.TempDir(), scratchName+"*"))
		// That of a killed worker goes when the next one comes.
		for _, dir := range here {
			if entries, _ := os.ReadDir(dir); len(entries) > 0 {
				left = append(left, dir)
			}
		}
	} else {
		left = list(t, c.order.Out)
	}
	if !slices.Equal(left, c.films) {
		t.Errorf("what lies there is %q", left)
	}
}

// process is a worker in another process.
type process struct {
	*exec.Cmd
	lock  sync.Mutex
	lines []string
	times []time.Time // when they came
	ended chan error
}

// begin starts a worker.
func (c *cluster) begin(t *testing.T, change func(*order, *exec.Cmd)) *process {
	t.Helper()
	o := c.order
	p := &process{ended: make(chan error, 1)}
	if change != nil {
		change(&o, nil)
	}
	p.Cmd = o.command(t)
	if change != nil {
		change(&o, p.Cmd)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stderr, p.Stdout = w, w
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() {
		text := make([]byte, 1<<16)
		rest := ""
		for {
			n, err := r.Read(text)
			rest += string(text[:n])
			for {
				line, more, ok := strings.Cut(rest, "\n")
				if !ok {
					break
				}
				p.lock.Lock()
				p.lines, rest = append(p.lines, line), more
				p.times = append(p.times, time.Now())
				p.lock.Unlock()
			}
			if err == io.EOF || err != nil {
				break
			}
		}
		r.Close()
		p.ended <- p.Wait()
	}()
	t.Cleanup(func() { p.Process.Kill() })
	return p
}

// said counts what a worker has said.
func (p *process) said(what string) int {
	p.lock.Lock()
	defer p.lock.Unlock()
	n := 0
	for _, l := range p.lines {
		if strings.Contains(l, what) {
			n++
		}
	}
	return n
}

// until waits for a worker to say something.
func (p *process) until(t *testing.T, what string) {
	t.Helper()
	for deadline := time.Now().Add(patience); p.said(what) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no worker says %q: %q", what, p.lines)
		}
	}
}

func (p *process) wait(t *testing.T) {
	t.Helper()
	defer func() {
		if p.said(storetest.Secret) > 0 {
			t.Error("a worker has said the key")
		}
	}()
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("worker: %v\n%s", err, strings.Join(p.lines, "\n"))
		}
	case <-time.After(2 * patience):
		t.Fatalf("a worker does not end\n%s", strings.Join(p.lines, "\n"))
	}
}

// busy is how long a worker has been making segments.
func (p *process) busy() (took time.Duration) {
	begun := map[string]time.Time{}
	for i, l := range p.lines {
		what, ok := strings.CutSuffix(l, " begins")
		if ok && !strings.Contains(l, "join") {
			begun[what] = p.times[i]
		} else if what, ok := strings.CutSuffix(l, " is finished"); ok {
			took += p.times[i].Sub(begun[what])
		}
	}
	return took
}

// total adds what workers have said.
func total(all []*process, what string) (n int) {
	for _, p := range all {
		n += p.said(what)
	}
	return n
}

// eachPlace runs a test for a folder and for a bucket; a short run has one of them.
func eachPlace(t *testing.T, short string, f func(t *testing.T, c *cluster)) {
	for _, kind := range []string{"folder", "bucket"} {
		if testing.Short() && kind != short {
			continue
		}
		t.Run(kind, func(t *testing.T) { f(t, newCluster(t, kind == "bucket")) })
	}
}

// TestWorkers: three workers share two films, compute each segment once and join each film once, and it is as if there were one machine.
func TestWorkers(t *testing.T) {
	eachPlace(t, "bucket", func(t *testing.T, c *cluster) {
		var all []*process
		for range 3 {
			all = append(all, c.begin(t, nil))
		}
		for _, p := range all {
			p.wait(t)
		}
		c.check(t)
		if n, joins := total(all, "begins"), total(all, "join begins"); n-joins != segmentsOfCluster || joins != 2 {
			t.Errorf("%d segments were made and %d films joined, wanted %d and 2", n-joins, joins, segmentsOfCluster)
		}
		// Once more finds all finished.
		p := c.begin(t, nil)
		p.wait(t)
		c.check(t)
		if n := p.said("begins"); n > 0 {
			t.Errorf("%d things were done again", n)
		}
	})
}

// kill ends a worker as machines end.
func (p *process) kill() {
	p.Process.Kill()
	<-p.ended
}

// TestRangesOfFilm: a worker that makes segments of a film that another has looked at reads parts of it.
func TestRangesOfFilm(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a quarter of a minute")
	}
	c := newCluster(t, true)
	between := storetest.Between(t, c.server.Address, 1, storetest.Faults{})
	path := filepath.Join(t.TempDir(), "large.mp4")
	filmtest.Write(t, path, "videotestsrc pattern=snow num-buffers=250 ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! "+
		"x264enc speed-preset=ultrafast key-int-max=10 pass=quant quantizer=10 ! h264parse ! mp4mux ! filesink name=out")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(path)
	c.server.Put(t, "input/large.mp4", data)
	o := c.order
	o.Inputs = inputsOf(path)
	o.Inputs[0].Path = "s3://films/input/large.mp4"
	first := c.begin(t, func(own *order, _ *exec.Cmd) { own.Inputs, own.Slow = o.Inputs, 300*time.Millisecond })
	first.until(t, "segment")
	first.Process.Signal(syscall.SIGTERM)
	<-first.ended
	storetest.Environment(t, between.Address, storetest.Key, storetest.Secret)
	second := c.begin(t, func(own *order, _ *exec.Cmd) { own.Inputs, own.Slow = o.Inputs, 300*time.Millisecond })
	second.until(t, "is finished")
	second.Process.Signal(syscall.SIGTERM)
	<-second.ended
	if n := between.Bytes(); n == 0 || n > info.Size()/2 {
		t.Errorf("%d bytes came for a segment or two of a film of %d", n, info.Size())
	}
	t.Logf("%d bytes came for a segment or two of a film of %d", between.Bytes(), info.Size())
}
