package transcode

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
	"adainfilter/trainer/film/stills"
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

// codec is what films are written in.
type codec struct {
	name       string
	containers []string // the first is for films whose own does not take it
	media      string   // caps' name
	parser     string   // between encoder and container, and caps that the containers take
	alpha      string   // the format in which the encoders take transparency, "" where there is none
	limited    bool     // nothing in the stream says that samples have the full range, so they must not
	deep       bool     // may have more than 8 bits; of no use as a film's own codec
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
	{name: "h265-10", containers: []string{"mp4", "mov", "mkv"}, media: "video/x-h265", parser: hevcParser, deep: true, encoders: []encoder{
		{"nvh265enc", "rc-mode=constqp qp-const=QUALITY PRESET", "P010_10LE", true, 52, 12, "", nvPresets},
		{"vah265enc", "rate-control=cqp qpi=QUALITY qpp=QUALITY qpb=QUALITY PRESET", "P010_10LE", false, 52, 12, "", vaPresets},
		{"qsvh265enc", "rate-control=cqp qp-i=QUALITY qp-p=QUALITY qp-b=QUALITY PRESET", "P010_10LE", false, 52, 12, "", vaPresets},
		{"x265enc", x265Properties, "I420_10LE", false, 52, 12, "libx265.so.", x26xPresets},
	}},
	{name: "av1", containers: []string{"mkv", "mp4", "webm"}, media: "video/x-av1", parser: "av1parse ! video/x-av1,stream-format=obu-stream,alignment=tu", encoders: []encoder{
		{"nvav1enc", "rc-mode=constqp qp-const-i=QUALITY qp-const-p=QUALITY qp-const-b=QUALITY PRESET", "NV12", true, 240, 20, "", nvNew},
		{"vaav1enc", "rate-control=cqp qp=QUALITY PRESET", "NV12", false, 240, 20, "", vaPresets},
		// logical-processors fixes the threads, and the bits do not follow them.
		{"svtav1enc", "cqp=QUALITY logical-processors=4 preset=PRESET", "I420", false, 60, 10, "libSvtAv1Enc.so.", [3]string{"10", "8", "5"}},
		{"svtav1enc", "crf=QUALITY logical-processors=4 preset=PRESET", "I420", false, 60, 10, "libSvtAv1Enc.so.", [3]string{"10", "8", "5"}},
		{"av1enc", "end-usage=q min-quantizer=QUALITY max-quantizer=QUALITY cpu-used=PRESET row-mt=true threads=4", "I420", false, 60, 10, "libaom.so.", [3]string{"8", "6", "4"}},
	}},
	{name: "vp9", containers: []string{"mkv", "webm", "mp4"}, media: "video/x-vp9", parser: "vp9parse ! video/x-vp9,alignment=frame", encoders: []encoder{
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

// smallest is the side from which on some of GStreamer's muxers take frames.
const smallest = 16

// containerOf is the container that a film lies in, "" for others than ours.
func containerOf(f *facts, path string) string {
	if end := strings.ToLower(filepath.Ext(path)); f.Pictures == stills.PNG && (end == ".tif" || end == ".tiff") {
		return stills.TIFF
	}
	if f.Pictures != "" {
		return f.Pictures
	}
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
	c, wanted := o.codecFor(p.Facts, own)
	p.Codec = c.name
	switch {
	case o.Container != "":
		p.Muxer = o.Container
	case own != "" && c.fits(own):
		p.Muxer = own
	default:
		p.Muxer = c.containers[0]
	}
	p.Carry = p.carries()
	// Matroska takes nearly every stream; what is lost elsewhere is kept there.
	if o.Container == "" && c.fits("mkv") && p.lacksRoom() {
		p.Muxer = "mkv"
		p.Carry = p.carries()
	}
	if f := p.Facts; (f.Width < smallest || f.Height < smallest) && slices.Contains([]string{"mp4", "mov", stills.WebP}, p.Muxer) {
		if o.Container != "" || !c.fits("mkv") {
			return fmt.Errorf("it has %dx%d pixels, GStreamer writes %s from %dx%d on (--container mkv, gif and apng take less)", f.Width, f.Height, p.Muxer, smallest, smallest)
		}
		p.Muxer = "mkv"
	}
	if !c.fits(p.Muxer) {
		return fmt.Errorf("%s does not go into %s, wanted %s", c.name, p.Muxer, join(c.containers))
	}
	p.End = (&job{options: o, path: path}).endOf(p.Muxer)
	if _, picture := pictureKinds[p.Muxer]; !picture && !has(muxers[p.Muxer]) {
		return fmt.Errorf("%s cannot be written: %s", p.Muxer, film.Lacking(muxers[p.Muxer]))
	}
	return here.choose(c, p, choice{quality: o.Quality, preset: o.Preset, wanted: wanted, gpu: !o.CPU})
}

// codecFor is the codec of a film, and the encoder that the user has named, "" for none. Without a choice a film with transparency gets a codec that keeps it.
func (o *Options) codecFor(f *facts, own string) (c *codec, wanted string) {
	switch c = findCodec(o.Codec); {
	case c != nil:
		return c, ""
	case o.Codec == sourceCodec:
		return codecOf(f, own), ""
	case o.Codec != "":
		return codecWith(o.Codec), o.Codec
	}
	if _, picture := pictureKinds[cmp.Or(o.Container, own)]; picture {
		return usualOf(cmp.Or(o.Container, own)), ""
	}
	usual := findCodec("h264")
	if alphaFormat(f.Raw.Format) {
		for _, name := range []string{"prores4444", "ffv1"} {
			if c := findCodec(name); o.Container != "" && c.fits(o.Container) || o.Container == "" && (c.fits(own) && own != "mkv" || name == "ffv1") {
				return c, ""
			}
		}
	}
	if o.Container != "" && !usual.fits(o.Container) {
		return usualOf(o.Container), ""
	}
	return usual, ""
}

// usualOf is the first codec that goes into a container.
func usualOf(container string) *codec {
	if container == "webm" {
		return findCodec("vp9")
	}
	for i := range codecs {
		if codecs[i].fits(container) {
			return &codecs[i]
		}
	}
	return nil
}

// codecWith is the codec that an encoder writes, nil for one that is not in the table.
func codecWith(element string) *codec {
	for i := range codecs {
		if slices.ContainsFunc(codecs[i].encoders, func(e encoder) bool { return e.element == element }) {
			return &codecs[i]
		}
	}
	return nil
}

// codecOf is the codec of a film if it is one of ours, else the usual one of its container.
func codecOf(f *facts, container string) *codec {
	for i := range codecs {
		if codecs[i].media == f.Media && (!codecs[i].deep || codecs[i].alpha != "" && alphaFormat(f.Raw.Format)) {
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
	works func(encoder string, width, height int) bool // an element with its properties, as text, can be started, and takes frames of that size
}

var here = machine{has: has, works: works}

func has(name string) bool { return gst.Find(name) != nil }

// works tries to start an element that is linked to frames of a size: hardware that is in use, or of a kind that a property does not fit, shows
// here, and an encoder that takes no frames so small (svtav1enc wants 64x64).
func works(text string, width, height int) bool {
	bin, err := gst.NewBinFromString(fmt.Sprintf("capsfilter caps=video/x-raw(ANY),width=%d,height=%d ! %s", width, height, text), true)
	if err != nil {
		return false
	}
	defer bin.SetState(gst.StateNull)
	return bin.SetState(gst.StateReady) == nil
}

// choice is what a user wants of an encoder.
type choice struct {
	quality int
	preset  string // of Presets, "" is medium
	wanted  string // the element that the user has named, "" for none
	gpu     bool   // frames may lie in GPU memory
}

// choose takes the first encoder that works, and keeps frames in GPU memory where decoder, filter and converters can.
func (m machine) choose(c *codec, p *plan, o choice) error {
	m.place(c, p, o.gpu)
	var tried, missing []string
	width, height := p.size()
	for _, e := range o.order(c.encoders) {
		if !m.has(e.element) {
			tried = append(tried, e.element)
			if e.library != "" {
				missing = append(missing, film.Lacking(e.element))
			}
			continue
		}
		p.Encoder = coder{Element: e.element, Properties: e.set(o) + p.Facts.siting(e), Formats: e.formats, CUDA: e.cuda, Hardware: e.library == ""}
		if c.alpha != "" && alphaFormat(p.Facts.Raw.Format) {
			p.Encoder.Formats = c.alpha
		}
		if !m.works(p.Encoder.text(), width, height) {
			tried = append(tried, e.element+" (does not start, or not with frames of this size)")
			continue
		}
		p.Encoder.Version, p.Encoder.Processor = encoderVersion(e), processor()
		if o.wanted != "" && e.element != o.wanted {
			why := "it does not start, or not with frames of this size"
			if !m.has(o.wanted) {
				why = film.Lacking(o.wanted)
			}
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s cannot be used (%s): %s codes instead", o.wanted, why, e.element))
		}
		return nil
	}
	err := fmt.Errorf("GStreamer has no encoder for %s that works, tried %s", c.name, join(tried))
	if len(missing) > 0 {
		err = fmt.Errorf("%w: %s", err, missing[0])
	}
	return err
}

// place decides where frames lie.
func (m machine) place(c *codec, p *plan, gpu bool) {
	width, height := p.size()
	// What GStreamer has no element for on a GPU is done before.
	gpu = gpu && !p.Facts.Interlaced && width == p.Facts.Width && height == p.Facts.Height && !p.keepsAlpha()
	if from, ok := p.Facts.complete(); ok && from[0] == rangeFull && c.limited {
		gpu = false
	}
	for _, name := range []string{"cudaupload", "cudadownload", "cudaconvert", "cudascale"} {
		gpu = gpu && m.has(name)
	}
	if decoder := nvDecoders[p.Facts.Media]; gpu && decoder != "" && m.has(decoder) {
		p.CUDA, p.Decoder = true, decoder
	} else {
		p.Decoder = "decodebin"
	}
}

// order puts the encoder that the user has named before the others.
func (o choice) order(encoders []encoder) []encoder {
	if o.wanted == "" {
		return encoders
	}
	sorted := slices.Clone(encoders)
	slices.SortStableFunc(sorted, func(a, b encoder) int {
		switch first, second := a.element == o.wanted, b.element == o.wanted; {
		case first && !second:
			return -1
		case second && !first:
			return 1
		}
		return 0
	})
	return sorted
}

// set is the text of an encoder's properties.
func (e encoder) set(o choice) string {
	text := strings.ReplaceAll(e.properties, "QUALITY", fmt.Sprint(e.quality(o.quality)))
	return strings.ReplaceAll(text, "PRESET", e.presets[max(0, slices.Index(Presets, cmp.Or(o.preset, "medium")))])
}

// quality is the encoder's own number for a quality of 1 to 100.
func (e encoder) quality(q int) int { return e.worst + (e.best-e.worst)*q/100 }
