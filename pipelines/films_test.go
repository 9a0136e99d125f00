package pipelines

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestFilms makes many kinds of film and lets FFmpeg judge what adain transcode makes of them; films.py alone goes through all kinds.
func TestFilms(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	if _, err := os.Stat("../build/adain"); err != nil {
		t.Skipf("the command is not built (make build): %v", err)
	}
	for _, program := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	needs(t, "x264enc", "avdec_h264", "avenc_ffv1", "vp9dec", "pngenc")
	out, err := run(t, "python3", "films.py", "--quick", "--limit", "120")
	if err != nil || !strings.Contains(out, " 0 faults") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(out, "\n0 kinds") {
		t.Errorf("no film was made:\n%s", out)
	}
}
