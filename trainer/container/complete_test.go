package container

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestComplete puts additions beside frames, and has ffprobe look at them.
func TestComplete(t *testing.T) {
	path := filepath.Join(t.TempDir(), "film.webm")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1", "-f", "lavfi", "-i", "sine=d=1", "-c:v", "libvpx-vp9", "-g", "4",
		"-deadline", "realtime", "-metadata", "title=Title", "-c:a", "libopus", path).CombinedOutput(); err != nil {
		t.Skipf("there is no ffmpeg that makes the film: %v: %s", err, out)
	}
	frames := func(n int) func() ([]byte, error) {
		i := 0
		return func() ([]byte, error) {
			if i++; i > n {
				return nil, io.EOF
			}
			return fmt.Appendf(nil, "opacity %d", i), nil
		}
	}
	out := filepath.Join(t.TempDir(), "out.webm")
	if err := Complete(Completion{Path: path, Out: out, App: "test", Alpha: frames(10)}); err != nil {
		t.Fatal(err)
	}
	probe := func(path string, more ...string) string {
		said, err := exec.Command("ffprobe", append([]string{"-v", "error", "-of", "csv=p=0", path}, more...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(said)
	}
	const packets = "packet=codec_type,pts_time,flags,size,data_hash"
	for _, of := range []string{"v", "a"} {
		args := []string{"-show_packets", "-show_data_hash", "md5", "-select_streams", of, "-show_entries", packets}
		got, want := probe(out, args...), probe(path, args...)
		if of == "v" && strings.Count(got, "Matroska BlockAdditional") != 10 {
			t.Errorf("there are other additions than ten:\n%s", got)
		}
		if got = strings.ReplaceAll(got, "Matroska BlockAdditional\n", ""); strings.ReplaceAll(strings.Join(strings.Fields(got), ""), ",,", ",") != strings.Join(strings.Fields(want), "") {
			t.Errorf("packets are\n%s\nwanted\n%s", got, want)
		}
	}
	if said := probe(out, "-show_entries", "format=duration:format_tags=title:stream_tags=alpha_mode"); !strings.Contains(said, "Title") || !strings.HasPrefix(said, "1") {
		t.Errorf("ffprobe says %q", said)
	}
	data, err := os.ReadFile(out)
	for i := 1; i <= 10; i++ {
		if err != nil || !bytes.Contains(data, fmt.Appendf(nil, "opacity %d", i)) {
			t.Errorf("%v, addition %d is not there", err, i)
		}
	}
	for _, n := range []int{9, 11} {
		if err := Complete(Completion{Path: path, Out: out, App: "test", Alpha: frames(n)}); err == nil || !strings.Contains(err.Error(), "frames") {
			t.Errorf("%d additions for 10 frames: error is %v", n, err)
		}
	}
}
