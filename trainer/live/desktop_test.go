package live

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"adainfilter/trainer/film/filmtest"
	"adainfilter/trainer/live/media"
	"adainfilter/trainer/live/source"
)

// TestPipeWire gives the picture to a PipeWire of the test's own, where another process finds a camera of the name adain and takes frames.
func TestPipeWire(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for servers")
	}
	filmtest.Needs(t, "pipewiresink", "pipewiresrc")
	daemons := [][]string{{tool(t, "dbus-daemon"), "--session", "--nofork", "--address=unix:path=$/bus"}, {tool(t, "pipewire")}, {tool(t, "wireplumber")}}
	ls, launch := tool(t, "pw-cli"), tool(t, "gst-launch-1.0")
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+dir+"/bus")
	for _, d := range daemons {
		for i := range d {
			d[i] = strings.ReplaceAll(d[i], "$", dir)
		}
		begin(t, d[0], d[1:]...)
		time.Sleep(time.Second) // until it listens
	}
	child(t, "test", nil, "pipewire")
	nodes := ""
	for end := time.Now().Add(30 * time.Second); !strings.Contains(nodes, `node.name = "adain"`); time.Sleep(300 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("PipeWire has no node adain: %s", nodes)
		}
		out, _ := exec.Command(ls, "ls", "Node").CombinedOutput()
		nodes = string(out)
	}
	if !strings.Contains(nodes, `media.class = "Video/Source"`) {
		t.Errorf("it is no camera: %s", nodes)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, launch, "-v", "pipewiresrc", "num-buffers=20", "!", "video/x-raw", "!", "fakesink", "silent=false").CombinedOutput()
	if n := strings.Count(string(out), "chain"); err != nil || n < 20 || !strings.Contains(string(out), "format=(string)YUY2") {
		t.Errorf("of twenty frames came %d, %v: %s", n, err, out)
	}
}

// TestMicrophone hears the monitor of a sink that plays nothing, on a PulseAudio of the test's own.
func TestMicrophone(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a server")
	}
	filmtest.Needs(t, "pulsesrc")
	dir := t.TempDir()
	socket := filepath.Join(dir, "native")
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("HOME", dir)
	t.Setenv("PULSE_SERVER", "unix:"+socket)
	daemon := []string{"-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--log-level=error", "--load=module-null-sink sink_name=quiet",
		"--load=module-native-protocol-unix auth-anonymous=1 socket=" + socket}
	microphone, err := source.ParseMicrophone("microphone:quiet.monitor")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var heard, broken atomic.Int64
	ended := make(chan error, 1)
	go func() {
		ended <- microphone.Run(ctx, media.NewClock(), func(p media.Packet) { heard.Add(int64(len(p.Data))) },
			func(err error, pause time.Duration) { broken.Add(1); t.Logf("%v, again in %v", err, pause) })
	}()
	for end := time.Now().Add(20 * time.Second); broken.Load() == 0 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	begin(t, tool(t, "pulseaudio"), daemon...)
	for end := time.Now().Add(time.Minute); heard.Load() < 48000*4; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("of a second of sound came %d bytes", heard.Load())
		}
	}
	if broken.Load() == 0 {
		t.Error("it works, but nobody heard that there was no server at first")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
