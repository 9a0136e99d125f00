package transcode

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
)

// raw is what a decoder says of its frames, in the words of GStreamer's caps; a field is empty where nothing is said.
type raw struct {
	Format      string `json:"format,omitempty"`
	Colorimetry string `json:"colorimetry,omitempty"`
	Coded       string `json:"coded,omitempty"`  // the colorimetry that the coded video alone has, where that is asked
	Siting      string `json:"siting,omitempty"` // of chroma
}

// alphaFormat says whether frames of a format have transparency.
func alphaFormat(format string) bool {
	for _, start := range []string{"A4", "AYUV", "ARGB", "ABGR", "RGBA", "BGRA", "GBRA", "VUYA", "AV12"} {
		if strings.HasPrefix(format, start) {
			return true
		}
	}
	return false
}

// strippers take the container's word for the colours from coded video, so that the decoder finds the video's own. GStreamer's reader of MP4 does not know that
// its box colr may say full range, and decoders believe it; players believe the video.
var strippers = map[string]string{
	"video/x-h264": "h264parse name=decoder ! video/x-h264,stream-format=byte-stream,alignment=au ! capssetter replace=true caps=video/x-h264,stream-format=byte-stream,alignment=au",
	"video/x-h265": "h265parse name=decoder ! video/x-h265,stream-format=byte-stream,alignment=au ! capssetter replace=true caps=video/x-h265,stream-format=byte-stream,alignment=au",
}

// decodeFirst decodes one frame and notes what it is. A film of which nothing can be decoded keeps an empty note: who codes it says why.
func (f *facts) decodeFirst(ctx context.Context, path string) {
	f.Raw = f.firstFrame(ctx, path, "decodebin name=decoder")
	if stripper := strippers[f.Media]; stripper != "" && f.Container == "video/quicktime" {
		f.Raw.Coded = f.firstFrame(ctx, path, stripper+" ! decodebin").Colorimetry
	}
}

func (f *facts) firstFrame(ctx context.Context, path, decoder string) (first raw) {
	p, err := film.Open("filesrc name=file ! parsebin name=streams  "+decoder+" ! fakesink name=sink sync=false async=false", path, film.DecodeLimit)
	if err != nil {
		return first
	}
	defer p.Close()
	c := &coding{Pipeline: p, job: &job{plan: &plan{Facts: f}}, abort: make(chan error, 4)}
	sink, err := c.Sink("sink")
	if err != nil || c.linkDecoder() != nil {
		return first
	}
	found := make(chan raw, 1)
	var seen raw
	c.Probe(sink, gst.PadProbeTypeBuffer|gst.PadProbeTypeEventDownstream, func(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		c.Moved()
		if event := film.EventOf(info); event != nil && event.Type() == gst.EventTypeCaps {
			seen = rawOf(event.ParseCaps().GetStructureAt(0))
		} else if event == nil {
			select {
			case found <- seen:
				c.fail(film.ErrStopped)
			default:
			}
		}
		return gst.PadProbeOK
	})
	c.Run(ctx, c.abort)
	select {
	case first = <-found:
	default:
	}
	return first
}

func rawOf(s *gst.Structure) raw {
	text := func(name string) string {
		v, _ := s.GetValue(name)
		t, _ := v.(string)
		return t
	}
	return raw{Format: text("format"), Colorimetry: text("colorimetry"), Siting: text("chroma-site")}
}

// colour is how samples are to be read: range, matrix, transfer and primaries, in the numbers of GStreamer's caps, 0 where
// nothing is said.
type colour [4]int

const (
	rangeFull    = 1 // 0 to 255
	rangeLimited = 2 // 16 to 235
	matrixRGB    = 1
	matrix709    = 3
	matrix601    = 4
)

// named are the short names that GStreamer uses in caps.
var named = map[string]colour{
	"bt601": {2, 4, 16, 4}, "bt709": {2, 3, 5, 1}, "smpte240m": {2, 5, 6, 5}, "sRGB": {1, 1, 7, 1}, "bt2020": {2, 6, 11, 7}, "bt2020-10": {2, 6, 13, 7},
	"bt2100-pq": {2, 6, 14, 7}, "bt2100-hlg": {2, 6, 15, 7},
}

// parseColour reads the text in caps; false says that there is none.
func parseColour(text string) (c colour, ok bool) {
	if c, ok = named[text]; ok {
		return c, true
	}
	parts := strings.Split(text, ":")
	if len(parts) != len(c) {
		return c, false
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil {
			return c, false
		}
		c[i] = n
	}
	return c, true
}

func (c colour) String() string {
	for name, same := range named {
		if same == c {
			return name
		}
	}
	return fmt.Sprintf("%d:%d:%d:%d", c[0], c[1], c[2], c[3])
}

// complete fills in what GStreamer needs. Without a matrix it throws the whole away, the range with it, and takes frames for what is
// usual at their size: a film of full range that says no more came out with the flag of limited range.
func (f *facts) complete() (c colour, ok bool) {
	if c, ok = parseColour(f.Raw.Colorimetry); !ok && (f.Raw.Format == "" || f.Raw.Colorimetry != "") {
		return c, false
	} else if !ok && !isYUV(f.Raw.Format) { // without a word, and x264enc then calls all chroma centred
		c = colour{rangeFull, matrixRGB, 0, 0}
	}
	if own, ok := parseColour(f.Raw.Coded); ok {
		for i, n := range own {
			if n != 0 {
				c[i] = n
			}
		}
	}
	if c[1] == 0 {
		c[1] = matrix601
		if f.Height > 576 || f.Width > 1024 {
			c[1] = matrix709
		}
	}
	if c[0] == 0 {
		c[0] = rangeLimited
		if c[1] == matrixRGB {
			c[0] = rangeFull
		}
	}
	return c, true
}

// repair is the element that completes the colours of decoded frames, "" where nothing is to be done.
func (f *facts) repair() string {
	c, ok := f.complete()
	if held, _ := parseColour(f.Raw.Colorimetry); !ok || held == c || f.Raw.Colorimetry == "" && !isYUV(f.Raw.Format) {
		return ""
	}
	return fmt.Sprintf(` ! capssetter caps="video/x-raw,colorimetry=%v"`, c)
}

// colour is that of the frames that the encoder gets, and what the container says of them; false leaves it to GStreamer.
func (p *plan) colour() (c colour, ok bool) {
	if c, ok = p.Facts.complete(); !ok {
		return c, false
	}
	k, yuv := findCodec(p.Codec), isYUV(p.Encoder.Formats)
	switch {
	case !yuv:
		c[0], c[1] = rangeFull, matrixRGB
	case c[1] == matrixRGB: // GStreamer's choice, which is what players take where nothing is said
		c[0], c[1] = rangeLimited, matrix601
		if p.Facts.Height > 576 || p.Facts.Width > 1024 {
			c[1] = matrix709
		}
	case k != nil && k.limited:
		c[0] = rangeLimited
	}
	return c, true
}

// narrows says whether samples of the full range become limited ones.
func (p *plan) narrows() bool {
	from, ok := p.Facts.complete()
	to, _ := p.colour()
	return ok && from[0] == rangeFull && from[1] != matrixRGB && to[0] == rangeLimited
}

// isYUV says whether a format of an encoder's frames has luma and chroma.
func isYUV(format string) bool {
	return !slices.ContainsFunc([]string{"RGB", "BGR", "GBR"}, func(s string) bool { return strings.Contains(format, s) })
}

// describe adds to the caps of coded frames what the encoder leaves out.
func (p *plan) describe(caps string) string {
	c, ok := p.colour()
	if caps != "" && findCodec(p.Codec).media == "video/x-vp9" && !strings.Contains(caps, "chroma-site=") {
		caps += ", chroma-site=(string)mpeg2" // without which GStreamer 1.22's mp4mux crashes
	}
	if !ok || caps == "" {
		return caps
	}
	if before, rest, found := strings.Cut(caps, ", colorimetry=(string)"); found {
		if _, more, _ := strings.Cut(rest, ","); findCodec(p.Codec).media == "video/x-av1" { // the parser's, of a header without colours
			caps = before
			if more != "" {
				caps += "," + more
			}
		} else {
			return caps
		}
	}
	return fmt.Sprintf("%s, colorimetry=(string)%v", caps, c)
}

// siting is what says where chroma lies to an encoder that does not ask: the last of its options goes on with it.
func (f *facts) siting(e encoder) string {
	place := map[string]int{"jpeg": 1, "dv": 2}[f.Raw.Siting]
	if e.element != "x265enc" || place == 0 {
		return ""
	}
	return fmt.Sprintf(":chromaloc=%d", place)
}

// iso are the numbers of ISO/IEC 23001-8 for GStreamer's of matrix, transfer and primaries.
var iso = struct{ matrix, transfer, primaries map[int]byte }{
	map[int]byte{3: 1, 4: 6, 5: 7, 6: 9},
	map[int]byte{1: 8, 4: 4, 5: 1, 6: 7, 7: 13, 8: 5, 9: 9, 10: 10, 11: 15, 13: 14, 14: 16, 15: 18, 16: 6},
	map[int]byte{1: 1, 2: 4, 3: 5, 4: 6, 5: 7, 7: 9},
}

// mark writes colours into a coded frame, which the encoder has left out. It may change the frame's own bytes.
func (c colour) mark(media string, frame []byte) []byte {
	switch media {
	case "video/x-prores":
		c.markProRes(frame)
	case "video/x-vp9":
		c.markVP9(frame)
	case "video/x-av1":
		return c.markAV1(frame)
	}
	return frame
}

// markCaps does so for the headers in caps.
func (c colour) markCaps(media string, h segmentHead) segmentHead {
	const before = 4 // of the box av1C, before the units
	data, err := hex.DecodeString(h.CodecData)
	if media != "video/x-av1" || err != nil || len(data) <= before {
		return h
	}
	marked := hex.EncodeToString(append(data[:before:before], c.markAV1(data[before:])...))
	h.Caps = strings.Replace(h.Caps, h.CodecData, marked, 1)
	h.CodecData = marked
	return h
}

// markProRes fills the head of a frame (SMPTE RDD 36, 5.1.1: primaries, transfer and matrix are bytes 14 to 16 of the frame's header, which
// follows the size and the four letters icpf).
func (c colour) markProRes(frame []byte) {
	const at = 8 + 14
	if len(frame) < at+3 || string(frame[4:8]) != "icpf" {
		return
	}
	for i, n := range []byte{iso.primaries[c[3]], iso.transfer[c[2]], iso.matrix[c[1]]} {
		if n != 0 {
			frame[at+i] = n
		}
	}
}

// markVP9 sets color_space, the first three bits behind the sync code of a key frame of profile 0 or, with more than 8 bits, 2 (VP9 Bitstream, 6.2). Where it says
// unknown the encoder knew the range only.
func (c colour) markVP9(frame []byte) {
	spaces := map[int]byte{matrix709: 2, matrix601: 1, 5: 4, 6: 5}
	const marker, deep, key = 0b10_00_0_0_00, 0b10_01_0_0_00, 0b11_11_1_1_00 // frame marker, profile 0 or 2, a frame of its own, a key frame
	if len(frame) <= 4 || string(frame[1:4]) != "\x49\x83\x42" {
		return
	}
	switch {
	case frame[0]&key == marker && frame[4]>>5 == 0:
		frame[4] |= spaces[c[1]] << 5
	case frame[0]&key == deep && frame[4]>>4&7 == 0: // behind a bit that says 10 or 12
		frame[4] |= spaces[c[1]] << 4
	}
}
