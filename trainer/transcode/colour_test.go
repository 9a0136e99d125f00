package transcode

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ffmpeg runs a program of FFmpeg, which judges what comes out, and gives what it prints. The test is skipped where it is missing.
func ffmpeg(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip("FFmpeg's program is missing: ", err)
	}
	c := exec.CommandContext(t.Context(), program, append([]string{"-v", "error"}, args...)...)
	var failure bytes.Buffer
	c.Stderr = &failure
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, failure.String())
	}
	return out
}

// lavfi makes a film of one second at 10 frames a second with ffmpeg.
func lavfi(t *testing.T, name, source, filter string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	ffmpeg(t, "ffmpeg", append(append([]string{"-y", "-f", "lavfi", "-i", source + ":s=64x48:r=10:d=1", "-vf", filter}, args...), path)...)
	return path
}

// flat is a pixel in the middle of the first frame, as ffmpeg shows it.
func flat(t *testing.T, path, format string) []byte {
	t.Helper()
	var decoder []string
	if strings.HasSuffix(path, ".webm") { // the other decoder knows nothing of transparency
		decoder = []string{"-c:v", "libvpx-vp9"}
	}
	data := ffmpeg(t, "ffmpeg", append(decoder, "-i", path, "-frames:v", "1", "-vf", "scale=flags=accurate_rnd+full_chroma_int+full_chroma_inp,crop=2:2:16:24,format="+format, "-f", "rawvideo", "-")...)
	if len(data) == 0 {
		t.Fatalf("%q: ffmpeg shows nothing", path)
	}
	return data
}

// near fails unless all samples are within a distance.
func near(t *testing.T, what string, got, want []byte, most int) {
	t.Helper()
	for i := range want {
		if len(got) != len(want) || max(got[i], want[i])-min(got[i], want[i]) > byte(most) {
			t.Errorf("%s: colour is %v, wanted %v", what, got, want)
			return
		}
	}
}

func TestColoursStay(t *testing.T) {
	needs(t, "x264enc", "x265enc", "vp9enc", "av1enc", "avenc_prores_ks", "avenc_ffv1", "matroskamux")
	for _, c := range []struct {
		name, filter string
		args         []string
		flags        string // color_space,color_transfer,color_primaries of the result in FFmpeg's words
	}{
		{"full range and no more", "scale=out_range=pc,format=yuvj420p", []string{"-c:v", "libx264"}, ""},
		{"full range of BT.709", "scale=out_range=pc:out_color_matrix=bt709,format=yuvj420p", []string{"-c:v", "libx264", "-colorspace", "bt709", "-color_primaries", "bt709",
			"-color_trc", "bt709"}, "bt709,bt709,bt709"},
		{"full range of 4:2:2 and no more", "scale=out_range=pc,format=yuvj422p", []string{"-c:v", "libx264"}, ""},
		{"full range in MP4", "scale=out_range=pc:out_color_matrix=bt709,format=yuvj420p", []string{"-c:v", "libx264", "-colorspace", "bt709", "-color_primaries", "bt709",
			"-color_trc", "bt709"}, "bt709,bt709,bt709"},
		{"BT.2020", "scale=out_color_matrix=bt2020nc,format=yuv420p", []string{"-c:v", "libx264", "-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "bt2020-10"},
			"bt2020nc,bt2020-10,bt2020"},
		{"RGB", "format=rgb24", []string{"-c:v", "libx264rgb"}, ""},
	} {
		name := "film.mkv"
		if strings.Contains(c.name, "MP4") {
			name = "film.mp4"
		}
		path := lavfi(t, name, "color=c=0x30a060", c.filter, c.args...)
		want := flat(t, path, "rgb24")
		for _, codec := range []string{"h264", "h265", "vp9", "av1", "ffv1"} {
			if testing.Short() && (codec == "h265" || codec == "vp9" || codec == "av1" && !strings.HasPrefix(c.name, "full range of BT")) {
				continue
			}
			r, _ := order{Inputs: inputsOf(path), Out: t.TempDir(), Codec: codec, Still: true}.one(t)
			near(t, c.name+" in "+codec, flat(t, r.Output, "rgb24"), want, 2)
			flags := strings.TrimSpace(string(ffmpeg(t, "ffprobe", "-select_streams", "v", "-show_entries", "stream=color_space,color_transfer,color_primaries", "-of", "csv=p=0", r.Output)))
			if extent := strings.TrimSpace(string(ffmpeg(t, "ffprobe", "-select_streams", "v", "-show_entries", "stream=color_range", "-of", "csv=p=0", r.Output))); strings.HasPrefix(c.name, "full") &&
				extent != "pc" {
				t.Errorf("%s in %s: range is %s, wanted pc", c.name, codec, extent)
			}
			if c.flags != "" && flags != c.flags {
				t.Errorf("%s in %s: flags are %s, wanted %s", c.name, codec, flags, c.flags)
			}
		}
	}
}

func TestTransparencyStays(t *testing.T) {
	needs(t, "avenc_prores_ks", "avenc_ffv1", "pngenc", "vp9alphadecodebin", "vp9enc", "gdppay")
	const half = "format=rgba,geq=r=200:g=40:b=90:a='if(lt(X,32),64,255)'"
	for _, c := range []struct {
		name string
		args []string
		end  string // of the result without a choice
	}{
		{"film.webm", []string{"-vf", half + ",format=yuva420p", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-auto-alt-ref", "0"}, ".webm"},
		{"film.mov", []string{"-c:v", "qtrle"}, ".mov"},
		{"film.mkv", []string{"-vf", half + ",scale=out_range=pc,format=yuva420p", "-c:v", "ffv1", "-color_range", "pc"}, ".mkv"},
	} {
		path := lavfi(t, c.name, "color=c=black", half, c.args...)
		want := flat(t, path, "rgba")
		for _, codec := range []string{"", "prores4444", "png", "ffv1"} {
			if testing.Short() && codec != "" && c.end != ".mov" {
				continue
			}
			r, w := order{Inputs: inputsOf(path), Out: t.TempDir(), Codec: codec, Still: true}.one(t)
			near(t, c.name+" in "+codec, flat(t, r.Output, "rgba"), want, 2)
			if codec == "" && filepath.Ext(r.Output) != c.end || strings.Contains(fmt.Sprint(w.warnings), "transparency") {
				t.Errorf("%s: result %s, warnings %q", c.name, r.Output, w.warnings)
			}
		}
		if _, w := (order{Inputs: inputsOf(path), Out: t.TempDir(), Codec: "h264"}).one(t); !strings.Contains(fmt.Sprint(w.warnings), "its transparency is lost, h264 has none") {
			t.Errorf("%s in h264: warnings %q", c.name, w.warnings)
		}
	}
}

func TestColour(t *testing.T) {
	for _, c := range []struct {
		text          string
		width, height int
		want          string
	}{
		{"1:0:0:0", 320, 240, "1:4:0:0"}, {"1:0:0:0", 1280, 720, "1:3:0:0"}, {"2:0:5:1", 1920, 1080, "bt709"}, {"0:1:0:0", 64, 48, "1:1:0:0"}, {"bt2020", 64, 48, "bt2020"},
		{"0:4:16:4", 64, 48, "bt601"}, {"", 64, 48, "2:4:0:0"}, {"", 1280, 720, "2:3:0:0"}, {"1:x:0:0", 64, 48, ""}, {"1:0:0", 64, 48, ""},
	} {
		f := facts{Width: c.width, Height: c.height, Raw: raw{Format: "I420", Colorimetry: c.text}}
		got, ok := f.complete()
		if ok != (c.want != "") || ok && got.String() != c.want {
			t.Errorf("%q at %dx%d becomes %v, %v, wanted %q", c.text, c.width, c.height, got, ok, c.want)
		}
	}
}

func TestMark(t *testing.T) {
	bt2020 := named["bt2020-10"]
	frame := append([]byte("\x00\x00\x01\x00icpf\x00\x94\x00\x00Lavc"), 0, 64, 0, 48, 0x80, 0, 2, 2, 2, 0)
	bt2020.mark("video/x-prores", frame)
	if got := frame[22:25]; !bytes.Equal(got, []byte{9, 14, 9}) {
		t.Errorf("ProRes has %v", got)
	}
	for _, c := range []struct{ first, space, want byte }{{0x82, 0, 5}, {0x82, 2, 2}, {0x86, 0, 0}, {0x92, 0, 0}} {
		frame := []byte{c.first, 0x49, 0x83, 0x42, c.space<<5 | 0x10}
		bt2020.mark("video/x-vp9", frame)
		if got := frame[4] >> 5; got != c.want || frame[4]&0x1f != 0x10 {
			t.Errorf("VP9 with %x and %d has %d, wanted %d", c.first, c.space, got, c.want)
		}
	}
	for n := range 25 {
		bt2020.mark("video/x-prores", []byte("\x00\x00\x01\x00icpf\x00\x94\x00\x00Lavc12345678")[:min(n, 24)])
		bt2020.mark("video/x-vp9", []byte{0x82, 0x49, 0x83, 0x42, 0}[:min(n, 5)])
	}
}

// TestMarkAV1 has headers that libaom wrote, cut off at every place, and random ones: nothing ends in a panic, and what has colours stays.
func TestMarkAV1(t *testing.T) {
	// A temporal delimiter, then a sequence header of 64x48.
	unit := []byte{0x12, 0x00, 0x0a, 0x0a, 0x00, 0x00, 0x00, 0x02, 0xaf, 0xff, 0x9b, 0x5f, 0x30, 0x08}
	full := colour{rangeFull, 6, 13, 7}
	marked := full.markAV1(bytes.Clone(unit))
	if len(marked) != len(unit)+3 || marked[3] != 0x0d {
		t.Fatalf("%x becomes %x", unit, marked)
	}
	header := marked[4:]
	place := colourPlace(header)
	b := &bits{data: header, at: place}
	if !b.flag() || b.read(8) != 9 || b.read(8) != 14 || b.read(8) != 9 || !b.flag() {
		t.Errorf("colours at bit %d of %x", place, header)
	}
	if again := full.markAV1(bytes.Clone(marked)); !bytes.Equal(again, marked) {
		t.Errorf("marked twice: %x, then %x", marked, again)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 2000 {
		data := bytes.Clone(unit[:n%(len(unit)+1)])
		if n > 100 {
			for i := range data {
				data[i] = byte(random.Uint32())
			}
		}
		full.markAV1(data)
		colourPlace(data)
	}
}

// TestSitingStays has chroma between, beside and above the samples of luma.
func TestSitingStays(t *testing.T) {
	needs(t, "x264enc", "matroskamux")
	for place, want := range []string{"left", "center", "topleft"} {
		path := lavfi(t, "film.mkv", "color=c=0x30a060", "format=yuv420p", "-c:v", "libx264", "-x264-params", fmt.Sprintf("chromaloc=%d", place))
		codec := "h264"
		if !testing.Short() && has("x265enc") {
			codec = "h265"
		}
		r, _ := order{Inputs: inputsOf(path), Out: t.TempDir(), Codec: codec, Still: true}.one(t)
		if got := strings.TrimSpace(string(ffmpeg(t, "ffprobe", "-show_entries", "stream=chroma_location", "-of", "csv=p=0", r.Output))); got != want {
			t.Errorf("chroma is at the %s, wanted %s", got, want)
		}
	}
}
