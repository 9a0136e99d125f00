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
	if o.Codec == "" && c.name == "h264" { // which hardly anything decodes with more than 8 bits
		if deep := findCodec("h265"); here.deepens(deep, p, choice{quality: o.Quality, preset: o.Preset, depth: o.Depth}) {
			c = deep
		}
	}
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
	depth := o.Depth
	if p.Muxer == stills.GIF {
		if depth > 8 {
			return fmt.Errorf("gif has 8 bits per sample, wanted %d (--container apng, png and tiff have 16)", depth)
		}
		depth = 8
	}
	if p.beside() {
		if depth > 8 {
			return fmt.Errorf("%s with transparency has 8 bits per sample, wanted %d (--codec prores4444 and ffv1 have more)", c.name, depth)
		}
		depth = 8
	}
	if err := here.choose(c, p, choice{quality: o.Quality, preset: o.Preset, wanted: wanted, gpu: !o.CPU, depth: depth}); err != nil {
		return err
	}
	p.warnDepth()
	return nil
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
		if c := findCodec("vp9"); cmp.Or(o.Container, own) == "webm" && c.inWebM("webm") {
			return c, ""
		}
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
		if slices.ContainsFunc(codecs[i].encoders, func(e encoder) bool { return e.element == element && element != bare }) {
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
	depth   int    // bits per sample, 0 is the film's as far as an encoder has them
}

// choose takes the first encoder that works with as many bits per sample as are wanted, and keeps frames in GPU memory where decoder,
// filter and converters can.
func (m machine) choose(c *codec, p *plan, o choice) error {
	m.place(c, p, o.gpu)
	var tried, missing []string
	for _, depth := range o.depths(p.Facts) {
		for _, e := range o.order(c.encoders) {
			why, lacking := m.try(c, p, o, e, depth)
			if why == "" {
				return nil
			}
			if depth == 8 || o.depth != 0 { // what lacks more bits is tried again
				tried = append(tried, why)
			}
			if lacking != "" {
				missing = append(missing, lacking)
			}
		}
	}
	err := fmt.Errorf("GStreamer has no encoder for %s that works, tried %s", c.name, join(tried))
	if o.depth > 8 {
		err = fmt.Errorf("GStreamer has no encoder for %s that works with %d bits per sample, tried %s", c.name, o.depth, join(tried))
	}
	if len(missing) > 0 {
		err = fmt.Errorf("%w: %s", err, missing[0])
	}
	return err
}

// try makes an encoder the plan's if it works with a depth; else it says which was tried and what is missing of it.
func (m machine) try(c *codec, p *plan, o choice, e encoder, depth int) (tried, missing string) {
	width, height := p.size()
	if !m.has(e.element) {
		if e.library != "" {
			missing = film.Lacking(e.element)
		}
		return e.element, missing
	}
	coded := coder{Element: e.element, Properties: e.set(o) + p.Facts.siting(e), Formats: e.format(depth, p.alpha()), CUDA: e.cuda, Hardware: e.library == ""}
	if coded.Formats == "" {
		return fmt.Sprintf("%s (has no %d bits)", e.element, depth), ""
	}
	if !m.works(taking(coded.Formats, coded), width, height) {
		return e.element + " (does not start, or not with frames of this size)", ""
	}
	p.Encoder = coded
	p.Encoder.Version, p.Encoder.Processor = encoderVersion(e), processor()
	if o.wanted != "" && e.element != o.wanted {
		why := "it does not start, or not with frames of this size"
		if !m.has(o.wanted) {
			why = film.Lacking(o.wanted)
		}
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s cannot be used (%s): %s codes instead", o.wanted, why, e.element))
	}
	return "", ""
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
