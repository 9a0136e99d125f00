package transcode

import (
	"slices"
	"strings"
)

// sourceCodec asks for what the film itself is coded with, or for its container's usual codec.
const sourceCodec = "source"

// encoder is one element that writes a codec.
type encoder struct {
	element    string
	properties string    // as in a pipeline's text, with QUALITY for what quality says and PRESET for what preset says
	formats    string    // of the frames that it gets
	cuda       bool      // takes frames in GPU memory
	worst      int       // value of QUALITY at quality 0
	best       int       // and at quality 100
	library    string    // does the work, where that is software: its file's name up to the version
	presets    [3]string // values of PRESET: fast, medium, slow
}

// bare is in the place of an encoder where frames leave the pipeline as they are, and this program codes them: GStreamer has none for PNG of 16 bits.
const bare = "identity"

// codec is what films are written in.
type codec struct {
	name       string
	containers []string // the first is for films whose own does not take it
	media      string   // caps' name
	parser     string   // between encoder and container, and caps that the containers take
	alpha      string   // the format in which the encoders take transparency, "" where there is none
	beside     bool     // transparency is a second stream, which some containers take
	limited    bool     // nothing in the stream says that samples have the full range, so they must not
	deep       bool     // has more than 8 bits always; of no use as the own codec of a film without transparency
	encoders   []encoder
}

// nvPresets and the others are the words of one family of encoders.
var (
	nvPresets   = [3]string{"preset=hp", "preset=default", "preset=hq"}
	nvNew       = [3]string{"preset=p2", "preset=p4", "preset=p6"}
	vaPresets   = [3]string{"target-usage=7", "target-usage=4", "target-usage=1"}
	x26xPresets = [3]string{"veryfast", "medium", "slower"}
)

// Presets are the values of Options.Preset, by how much time coding may take.
var Presets = []string{"fast", "medium", "slow"}

// The scales are such that DefaultQuality gives about what the encoders call good: CRF 20 of x264, 24 of x265, level 25 of
// 63 of VP9 and AV1. Encoders that use hardware come first; each is tried, and the first that works is taken. Constant
// quality, not a bitrate: a segment then does not depend on the others.
//
// Numbers of threads are fixed: left to the encoders they follow the machine's cores, and with x264 and x265 the bits follow them. Four keep
// up with the network on any CPU.
var codecs = []codec{
	{name: "h264", containers: []string{"mp4", "mov", "mkv"}, media: "video/x-h264", parser: "h264parse ! video/x-h264,stream-format=avc,alignment=au", encoders: []encoder{
		{"nvcudah264enc", "rate-control=constqp qp-i=QUALITY qp-p=QUALITY qp-b=QUALITY PRESET", "NV12", true, 48, 8, "", nvNew},
		{"nvcudah264enc", "rc-mode=constqp qp-const-i=QUALITY qp-const-p=QUALITY qp-const-b=QUALITY PRESET", "NV12", true, 48, 8, "", nvPresets},
		{"nvh264enc", "rc-mode=constqp qp-const=QUALITY PRESET", "NV12", true, 48, 8, "", nvPresets},
		{"vah264enc", "rate-control=cqp qpi=QUALITY qpp=QUALITY qpb=QUALITY PRESET", "NV12", false, 48, 8, "", vaPresets},
		{"qsvh264enc", "rate-control=cqp qp-i=QUALITY qp-p=QUALITY qp-b=QUALITY PRESET", "NV12", false, 48, 8, "", vaPresets},
		{"x264enc", "pass=qual quantizer=QUALITY threads=4 speed-preset=PRESET", "I420", false, 48, 8, "libx264.so.", x26xPresets},
		{"openh264enc", "rate-control=quality qp-min=QUALITY qp-max=QUALITY multi-thread=1 complexity=PRESET", "I420", false, 48, 8, "libopenh264.so.",
			[3]string{"low", "medium", "high"}},
	}},
	{name: "h265", containers: []string{"mp4", "mov", "mkv"}, media: "video/x-h265", parser: hevcParser, encoders: []encoder{
		{"nvcudah265enc", "rate-control=constqp qp-i=QUALITY qp-p=QUALITY qp-b=QUALITY PRESET", "NV12", true, 52, 12, "", nvNew},
		{"nvcudah265enc", "rc-mode=constqp qp-const-i=QUALITY qp-const-p=QUALITY qp-const-b=QUALITY PRESET", "NV12", true, 52, 12, "", nvPresets},
		{"nvh265enc", "rc-mode=constqp qp-const=QUALITY PRESET", "NV12", true, 52, 12, "", nvPresets},
		{"vah265enc", "rate-control=cqp qpi=QUALITY qpp=QUALITY qpb=QUALITY PRESET", "NV12", false, 52, 12, "", vaPresets},
		{"qsvh265enc", "rate-control=cqp qp-i=QUALITY qp-p=QUALITY qp-b=QUALITY PRESET", "NV12", false, 52, 12, "", vaPresets},
		{"x265enc", x265Properties, "I420", false, 52, 12, "libx265.so.", x26xPresets},
	}},
	{name: "av1", containers: []string{"mkv", "mp4", "webm"}, media: "video/x-av1", parser: "av1parse ! video/x-av1,stream-format=obu-stream,alignment=tu", encoders: []encoder{
		{"nvav1enc", "rc-mode=constqp qp-const-i=QUALITY qp-const-p=QUALITY qp-const-b=QUALITY PRESET", "NV12", true, 240, 20, "", nvNew},
		{"vaav1enc", "rate-control=cqp qp=QUALITY PRESET", "NV12", false, 240, 20, "", vaPresets},
		// logical-processors fixes the threads, and the bits do not follow them.
		{"svtav1enc", "cqp=QUALITY logical-processors=4 preset=PRESET", "I420", false, 60, 10, "libSvtAv1Enc.so.", [3]string{"10", "8", "5"}},
		{"svtav1enc", "crf=QUALITY logical-processors=4 preset=PRESET", "I420", false, 60, 10, "libSvtAv1Enc.so.", [3]string{"10", "8", "5"}},
		{"av1enc", "end-usage=q min-quantizer=QUALITY max-quantizer=QUALITY cpu-used=PRESET row-mt=true threads=4", "I420", false, 60, 10, "libaom.so.", [3]string{"8", "6", "4"}},
	}},
	{name: "vp9", containers: []string{"mkv", "webm", "mp4"}, media: "video/x-vp9", parser: "vp9parse ! video/x-vp9,alignment=frame", alpha: "I420", beside: true, encoders: []encoder{
		{"vavp9enc", "rate-control=cqp qp=QUALITY PRESET", "NV12", false, 240, 20, "", vaPresets},
		{"vp9enc", "end-usage=cq target-bitrate=0 cq-level=QUALITY deadline=1000000 cpu-used=PRESET row-mt=true threads=4 timebase=1/90000", "I420", false,
			60, 10, "libvpx.so.", [3]string{"6", "4", "1"}},
	}},
	{name: "prores", containers: []string{"mov", "mkv"}, media: "video/x-prores", parser: "video/x-prores", limited: true, encoders: []encoder{
		{"avenc_prores_ks", "profile=QUALITY threads=1", "I422_10LE", false, 0, 3, "libavcodec.so.", [3]string{}},
	}},
	{name: "prores4444", containers: []string{"mov", "mkv"}, media: "video/x-prores", parser: "video/x-prores", alpha: "A444_10LE", limited: true, deep: true, encoders: []encoder{
		{"avenc_prores_ks", "profile=QUALITY threads=1", "Y444_10LE", false, 4, 5, "libavcodec.so.", [3]string{}},
	}},
	{name: "ffv1", containers: []string{"mkv"}, media: "video/x-ffv", parser: "video/x-ffv,ffversion=1", alpha: "BGRA", encoders: []encoder{ // encoder and muxer have two names for one field
		{"avenc_ffv1", "gop-size=1 slicecrc=1 threads=1", "I420", false, 0, 0, "libavcodec.so.", [3]string{}},
	}},
	{name: "png", containers: []string{"mov", "gif", "apng", "png", "tiff"}, media: "image/png", parser: "image/png", alpha: "RGBA", encoders: []encoder{
		{"pngenc", "compression-level=PRESET", "RGB", false, 0, 0, "libpng16.so.", [3]string{"1", "6", "9"}},
		{bare, "", deepPictures, false, 0, 0, "adain", [3]string{}},
	}},
	{name: "webp", containers: []string{"webp"}, media: "image/webp", parser: "image/webp", alpha: "RGBA", encoders: []encoder{
		{"webpenc", "quality=QUALITY speed=PRESET", "RGB", false, 0, 100, "libwebp.so.", [3]string{"1", "4", "6"}},
	}},
}

const (
	hevcParser = "h265parse ! video/x-h265,stream-format=hvc1,alignment=au"
	// Without the options' own text in the stream, which has the size of the thread pool in it.
	x265Properties = "speed-preset=PRESET option-string=crf=QUALITY:info=0:open-gop=0:log-level=error:frame-threads=2:pools=4"
)

// muxers are the containers and GStreamer's elements for them.
var muxers = map[string]string{"mp4": "mp4mux", "mov": "qtmux", "mkv": "matroskamux", "webm": "webmmux"}

// Codecs lists the codecs' names.
func Codecs() []string {
	var names []string
	for _, c := range codecs {
		names = append(names, c.name)
	}
	return names
}

func join(names []string) string { return strings.Join(names, ", ") }

func findCodec(name string) *codec {
	if i := slices.IndexFunc(codecs, func(c codec) bool { return c.name == name }); i >= 0 {
		return &codecs[i]
	}
	return nil
}

func (c *codec) fits(container string) bool { return slices.Contains(c.containers, container) }
