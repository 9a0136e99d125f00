package transcode

import (
	"fmt"
	"strings"
)

// nvDecoders are the decoders that leave frames in GPU memory.
var nvDecoders = map[string]string{
	"video/x-h264": "nvh264dec", "video/x-h265": "nvh265dec", "video/x-vp8": "nvvp8dec", "video/x-vp9": "nvvp9dec",
	"video/x-av1": "nvav1dec",
}

const (
	// A few frames between the threads of decoder, filter and encoder, so that one need not wait for the other.
	frameQueue = "queue max-size-buffers=4 max-size-bytes=0 max-size-time=0"
	gpuMemory  = "video/x-raw(memory:CUDAMemory)"
)

// text is the pipeline of a segment as gst-launch-1.0 would take it. The film's stream of video goes into the element
// decoder; frames that are not wanted are dropped on the way into the elements frames and styled, coded takes the result, and opaque what is coded beside it.
// With ranges the film is no file.
func (p *plan) text(ranges bool) string {
	size := p.shape()
	reader := "filesrc"
	if ranges {
		reader = "appsrc"
	}
	parts := []string{reader + " name=file ! parsebin name=streams"}
	if p.Facts.Pictures != "" {
		parts = []string{p.pictureSource() + p.crop() + " ! videoconvert ! videoscale ! " + p.filterCaps(size)}
	} else if p.CUDA {
		parts = append(parts, fmt.Sprintf("%s name=decoder ! %s ! %s name=frames ! cudaconvert ! cudascale ! %s,format=%s,%s",
			p.Decoder, gpuMemory, frameQueue, gpuMemory, p.gpuFormat(), size))
	} else {
		parts = append(parts, "decodebin name=decoder ! "+frameQueue+" name=frames"+p.preparing(size))
	}
	return strings.Join(parts, "  ") + styling + p.branches()
}

// gpuFormat is that of frames in GPU memory.
func (p *plan) gpuFormat() string {
	if depthOf(p.Encoder.Formats) > 8 {
		return "P010_10LE"
	}
	return "NV12"
}

const styling = " ! adainfilter name=filter ! " + frameQueue + " name=styled ! "

// exactly makes GStreamer's converter take its exact way between RGB and luma with chroma: the short one, of 8 bits, is off by up to 3 of 255.
const exactly = " ! videoconvert ! video/x-raw,format=AYUV64"

// preparing is the text from the decoder to the filter.
func (p *plan) preparing(size string) string {
	text := p.Facts.repair()
	if p.Facts.Interlaced {
		text += " ! deinterlace fields=top"
	}
	text += p.crop()
	if isYUV(p.Facts.Raw.Format) && p.keepsAlpha() {
		text += exactly
	}
	return text + " ! videoconvert ! videoscale add-borders=true ! " + p.filterCaps(size)
}

// coding is the text from the filter to the element encoder and its parser.
func (p *plan) coding() string {
	var parts []string
	memory := "video/x-raw"
	switch {
	case p.CUDA && p.Encoder.CUDA:
		memory = gpuMemory
		parts = append(parts, "cudaconvert")
	case p.CUDA:
		parts = append(parts, "cudadownload", "videoconvert")
	default:
		parts = append(parts, "videoconvert")
	}
	caps := memory + ",format=" + p.Encoder.Formats
	c, known := p.colour()
	if known {
		caps += ",colorimetry=" + c.String()
	}
	if known && isYUV(p.Encoder.Formats) && (!isYUV(p.Facts.Raw.Format) || p.keepsAlpha()) {
		// With matrices of 16 bits, and rounded: the short way cuts.
		parts = append(parts, "video/x-raw,format=ARGB64", "videoconvert")
		if depthOf(p.Encoder.Formats) == 8 {
			parts = append(parts, fmt.Sprintf("video/x-raw,format=Y444_10LE,colorimetry=%v", c), "videoconvert")
		}
	} else if known && !isYUV(p.Encoder.Formats) && isYUV(p.Facts.Raw.Format) && !p.keepsAlpha() {
		parts = append(parts, "video/x-raw,format=AYUV64", "videoconvert")
	} else if p.narrows() {
		// Between two formats with luma and chroma GStreamer's converter does not look at the range.
		parts = append(parts, "video/x-raw,format=ARGB64", "videoconvert")
	}
	parts = append(parts, caps)
	if p.Facts.Variable {
		// Encoders that believe in a rate move frames to its grid.
		rate := "0/1"
		if c := findCodec(p.Codec); kindOf(c.media) == "image" || p.Encoder.Element == "x265enc" {
			rate = "25/1" // of pictures: that of WebP takes no other; and x265, which needs one and leaves the times alone
		}
		parts = append(parts, fmt.Sprintf("capssetter caps=%q", memory+",framerate="+rate))
	}
	parts = append(parts, p.Encoder.text()+" name=encoder")
	if p.Encoder.Element != bare {
		parts = append(parts, findCodec(p.Codec).parser)
	}
	return strings.Join(parts, " ! ")
}

// crop cuts off what the codec has no place for.
func (p *plan) crop() string {
	width, height := p.size()
	if width == p.Facts.Width && height == p.Facts.Height {
		return ""
	}
	return fmt.Sprintf(" ! videocrop right=%d bottom=%d", p.Facts.Width-width, p.Facts.Height-height)
}

// filterCaps are the caps of frames on their way into the filter. Colours are named, since GStreamer would take those that the encoder asks
// for, for RGB too.
func (p *plan) filterCaps(size string) string {
	rgb, yuv := p.filterFormats()
	c, ok := p.Facts.complete()
	if !ok {
		if p.keepsAlpha() {
			return p.alphaCaps() + "," + size
		}
		return "video/x-raw," + size
	}
	as := colour{rangeFull, matrixRGB, c[2], c[3]}
	switch {
	case p.keepsAlpha():
		return fmt.Sprintf("%s,colorimetry=%v,%s", p.alphaCaps(), as, size)
	case c[1] == matrixRGB:
		return fmt.Sprintf("video/x-raw,format={%s},colorimetry=%v,%s", rgb, as, size)
	}
	return fmt.Sprintf("video/x-raw,format={%s},colorimetry=%v,%s;video/x-raw,format={%s},colorimetry=%v,%s", yuv, c, size, rgb, as, size)
}

// shape is the part of caps that says how large frames and pixels are.
func (p *plan) shape() string {
	width, height := p.size()
	return fmt.Sprintf("width=%d,height=%d,pixel-aspect-ratio=%s", width, height, p.Facts.Aspect)
}

// keepsAlpha says whether transparency goes past the network into the result.
func (p *plan) keepsAlpha() bool { return p.alpha() != "" }

// alpha is the format with 8 bits, or the least that it has, in which the codec's encoders take the film's transparency, "" where they do not or there is none.
func (p *plan) alpha() string {
	c := findCodec(p.Codec)
	if c == nil || !alphaFormat(p.Facts.Raw.Format) || c.beside && (p.Piped || !c.inWebM(p.Muxer)) {
		return ""
	}
	return c.alpha
}

// alphaCaps are the format of frames with transparency on their way into the filter.
func (p *plan) alphaCaps() string {
	if depthOf(p.Encoder.Formats) > 8 && p.Facts.depth() > 8 {
		return "video/x-raw,format=" + deepPictures
	}
	return "video/x-raw,format=RGBA"
}

// size is that of the output: the film's, or its even part where the codec has no other.
func (p *plan) size() (width, height int) {
	switch p.Codec {
	case "h264", "h265", "prores", "prores4444":
		return p.Facts.Width &^ 1, p.Facts.Height &^ 1
	}
	return p.Facts.Width, p.Facts.Height
}
