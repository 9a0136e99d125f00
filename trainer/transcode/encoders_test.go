package transcode

import (
	"slices"
	"strings"
	"testing"
)

func TestPipelines(t *testing.T) {
	all := func(string) bool { return true }
	without := func(names ...string) func(string) bool {
		return func(name string) bool {
			return !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(name, n) })
		}
	}
	nvenc := []string{"nvcudah264enc", "nvh264enc"}
	for _, c := range []struct {
		name   string
		m      machine
		facts  facts
		cpu    bool
		want   []string // parts of the text, in this order
		unlike []string
	}{
		{"all on the GPU", machine{all, sized(all)}, facts{Media: "video/x-h264", Width: 1920, Height: 1080, Aspect: "1/1"}, false,
			[]string{"nvh264dec name=decoder ! video/x-raw(memory:CUDAMemory) ! queue", "cudaconvert ! cudascale ! video/x-raw(memory:CUDAMemory),format=NV12,width=1920,height=1080",
				"! adainfilter name=filter !", "cudaconvert ! video/x-raw(memory:CUDAMemory),format=NV12 ! nvcudah264enc", "h264parse", "fakesink name=coded"},
			[]string{"videoconvert", "cudadownload", "decodebin"}},
		{"a GPU without an encoder", machine{without(nvenc...), sized(all)}, facts{Media: "video/x-h265", Width: 64, Height: 48, Aspect: "1/1"}, false,
			[]string{"nvh265dec", "adainfilter", "cudadownload ! videoconvert ! video/x-raw,format=NV12 ! vah264enc"}, nil},
		{"an encoder that does not start", machine{without("va", "qsv"), sized(func(text string) bool { return !strings.HasPrefix(text, "nv") })},
			facts{Media: "video/x-h264", Width: 64, Height: 48, Aspect: "1/1"}, false, []string{"nvh264dec", "cudadownload", "x264enc pass=qual quantizer=20"}, nil},
		{"the CPU by wish", machine{without("va", "qsv", "nv"), sized(all)}, facts{Media: "video/x-h264", Width: 64, Height: 48, Aspect: "4/3", Interlaced: true, Variable: true}, true,
			[]string{"decodebin name=decoder", "deinterlace fields=top", "videoscale add-borders=true ! video/x-raw,width=64,height=48,pixel-aspect-ratio=4/3", "adainfilter",
				"video/x-raw,format=I420 ! capssetter caps=\"video/x-raw,framerate=0/1\" ! x264enc"}, []string{"cuda"}},
		{"a codec that the GPU does not decode", machine{all, sized(all)}, facts{Media: "video/x-prores", Width: 64, Height: 48, Aspect: "1/1"}, false,
			[]string{"decodebin", "videoconvert ! video/x-raw,format=NV12 ! nvcudah264enc"}, []string{"memory:CUDAMemory"}},
	} {
		p := &plan{Facts: &c.facts, Codec: "h264"}
		if err := c.m.choose(findCodec("h264"), p, choice{quality: DefaultQuality, gpu: !c.cpu}); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		text := p.text(false)
		rest := text
		for _, part := range c.want {
			i := strings.Index(rest, part)
			if i < 0 {
				t.Errorf("%s: %s\nlacks %s", c.name, text, part)
				break
			}
			rest = rest[i:]
		}
		for _, part := range c.unlike {
			if strings.Contains(text, part) {
				t.Errorf("%s: %s\nhas %s", c.name, text, part)
			}
		}
	}
	if err := (machine{func(string) bool { return false }, sized(all)}).choose(findCodec("h264"), &plan{Facts: &facts{}}, choice{quality: 1, gpu: true}); err == nil || !strings.Contains(err.Error(), "tried nv") {
		t.Errorf("without any encoder the error is %v", err)
	}
}

// TestNamedEncoder takes the encoder that a user names, and says so where another takes its place.
func TestNamedEncoder(t *testing.T) {
	some := func(names ...string) func(string) bool {
		return func(text string) bool {
			name, _, _ := strings.Cut(text, " ")
			return slices.Contains(names, name)
		}
	}
	for _, c := range []struct {
		wanted, preset string
		has, works     []string
		want, warning  string
	}{
		{"vah264enc", "", []string{"nvh264enc", "vah264enc", "x264enc"}, []string{"nvh264enc", "vah264enc", "x264enc"}, "vah264enc", ""},
		{"vah264enc", "", []string{"vah264enc", "x264enc"}, []string{"x264enc"}, "x264enc", "vah264enc cannot be used (it does not start, or not with frames of this size): x264enc codes instead"},
		{"nvh264enc", "slow", []string{"x264enc"}, []string{"x264enc"}, "x264enc", "nvh264enc cannot be used (GStreamer lacks the element nvh264enc"},
		{"svtav1enc", "fast", []string{"av1enc"}, []string{"av1enc"}, "av1enc", "svtav1enc cannot be used"},
		{"x264enc", "fast", []string{"vah264enc", "x264enc"}, []string{"vah264enc", "x264enc"}, "x264enc", ""},
	} {
		p := &plan{Facts: &facts{Width: 64, Height: 48}, Codec: codecWith(c.wanted).name}
		m := machine{some(c.has...), sized(some(c.works...))}
		if err := m.choose(codecWith(c.wanted), p, choice{quality: 70, preset: c.preset, wanted: c.wanted}); err != nil {
			t.Error(err)
		}
		said := strings.Join(p.Warnings, "")
		if p.Encoder.Element != c.want || !strings.HasPrefix(said, c.warning) || c.warning == "" && said != "" || strings.Contains(p.Encoder.Properties, "PRESET") {
			t.Errorf("%+v: %s %s, warnings %q", c, p.Encoder.Element, p.Encoder.Properties, said)
		}
		if speed := map[string]string{"fast": "veryfast", "slow": "slower", "": "medium"}[c.preset]; c.want == "x264enc" && !strings.Contains(p.Encoder.Properties, "speed-preset="+speed) {
			t.Errorf("preset %q: %s", c.preset, p.Encoder.Properties)
		}
	}
}

func TestQuality(t *testing.T) {
	for _, c := range codecs {
		for _, e := range c.encoders {
			if lo, hi := e.quality(1), e.quality(100); hi != e.best || e.best != e.worst && (lo-hi)*(e.worst-e.best) <= 0 {
				t.Errorf("%s: %d for 1, %d for 100", e.element, lo, hi)
			}
		}
	}
}

// sized makes an encoder work with frames of any size.
func sized(works func(string) bool) func(string, int, int) bool {
	return func(encoder string, _, _ int) bool { return works(encoder) }
}

// TestUnevenRate keeps the times of a film whose frames come unevenly with every codec, as ffprobe sees them.
func TestUnevenRate(t *testing.T) {
	path := lavfi(t, "film.mkv", "testsrc=decimals=0", "select='not(eq(mod(n,4),2))',format=yuv420p", "-fps_mode", "vfr", "-c:v", "ffv1")
	times := func(path string) []string {
		found := strings.Fields(string(ffmpeg(t, "ffprobe", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0", path)))
		slices.Sort(found)
		return found
	}
	want := times(path)
	for codec, element := range map[string]string{"h265": "x265enc", "h264": "x264enc", "vp9": "vp9enc", "av1": "av1enc", "prores": "avenc_prores_ks", "ffv1": "avenc_ffv1", "png": "pngenc"} {
		if testing.Short() && codec != "h265" {
			continue
		}
		t.Run(codec, func(t *testing.T) {
			needs(t, element)
			r, _ := order{Inputs: inputsOf(path), Out: t.TempDir(), Codec: codec}.one(t)
			if got := times(r.Output); len(want) != 8 || !slices.Equal(got, want) {
				t.Errorf("frames come at %q, wanted %q", got, want)
			}
		})
	}
}

func TestWorks(t *testing.T) {
	needs(t, "x264enc", "x265enc")
	for text, wanted := range map[string][2]bool{ // with frames of 8x8, of 64x48
		"x264enc pass=qual quantizer=20":       {true, true},
		"x265enc speed-preset=medium":          {false, true}, // takes no less than 16x16
		"x264enc no-such-property=1":           {false, false},
		"identity ! x265enc speed-preset=fast": {false, true},
	} {
		if got := [2]bool{works(text, 8, 8), works(text, 64, 48)}; got != wanted {
			t.Errorf("%s works with frames of 8x8, 64x48: %v, wanted %v", text, got, wanted)
		}
	}
}
