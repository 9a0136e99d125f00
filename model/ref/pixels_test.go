package ref

import (
	"fmt"
	"testing"

	"adainfilter/model"
)

// Samples that ITU-R BT.601 and BT.709 give for well-known colours, as the standards' tables have them.
func TestKnownColours(t *testing.T) {
	for _, c := range []struct {
		colorimetry model.Colorimetry
		rgb         [3]float64
		yuv         [3]byte
	}{
		{model.Colorimetry{Matrix: model.BT601}, [3]float64{0, 0, 0}, [3]byte{16, 128, 128}},
		{model.Colorimetry{Matrix: model.BT601}, [3]float64{1, 1, 1}, [3]byte{235, 128, 128}},
		{model.Colorimetry{Matrix: model.BT601}, [3]float64{1, 0, 0}, [3]byte{81, 90, 240}},
		{model.Colorimetry{Matrix: model.BT601}, [3]float64{0, 1, 0}, [3]byte{145, 54, 34}},
		{model.Colorimetry{Matrix: model.BT601}, [3]float64{0, 0, 1}, [3]byte{41, 240, 110}},
		{model.Colorimetry{Matrix: model.BT709}, [3]float64{1, 0, 0}, [3]byte{63, 102, 240}},
		{model.Colorimetry{Matrix: model.BT709}, [3]float64{0, 1, 0}, [3]byte{173, 42, 26}},
		{model.Colorimetry{Matrix: model.BT709}, [3]float64{0, 0, 1}, [3]byte{32, 240, 118}},
		{model.Colorimetry{Matrix: model.BT2020}, [3]float64{1, 0, 0}, [3]byte{74, 97, 240}},
		{model.Colorimetry{Matrix: model.BT601, FullRange: true}, [3]float64{1, 1, 1}, [3]byte{255, 128, 128}},
		{model.Colorimetry{Matrix: model.BT601, FullRange: true}, [3]float64{1, 0, 0}, [3]byte{76, 85, 255}},
	} {
		for _, f := range []model.Format{model.NV12, model.I420} {
			m := model.NewImage(f, 3, 3)
			m.Colorimetry = c.colorimetry
			rgb := NewFeatures(3, 3, 3)
			for i := range rgb.Data {
				rgb.Data[i] = c.rgb[i/9]*3 - 1 // far outside: has to be clamped to 0 and 1
			}
			Write(m, m, rgb)
			for i, channel := range Channels(m) {
				for k := range channel.Width * channel.Height {
					if got := channel.Get(k%channel.Width, k/channel.Width); got != int(c.yuv[i]) {
						t.Fatalf("%v %+v: %v has %d in channel %d, wanted %d", f, c.colorimetry, c.rgb, got, i, c.yuv[i])
					}
				}
			}
			back := Read(m)
			for i, v := range back.Data {
				if d := v - c.rgb[i/9]; !(d <= 0.01 && d >= -0.01) {
					t.Fatalf("%v %+v: %v is read as %v", f, c.colorimetry, c.yuv, back.Data)
				}
			}
		}
	}
}

// Chroma of an odd picture is the mean of the pixels that exist; the right and the lower edge have two, the corner one.
func TestChromaAtOddEdges(t *testing.T) {
	m := model.NewImage(model.I420, 3, 3)
	m.Colorimetry.FullRange = true
	rgb := NewFeatures(3, 3, 3)
	blue := []float64{0, 0, 1, 0, 1, 0, 1, 1, 1}
	copy(rgb.Plane(2), blue)
	Write(m, m, rgb)
	for i, share := range []float64{0.25, 0.5, 1, 1} {
		want := byte(min(255, int(128.5+127.5*share))) // Cb of pure blue is 255.5 in full range
		if got := m.Planes[1].Data[i]; got != want {
			t.Errorf("Cb sample %d is %d, wanted %d for %.2f of blue", i, got, want, share)
		}
	}
}

func TestPackedFormats(t *testing.T) {
	for f, want := range map[model.Format][]byte{
		model.RGB: {10, 20, 30}, model.BGR: {30, 20, 10}, model.RGBA: {10, 20, 30, 7},
		model.BGRA: {30, 20, 10, 7}, model.RGBx: {10, 20, 30, 7}, model.BGRx: {30, 20, 10, 7},
	} {
		src, dst := model.NewImage(f, 1, 1), model.NewImage(f, 1, 1)
		for i := range src.Planes[0].Data {
			src.Planes[0].Data[i] = 7
		}
		// Half a level up is rounded up, a little less is not.
		Write(dst, src, Features{3, 1, 1, []float64{9.5 / 255, 20.49 / 255, 30 / 255.}})
		if got := dst.Planes[0].Data; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v: %v, wanted %v", f, got, want)
		}
		if back := Read(dst).Data; fmt.Sprint(back) != fmt.Sprint([]float64{10 / 255., 20 / 255., 30 / 255.}) {
			t.Errorf("%v: read as %v", f, back)
		}
	}
}
