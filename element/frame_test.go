package element_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"adainfilter/element/harness"
	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
)

// plain is a frame laid out as its caps alone say, with random content.
func plain(f model.Format, w, h int) harness.Frame {
	frame := harness.Frame{Format: f.String(), Width: w, Height: h, ROI: -1, PTS: 0, DTS: harness.None, Duration: 40e6, Number: harness.None}
	size, offset, stride, err := harness.Layout(caps(f.String(), w, h))
	if err != nil {
		panic(err)
	}
	frame.Offset, frame.Stride, frame.Memory = offset[:f.Planes()], stride[:f.Planes()], make([]byte, size)
	randomise(&frame, f)
	return frame
}

// padded is a frame with odd offsets and strides, described by a GstVideoMeta; its last row ends with its last sample.
func padded(f model.Format, w, h int) harness.Frame {
	frame := harness.Frame{Format: f.String(), Width: w, Height: h, Meta: true, ROI: -1, DTS: harness.None, Duration: 40e6, Number: harness.None}
	at := 13
	for i := range f.Planes() {
		row, rows := f.Plane(i, w, h)
		stride := row + 7 + 10*i
		frame.Offset, frame.Stride = append(frame.Offset, at), append(frame.Stride, stride)
		at += stride*(rows-1) + row
	}
	frame.Memory = make([]byte, at)
	randomise(&frame, f)
	return frame
}

func randomise(frame *harness.Frame, f model.Format) {
	rng := rand.New(rand.NewPCG(uint64(frame.Width), uint64(frame.Height)))
	for i := range frame.Memory {
		frame.Memory[i] = byte(rng.Uint32())
	}
	modeltest.Fill(view(*frame, f), uint64(frame.Width))
}

// view is a frame's memory as an image.
func view(frame harness.Frame, f model.Format) *model.Image {
	img := &model.Image{Format: f, Width: frame.Width, Height: frame.Height}
	for i := range f.Planes() {
		img.Planes[i] = model.Plane{Data: frame.Memory[frame.Offset[i]:], Stride: frame.Stride[i]}
	}
	return img
}

// sameSamples compares pictures sample by sample.
func sameSamples(got, want *model.Image) error {
	if got.Width != want.Width || got.Height != want.Height || got.Format != want.Format {
		return fmt.Errorf("got %v %dx%d, wanted %v %dx%d", got.Format, got.Width, got.Height, want.Format, want.Width, want.Height)
	}
	for i := range want.Format.Planes() {
		row, rows := want.Format.Plane(i, want.Width, want.Height)
		g, w := got.Planes[i], want.Planes[i]
		for y := range rows {
			if !bytes.Equal(g.Data[y*g.Stride:][:row], w.Data[y*w.Stride:][:row]) {
				return fmt.Errorf("row %d of plane %d differs", y, i)
			}
		}
	}
	return nil
}

// untouched reports bytes outside of the picture that are not Guard any more.
func untouched(frame harness.Frame, f model.Format) error {
	memory := bytes.Clone(frame.Memory)
	for i := range f.Planes() {
		row, rows := f.Plane(i, frame.Width, frame.Height)
		for y := range rows {
			at := frame.Offset[i] + y*frame.Stride[i]
			copy(memory[at:at+row], bytes.Repeat([]byte{harness.Guard}, row))
		}
	}
	for i, b := range memory {
		if b != harness.Guard {
			return fmt.Errorf("byte %d beside the picture was written", i)
		}
	}
	return nil
}

var layouts = []struct {
	name  string
	frame func(f model.Format, w, h int) harness.Frame
	guard bool // downstream asks for padding
}{
	{"plain", plain, false},
	{"padded", padded, true},
}

// TestPixels compares the element with its engine called directly: every format, size and layout.
func TestPixels(t *testing.T) {
	n := newTiny(t)
	f := &fakes{}
	inverting, err := f.open(n.weights, model.Options{})
	must(t, err)
	type sized struct {
		w, h   int
		engine model.Engine
		open   model.Opener
	}
	sizes := []sized{
		{8, 8, n.engine, ref.Open},
		{15, 17, n.engine, ref.Open},
		{641, 479, inverting, f.open},
		{1920, 1080, inverting, f.open},
	}
	for i, size := range sizes {
		for j, format := range known(t) {
			for k, layout := range layouts {
				if format > model.I420 && (size.w > 100 || (i+j+k)%2 != 0) {
					continue // large frames of the most used formats are enough
				}
				if testing.Short() && size.w > 100 && (i+j+k)%2 != 0 {
					continue // what is odd is seen in small frames; of the large ones each format and each layout is enough
				}
				t.Run(fmt.Sprintf("%v/%dx%d/%s", format, size.w, size.h, layout.name), func(t *testing.T) {
					use(t, size.open)
					h := harness.New(caps("RGB", 64, 64), append(n.elementProps, "alpha", "0.75")...)
					defer h.Close()
					if layout.guard {
						h.GuardOutput(5, 9, 3, 6)
					}
					if !h.Caps(caps(format.String(), size.w, size.h)) {
						t.Fatal("caps were refused")
					}
					in := layout.frame(format, size.w, size.h)
					must(t, h.Push(in))
					out, ok := h.Pull()
					if !ok {
						t.Fatal("no frame came out")
					}
					src, want := view(in, format), model.NewImage(format, size.w, size.h)
					src.Colorimetry = standard(format, size.h)
					want.Colorimetry = src.Colorimetry
					must(t, size.engine.Stylize(want, src, &model.Stylization{Style: n.style.Stats, Alpha: 0.75}))
					if err := sameSamples(view(out, format), want); err != nil {
						t.Error(err)
					}
					if layout.guard {
						row, _ := format.Plane(0, size.w, size.h)
						if out.Stride[0] <= row || out.Offset[0] == 0 {
							t.Fatalf("the output has offset %d and stride %d: not padded", out.Offset[0], out.Stride[0])
						}
						if err := untouched(out, format); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
	}
}

// standard is the colorimetry that GStreamer assumes where the caps say nothing.
func standard(f model.Format, height int) (c model.Colorimetry) {
	l := f.Layout()
	c.FullRange = l.Colour == model.ColourGray
	if f.YUV() && height > 576 {
		c.Matrix, c.CositedX = model.BT709, l.SubX+l.SubY > 0
	}
	return c
}

func TestColorimetry(t *testing.T) {
	var got model.Colorimetry
	f := &fakes{stylize: func(_, src *model.Image, _ *model.Stylization) error { got = src.Colorimetry; return nil }}
	use(t, f.open)
	for _, c := range []struct {
		caps string
		want model.Colorimetry
	}{
		{caps("NV12", 64, 48) + ",colorimetry=bt601", model.Colorimetry{Matrix: model.BT601}},
		{caps("I420", 64, 48) + ",colorimetry=bt709", model.Colorimetry{Matrix: model.BT709}},
		{caps("NV12", 64, 48) + ",colorimetry=bt2020", model.Colorimetry{Matrix: model.BT2020}},
		{caps("NV12", 64, 48) + ",colorimetry=smpte240m", model.Colorimetry{Matrix: model.SMPTE240M}},
		{caps("NV12", 64, 48) + ",colorimetry=2:2:5:1", model.Colorimetry{Matrix: model.FCC}},
		{caps("I420", 64, 48) + ",colorimetry=1:4:0:1", model.Colorimetry{Matrix: model.BT601, FullRange: true}},
		{caps("NV12", 64, 48), model.Colorimetry{Matrix: model.BT601}},
		{caps("NV12", 1280, 720), model.Colorimetry{Matrix: model.BT709, CositedX: true}},
		{caps("NV12", 1280, 720) + ",colorimetry=bt709,chroma-site=mpeg2", model.Colorimetry{Matrix: model.BT709, CositedX: true}},
		{caps("I420", 1280, 720) + ",colorimetry=bt709,chroma-site=jpeg", model.Colorimetry{Matrix: model.BT709}},
		{caps("I420", 64, 48) + ",colorimetry=bt601,chroma-site=dv", model.Colorimetry{CositedX: true, CositedY: true}},
		{caps("Y444", 1280, 720), model.Colorimetry{Matrix: model.BT709}},
		{caps("GRAY8", 64, 48), model.Colorimetry{FullRange: true}},
		{caps("GRAY16_LE", 64, 48) + ",colorimetry=2:4:5:1", model.Colorimetry{}},
		{caps("RGB", 1280, 720), model.Colorimetry{}},
	} {
		h := harness.New(c.caps)
		got = model.Colorimetry{Matrix: -1}
		must(t, h.PushMany(c.caps, 1))
		if got != c.want {
			t.Errorf("%s: the engine saw %+v, wanted %+v", c.caps, got, c.want)
		}
		h.Close()
	}
}

// TestAllocations counts what the Go runtime allocates while frames pass.
func TestAllocations(t *testing.T) {
	f := &fakes{}
	use(t, f.open)
	h := harness.New(caps("RGB", 16, 16))
	defer h.Close()
	must(t, h.PushMany(caps("RGB", 16, 16), 10))
	const frames = 2000
	perRun := testing.AllocsPerRun(3, func() { must(t, h.PushMany(caps("RGB", 16, 16), frames)) })
	// A run itself allocates a few strings; a single allocation per frame would be 2000.
	if !(perRun < frames/20) {
		t.Errorf("%.0f allocations in %d frames, wanted none per frame", perRun, frames)
	}
}
