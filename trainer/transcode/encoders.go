package transcode

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
)

// copyCodec asks for what the film itself is coded with, or for its container's usual codec.
const copyCodec = "copy-container-default"

// encoder is one element that writes a codec.
type encoder struct {
	element    string
	properties string // as in a pipeline's text, with QUALITY for what quality says
	formats    string // of the frames that it gets
	cuda       bool   // takes frames in GPU memory
	worst      int    // value of QUALITY at quality 0
	best       int    // and at quality 100
	library    string // does the work, where that is software: its file's name up to the version
}

// codec is what films are written in.
type codec struct {
	name       string
	containers []string // the first is for films whose own does not take it
	media      string   // caps' name
	parser     string   // between encoder and container, and caps that the containers take
	encoders   []encoder
}

// The scales are such that DefaultQuality gives about what the encoders call good: CRF 20 of x264, 24 of x265, level 25 of
// 63 of VP9 and AV1. Encoders that use hardware come first; each is tried, and the first that works is taken. Constant
// quality, not a bitrate: a segment then does not depend on the others.
//
// Numbers of threads are fixed: left to the encoders they follow the machine's cores, and with x264 and x265 the bits follow them. Four keep
// up with the network on any CPU.
var codecs = []codec{
	{"h264", []string{"mp4", "mov", "mkv"}, "video/x-h264", "h264parse ! video/x-h264,stream-format=avc,alignment=au", []encoder{
		{"nvcudah264enc", "rate-control=constqp qp-i=QUALITY qp-p=QUALITY qp-b=QUALITY", "NV12", true, 48, 8, ""},
		{"nvcudah264enc", "rc-mode=constqp qp-const-i=QUALITY qp-const-p=QUALITY qp-const-b=QUALITY", "NV12", true, 48, 8, ""},
		{"nvh264enc", "rc-mode=constqp qp-const=QUALITY", "NV12", true, 48, 8, ""},
		{"vah264enc", "rate-control=cqp qpi=QUALITY qpp=QUALITY qpb=QUALITY", "NV12", false, 48, 8, ""},
		{"qsvh264enc", "rate-control=cqp qp-i=QUALITY qp-p=QUALITY qp-b=QUALITY", "NV12", false, 48, 8, ""},
		{"x264enc", "pass=qual quantizer=QUALITY threads=4", "I420", false, 48, 8, "libx264.so."},
		{"openh264enc", "rate-control=quality qp-min=QUALITY qp-max=QUALITY multi-thread=1", "I420", false, 48, 8, "libopenh264.so."},
	}},
	{"h265", []string{"mp4", "mov", "mkv"}, "video/x-h265", "h265parse ! video/x-h265,stream-format=hvc1,alignment=au", []encoder{
		{"nvcudah265enc", "rate-control=constqp qp-i=QUALITY qp-p=QUALITY qp-b=QUALITY", "NV12", true, 52, 12, ""},
		{"nvcudah265enc", "rc-mode=constqp qp-const-i=QUALITY qp-const-p=QUALITY qp-const-b=QUALITY", "NV12", true, 52, 12, ""},
		{"nvh265enc", "rc-mode=constqp qp-const=QUALITY", "NV12", true, 52, 12, ""},
		{"vah265enc", "rate-control=cqp qpi=QUALITY qpp=QUALITY qpb=QUALITY", "NV12", false, 52, 12, ""},
		{"qsvh265enc", "rate-control=cqp qp-i=QUALITY qp-p=QUALITY qp-b=QUALITY", "NV12", false, 52, 12, ""},
		// Without the options' own text in the stream, which has the size of the thread pool in it.
		{"x265enc", "option-string=crf=QUALITY:info=0:open-gop=0:log-level=error:frame-threads=2:pools=4", "I420", false, 52, 12, "libx265.so."},
	}},
	{"av1", []string{"mkv", "mp4", "webm"}, "video/x-av1", "av1parse ! video/x-av1,stream-format=obu-stream,alignment=tu", []encoder{
		{"nvav1enc", "rc-mode=constqp qp-const-i=QUALITY qp-const-p=QUALITY qp-const-b=QUALITY", "NV12", true, 240, 20, ""},
		{"vaav1enc", "rate-control=cqp qp=QUALITY", "NV12", false, 240, 20, ""},
		{"av1enc", "end-usage=q min-quantizer=QUALITY max-quantizer=QUALITY cpu-used=6 row-mt=true threads=4", "I420", false, 60, 10, "libaom.so."},
	}},
	{"vp9", []string{"mkv", "webm", "mp4"}, "video/x-vp9", "vp9parse ! video/x-vp9,alignment=frame", []encoder{
		{"vavp9enc", "rate-control=cqp qp=QUALITY", "NV12", false, 240, 20, ""},
		{"vp9enc", "end-usage=cq target-bitrate=0 cq-level=QUALITY deadline=1000000 cpu-used=4 row-mt=true threads=4 timebase=1/90000", "I420", false,
			60, 10, "libvpx.so."},
	}},
	{"prores", []string{"mov", "mkv"}, "video/x-prores", "video/x-prores", []encoder{
		{"avenc_prores_ks", "profile=QUALITY threads=1", "I422_10LE", false, 0, 3, "libavcodec.so."},
	}},
	{"ffv1", []string{"mkv"}, "video/x-ffv", "video/x-ffv,ffversion=1", []encoder{ // encoder and muxer have two names for one field
		{"avenc_ffv1", "gop-size=1 slicecrc=1 threads=1", "I420", false, 0, 0, "libavcodec.so."},
	}},
}

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

// containerOf is the container that a film lies in, "" for others than ours.
func containerOf(f *facts, path string) string {
	switch f.Container {
	case "video/quicktime", "audio/x-m4a":
		if strings.EqualFold(filepath.Ext(path), ".mov") {
			return "mov"
		}
		return "mp4"
	case "video/x-matroska", "video/x-matroska-3d":
		return "mkv"
	case "video/webm":
		return "webm"
	}
	return ""
}

// chooseCodec sets codec, encoder and container.
func (o *Options) chooseCodec(p *plan, path string) error {
	own := containerOf(p.Facts, path)
	c := findCodec(o.Codec)
	if c == nil {
		c = codecOf(p.Facts, own)
	}
	p.Codec = c.name
	switch {
	case o.Container != "":
		p.Muxer = o.Container
	case own != "" && c.fits(own):
		p.Muxer = own
	default:
		p.Muxer = c.containers[0]
		// Matroska takes nearly every stream; what is lost elsewhere is kept there.
		if slices.ContainsFunc(p.Facts.Others, func(s other) bool { return !p.takes(s) }) && c.fits("mkv") {
			p.Muxer = "mkv"
		}
	}
	if !c.fits(p.Muxer) {
		return fmt.Errorf("%s does not go into %s, wanted %s", c.name, p.Muxer, join(c.containers))
	}
	p.End = "." + p.Muxer
	if !has(muxers[p.Muxer]) {
		return fmt.Errorf("%s cannot be written: %s", p.Muxer, film.Lacking(muxers[p.Muxer]))
	}
	return here.choose(c, p, o.Quality, !o.CPU)
}

// codecOf is the codec of a film if it is one of ours, else the usual one of its container.
func codecOf(f *facts, container string) *codec {
	for i := range codecs {
		if codecs[i].media == f.Media {
			return &codecs[i]
		}
	}
	if container == "webm" {
		return findCodec("vp9")
	}
	return findCodec("h264")
}

// machine is what GStreamer offers on a machine.
type machine struct {
	has   func(element string) bool
	works func(encoder string) bool // an element with its properties, as text, can be started
}

var here = machine{has: has, works: works}

func has(name string) bool { return gst.Find(name) != nil }

// works tries to start an element: hardware that is in use, or of a kind that a property does not fit, shows here.
func works(text string) bool {
	bin, err := gst.NewBinFromString(text, true)
	if err != nil {
		return false
	}
	defer bin.SetState(gst.StateNull)
	return bin.SetState(gst.StateReady) == nil
}

// choose takes the first encoder that works, and keeps frames in GPU memory where decoder, filter and converters can.
func (m machine) choose(c *codec, p *plan, quality int, gpu bool) error {
	width, height := p.size()
	// What GStreamer has no element for on a GPU is done before.
	gpu = gpu && !p.Facts.Interlaced && width == p.Facts.Width && height == p.Facts.Height
	for _, name := range []string{"cudaupload", "cudadownload", "cudaconvert", "cudascale"} {
		gpu = gpu && m.has(name)
	}
	if decoder := nvDecoders[p.Facts.Media]; gpu && decoder != "" && m.has(decoder) {
		p.CUDA, p.Decoder = true, decoder
	} else {
		p.Decoder = "decodebin"
	}
	var tried, missing []string
	for _, e := range c.encoders {
		properties := strings.ReplaceAll(e.properties, "QUALITY", fmt.Sprint(e.quality(quality)))
		if !m.has(e.element) {
			tried = append(tried, e.element)
			if e.library != "" {
				missing = append(missing, film.Lacking(e.element))
			}
			continue
		}
		p.Encoder = coder{Element: e.element, Properties: properties, Formats: e.formats, CUDA: e.cuda, Hardware: e.library == ""}
		if !m.works(p.Encoder.text()) {
			tried = append(tried, e.element+" (does not start)")
			continue
		}
		p.Encoder.Version, p.Encoder.Processor = encoderVersion(e), processor()
		return nil
	}
	err := fmt.Errorf("GStreamer has no encoder for %s that works, tried %s", c.name, join(tried))
	if len(missing) > 0 {
		err = fmt.Errorf("%w: %s", err, missing[0])
	}
	return err
}

// quality is the encoder's own number for a quality of 1 to 100.
func (e encoder) quality(q int) int { return e.worst + (e.best-e.worst)*q/100 }
