package model

import (
	"fmt"
	"slices"
)

// Format is the arrangement of the samples of an Image, by GStreamer's names. Layout describes each; engines read and write all of them by
// that description and know no format by name.
type Format int

// The formats that an Image can have, as gstvideo's documentation describes them.
const (
	RGB Format = iota
	BGR
	RGBA
	BGRA
	RGBx
	BGRx
	NV12
	I420
	GBR
	ARGB
	ABGR
	XRGB
	XBGR
	RGBP
	BGRP
	GRAY8
	GRAY16
	YV12
	NV21
	NV16
	NV61
	Y42B
	Y444
	Y41B
	YUY2
	UYVY
	YVYU
	VUYA
	AYUV
	P010
	P012
	P016
	I420x10
	I422x10
	Y444x10
	I420x12
	Y444x12
	Y444x16
	NV12x10LE32
	V210
	A420
	A444x10
	GBRA
	RGBA64
	ARGB64
	RGB10A2
	GBRx10
	GBRx12
	GBRx16
	formatCount
)

// Colour is what the samples of a format are.
type Colour int

const (
	ColourRGB  Colour = iota // channels R, G, B
	ColourYUV                // channels Y, Cb, Cr
	ColourGray               // channel Y
)

// Place is where one of a group's samples lies: in the little-endian word that begins Offset bytes into the group, Shift bits up.
type Place struct{ Offset, Shift int }

// Channel is how one channel's samples lie in a row of its plane: in groups, of one sample but for formats that pack several into words.
type Channel struct {
	Plane int
	Step  int // bytes from one group to the next
	Word  int // bytes of the word that holds a sample: 1, 2 or 4
	Depth int // bits of a sample
	At    []Place
}

// Layout describes a format. Chroma (channels 1 and 2 of ColourYUV) has ceil(W/2^SubX) x ceil(H/2^SubY) samples, all else W x H. Bits of a
// row that no channel has are zero when an engine has written them.
type Layout struct {
	Name       string
	Colour     Colour
	Depth      int // of every channel but Copied
	SubX, SubY int
	Channels   []Channel // in the order R, G, B or Y, Cb, Cr
	Copied     *Channel  // samples that engines copy from the frame: alpha or, with Padding, what stands in its place
	Padding    bool
	CUDA       bool // one of those that GStreamer's CUDA elements use, which the CUDA engine takes
}

// Layout is the description of f, which must be one of Formats.
func (f Format) Layout() *Layout { return &layouts[f] }

// one is a channel whose groups are single samples.
func one(plane, step, offset, word, shift, depth int) Channel {
	return Channel{Plane: plane, Step: step, Word: word, Depth: depth, At: []Place{{offset, shift}}}
}

// grouped is a channel of words of four bytes that hold three samples of ten bits; step bytes hold a group, whose samples are the at-th of
// those words' samples.
func grouped(plane, step int, at ...int) Channel {
	c := Channel{Plane: plane, Step: step, Word: 4, Depth: 10}
	for _, i := range at {
		c.At = append(c.At, Place{i / 3 * 4, i % 3 * 10})
	}
	return c
}

// packed is an RGB or 4:4:4 format of one plane: where its channels and what is copied (-1: nothing) lie in a pixel, in samples of word
// bytes.
func packed(name string, colour Colour, word, samples int, order [3]int, copied int) Layout {
	l := Layout{Name: name, Colour: colour, Depth: 8 * word}
	for _, i := range order {
		l.Channels = append(l.Channels, one(0, samples*word, i*word, word, 0, 8*word))
	}
	if copied >= 0 {
		c := one(0, samples*word, copied*word, word, 0, 8*word)
		l.Copied = &c
	}
	return l
}

// planar is a format whose channels have a plane each, in samples of depth bits at the lower end of bytes or words of two.
func planar(name string, colour Colour, depth, subX, subY int, planes ...int) Layout {
	l := Layout{Name: name, Colour: colour, Depth: depth, SubX: subX, SubY: subY}
	word := (depth + 7) / 8
	for _, p := range planes {
		l.Channels = append(l.Channels, one(p, word, 0, word, 0, depth))
	}
	if len(planes) == 4 {
		l.Copied, l.Channels = &l.Channels[3], l.Channels[:3]
	}
	return l
}

// semi is a format with a plane of luminance and one of chroma in turn, Cb at the cb-th place, samples of depth bits at the upper end of
// bytes or words of two.
func semi(name string, depth, subY, cb int) Layout {
	word := (depth + 7) / 8
	shift := 8*word - depth
	return Layout{Name: name, Colour: ColourYUV, Depth: depth, SubX: 1, SubY: subY, Channels: []Channel{
		one(0, word, 0, word, shift, depth), one(1, 2*word, cb*word, word, shift, depth), one(1, 2*word, (1-cb)*word, word, shift, depth),
	}}
}

// yuy2 is a format of one plane with the samples of two pixels in four bytes.
func yuy2(name string, y, cb, cr int) Layout {
	return Layout{Name: name, Colour: ColourYUV, Depth: 8, SubX: 1, Channels: []Channel{
		one(0, 2, y, 1, 0, 8), one(0, 4, cb, 1, 0, 8), one(0, 4, cr, 1, 0, 8),
	}}
}

func (l Layout) padded() Layout { l.Padding = true; return l }
func (l Layout) onGPU() Layout  { l.CUDA = true; return l }

var layouts = [formatCount]Layout{
	RGB:  packed("RGB", ColourRGB, 1, 3, [3]int{0, 1, 2}, -1).onGPU(),
	BGR:  packed("BGR", ColourRGB, 1, 3, [3]int{2, 1, 0}, -1).onGPU(),
	RGBA: packed("RGBA", ColourRGB, 1, 4, [3]int{0, 1, 2}, 3).onGPU(),
	BGRA: packed("BGRA", ColourRGB, 1, 4, [3]int{2, 1, 0}, 3).onGPU(),
	ARGB: packed("ARGB", ColourRGB, 1, 4, [3]int{1, 2, 3}, 0).onGPU(),
	ABGR: packed("ABGR", ColourRGB, 1, 4, [3]int{3, 2, 1}, 0).onGPU(),
	RGBx: packed("RGBx", ColourRGB, 1, 4, [3]int{0, 1, 2}, 3).padded().onGPU(),
	BGRx: packed("BGRx", ColourRGB, 1, 4, [3]int{2, 1, 0}, 3).padded().onGPU(),
	XRGB: packed("xRGB", ColourRGB, 1, 4, [3]int{1, 2, 3}, 0).padded(),
	XBGR: packed("xBGR", ColourRGB, 1, 4, [3]int{3, 2, 1}, 0).padded(),
	VUYA: packed("VUYA", ColourYUV, 1, 4, [3]int{2, 1, 0}, 3).onGPU(),
	AYUV: packed("AYUV", ColourYUV, 1, 4, [3]int{1, 2, 3}, 0),

	RGBA64: packed("RGBA64_LE", ColourRGB, 2, 4, [3]int{0, 1, 2}, 3),
	ARGB64: packed("ARGB64_LE", ColourRGB, 2, 4, [3]int{1, 2, 3}, 0),
	RGB10A2: Layout{Name: "RGB10A2_LE", Depth: 10, Channels: []Channel{one(0, 4, 0, 4, 0, 10), one(0, 4, 0, 4, 10, 10), one(0, 4, 0, 4, 20, 10)},
		Copied: &Channel{Step: 4, Word: 4, Depth: 2, At: []Place{{0, 30}}}}.onGPU(),

	GBR:    planar("GBR", ColourRGB, 8, 0, 0, 2, 0, 1).onGPU(),
	RGBP:   planar("RGBP", ColourRGB, 8, 0, 0, 0, 1, 2).onGPU(),
	BGRP:   planar("BGRP", ColourRGB, 8, 0, 0, 2, 1, 0).onGPU(),
	GBRA:   planar("GBRA", ColourRGB, 8, 0, 0, 2, 0, 1, 3),
	GBRx10: planar("GBR_10LE", ColourRGB, 10, 0, 0, 2, 0, 1),
	GBRx12: planar("GBR_12LE", ColourRGB, 12, 0, 0, 2, 0, 1),
	GBRx16: planar("GBR_16LE", ColourRGB, 16, 0, 0, 2, 0, 1),
	GRAY8:  planar("GRAY8", ColourGray, 8, 0, 0, 0),
	GRAY16: planar("GRAY16_LE", ColourGray, 16, 0, 0, 0),

	I420:    planar("I420", ColourYUV, 8, 1, 1, 0, 1, 2).onGPU(),
	YV12:    planar("YV12", ColourYUV, 8, 1, 1, 0, 2, 1).onGPU(),
	Y42B:    planar("Y42B", ColourYUV, 8, 1, 0, 0, 1, 2).onGPU(),
	Y444:    planar("Y444", ColourYUV, 8, 0, 0, 0, 1, 2).onGPU(),
	Y41B:    planar("Y41B", ColourYUV, 8, 2, 0, 0, 1, 2),
	A420:    planar("A420", ColourYUV, 8, 1, 1, 0, 1, 2, 3),
	I420x10: planar("I420_10LE", ColourYUV, 10, 1, 1, 0, 1, 2).onGPU(),
	I422x10: planar("I422_10LE", ColourYUV, 10, 1, 0, 0, 1, 2),
	Y444x10: planar("Y444_10LE", ColourYUV, 10, 0, 0, 0, 1, 2),
	A444x10: planar("A444_10LE", ColourYUV, 10, 0, 0, 0, 1, 2, 3),
	I420x12: planar("I420_12LE", ColourYUV, 12, 1, 1, 0, 1, 2),
	Y444x12: planar("Y444_12LE", ColourYUV, 12, 0, 0, 0, 1, 2),
	Y444x16: planar("Y444_16LE", ColourYUV, 16, 0, 0, 0, 1, 2).onGPU(),

	NV12: semi("NV12", 8, 1, 0).onGPU(),
	NV21: semi("NV21", 8, 1, 1).onGPU(),
	NV16: semi("NV16", 8, 0, 0),
	NV61: semi("NV61", 8, 0, 1),
	P010: semi("P010_10LE", 10, 1, 0).onGPU(),
	P012: semi("P012_LE", 12, 1, 0).onGPU(),
	P016: semi("P016_LE", 16, 1, 0).onGPU(),

	YUY2: yuy2("YUY2", 0, 1, 3),
	UYVY: yuy2("UYVY", 1, 0, 2),
	YVYU: yuy2("YVYU", 0, 3, 1),

	NV12x10LE32: Layout{Name: "NV12_10LE32", Colour: ColourYUV, Depth: 10, SubX: 1, SubY: 1,
		Channels: []Channel{grouped(0, 4, 0, 1, 2), grouped(1, 8, 0, 2, 4), grouped(1, 8, 1, 3, 5)}},
	V210: Layout{Name: "v210", Colour: ColourYUV, Depth: 10, SubX: 1,
		Channels: []Channel{grouped(0, 16, 1, 3, 5, 7, 9, 11), grouped(0, 16, 0, 4, 8), grouped(0, 16, 2, 6, 10)}},
}

// String is the format's GStreamer name.
func (f Format) String() string {
	if !f.known() {
		return fmt.Sprintf("Format(%d)", int(f))
	}
	return layouts[f].Name
}

func (f Format) known() bool { return f >= 0 && f < formatCount }

// ParseFormat finds the format of a GStreamer name.
func ParseFormat(name string) (Format, error) {
	for _, f := range Formats() {
		if f.String() == name {
			return f, nil
		}
	}
	return 0, fmt.Errorf("video format %q is not supported, wanted one of %v", name, Formats())
}

// YUV says whether the samples are luminance and chroma, so that Image.Colorimetry's matrix matters.
func (f Format) YUV() bool { return layouts[f].Colour == ColourYUV }

// Sides are the sides of a channel (0 to 2, or Copied, which is like 0) in samples, for a frame of w x h.
func (l *Layout) Sides(channel, w, h int) (cols, rows int) {
	if l.Colour == ColourYUV && (channel == 1 || channel == 2) {
		return (w + 1<<l.SubX - 1) >> l.SubX, (h + 1<<l.SubY - 1) >> l.SubY
	}
	return w, h
}

// all are the channels and what is copied.
func (l *Layout) all(visit func(i int, c *Channel)) {
	for i := range l.Channels {
		visit(i, &l.Channels[i])
	}
	if l.Copied != nil {
		visit(len(l.Channels)+3, l.Copied)
	}
}

// bytes is how far the words of a channel's samples reach in a row.
func (c *Channel) bytes(samples int) (end int) {
	for k, at := range c.At {
		if k < samples {
			end = max(end, (samples-1-k)/len(c.At)*c.Step+at.Offset+c.Word)
		}
	}
	return end
}

// Plane describes one plane's samples for a frame of w x h: how many bytes each row really uses and how many rows there are.
func (f Format) Plane(i, w, h int) (rowBytes, rows int) {
	layouts[f].all(func(k int, c *Channel) {
		if c.Plane == i {
			cols, high := layouts[f].Sides(k, w, h)
			rowBytes, rows = max(rowBytes, c.bytes(cols)), max(rows, high)
		}
	})
	return rowBytes, rows
}

// Planes is the number of planes, 1 to 4.
func (f Format) Planes() int {
	n := 0
	layouts[f].all(func(_ int, c *Channel) { n = max(n, c.Plane+1) })
	return n
}

// Formats lists every format in the order of its value.
func Formats() []Format {
	all := make([]Format, formatCount)
	for i := range all {
		all[i] = Format(i)
	}
	return all
}

// CUDAFormats lists those of Formats that the CUDA engine takes.
func CUDAFormats() []Format {
	return slices.DeleteFunc(Formats(), func(f Format) bool { return !f.Layout().CUDA })
}

// Sample is the i-th sample of this channel in a row of its plane.
func (c *Channel) Sample(row []byte, i int) int {
	p, shift := c.place(row, i)
	return int(word(p, c.Word)>>shift) & (1<<c.Depth - 1)
}

// SetSample changes the i-th sample of this channel, 0 to 2^Depth-1, in a row of its plane and no other bit.
func (c *Channel) SetSample(row []byte, i, value int) {
	p, shift := c.place(row, i)
	mask := uint32(1<<c.Depth-1) << shift
	v := word(p, c.Word)&^mask | uint32(value)<<shift&mask
	for k := range c.Word {
		p[k] = byte(v >> (8 * k))
	}
}

// place is the word of sample i, and how far up in it the sample lies.
func (c *Channel) place(row []byte, i int) (word []byte, shift int) {
	at := c.At[i%len(c.At)]
	begin := i/len(c.At)*c.Step + at.Offset
	return row[begin : begin+c.Word], at.Shift
}

func word(p []byte, n int) (v uint32) {
	for k := range n {
		v |= uint32(p[k]) << (8 * k)
	}
	return v
}
