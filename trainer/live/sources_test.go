package live

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"adainfilter/trainer/film/filmtest"
	"adainfilter/trainer/live/media"
	"adainfilter/trainer/live/source"
)

// broadcast are ffmpeg's arguments for a test picture with a tone at their own pace.
var broadcast = []string{"-hide_banner", "-loglevel", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc=s=64x48:r=25", "-f", "lavfi", "-i", "sine=sample_rate=48000",
	"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac"}

// begin begins a program that ends with the test, or before.
func begin(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

// nginx is a server of RTMP; what ffmpeg can serve itself has numbers of streams that GStreamer does not take.
func nginx(t *testing.T, port int) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf("load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\nmaster_process off;\ndaemon off;\npid %[1]s/pid;\nerror_log stderr error;\n"+
		"events {}\nrtmp { server { listen 127.0.0.1:%[2]d; application live { live on; } } }\n", dir, port)
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	program := tool(t, "nginx")
	if said, err := exec.Command(program, "-t", "-q", "-p", dir, "-c", path).CombinedOutput(); err != nil {
		t.Skipf("nginx has no RTMP (libnginx-mod-rtmp): %v %s", err, said)
	}
	cmd := begin(t, program, "-p", dir, "-c", path)
	for range 100 { // until it listens, for ffmpeg tries once
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return cmd
}

// heard is what has come of a source.
type heard struct {
	sync.Mutex
	frames int
	last   time.Duration
	sound  time.Duration // how much
	broken int           // how often it was to be tried again
	wrong  string
}

func (h *heard) frame(p media.Packet) {
	h.Lock()
	defer h.Unlock()
	if h.frames++; p.At <= h.last && h.frames > 1 {
		h.wrong = fmt.Sprintf("a frame of %v follows one of %v", p.At, h.last)
	}
	h.last = p.At
}

// until waits for more frames and sound than there are.
func (h *heard) until(t *testing.T, frames int, sound time.Duration) bool {
	h.Lock()
	frames, sound = h.frames+frames, h.sound+sound
	h.Unlock()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		h.Lock()
		enough, wrong := h.frames >= frames && h.sound >= sound, h.wrong
		now, s := h.frames, h.sound
		h.Unlock()
		switch {
		case wrong != "":
			t.Error(wrong)
			return false
		case enough:
			return true
		case time.Now().After(end):
			t.Errorf("%d frames and %v of sound came, wanted %d and %v", now, s, frames, sound)
			return false
		}
	}
}

// TestNetworkSources reads from all kinds of server. Each begins after the source has looked for it, and the one of RTMP goes and comes back.
func TestNetworkSources(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for servers")
	}
	filmtest.Needs(t, "rtmp2src", "flvdemux", "srtsrc", "tsdemux", "hlsdemux", "souphttpsrc", "rtspsrc", "avdec_h264", "avdec_aac", "x264enc", "avenc_aac")
	ffmpeg := tool(t, "ffmpeg")
	dir := t.TempDir()
	files := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(files.Close)
	rtmp, srt, udp, rtsp := port(t), port(t), port(t), port(t)
	serve := func(args ...string) func(*testing.T) *exec.Cmd {
		return func(t *testing.T) *exec.Cmd {
			return begin(t, ffmpeg, append(append([]string{}, broadcast...), args...)...)
		}
	}
	for name, c := range map[string]struct {
		address string
		start   func(*testing.T) *exec.Cmd
		silent  bool // nobody says that there is no server
	}{
		"rtmp": {fmt.Sprintf("rtmp://127.0.0.1:%d/live/key", rtmp), func(t *testing.T) *exec.Cmd {
			cmd := nginx(t, rtmp)
			serve("-f", "flv", fmt.Sprintf("rtmp://127.0.0.1:%d/live/key", rtmp))(t)
			return cmd
		}, false},
		"srt": {fmt.Sprintf("srt://127.0.0.1:%d", srt), serve("-f", "mpegts", fmt.Sprintf("srt://127.0.0.1:%d?mode=listener", srt)), true},
		"udp": {fmt.Sprintf("udp://127.0.0.1:%d", udp), serve("-f", "mpegts", fmt.Sprintf("udp://127.0.0.1:%d?pkt_size=1316", udp)), true},
		"hls": {files.URL + "/index.m3u8", serve("-f", "hls", "-hls_time", "1", "-hls_list_size", "6", filepath.Join(dir, "index.m3u8")), false},
		"rtsp": {fmt.Sprintf("rtsp://127.0.0.1:%d/live", rtsp), func(t *testing.T) *exec.Cmd {
			return child(t, "test", nil, fmt.Sprintf("rtsp:127.0.0.1:%d", rtsp))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, err := source.Parse(c.address)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var h heard
			ended := make(chan error, 1)
			go func() {
				ended <- src.Run(ctx, source.To{Clock: media.NewClock(), Height: 48, Frames: h.frame,
					Sound: func(p media.Packet) {
						h.Lock()
						h.sound += time.Duration(len(p.Data)) * time.Second / (48000 * 4)
						h.Unlock()
					},
					Say: func(err error, pause time.Duration) {
						h.Lock()
						h.broken++
						h.Unlock()
						t.Logf("%v, again in %v", err, pause)
					}})
			}()
			time.Sleep(1500 * time.Millisecond)
			began := c.start(t)
			if h.until(t, 25, 800*time.Millisecond) && h.broken == 0 && !c.silent {
				t.Error("it plays, but nobody heard that there was no server at first")
			}
			if name == "rtmp" && !t.Failed() {
				began.Process.Kill()
				began.Wait()
				c.start(t)
				h.until(t, 25, 800*time.Millisecond)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStandardInput reads what ffmpeg writes, and ends when that does.
func TestStandardInput(t *testing.T) {
	filmtest.Needs(t, "matroskademux", "avdec_h264", "avdec_aac", "x264enc", "avenc_aac", "matroskamux")
	writer := exec.Command(tool(t, "ffmpeg"), append(append([]string{}, broadcast...), "-t", "4", "-f", "matroska", "-")...)
	recording := filepath.Join(t.TempDir(), "recording.mkv")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+recording, "LIVE_TEST_SOURCE=-")
	cmd.Stderr = os.Stderr
	var err error
	if cmd.Stdin, err = writer.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	defer writer.Wait()
	defer writer.Process.Kill()
	if err := cmd.Run(); err != nil {
		t.Fatalf("it ends with %v, wanted well", err)
	}
	pictures, sound := judged(t, recording)
	steady(t, "standard input", pictures, sound)
}
