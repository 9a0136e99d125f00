package element_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/cuda/emu"
	"adainfilter/element/harness"
	"adainfilter/model"
)

// streamsVariable is set in the process that a test starts with a library in front of GStreamer's for CUDA.
const streamsVariable = "STREAMS"

// withStreams runs a test in a process of its own in which GStreamer's CUDA library has streams, as since 1.24, and returns the lines of what
// it was asked for. In that process it returns nil, and the caller goes on.
func withStreams(t *testing.T, streams string) []string {
	t.Helper()
	emu.Need(t)
	if os.Getenv(streamsVariable) != "" {
		return nil
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip(err)
	}
	gcc := func(arguments ...string) string {
		t.Helper()
		out, err := exec.Command("gcc", arguments...).CombinedOutput()
		if err != nil {
			t.Fatalf("gcc %v: %v\n%s", arguments, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	folder := t.TempDir()
	installed, err := os.ReadFile(gcc("-print-file-name=libgstcuda-1.0.so.0"))
	must(t, err)
	// The installed one goes on under another name of the same length, which is its own name within the file, too.
	other := filepath.Join(folder, "libgstcuda-1.0.so.9")
	must(t, os.WriteFile(other, bytes.ReplaceAll(installed, []byte("libgstcuda-1.0.so.0"), []byte("libgstcuda-1.0.so.9")), 0o755))
	flags, err := exec.Command("pkg-config", "--cflags", "--libs", "gstreamer-1.0").Output()
	must(t, err)
	gcc(append([]string{"-shared", "-fPIC", "-o", filepath.Join(folder, "libgstcuda-1.0.so.0"), "testdata/streams.c", other,
		"-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN", "-Wl,-soname,libgstcuda-1.0.so.0", "-ldl"}, strings.Fields(string(flags))...)...)
	log := filepath.Join(folder, "log")
	c := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), "LD_LIBRARY_PATH="+folder+":"+os.Getenv("LD_LIBRARY_PATH"), streamsVariable+"="+streams, "STREAMS_LOG="+log)
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("%s=%s: %v\n%s", streamsVariable, streams, err, out)
	}
	read, err := os.ReadFile(log)
	must(t, err)
	return strings.Split(strings.TrimSpace(string(read)), "\n")
}

// aheadEngine is a fake one that need not wait.
type aheadEngine struct {
	model.Engine
	streams *[]model.Streams
}

func (a *aheadEngine) StylizeAhead(dst, src *model.Image, s *model.Stylization, streams model.Streams) error {
	*a.streams = append(*a.streams, streams)
	return a.Stylize(dst, src, s)
}

const streamFrames = 4

// pushFrames sends frames in GPU memory through the element and returns the streams of those that were not waited for, and the engine's.
func pushFrames(t *testing.T, properties ...string) (ahead []model.Streams, own uintptr) {
	t.Helper()
	f := &gpus{}
	openGPU(t, func(w *model.Weights, o model.Options) (model.Engine, error) {
		e, err := f.open(w, o)
		return &aheadEngine{e, &ahead}, err
	})
	g := newGPU(t, 0)
	h := harness.Prepare("adainfilter", properties...)
	defer h.Close()
	h.Offer(g)
	h.Start(gpuCaps("NV12", 16, 16))
	for range streamFrames {
		must(t, h.PushGPU(plain(model.NV12, 16, 16), g, 0))
		pull(t, h)
	}
	for _, o := range f.all {
		own = max(own, o.Stream)
	}
	return ahead, own
}

// TestSyncBehindMapping demands that where buffers are of nobody's stream the GPU is through with what others have ordered for them when a
// frame begins: asked for after mapping, which may order a copy itself, for the buffer to be read and for that to be written.
func TestSyncBehindMapping(t *testing.T) {
	lines := withStreams(t, "none")
	if lines == nil {
		if ahead, own := pushFrames(t); len(ahead) != 0 || own == 0 {
			t.Errorf("streams %v of frames, engine's %#x", ahead, own)
		}
		return
	}
	count := func(line string) (n int) {
		for _, l := range lines {
			if l == line {
				n++
			}
		}
		return n
	}
	if count("sync read") != streamFrames || count("sync written") != streamFrames || count("sync unmapped") != 0 {
		t.Errorf("asked of %d frames: %q", streamFrames, lines)
	}
	if count("pool") == 0 {
		t.Error("the pool was given no stream")
	}
	if count("stream made") != 1 || count("stream freed") != 1 {
		t.Errorf("streams: %q", lines)
	}
}

// TestNoWaitBetweenStreams demands that nobody waits where both buffers are of a stream, and that the pool's is the engine's.
func TestNoWaitBetweenStreams(t *testing.T) {
	lines := withStreams(t, "both")
	if lines == nil {
		ahead, own := pushFrames(t)
		if len(ahead) != streamFrames || own == 0 {
			t.Fatalf("streams %v of %d frames, engine's %#x", ahead, streamFrames, own)
		}
		for _, s := range ahead {
			if s.Result != own || s.Content == 0 || s.Content == own {
				t.Errorf("streams %#v, engine's %#x", s, own)
			}
		}
		return
	}
	if slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "sync") }) {
		t.Errorf("waited for: %q", lines)
	}
}

// TestTimedFramesAreWaitedFor demands that frames whose time matters are done when they are handed on.
func TestTimedFramesAreWaitedFor(t *testing.T) {
	lines := withStreams(t, "both")
	if lines == nil {
		if ahead, _ := pushFrames(t, "processing-size", "-1"); len(ahead) != 0 {
			t.Errorf("streams %v", ahead)
		}
		return
	}
	if !slices.Contains(lines, "sync read") || !slices.Contains(lines, "sync written") {
		t.Errorf("asked: %q", lines)
	}
}
