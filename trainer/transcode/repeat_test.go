package transcode

import (
	"context"
	"fmt"
	"hash/crc64"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
	"adainfilter/trainer/film/filmtest"
)

// encodeVariable makes the test program code frames of the widths in it with all encoders, and end.
const encodeVariable = "ADAIN_ENCODE_CHILD"

// encodeChild is the other process: it prints encoder, width and checksum.
func encodeChild(widths string) int {
	for _, width := range strings.Fields(widths) {
		for _, c := range codecs {
			for _, e := range c.encoders {
				if e.library == "" || e.element == bare || !has(e.element) {
					continue
				}
				chosen := coder{Element: e.element, Properties: e.set(choice{quality: DefaultQuality})}
				sum, err := encodeSum(width, e.formats, chosen.text()+" ! "+c.parser)
				if err != nil {
					fmt.Println(err)
					return 1
				}
				fmt.Println(e.element, width, sum)
				if e.element != "x264enc" {
					continue
				}
				if sum, err = encodeSum(width, e.formats, chosen.Element+" "+chosen.Properties); err != nil {
					fmt.Println(err)
					return 1
				}
				fmt.Println(withoutRepair, width, sum)
			}
		}
	}
	return 0
}

// withoutRepair is x264 with our properties and nothing else, which shows whether the processor has the fault.
const withoutRepair = "x264enc-as-it-is"

// encodeSum is of ten frames whose noise and edges show the fault at all widths of the test; flat bars do not.
func encodeSum(width, format, encoder string) (sum uint64, err error) {
	p, err := film.NewPipeline(fmt.Sprintf("videotestsrc num-buffers=10 pattern=smpte horizontal-speed=3 ! video/x-raw,format=%s,width=%s,height=64,framerate=25/1 ! "+
		"%s ! fakesink name=coded sync=false", format, width, encoder), encoder, time.Minute)
	if err != nil {
		return 0, err
	}
	defer p.Close()
	coded, err := p.Sink("coded")
	if err != nil {
		return 0, err
	}
	frames := 0
	coded.AddProbe(gst.PadProbeTypeBuffer, func(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		film.WithData(film.BufferOf(info), func(data []byte) { sum = crc64.Update(sum, crcTable, data) })
		frames++
		return gst.PadProbeOK
	})
	if err := p.Run(context.Background(), nil); err != nil || frames != 10 {
		return 0, fmt.Errorf("%s: %d frames, wanted 10, %v", encoder, frames, err)
	}
	return sum, nil
}

// TestEncodersRepeat codes the same frames with every encoder that is software: in memory that malloc has filled otherwise, and on one core.
func TestEncodersRepeat(t *testing.T) {
	widths := "96 320 322 640"
	if testing.Short() {
		widths = "96"
	}
	run := func(perturb string, program ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), filmtest.Patience)
		defer cancel()
		c := exec.CommandContext(ctx, program[0], program[1:]...)
		c.Env = append(os.Environ(), encodeVariable+"="+widths, "MALLOC_PERTURB_="+perturb)
		out, err := c.Output() // encoders complain on the other channel
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	first := run("37", os.Args[0])
	compare := func(what, other string) {
		t.Helper()
		a, b := strings.Split(first, "\n"), strings.Split(other, "\n")
		if len(a) != len(b) || len(a) < 2 {
			t.Fatalf("%s: there is\n%s\nwanted\n%s", what, other, first)
		}
		for i := range a {
			if a[i] != b[i] && !strings.HasPrefix(a[i], withoutRepair) {
				t.Errorf("%s: %s, before it was %s", what, b[i], a[i])
			}
		}
	}
	second := run("181", os.Args[0])
	compare("with other bytes in fresh memory", second)
	if fault := lines(first, withoutRepair) != lines(second, withoutRepair); fault {
		t.Logf("on this processor (%s) x264 as it is depends on what lies in memory", processor())
	} else {
		t.Logf("on this processor (%s) x264 as it is does not show its fault", processor())
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil || runtime.NumCPU() < 2 {
		t.Skipf("the number of cores was not changed: %d cores, taskset: %v", runtime.NumCPU(), err)
	}
	compare("on one core", run("37", taskset, "-c", core(t), os.Args[0]))
}

// lines are those that begin with a word.
func lines(text, word string) string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, word+" ") {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

// core is the number of one that this process may use.
func core(t *testing.T) string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	_, list, _ := strings.Cut(string(status), "Cpus_allowed_list:\t")
	return list[:strings.IndexAny(list, "-,\n")]
}

// TestCreated: a film says that it was made when its source was, or nothing; ffprobe reads it.
func TestCreated(t *testing.T) {
	const when = "2001-02-03T04:05:06.000000Z"
	source := withSine(t, "film.mp4", "-metadata", "creation_time="+when, "-c:v", "libx264", "-c:a", "aac")
	other := withSine(t, "film.mkv", "-c:v", "libx264", "-c:a", "aac")
	for _, c := range []struct{ name, path, container, want string }{
		{"carried", source, "mp4", when}, {"carried into mov", source, "mov", when}, {"of Matroska", other, "mp4", ""},
	} {
		r, _ := order{Inputs: inputsOf(c.path), Out: t.TempDir(), Container: c.container}.one(t)
		for _, entry := range []string{"format_tags=creation_time", "stream_tags=creation_time"} {
			said := strings.Fields(string(ffmpeg(t, "ffprobe", "-v", "error", "-show_entries", entry, "-of", "csv=p=0", r.Output)))
			if len(said) == 0 && c.want != "" || slices.ContainsFunc(said, func(s string) bool { return strings.Trim(s, ",") != c.want }) {
				t.Errorf("%s: %s says %q, wanted %q", c.name, entry, said, c.want)
			}
		}
	}
}
