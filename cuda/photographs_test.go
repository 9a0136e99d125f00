package cuda

import (
	"image/jpeg"
	"math"
	"os"
	"testing"

	"adainfilter/cuda/emu"
	"adainfilter/model"
	"adainfilter/model/ref"
)

// leastPSNR is how close float16 has to come to float32 on photographs, in dB.
const leastPSNR = 45

// TestPhotographs compares the built-in network in float16 with the reference on a frame of a film in six styles.
func TestPhotographs(t *testing.T) {
	emu.Need(t)
	w, err := model.BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	src := photograph(t, "../documents/styles.jpg", 120, 60, 128, 96)
	want, err := ref.Open(w, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	count := 6
	if testing.Short() {
		count = 2 // one on each kind of GPU
	}
	for i, name := range model.BuiltinStyles()[:count] {
		t.Run(name, func(t *testing.T) {
			t.Setenv("EMU_CC", capabilities[i%2])
			got, err := Open(w, model.Options{DeviceID: -1})
			if err != nil {
				t.Fatal(err)
			}
			defer got.Close()
			style, err := model.BuiltinStyle(model.DefaultNetwork, name)
			if err != nil {
				t.Fatal(err)
			}
			a, b := model.NewImage(model.RGB, src.Width, src.Height), model.NewImage(model.RGB, src.Width, src.Height)
			if err := want.Stylize(a, src, &model.Stylization{Style: style.Stats, Alpha: 1}); err != nil {
				t.Fatal(err)
			}
			if err := got.Stylize(b, src, &model.Stylization{Style: style.Stats, Alpha: 1}); err != nil {
				t.Fatal(err)
			}
			if db := psnr(a, b); !(db >= leastPSNR) {
				t.Errorf("PSNR %.1f dB, wanted %d", db, leastPSNR)
			} else {
				t.Logf("PSNR %.1f dB", db)
			}
		})
	}
}

// photograph is a cutting of a JPEG picture.
func photograph(t *testing.T, path string, x0, y0, w, h int) *model.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := jpeg.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	m := model.NewImage(model.RGB, w, h)
	for y := range h {
		for x := range w {
			r, g, b, _ := picture.At(x0+x, y0+y).RGBA()
			copy(m.Planes[0].Data[(y*w+x)*3:], []byte{byte(r >> 8), byte(g >> 8), byte(b >> 8)})
		}
	}
	return m
}

// psnr is that of two RGB pictures in dB.
func psnr(a, b *model.Image) float64 {
	var square float64
	for i, v := range a.Planes[0].Data {
		d := float64(v) - float64(b.Planes[0].Data[i])
		square += d * d
	}
	return 10 * math.Log10(255*255*float64(len(a.Planes[0].Data))/square)
}
