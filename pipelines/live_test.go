package pipelines

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLiveScripts runs the short scripts for adain live on the test picture, with what they give to others judged by ffprobe.
func TestLiveScripts(t *testing.T) {
	needs(t, "x264enc", "avenc_aac", "matroskamux", "srtsink")
	if _, err := os.Stat("../build/adain"); err != nil {
		t.Skip("the command is not built (make build)")
	}
	if _, err := exec.LookPath("ffprobe"); err != nil {
		t.Skip(err)
	}
	recording := filepath.Join(t.TempDir(), "film.mkv")
	again := filepath.Join(t.TempDir(), "film.mkv")
	t.Setenv("MICROPHONE", "source")
	for _, line := range [][]string{{"./record.sh", recording}, {"./rtmp.sh", "rtmp://127.0.0.1:9/a/b", "--output", again}} {
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		cmd := exec.CommandContext(ctx, line[0], append(line[1:], "--source", "test", "--height", "48", "--listen", "")...)
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
		file := line[len(line)-1]
		go func() {
			for ctx.Err() == nil {
				if info, err := os.Stat(file); err == nil && info.Size() > 20000 {
					cmd.Process.Signal(syscall.SIGINT)
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		}()
		said, err := cmd.CombinedOutput()
		cancel()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 0 && cmd.ProcessState.ExitCode() != 130 {
			t.Errorf("%v: %v, %s", line, err, said)
		}
		if out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", file).Output(); err != nil || string(out) != "h264\naac\n" {
			t.Errorf("%v: the recording holds %q, %v", line, out, err)
		}
	}
	t.Setenv("DEVICE", "/dev/video97")
	if said, err := run(t, "./meeting.sh", "--source", "test"); err == nil || !strings.Contains(said, "modprobe v4l2loopback video_nr=97") {
		t.Errorf("meeting.sh without the module: %v, %s", err, said)
	}
	if said, err := run(t, "./obs.sh", "--source", "nowhere.mp4"); err == nil || !strings.Contains(said, "nowhere.mp4") {
		t.Errorf("obs.sh without its source: %v, %s", err, said)
	}
}
