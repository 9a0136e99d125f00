package transcode

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/picture"
	"adainfilter/trainer/film/stills"
	"adainfilter/vips"
)

// deepBook writes three numbered pictures of noise with 16 bits, and gives what ffmpeg shows of them with 16 bits in big endian.
func deepBook(t *testing.T, alpha bool) (in Input, want []byte) {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 3 {
		img := image.NewNRGBA64(image.Rect(0, 0, 33, 18))
		for k := range 33 * 18 {
			c := color.NRGBA64{uint16(rng.Uint32()), uint16(rng.Uint32()), uint16(rng.Uint32()), 0xffff}
			if alpha {
				c.A = uint16(rng.Uint32())
			}
			img.SetNRGBA64(k%33, k/33, c)
			for _, v := range []uint16{c.R, c.G, c.B, c.A}[:map[bool]int{false: 3, true: 4}[alpha]] {
				want = binary.BigEndian.AppendUint16(want, v)
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("deep%d.png", i)), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n := stills.Numbers{Pattern: filepath.Join(dir, "deep%d.png"), First: -1, Rate: stills.Rate{Num: 10, Den: 1}}
	return Input{Path: n.Pattern, Base: "out", Numbers: &n}, want
}

// TestDeepPictures demands all 16 bits of pictures back, as ffmpeg reads them.
func TestDeepPictures(t *testing.T) {
	for _, c := range []struct {
		container, name string
		alpha           bool
		read            []string
	}{
		{"", "/%05d.png", false, []string{"-start_number", "1"}},
		{stills.PNG, "/%05d.png", true, []string{"-start_number", "1"}},
		{stills.TIFF, "/%05d.tiff", false, []string{"-start_number", "1"}},
		{stills.TIFF, "/%05d.tiff", true, []string{"-start_number", "1"}},
		{stills.APNG, "", true, nil},
		{"mov", "", false, nil},
	} {
		if testing.Short() && c.container != stills.PNG && c.container != stills.TIFF {
			continue
		}
		in, want := deepBook(t, c.alpha)
		r, w := order{Inputs: []Input{in}, Out: t.TempDir(), Codec: "png", Container: c.container, Still: true}.one(t)
		format := map[bool]string{false: "rgb48be", true: "rgba64be"}[c.alpha]
		got := ffmpeg(t, "ffmpeg", append(c.read, "-i", r.Output+c.name, "-f", "rawvideo", "-pix_fmt", format, "-")...)
		if !bytes.Equal(got, want) || len(w.warnings) > 0 {
			t.Errorf("%+v: %d bytes, wanted %d of other values; warnings %q", c, len(got), len(want), w.warnings)
		}
	}
	in, _ := deepBook(t, false)
	for _, c := range []struct {
		o    order
		want string
	}{
		{order{Container: stills.GIF, Depth: 16}, "gif has 8 bits per sample"},
		{order{Container: stills.PNG, Depth: 12}, "no encoder for png"},
	} {
		c.o.Inputs, c.o.Out = []Input{in}, t.TempDir()
		if report, _ := c.o.run(t); c.o.Depth == 16 && (report.Films[0].Err == nil || !strings.Contains(report.Films[0].Error, c.want)) {
			t.Errorf("%+v: error is %v, wanted %q", c.o, report.Films[0].Err, c.want)
		}
	}
	if _, w := (order{Inputs: []Input{in}, Out: t.TempDir(), Container: stills.GIF}).one(t); !strings.Contains(fmt.Sprint(w.warnings), "16 bits per sample become 8") {
		t.Errorf("warnings of GIF are %q", w.warnings)
	}
}

// TestDeepFilm writes pictures of 16 bits from a film of 10, and on request from one of 8. All are grey: levels must be those of the luma that ffmpeg finds in the film, but for
// what GStreamer's converter makes of chroma: it repeats the bits of its middle, 512 or 128, so that it is 32 or 128 of 65536 too high, of which blue has 1.86 times as much.
func TestDeepFilm(t *testing.T) {
	needs(t, "avenc_ffv1", "avdec_ffv1", "matroskamux", "x264enc")
	deep := ffmpegFilm(t, ".mkv", "yuv444p10le", "-color_range", "pc", "-colorspace", "bt709", "-c:v", "ffv1")
	flat := ffmpegFilm(t, ".mkv", "yuv444p", "-color_range", "pc", "-colorspace", "bt709", "-c:v", "ffv1")
	for _, c := range []struct {
		path  string
		depth int
		bits  string
		most  int // distance, of 65535
	}{{deep, 0, "rgb48be", 61}, {flat, 16, "rgb48be", 240}, {flat, 0, "rgb24", 257}} {
		r, _ := order{Inputs: inputsOf(c.path), Out: t.TempDir(), Container: stills.PNG, Depth: c.depth, Still: true}.one(t)
		file := filepath.Join(r.Output, "00001.png")
		if said := string(ffmpeg(t, "ffprobe", "-show_entries", "stream=pix_fmt", "-of", "csv=p=0", file)); strings.TrimSpace(said) != c.bits {
			t.Errorf("%s has %s, wanted %s", file, said, c.bits)
		}
		luma := ffmpeg(t, "ffmpeg", "-i", c.path, "-frames:v", "1", "-vf", "extractplanes=y", "-f", "rawvideo", "-")
		got := ffmpeg(t, "ffmpeg", "-i", file, "-f", "rawvideo", "-pix_fmt", c.bits, "-")
		wide := map[bool]int{false: 1, true: 2}
		in, out := wide[c.path == deep], wide[c.bits == "rgb48be"] // bytes of a sample
		n := len(luma) / in
		if len(got) != 3*n*out || n == 0 {
			t.Fatalf("%d bytes for %d pixels", len(got), n)
		}
		worst := 0
		for i := range 3 * n {
			want, v := 257*int(luma[i/3*in]), 257*int(got[i*out])
			if in == 2 {
				want = int(binary.LittleEndian.Uint16(luma[i/3*in:])) * 65535 / 1023
			}
			if out == 2 {
				v = int(binary.BigEndian.Uint16(got[i*out:]))
			}
			worst = max(worst, want-v, v-want)
		}
		if worst > c.most {
			t.Errorf("%s, --depth %d: off by %d of 65535, wanted %d at most", c.path, c.depth, worst, c.most)
		}
	}
}

// TestOpenEXR reads pictures that ffmpeg has written: linear light, which becomes that of sRGB (IEC 61966-2-1).
func TestOpenEXR(t *testing.T) {
	if _, err := vips.Open(); err != nil {
		t.Skip(err)
	}
	picture.Extend(vips.Open)
	dir := t.TempDir()
	pattern := filepath.Join(dir, "shot.%04d.exr")
	making := []string{"-f", "lavfi", "-i", "color=black:s=32x16:r=24:d=0.125,format=gbrapf32le,geq=r=X/32:g=0.5:b=0:a=Y/16", "-start_number", "1001", "-format", "float", pattern}
	if out, err := exec.Command("ffmpeg", append([]string{"-v", "error"}, making...)...).CombinedOutput(); err != nil {
		t.Skipf("this ffmpeg does not write OpenEXR: %v: %s", err, out)
	}
	n := stills.Numbers{Pattern: pattern, First: 1001, Rate: stills.Rate{Num: 24, Den: 1}}
	in := Input{Path: pattern, Base: "out", Numbers: &n}
	r, w := order{Inputs: []Input{in}, Out: t.TempDir(), Still: true}.one(t)
	light := ffmpeg(t, "ffmpeg", "-i", filepath.Join(dir, "shot.1001.exr"), "-f", "rawvideo", "-pix_fmt", "gbrapf32le", "-")
	got := ffmpeg(t, "ffmpeg", "-start_number", "1001", "-i", filepath.Join(r.Output, "%05d.png"), "-f", "rawvideo", "-pix_fmt", "rgba64le", "-")
	if len(got) != 3*8*32*16 || len(light) != 16*32*16 || len(w.warnings) > 0 {
		t.Fatalf("%d bytes, of the first picture in light %d; warnings %q", len(got), len(light), w.warnings)
	}
	for i := range 32 * 16 {
		for k, plane := range []int{2, 0, 1, 3} {
			v := float64(math.Float32frombits(binary.LittleEndian.Uint32(light[4*(32*16*plane+i):])))
			switch {
			case k == 3:
			case v <= 0.0031308:
				v *= 12.92
			default:
				v = 1.055*math.Pow(v, 1/2.4) - 0.055
			}
			// Half floats have 11 bits, libvips's table of the curve fewer steps than 65536.
			if s := float64(binary.LittleEndian.Uint16(got[8*i+2*k:])) / 65535; math.Abs(s-v) > 0.001 {
				t.Fatalf("pixel %d, channel %d is %.4f, wanted %.4f", i, k, s, v)
			}
		}
	}
	if f, err := stills.OpenSequence(n); err != nil || !f.Alpha || f.Bits != 16 || !slices.Equal([]int{f.Width, f.Height}, []int{32, 16}) {
		t.Errorf("%+v, %v", f, err)
	}
}
