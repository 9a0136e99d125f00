package element_test

import (
	"fmt"
	"math"
	"testing"

	"adainfilter/element/harness"
	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
)

// known are the formats that this GStreamer has.
func known(t *testing.T) []model.Format {
	var out []model.Format
	for _, f := range model.Formats() {
		if _, ok := harness.Format(f.String()); ok {
			out = append(out, f)
		} else {
			t.Logf("this GStreamer lacks %v", f)
		}
	}
	return out
}

// TestFormatTable compares the table of formats with GStreamer's own.
func TestFormatTable(t *testing.T) {
	for _, f := range known(t) {
		info, _ := harness.Format(f.String())
		l := f.Layout()
		if info.Planes != f.Planes() || info.YUV != f.YUV() || info.Gray != (l.Colour == model.ColourGray) || info.Alpha != (l.Copied != nil && !l.Padding) {
			t.Errorf("%v: %+v", f, info)
		}
		channels := l.Channels
		if info.Alpha {
			channels = append(append([]model.Channel{}, channels...), *l.Copied)
		}
		if len(channels) != len(info.Components) {
			t.Errorf("%v: %d channels, GStreamer has %d", f, len(channels), len(info.Components))
			continue
		}
		for i, c := range channels {
			g := info.Components[i]
			subX, subY := 0, 0
			if f.YUV() && (i == 1 || i == 2) {
				subX, subY = l.SubX, l.SubY
			}
			got := harness.Component{Depth: c.Depth, Shift: c.At[0].Shift, Step: c.Step, Plane: c.Plane, Offset: c.At[0].Offset, SubX: subX, SubY: subY}
			if info.Complex || c.Word == 4 { // GStreamer does not say where bits of words lie
				got.Offset, got.Step, got.Shift, got.Plane = g.Offset, g.Step, g.Shift, g.Plane
			}
			if c.At[0].Offset == 2 && g.Offset == 1 { // of Cr in P010 and its like it counts samples, not bytes
				got.Offset = 1
			}
			if got != g {
				t.Errorf("%v: channel %d is %+v, GStreamer has %+v", f, i, got, g)
			}
		}
		for _, size := range [][2]int{{8, 8}, {23, 17}, {64, 36}} {
			_, _, stride, err := harness.Layout(caps(f.String(), size[0], size[1]))
			must(t, err)
			for i := range f.Planes() {
				if row, _ := f.Plane(i, size[0], size[1]); row > stride[i] {
					t.Errorf("%v %v: plane %d has rows of %d bytes, GStreamer's stride is %d", f, size, i, row, stride[i])
				}
			}
		}
	}
}

// colours are the ways in which caps say what samples mean, and what that is for the engine.
type colours struct {
	caps        string
	colorimetry model.Colorimetry
}

func allColours(f model.Format) (out []colours) {
	matrices := []struct {
		gst   int
		model model.Matrix
	}{{4, model.BT601}, {3, model.BT709}, {6, model.BT2020}, {5, model.SMPTE240M}, {2, model.FCC}, {1, model.Identity}}
	sites := []struct {
		name string
		x, y bool
	}{{"jpeg", false, false}, {"mpeg2", true, false}, {"cosited", true, true}, {"dv", true, true}}
	l := f.Layout()
	switch l.Colour {
	case model.ColourRGB:
		matrices = matrices[5:]
	default:
		matrices = matrices[:5] // of a matrix of RGB in YUV formats videoconvert makes one thing in 8 bits and another in 16
	}
	if l.SubX+l.SubY == 0 {
		sites = sites[:1]
	}
	for _, m := range matrices {
		for _, full := range []bool{false, true} {
			if l.Colour == model.ColourRGB && !full {
				continue // from RGB to RGB videoconvert leaves the range alone, and from and to YUV too
			}
			for _, s := range sites {
				kind := 2
				if full {
					kind = 1
				}
				c := colours{fmt.Sprintf(",colorimetry=(string)%d:%d:5:1,chroma-site=(string)%s", kind, m.gst, s.name),
					model.Colorimetry{Matrix: m.model, FullRange: full, CositedX: s.x, CositedY: s.y}}
				out = append(out, c)
			}
		}
	}
	return out
}

// frameOf is a picture in memory as caps lay it out.
func frameOf(f model.Format, w, h int, text string, memory []byte) (*model.Image, []byte, error) {
	size, offset, stride, err := harness.Layout(text)
	if err != nil {
		return nil, nil, err
	}
	if memory == nil {
		memory = make([]byte, size)
	}
	m := &model.Image{Format: f, Width: w, Height: h}
	for i := range f.Planes() {
		m.Planes[i] = model.Plane{Data: memory[offset[i]:], Stride: stride[i]}
	}
	return m, memory, nil
}

// TestVideoconvert compares what pictures are read as, and written as, with videoconvert: every format in every colorimetry, at odd sizes.
// It computes well in 16 bits only: between 8 and 16 bits it takes white of limited range for more than white, and its arithmetic in 8 bits is
// off by up to 6 codes. So frames of 8 bits go in two steps, samples of each pixel first, which it makes without a matrix, and of those in
// 16 bits R'G'B'.
func TestVideoconvert(t *testing.T) {
	for _, f := range known(t) {
		t.Run(f.String(), func(t *testing.T) {
			for i, c := range allColours(f) {
				j := judged{t: t, f: f, w: 23 + i%2, h: 17 + i/2%2, colours: c}
				if f == model.NV61 {
					j.w = 24 // at odd widths GStreamer exchanges the last column's Cb and Cr
				}
				j.read()
				j.write()
			}
		})
	}
}

// judged is one format and colorimetry.
type judged struct {
	t    *testing.T
	f    model.Format
	w, h int
	colours
}

const full16 = ",colorimetry=(string)1:1:5:1"

// twin is the format of 16 bits and without shared chroma in which videoconvert computes what it is for a frame of 8 bits, and what one of
// 8 bits' codes is there.
func (j *judged) twin() (f model.Format, unit float64) {
	f, unit = model.Y444x16, 256
	if j.colorimetry.FullRange || j.colorimetry.Matrix == model.Identity {
		unit = 257
	}
	if j.f.Layout().Colour == model.ColourGray {
		f = model.GRAY16
	}
	return f, unit
}

// deep says whether one step is enough.
func (j *judged) deep() bool { return j.f.Layout().Depth > 8 || j.f.Layout().Colour == model.ColourRGB }

// straight is the colorimetry in which samples are read and written as they are.
func (j *judged) straight() model.Colorimetry {
	return model.Colorimetry{Matrix: model.Identity, CositedX: j.colorimetry.CositedX, CositedY: j.colorimetry.CositedY}
}

// picture is one of ours in a format and colorimetry, and its memory.
func (j *judged) picture(f model.Format, colour string, c model.Colorimetry, memory []byte) (*model.Image, []byte) {
	m, memory, err := frameOf(f, j.w, j.h, caps(f.String(), j.w, j.h)+colour, memory)
	must(j.t, err)
	m.Colorimetry = c
	return m, memory
}

// convert is videoconvert.
func (j *judged) convert(from, colour string, memory []byte, to, other string) []byte {
	out, err := harness.Convert(caps(from, j.w, j.h)+colour, memory, caps(to, j.w, j.h)+other)
	must(j.t, err)
	return out
}

// near compares values of 0 to 1 in codes of 8 bits.
func (j *judged) near(what string, got, want []float64, tolerance float64) {
	j.t.Helper()
	for i := range want {
		if !(math.Abs(got[i]-want[i])*255 <= tolerance+0.001) { // what is off by one is so in float, too
			j.t.Errorf("%s %v %dx%d%s: value %d is %.3f of 255, videoconvert has %.3f", what, j.f, j.w, j.h, j.caps, i, 255*got[i], 255*want[i])
			return
		}
	}
}

func (j *judged) read() {
	m, memory := j.picture(j.f, j.caps, j.colorimetry, nil)
	modeltest.Fill(m, 5)
	from, source := j.f, memory
	if !j.deep() {
		// AYUV64 lies in memory as ARGB64 does, and a code of 8 bits is 257 there.
		samples, _ := j.picture(model.ARGB64, full16, model.Colorimetry{}, j.convert(j.f.String(), j.caps, memory, "AYUV64", j.caps))
		m.Colorimetry = j.straight()
		ours := ref.Read(m)
		if j.f.YUV() {
			j.near("samples of", rounded(ours.Data), ref.Read(samples).Data, 1)
		}
		m.Colorimetry = j.colorimetry
		f, unit := j.twin()
		wide, wideMemory := j.picture(f, j.caps, model.Colorimetry{}, nil)
		for c, channel := range ref.Channels(wide) {
			for k := range j.w * j.h {
				channel.Set(k%j.w, k/j.w, int(math.Round(255*unit*ours.Plane(c)[k])))
			}
		}
		from, source = f, wideMemory
	}
	want, _ := j.picture(model.ARGB64, full16, model.Colorimetry{}, j.convert(from.String(), j.caps, source, "ARGB64", full16))
	got, wanted := ref.Read(m).Data, ref.Read(want).Data
	tolerance := 1.0
	if !j.deep() {
		tolerance = 1.5 // its coefficients have 8 bits, and the widened samples take part
	}
	j.near("reading", got, wanted, tolerance)
}

// rounded are values in whole codes of 8 bits.
func rounded(v []float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = math.Floor(255*x+0.5) / 255
	}
	return out
}

func (j *judged) write() {
	m, memory := j.picture(model.ARGB64, full16, model.Colorimetry{}, nil)
	modeltest.Fill(m, 6)
	got, _ := j.picture(j.f, j.caps, j.colorimetry, nil)
	ref.Write(got, got, ref.Read(m))
	want, _ := j.picture(j.f, j.caps, j.colorimetry, nil)
	switch {
	case j.f.Layout().Colour == model.ColourRGB:
		want, _ = j.picture(j.f, j.caps, j.colorimetry, j.convert("ARGB64", full16, memory, j.f.String(), full16))
	case j.deep():
		want, _ = j.picture(j.f, j.caps, j.colorimetry, j.convert("ARGB64", full16, memory, j.f.String(), j.caps))
	default:
		f, unit := j.twin()
		wide, _ := j.picture(f, j.caps, model.Colorimetry{}, j.convert("ARGB64", full16, memory, f.String(), j.caps))
		features := ref.NewFeatures(3, j.h, j.w)
		for c, channel := range ref.Channels(wide) {
			for k := range j.w * j.h {
				features.Plane(c)[k] = float64(channel.Get(k%j.w, k/j.w)) / unit / 255
			}
		}
		if j.f.Layout().Colour == model.ColourGray {
			copy(features.Plane(1), features.Plane(0))
			copy(features.Plane(2), features.Plane(0))
		}
		want.Colorimetry = j.straight()
		ref.Write(want, want, features)
	}
	j.near("writing", codes(got), codes(want), 1)
	if j.f.YUV() && !j.deep() {
		j.writeSamples()
	}
}

// writeSamples compares chroma alone: samples of pixels that videoconvert brings together.
func (j *judged) writeSamples() {
	pixels, memory := j.picture(model.ARGB64, j.caps, model.Colorimetry{}, nil)
	modeltest.Fill(pixels, 7)
	for _, c := range ref.Channels(pixels) {
		for k := range j.w * j.h {
			c.Set(k%j.w, k/j.w, c.Get(k%j.w, k/j.w)/257*257)
		}
	}
	got, _ := j.picture(j.f, j.caps, j.straight(), nil)
	ref.Write(got, got, ref.Read(pixels))
	want, _ := j.picture(j.f, j.caps, j.colorimetry, j.convert("AYUV64", j.caps, memory, j.f.String(), j.caps))
	j.near("samples into", codes(got), codes(want), 1)
}

// codes are a picture's samples in units of 255 codes of 8 bits.
func codes(m *model.Image) (out []float64) {
	unit := 255 * float64(int(1)<<(m.Format.Layout().Depth-8))
	for _, c := range ref.Channels(m) {
		for k := range c.Width * c.Height {
			out = append(out, float64(c.Get(k%c.Width, k/c.Width))/unit)
		}
	}
	return out
}
