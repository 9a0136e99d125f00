package live

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/model"
	"adainfilter/trainer/film/filmtest"
)

// childEnv makes a process of the tests a Run with these outputs, split by spaces; page is one.
const childEnv = "LIVE_TEST_OUTPUTS"

// asChild is what such a process does instead of tests.
func asChild() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	outputs, listen := strings.Fields(os.Getenv(childEnv)), ""
	if outputs[0] == "page" {
		outputs, listen = outputs[1:], "127.0.0.1:0"
	}
	err := Run(ctx, Config{Source: os.Getenv("LIVE_TEST_SOURCE"), Height: 48, Listen: listen, Outputs: outputs, Engine: openEngine,
		Decoder: decoder, Prepare: func(*gst.Element) error { return nil }, Styles: model.BuiltinStyles(), Out: os.Stdout, Err: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// child begins a process that shows source in outputs; standard output goes to out.
func child(t *testing.T, source string, out io.Writer, outputs ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(outputs, " "), "LIVE_TEST_SOURCE="+source)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

// tool is a program that judges; the test is skipped without it.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("the program that judges is missing: ", err)
	}
	return path
}

// judged is what ffprobe says of a file's pictures and sound: the times of all, in seconds.
func judged(t *testing.T, path string) (pictures, sound []float64) {
	t.Helper()
	out, err := exec.Command(tool(t, "ffprobe"), "-v", "error", "-show_entries", "packet=codec_type,pts_time", "-of", "csv=p=0", path).Output()
	if err != nil {
		t.Fatalf("ffprobe of %s: %v", path, err)
	}
	for _, line := range strings.Fields(string(out)) {
		kind, at, _ := strings.Cut(line, ",")
		v, err := strconv.ParseFloat(strings.Trim(at, ","), 64)
		switch {
		case err != nil:
			t.Fatalf("ffprobe says %q", line)
		case kind == "video":
			pictures = append(pictures, v)
		case kind == "audio":
			sound = append(sound, v)
		}
	}
	return pictures, sound
}

// steady checks that times rise, and that pictures and sound cover the same time but for a second.
func steady(t *testing.T, name string, pictures, sound []float64) {
	t.Helper()
	if len(pictures) < 5 || len(sound) < 40 {
		t.Errorf("%s has %d pictures and %d pieces of sound, wanted at least 5 and 40", name, len(pictures), len(sound))
		return
	}
	for what, times := range map[string][]float64{"pictures": pictures, "sound": sound} {
		for i := range times[1:] {
			if times[i+1] <= times[i] {
				t.Errorf("%s: %s go from %v to %v s", name, what, times[i], times[i+1])
			}
		}
	}
	// AAC has 1024 samples in a piece: none is missing.
	if span, n := sound[len(sound)-1]-sound[0], float64(len(sound)-1)*1024/48000; span > n+0.1 || span < n-0.1 {
		t.Errorf("%s: %d pieces of sound last %.2f s, wanted %.2f", name, len(sound), span, n)
	}
	if d := pictures[len(pictures)-1] - sound[len(sound)-1]; d > 1.5 || d < -1.5 {
		t.Errorf("%s: the picture ends %.2f s behind the sound", name, d)
	}
}

// port is a free one.
func port(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// receive lets ffmpeg keep three seconds of an address in a file, and tries again while nothing is there.
func receive(ffmpeg, path string, input ...string) error {
	var said []byte
	var err error
	for range 6 {
		args := append([]string{"-hide_banner", "-loglevel", "error"}, input...)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		said, err = exec.CommandContext(ctx, ffmpeg, append(args, "-t", "3", "-c", "copy", "-y", path)...).CombinedOutput()
		cancel()
		if info, e := os.Stat(path); err == nil && e == nil && info.Size() > 1000 {
			return nil
		}
		time.Sleep(500 * time.Millisecond)
	}
	return fmt.Errorf("ffmpeg %v: %v: %s", input, err, said)
}

// TestOutputs sends to all kinds of network at once; ffmpeg receives. The RTMP server comes late and goes before the end, the rest goes on.
func TestOutputs(t *testing.T) {
	filmtest.Needs(t, "x264enc", "avenc_aac", "h264parse", "mpegtsmux", "flvmux", "rtmp2sink", "srtsink", "matroskamux")
	ffmpeg := tool(t, "ffmpeg")
	dir := t.TempDir()
	rtmp, srt, udp, rtsp := port(t), port(t), port(t), port(t)
	recording := filepath.Join(dir, "recording.mkv")
	r := start(t, Config{Source: "test", Height: 48, Outputs: []string{
		fmt.Sprintf("rtmp://127.0.0.1:%d/live/secretkey", rtmp), fmt.Sprintf("srt://127.0.0.1:%d?mode=listener", srt),
		fmt.Sprintf("udp://127.0.0.1:%d", udp), fmt.Sprintf("rtsp:127.0.0.1:%d", rtsp), recording}})
	files := map[string][]string{
		"rtmp": {"-listen", "1", "-i", fmt.Sprintf("rtmp://127.0.0.1:%d/live/secretkey", rtmp)},
		"srt":  {"-i", fmt.Sprintf("srt://127.0.0.1:%d", srt)},
		"udp":  {"-i", fmt.Sprintf("udp://127.0.0.1:%d?timeout=5000000", udp)},
		"rtsp": {"-rtsp_transport", "tcp", "-i", fmt.Sprintf("rtsp://127.0.0.1:%d/live", rtsp)},
	}
	errs := make(chan error, len(files))
	for name, input := range files {
		go func() { errs <- receive(ffmpeg, filepath.Join(dir, name+".mkv"), input...) }()
	}
	for range files {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	r.stop(t)
	for name := range files {
		if path := filepath.Join(dir, name+".mkv"); !t.Failed() {
			pictures, sound := judged(t, path)
			steady(t, name, pictures, sound)
		}
	}
	pictures, sound := judged(t, recording)
	steady(t, "the recording", pictures, sound)
	if said := r.said(); !strings.Contains(said, fmt.Sprintf("output rtmp://127.0.0.1:%d/live/...", rtmp)) || strings.Contains(said, "secretkey") {
		t.Errorf("it says %q, wanted that the RTMP server is tried again, without its key", said)
	}
}

// TestKilledRecording kills the program; what it had recorded must be readable.
func TestKilledRecording(t *testing.T) {
	filmtest.Needs(t, "x264enc", "avenc_aac", "matroskamux")
	path := filepath.Join(t.TempDir(), "killed.mkv")
	ffmpeg := tool(t, "ffmpeg")
	cmd := child(t, "test", nil, path)
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		if info, err := os.Stat(path); err == nil && info.Size() > 100<<10 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nothing is recorded for a minute")
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	pictures, sound := judged(t, path)
	if last := pictures[len(pictures)-1]; len(pictures) < 5 || len(sound) < 40 || last-pictures[0] < 2 {
		t.Errorf("readable are %d pictures and %d pieces of sound to %.2f s", len(pictures), len(sound), last)
	}
	if out, err := exec.Command(ffmpeg, "-v", "error", "-xerror", "-i", path, "-f", "null", "-").CombinedOutput(); err != nil {
		t.Errorf("ffmpeg cannot decode it: %v, %s", err, out)
	}
}

// TestStandardOutput is read by ffmpeg, and then by nobody.
func TestStandardOutput(t *testing.T) {
	filmtest.Needs(t, "x264enc", "avenc_aac", "matroskamux", "y4menc")
	ffmpeg := tool(t, "ffmpeg")
	for output, codec := range map[string]string{"-": "h264", "y4m:-": "rawvideo"} {
		path := filepath.Join(t.TempDir(), "received.mkv")
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := child(t, "test", write, output)
		write.Close()
		reader := exec.Command(ffmpeg, "-hide_banner", "-loglevel", "error", "-i", "-", "-t", "2", "-c", "copy", path)
		reader.Stdin = read
		if out, err := reader.CombinedOutput(); err != nil {
			t.Errorf("%s: ffmpeg: %v, %s", output, err, out)
		}
		read.Close()
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case err := <-ended:
			if err == nil {
				t.Errorf("%s: it ends well though nobody reads it", output)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s: it goes on though nobody reads it", output)
		}
		pictures, sound := judged(t, path)
		if len(pictures) < 5 || codec == "h264" && len(sound) < 20 {
			t.Errorf("%s: %d pictures and %d pieces of sound", output, len(pictures), len(sound))
		}
		if codec == "rawvideo" {
			for i := range pictures[1:] {
				if d := pictures[i+1] - pictures[i]; d < 0.03 || d > 0.04 {
					t.Errorf("%s: a picture lasts %.3f s, wanted a thirtieth", output, d)
				}
			}
		}
	}
}

// flashes writes a film of n seconds that is white and loud in the first half of each second.
func flashes(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flashes.mkv")
	out, err := exec.Command(tool(t, "ffmpeg"), "-v", "error", "-f", "lavfi", "-i", "color=black:s=64x48:r=25,geq=lum='if(lt(mod(T,1),0.5),235,16)':cb=128:cr=128",
		"-f", "lavfi", "-i", "aevalsrc='if(lt(mod(t,1),0.5),0.5*sin(2*PI*440*t),0)':s=48000", "-t", strconv.Itoa(n), "-c:v", "mjpeg", "-pix_fmt", "yuvj420p",
		"-c:a", "pcm_s16le", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v, %s", err, out)
	}
	return path
}

// TestInStep compares when the picture becomes bright with when the sound begins, in a recording of a film: the picture is late by what
// the network takes, and the sound must be as late.
func TestInStep(t *testing.T) {
	filmtest.Needs(t, "x264enc", "avenc_aac", "matroskamux", "jpegdec")
	ffmpeg := tool(t, "ffmpeg")
	recording := filepath.Join(t.TempDir(), "recording.mkv")
	r := start(t, Config{Source: flashes(t, 30), Height: 48, Outputs: []string{recording},
		Prepare: func(e *gst.Element) error { return e.SetProperty("alpha", 0.0) }})
	time.Sleep(7 * time.Second)
	r.stop(t)
	times, _ := judged(t, recording)
	luma, err := exec.Command(ffmpeg, "-v", "error", "-i", recording, "-vf", "scale=1:1,format=gray", "-fps_mode", "passthrough", "-f", "rawvideo", "-").Output()
	if err != nil || len(luma) != len(times) {
		t.Fatalf("ffmpeg gives %d of %d pictures, %v", len(luma), len(times), err)
	}
	samples, err := exec.Command(ffmpeg, "-v", "error", "-i", recording, "-vn", "-af", "aresample=8000:async=1:first_pts=0", "-ac", "1", "-f", "s16le", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	var sounds []float64
	quiet := 0
	for i := 0; i+1 < len(samples); i += 2 {
		if v := int16(binary.LittleEndian.Uint16(samples[i:])); v > 3000 || v < -3000 {
			if quiet > 1600 {
				sounds = append(sounds, float64(i)/2/8000)
			}
			quiet = 0
		} else {
			quiet++
		}
	}
	const most = 0.06 // a frame of the film, and what AAC needs to begin
	compared := 0
	for i := range times[1:] {
		if luma[i] > 100 || luma[i+1] <= 100 {
			continue
		}
		for _, at := range sounds {
			if at > times[i]-0.3 && at < times[i+1]+0.3 {
				compared++
				if at < times[i]-most || at > times[i+1]+most {
					t.Errorf("the sound begins at %.3f s, the picture between %.3f and %.3f", at, times[i], times[i+1])
				}
			}
		}
	}
	if compared < 3 {
		t.Errorf("%d flashes were heard and seen, wanted at least 3; heard at %.2v", compared, sounds)
	}
}

// TestRefusedOutputs says why before anything is opened.
func TestRefusedOutputs(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "taken.mkv")
	os.WriteFile(taken, nil, 0o600)
	for output, want := range map[string]string{
		"": "is empty", "nonsense": "of no kind", "film.mp4": "ends with .mkv", taken: "such a file already", "/nowhere/a.mkv": "there is no folder",
		"v4l2:/dev/video99": "modprobe v4l2loopback video_nr=99", "rtsp:0.0.0.0": "--token", "udp://host": "no port", "ftp://u:secret@h/x": `kind "ftp"`,
		"rtmp://": "rtmp://host/path", "rtsp://host/x": "a server here", "y4m:": "y4m:FILE",
	} {
		err := Run(t.Context(), Config{Source: "test", Height: 48, Outputs: []string{output}, Prepare: func(*gst.Element) error { return nil }})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, wanted %q", output, err, want)
		}
	}
	if gst.Find("pipewiresink") != nil {
		return
	}
	var out bytes.Buffer
	err := Run(t.Context(), Config{Source: "test", Height: 48, Outputs: []string{"pipewire"}, Out: &out, Err: &out, Prepare: func(*gst.Element) error { return nil }})
	if err == nil || !strings.Contains(err.Error(), "gstreamer1.0-pipewire") {
		t.Errorf("pipewire where GStreamer lacks it: %v", err)
	}
}
