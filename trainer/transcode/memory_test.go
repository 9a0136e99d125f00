package transcode

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"adainfilter/cpu"
	"adainfilter/trainer/film/filmtest"
)

// lean does what the command does to take little memory, and writes in the end how much there was at most.
func (o *Options) lean() (peak func()) {
	debug.SetGCPercent(25)
	o.Rest = func() {
		debug.FreeOSMemory()
		cpu.Trim()
	}
	return func() {
		// Not getrusage's: it counts what this process was before it became another program.
		status, _ := os.ReadFile("/proc/self/status")
		_, text, _ := strings.Cut(string(status), "VmHWM:")
		line, _, _ := strings.Cut(text, "\n")
		fmt.Fprintln(os.Stderr, "peak", line)
	}
}

// peak runs a child and gives the most memory that it had, in bytes.
func (o order) peak(t *testing.T) int64 {
	t.Helper()
	o.Lean = true
	c := o.command(t)
	var said, errors bytes.Buffer
	c.Stdout, c.Stderr = &said, &errors
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %s%s", err, said.String(), errors.String())
	}
	var kilobytes int64
	_, text, _ := strings.Cut(errors.String(), "peak")
	if _, err := fmt.Sscanf(text, "%d kB", &kilobytes); err != nil {
		t.Skipf("this system does not say how much memory a process has: %q", errors.String())
	}
	return kilobytes << 10
}

// repeated writes all segments from the third on as the second, with their own times: coding hours is not what is measured.
func repeated(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, planName))
	if err != nil {
		t.Fatal(err)
	}
	p, err := parsePlan(text, dir, "")
	if err != nil || p == nil {
		t.Fatal(err)
	}
	for n := 2; n < len(p.Segments); n++ {
		r, err := openSegment(filepath.Join(dir, segmentName(1)))
		if err != nil {
			t.Fatal(err)
		}
		w, err := createSegment(filepath.Join(dir, segmentName(n)))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.head(r.head); err != nil {
			t.Fatal(err)
		}
		for range p.Segments[n].Frames {
			packet, err := r.next()
			if err == nil {
				packet.time += p.Segments[n].First - p.Segments[1].First
				err = w.packet(packet)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		r.close()
		if err := w.finish(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMemoryOfHours demands that memory grows by 50 MB at most from a short film to one of two hours with 30 frames a second, besides the tables of GStreamer's readers:
// they have 32 bytes for each frame and each packet of sound (GstQtDemuxSample), and the file's own lists of up to 28 (stts, ctts, stsz, co64, stss).
func TestMemoryOfHours(t *testing.T) {
	if testing.Short() {
		t.Skip("goes through a film of half an hour")
	}
	needs(t, "x264enc", "mp4mux", "matroskamux", "avenc_aac", "h264parse", "concat")
	const rate, minute = 30, 1800
	one := filepath.Join(t.TempDir(), "minute.mp4")
	filmtest.Write(t, one, fmt.Sprintf("videotestsrc pattern=black num-buffers=%d ! video/x-raw,format=I420,width=32,height=32,framerate=%d/1 ! "+
		"x264enc key-int-max=60 speed-preset=ultrafast ! h264parse ! mp4mux name=m ! filesink name=out  audiotestsrc num-buffers=60 samplesperbuffer=16000 ! "+
		"audio/x-raw,rate=16000,channels=1 ! avenc_aac ! aacparse ! m.", minute, rate))
	film := func(minutes int) string {
		path := filepath.Join(t.TempDir(), "film.mp4")
		text := "mp4mux name=m ! filesink name=out  concat name=v ! queue ! h264parse ! m.  concat name=a ! queue ! aacparse ! m."
		for i := range minutes {
			text += fmt.Sprintf("  filesrc location=%q ! qtdemux name=d%d  d%[2]d.video_0 ! queue ! v.  d%[2]d.audio_0 ! queue ! a.", one, i)
		}
		filmtest.Write(t, path, text)
		return path
	}
	const long, packets = 30, 16000.0 / 1024 / rate // minutes; of sound for a frame
	frames := float64((long - 3) * minute)
	bound := int64(frames * (50<<20/(2*3600*rate) + (1+packets)*(32+28)))
	for _, container := range []string{"mp4", "mkv"} {
		var look, join [2]int64
		for i, minutes := range []int{3, long} {
			o := order{Inputs: inputsOf(film(minutes)), Out: t.TempDir(), Container: container, Segment: time.Minute, Still: true, Shard: Shard{0, minutes}}
			look[i] = o.peak(t)
			o.Shard.Index = 1
			o.one(t)
			repeated(t, folderOf(filepath.Join(o.Out, "film")))
			o.Shard, o.Join = Shard{}, true
			join[i] = o.peak(t)
		}
		for what, peaks := range map[string][2]int64{"looking and coding": look, "joining": join} {
			grown := peaks[1] - peaks[0]
			t.Logf("%s, %s: %d MB, of the long film %d; %.0f bytes a frame", container, what, peaks[0]>>20, peaks[1]>>20, float64(grown)/frames)
			if grown > bound {
				t.Errorf("%s, %s takes %d MB more for %.0f frames more, wanted %d at most", container, what, grown>>20, frames, bound>>20)
			}
		}
	}
}
