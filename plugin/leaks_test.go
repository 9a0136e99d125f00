package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"adainfilter/element/harness"
)

// tracedRun makes this test program run pipelines under the leak tracer, which reports when GStreamer ends.
const tracedRun = "ADAINFILTER_TRACED_RUN"

const tracedLine = "videotestsrc num-buffers=3 ! video/x-raw,width=64,height=48 ! adainfilter style-size=64 ! fakesink"

// TestLeaksOfCycles takes one pipeline 50 times to PLAYING and back to NULL, then plays eight at once.
func TestLeaksOfCycles(t *testing.T) {
	out, err := run(t, []string{tracedRun + "=1", "GST_TRACERS=leaks", "GST_DEBUG=GST_TRACER:7", "G_DEBUG=fatal-criticals"}, os.Args[0])
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(out, "object-alive.class") {
		t.Skip("this GStreamer has no leak tracer")
	}
	if !strings.Contains(out, "58 runs ended well") {
		t.Errorf("the runs did not end:\n%s", out)
	}
	if found := alive.FindAllString(out, -1); found != nil {
		t.Errorf("these leak\n%s", strings.Join(found, "\n"))
	}
}

// traced is the program of TestLeaksOfCycles; it returns its exit code.
func traced() int {
	runs := 0
	ended := func(p *harness.Pipeline) bool {
		m, ok := p.Wait(time.Minute, "eos", "error")
		if !ok || m.Type != "eos" {
			fmt.Printf("run %d ended with %+v\n", runs, m)
			return false
		}
		runs++
		return true
	}
	p, err := harness.NewPipeline(tracedLine)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for range 50 {
		p.Play()
		if !ended(p) || !p.Null() {
			return 1
		}
	}
	p.Close()
	var together []*harness.Pipeline
	for range 8 {
		p, err := harness.NewPipeline(tracedLine)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		p.Play()
		together = append(together, p)
	}
	for _, p := range together {
		if !ended(p) {
			return 1
		}
		p.Close()
	}
	fmt.Println(runs, "runs ended well")
	harness.Deinit()
	return 0
}
