package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"adainfilter/cpu"
	"adainfilter/cuda"
	"adainfilter/element"
	"adainfilter/element/harness"
	"adainfilter/model"
)

// maxGrowth is how much memory may grow, in bytes.
const maxGrowth = 5 << 20

func TestMain(m *testing.M) {
	os.Setenv("GST_PLUGIN_PATH", "")
	harness.Init()
	if !element.Register(nil, model.Engines{model.CPU: cpu.Open, model.CUDA: cuda.Open}) {
		fmt.Println("GStreamer refuses the element")
		os.Exit(1)
	}
	if os.Getenv(tracedRun) != "" {
		os.Exit(traced())
	}
	var err error
	if registries, err = os.MkdirTemp("", "registry"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	status := m.Run()
	os.RemoveAll(registries)
	os.Exit(status)
}

// status is a number of /proc/self/status, skipping the test where there is none.
func status(t *testing.T, field string) int {
	t.Helper()
	debug.FreeOSMemory()
	harness.Trim()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skipf("memory cannot be measured here: %v", err)
	}
	_, rest, _ := strings.Cut(string(text), "\n"+field+":")
	var n int
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Skipf("memory cannot be measured here: %v", err)
	}
	return n
}

func resident(t *testing.T) int { return status(t, "VmRSS") << 10 }

// steady fails if again takes more memory or threads than warm-up has left, each of three times: what is lost is lost in every round, while
// the memory that a thread of OpenMP's keeps is taken once, whenever Go's scheduler happens to need another thread.
func steady(t *testing.T, warmUp, again func()) {
	t.Helper()
	warmUp()
	var grown, more int
	for range 3 {
		memory, threads := resident(t), status(t, "Threads")
		again()
		grown, more = resident(t)-memory, status(t, "Threads")-threads
		t.Logf("memory grew by %.2f MB, threads by %d", float64(grown)/(1<<20), more)
		if grown <= maxGrowth && more <= 4 {
			return
		}
	}
	t.Errorf("memory grew by %d bytes and threads by %d in the third round too, wanted at most %d and 4", grown, more, maxGrowth)
}

func TestMemoryOfFrames(t *testing.T) {
	caps := "video/x-raw,format=RGB,width=128,height=128,framerate=25/1"
	frames := 5000
	if testing.Short() {
		caps, frames = strings.ReplaceAll(caps, "128", "64"), 500
	}
	h := harness.New(caps)
	defer h.Close()
	push := func(n int) func() {
		return func() {
			if err := h.PushMany(caps, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	steady(t, push(200), push(frames))
}

func TestMemoryOfStyleChanges(t *testing.T) {
	changes := changesOfStyle()
	const caps = "video/x-raw,format=RGB,width=32,height=32,framerate=25/1"
	file := stylePicture(t)
	h := harness.New(caps, "style-size", "64")
	defer h.Close()
	change := func(n int) func() {
		return func() {
			for i := range n {
				h.Set("style", []string{strings.ReplaceAll(file, ",", `\,`), model.DefaultStyle, file}[i%3])
				if err := h.PushMany(caps, 1); err != nil {
					t.Fatal(err)
				}
				waitForStyle(t, h)
			}
		}
	}
	waitForStyle(t, h)
	steady(t, change(changes), change(2*changes))
}

// changesOfStyle are as many as bring memory to where it stays.
func changesOfStyle() int {
	if testing.Short() {
		return 40
	}
	return 100
}

// TestMemoryOfControls changes masks and colours in the middle of transitions.
func TestMemoryOfControls(t *testing.T) {
	changes := changesOfStyle()
	const caps = "video/x-raw,format=RGB,width=32,height=32,framerate=25/1"
	file := stylePicture(t)
	h := harness.New(caps, "style", "woodcut,ember", "transition", "1000000000")
	defer h.Close()
	change := func(n int) func() {
		return func() {
			for i := range n {
				h.Set("mask", []string{file, ""}[i%2])
				waitForStyle(t, h)
				h.Set("style", []string{"woodcut,ember", "ember,mosaic", "pop,woodcut"}[i%3])
				waitForStyle(t, h)
				h.Set("preserve-color", []string{"true", "false"}[i%2])
				h.Set("smoothing", []string{"0", "0.8"}[i%2])
				if err := h.PushMany(caps, 2); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	waitForStyle(t, h)
	steady(t, change(changes), change(2*changes))
}

func waitForStyle(t *testing.T, h *harness.Harness) {
	t.Helper()
	for {
		m, ok := h.Message(time.Minute)
		if !ok {
			t.Fatal("no adain-style message came")
		}
		if m.Structure == "adain-style" {
			if !m.OK {
				t.Fatalf("message is %+v", m)
			}
			return
		}
	}
}

// TestMemoryOfCycles builds, plays and frees pipelines. Each opens an engine, whose pieces the allocator keeps or gives back as
// it likes, some MB up and down: what counts is the later rounds' low against the earlier rounds' high.
func TestMemoryOfCycles(t *testing.T) {
	var rounds [4]int
	for i := range rounds {
		for range 40 {
			cycle(t)
		}
		rounds[i] = resident(t)
	}
	grown := min(rounds[2], rounds[3]) - max(rounds[0], rounds[1])
	t.Logf("memory after each 40 cycles, in bytes: %v", rounds)
	if grown > maxGrowth {
		t.Errorf("memory grew by %d bytes, wanted less than %d", grown, maxGrowth)
	}
}

func cycle(t *testing.T) {
	t.Helper()
	p, err := harness.NewPipeline("videotestsrc num-buffers=3 ! video/x-raw,width=64,height=48 ! adainfilter ! fakesink")
	if err != nil {
		t.Fatal(err)
	}
	p.Play()
	if m, ok := p.Wait(time.Minute, "eos", "error"); !ok || m.Type != "eos" {
		t.Fatalf("ended with %+v", m)
	}
	p.Close()
}
