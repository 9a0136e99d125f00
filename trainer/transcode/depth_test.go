package transcode

import (
	"encoding/binary"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-gst/go-gst/gst"
)

// TestDepthOfEncoders takes as many bits as the film has and an encoder takes.
func TestDepthOfEncoders(t *testing.T) {
	all := []string{"vah265enc", "x265enc", "vp9enc", "av1enc", "avenc_prores_ks", "avenc_ffv1", "x264enc"}
	for _, c := range []struct {
		codec       string
		film, asked int
		shallow     string // an encoder that takes 8 bits only
		want        string // encoder and format
		warning     string
		fails       string
	}{
		{codec: "h265", film: 8, want: "vah265enc NV12"},
		{codec: "h265", film: 10, want: "vah265enc P010_10LE"},
		{codec: "h265", film: 10, shallow: "vah265enc", want: "x265enc I420_10LE"},
		{codec: "h265", film: 12, want: "vah265enc P012_LE"},
		{codec: "vp9", film: 16, want: "vp9enc I420_12LE", warning: "its 16 bits per sample become 12"},
		{codec: "av1", film: 10, shallow: "av1enc", want: "av1enc I420", warning: "its 10 bits per sample become 8"},
		{codec: "prores", film: 8, want: "avenc_prores_ks I422_10LE"},
		{codec: "prores", film: 10, want: "avenc_prores_ks I422_10LE"},
		{codec: "ffv1", film: 12, want: "avenc_ffv1 I420_12LE"},
		{codec: "h265", film: 10, asked: 8, want: "vah265enc NV12", warning: "its 10 bits per sample become 8"},
		{codec: "ffv1", film: 8, asked: 10, want: "avenc_ffv1 I420_10LE"},
		{codec: "prores", film: 8, asked: 12, fails: "no encoder for prores that works with 12 bits per sample, tried avenc_prores_ks (has no 12 bits)"},
		{codec: "av1", film: 8, asked: 10, shallow: "av1enc", fails: "no encoder for av1 that works with 10 bits"},
	} {
		m := machine{func(name string) bool { return slices.Contains(all, name) }, func(text string, _, _ int) bool {
			return c.shallow == "" || !strings.Contains(text, c.shallow) || !strings.HasPrefix(text, "capsfilter")
		}}
		p := &plan{Facts: &facts{Width: 64, Height: 48, Depth: c.film}, Codec: c.codec}
		err := m.choose(findCodec(c.codec), p, choice{quality: 70, depth: c.asked})
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%+v: error %v", c, err)
			}
			continue
		}
		p.warnDepth()
		if got := p.Encoder.Element + " " + p.Encoder.Formats; err != nil || got != c.want || strings.Join(p.Warnings, "") != c.warning {
			t.Errorf("%+v: %s, warnings %q, error %v", c, got, p.Warnings, err)
		}
	}
}

// ffmpegFilm makes a film of 1024x64 with a ramp from black to white, by ffmpeg.
func ffmpegFilm(t *testing.T, end, format string, arguments ...string) string {
	t.Helper()
	for _, program := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s to make and to look at films with", program)
		}
	}
	path := filepath.Join(t.TempDir(), "film"+end)
	all := append([]string{"-v", "error", "-f", "lavfi", "-i", "color=black:s=1024x64:r=25:d=0.2,format=gray10,geq=lum=X,scale=out_range=full,format=" + format}, arguments...)
	if out, err := exec.Command("ffmpeg", append(all, path)...).CombinedOutput(); err != nil {
		t.Skipf("this ffmpeg does not make the film: %v: %s", err, out)
	}
	return path
}

// TestHDRStays demands depth and tags of high dynamic range in the result, as ffprobe sees them.
func TestHDRStays(t *testing.T) {
	const light = ":hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=600,400"
	pq := []string{"-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc"}
	hlg := []string{"-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc"}
	hdr10 := append([]string{"-c:v", "libx265", "-x265-params", "log-level=error:pools=1" + light}, pq...)
	// Without the first where only Matroska says it: GStreamer's muxer divides these luminances by 50000 instead of 10000.
	sides := []string{"max_luminance=10000000/10000", "max_content=600", "max_average=400"}
	for _, c := range []struct {
		name, end     string
		film          []string
		codec, out    string
		encoder       string
		wanted, sides []string
	}{
		{"HDR10", ".mp4", hdr10, "", "", "x265enc", []string{"hevc", "yuv420p10le", "bt2020nc", "smpte2084", "bt2020"}, sides},
		{"HDR10 in Matroska", ".mkv", hdr10, "", "", "x265enc", []string{"hevc", "yuv420p10le", "bt2020nc", "smpte2084", "bt2020"}, sides},
		{"HDR10 in FFV1", ".mkv", hdr10, "ffv1", "mkv", "avenc_ffv1", []string{"ffv1", "yuv420p10le", "bt2020nc", "smpte2084", "bt2020"}, sides[1:]},
		{"HDR10 in VP9", ".mkv", hdr10, "vp9", "mkv", "vp9enc", []string{"vp9", "yuv420p10le", "bt2020nc", "smpte2084", "bt2020"}, sides[1:]},
		{"HLG", ".mp4", append([]string{"-c:v", "libx265", "-x265-params", "log-level=error:pools=1"}, hlg...), "", "", "x265enc",
			[]string{"hevc", "yuv420p10le", "bt2020nc", "arib-std-b67", "bt2020"}, nil},
		{"HLG in ProRes", ".mov", append([]string{"-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"}, hlg...), "prores", "", "avenc_prores_ks",
			[]string{"prores", "yuv422p10le", "bt2020nc", "arib-std-b67", "bt2020"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			needs(t, c.encoder, "mp4mux", "matroskamux")
			path := ffmpegFilm(t, c.end, "yuv420p10le", c.film...)
			r, w := order{Inputs: inputsOf(path), Out: t.TempDir(), Codec: c.codec, Container: c.out}.one(t)
			if len(w.warnings) > 0 {
				t.Errorf("warnings are %q, wanted none", w.warnings)
			}
			out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0", "-read_intervals", "%+#1", "-show_streams", "-show_frames", "-of", "default=nw=1", r.Output).Output()
			if err != nil {
				t.Fatal(err)
			}
			said := string(out)
			for i, name := range []string{"codec_name", "pix_fmt", "color_space", "color_transfer", "color_primaries"} {
				if !strings.Contains(said, name+"="+c.wanted[i]+"\n") {
					t.Errorf("%s is not %s:\n%s", name, c.wanted[i], said)
				}
			}
			for _, want := range c.sides {
				if !strings.Contains(said, want) {
					t.Errorf("there is no %s:\n%s", want, said)
				}
			}
		})
	}
}

// TestDeepRamp demands that a ramp of 1024 levels keeps 900 of them through the built-in network with next to no style.
func TestDeepRamp(t *testing.T) {
	needs(t, "avenc_ffv1", "avdec_ffv1", "matroskamux")
	path := ffmpegFilm(t, ".mkv", "yuv444p10le", "-color_range", "pc", "-c:v", "ffv1")
	w := &watcher{}
	o := order{Inputs: inputsOf(path), Out: t.TempDir(), Codec: "ffv1"}.options(w)
	o.Set = func(filter *gst.Element) error { return filter.SetProperty("alpha", 0.01) }
	report, err := Run(t.Context(), o)
	if err != nil || report.Films[0].Err != nil {
		t.Fatal(err, report.Films[0].Err)
	}
	levels := func(path string) int {
		out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", "-vf", "extractplanes=y", "-f", "rawvideo", "-pix_fmt", "gray10le", "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		seen := map[uint16]bool{}
		for i := 0; i+1 < len(out); i += 2 {
			seen[binary.LittleEndian.Uint16(out[i:])] = true
		}
		return len(seen)
	}
	before, after := levels(path), levels(report.Films[0].Output)
	t.Logf("%d levels become %d", before, after)
	if before < 1000 || after < 900 {
		t.Errorf("%d levels become %d, wanted at least 900 of 1024", before, after)
	}
}
