package transcode

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"adainfilter/model"
)

// Depths are the values of Options.Depth: bits per sample.
var Depths = []int{8, 10, 12, 16}

// deeper are formats with more bits per sample, by those with 8 that encoders take.
var deeper = map[string]map[int]string{
	"I420": {10: "I420_10LE", 12: "I420_12LE"},
	"NV12": {10: "P010_10LE", 12: "P012_LE", 16: "P016_LE"},
	"BGRA": {10: "GBRA_10LE", 12: "GBRA_12LE"}, // of FFV1
}

// format is that of an encoder's frames with a depth, "" where it has none; alpha is that of its codec's frames with transparency, "" for frames without. An encoder
// of deep frames alone gets those for less, too.
func (e encoder) format(depth int, alpha string) string {
	if alphaFormat(alpha) && !alphaFormat(e.formats) {
		e.formats = alpha
	}
	if depth <= depthOf(e.formats) {
		return e.formats
	}
	return deeper[e.formats][depth]
}

// depths are those that a film's result may have, best first: what is asked for, or the film's own and, where no encoder has that, less.
func (o choice) depths(f *facts) []int {
	if o.depth != 0 {
		return []int{o.depth}
	}
	var list []int
	for i := len(Depths) - 1; i >= 0; i-- {
		if Depths[i] <= f.depth() || Depths[i] == 8 {
			list = append(list, Depths[i])
		}
	}
	return list
}

// depth is the film's own, in bits per sample.
func (f *facts) depth() int { return max(f.Depth, depthOf(f.Raw.Format)) }

// deepens says whether some encoder of a codec works with more than 8 bits, as a film wants it.
func (m machine) deepens(c *codec, p *plan, o choice) bool {
	width, height := p.size()
	for _, depth := range o.depths(p.Facts) {
		for _, e := range c.encoders {
			if format := e.format(depth, ""); depth > 8 && depthOf(format) > 8 && m.has(e.element) && m.works(taking(format, coder{Element: e.element, Properties: e.set(o)}), width, height) {
				return true
			}
		}
	}
	return false
}

// taking is the text of an encoder that gets frames of a format; an encoder that has no such format does not start.
func taking(format string, c coder) string {
	if depthOf(format) == 8 {
		return c.text()
	}
	return fmt.Sprintf("capsfilter caps=video/x-raw(ANY),format=%s ! %s", format, c.text())
}

// warnDepth says what is lost.
func (p *plan) warnDepth() {
	if from, to := p.Facts.depth(), depthOf(p.Encoder.Formats); from > to {
		p.Warnings = append(p.Warnings, depthLost(from, to))
	}
}

func depthLost(from, to int) string { return fmt.Sprintf("its %d bits per sample become %d", from, to) }

// filterFormats are those of frames on their way into the filter, with as many bits as the encoder's at least: with R, G and B, and with luma
// and chroma, the encoder's own first.
func (p *plan) filterFormats() (rgb, yuv string) {
	depth := depthOf(p.Encoder.Formats)
	if depth == 8 {
		return "RGB,BGR,RGBA,BGRA,RGBx,BGRx", "NV12,I420"
	}
	colours := []string{}
	if depth == 16 {
		colours = append(colours, deepPictures) // the only one of GStreamer 1.22; what stands in the place of transparency goes past
	}
	var lumas []string
	for _, f := range model.Formats() {
		switch l := f.Layout(); {
		case l.Depth < depth || l.Colour == model.ColourGray || l.Copied != nil:
		case f.String() == p.Encoder.Formats:
			lumas = append([]string{l.Name}, lumas...)
		case f.YUV():
			lumas = append(lumas, l.Name)
		default:
			colours = append(colours, l.Name)
		}
	}
	return strings.Join(colours, ","), strings.Join(lumas, ",")
}

// deepFormat finds the bits per sample in the name of a raw format that has more than 8.
var deepFormat = regexp.MustCompile(`_(10|12|16)|^P0(10|12|16)|^[Yv][24](10|12|16)`)

// wideFormat finds those of four samples of 16 bits.
var wideFormat = regexp.MustCompile(`^[A-Z]{4}64`)

// depthOf is the bits per sample of a raw format, by its name.
func depthOf(format string) int {
	if wideFormat.MatchString(format) {
		return 16
	}
	for _, group := range deepFormat.FindStringSubmatch(format) {
		if bits, err := strconv.Atoi(group); err == nil {
			return bits
		}
	}
	return 8
}
