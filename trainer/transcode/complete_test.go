package transcode

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestChaptersMove writes chapters of MP4 into Matroska and back, and has ffprobe read them.
func TestChaptersMove(t *testing.T) {
	needs(t, "x264enc", "mp4mux", "qtmux", "matroskamux", "avdec_h264")
	dir := t.TempDir()
	list := filepath.Join(dir, "list.txt")
	const said = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=480\ntitle=First\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=480\nEND=1000\ntitle=Zweites \u00e4\n"
	if err := os.WriteFile(list, []byte(said), 0o600); err != nil {
		t.Fatal(err)
	}
	look := func(path string) string {
		return strings.TrimSpace(string(ffmpeg(t, "ffprobe", "-show_chapters", "-show_entries", "chapter=start_time:chapter_tags=title", "-of", "csv=p=0", path)))
	}
	film := func(end string, more ...string) string {
		path := filepath.Join(dir, "film"+fmt.Sprint(len(more))+end)
		ffmpeg(t, "ffmpeg", append(append([]string{"-y", "-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1", "-f", "lavfi", "-i", "sine=d=1", "-i", list, "-map_metadata", "2", "-map_chapters", "2", "-c:v",
			"libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"}, more...), path)...)
		return path
	}
	const late = "0.023220,First 0.503220,Zweites \u00e4" // as all of it, since sound begins before the picture
	for _, c := range []struct{ from, to, want string }{
		{film(".mp4"), "mkv", late},
		{film(".mov"), "mkv", late},
		{film(".mp4", "-movflags", "disable_chpl"), "mkv", late},
		{film(".mkv"), "mp4", "0.000000,First 0.480000,Zweites \u00e4"},
		{film(".mkv"), "mov", "0.000000,First 0.480000,Zweites \u00e4"},
	} {
		if testing.Short() && (c.to == "mov" || strings.HasSuffix(c.from, ".mov")) {
			continue
		}
		r, w := order{Inputs: inputsOf(c.from), Out: t.TempDir(), Container: c.to}.one(t)
		got := strings.Join(strings.Split(look(r.Output), "\n"), " ")
		if got != c.want || len(w.warnings) > 0 {
			t.Errorf("%s to %s: chapters %q, wanted %q, warnings %q", c.from, c.to, got, c.want, w.warnings)
		}
	}
	for to, o := range map[string]order{"gif": {}, "mp4": {Duration: 500 * time.Millisecond}} {
		o.Inputs, o.Out, o.Container = inputsOf(film(".mkv")), t.TempDir(), to
		if _, w := o.one(t); !strings.Contains(fmt.Sprint(w.warnings), "its chapters are l") {
			t.Errorf("%s: warnings %q", to, w.warnings)
		}
	}
}
