package cpu

import (
	"image"
	_ "image/jpeg"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"adainfilter/model"
)

// TestHalfCloseness holds what bfloat16 makes of photographs with the built-in networks to what their files say of it, which decides whether
// precision=auto takes it, and lite to 45 dB of float32, where it does; and demands that some layers of them are computed by Winograd's
// algorithm, whose roundings are larger than those of direct convolutions.
func TestHalfCloseness(t *testing.T) {
	if !hasBFloat16() {
		t.Skip("this processor does not multiply bfloat16")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, network := range model.BuiltinNetworks() {
		t.Run(network, func(t *testing.T) { halfCloseness(t, network) })
	}
}

func halfCloseness(t *testing.T, network string) {
	w, err := model.BuiltinNetwork(network)
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := strconv.ParseFloat(w.Metadata[HalfPSNR], 64)
	if err != nil || network == model.DefaultNetwork && claimed < leastPSNR {
		t.Fatalf("the weights say %s %q, error %v", HalfPSNR, w.Metadata[HalfPSNR], err)
	}
	src := photographs(t)
	var engines [2]*Engine
	for i, p := range []model.Precision{model.Float32, model.Half} {
		e, err := Open(w, model.Options{Precision: p})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		engines[i] = e.(*Engine)
	}
	for _, name := range model.BuiltinStyles() {
		style, err := model.BuiltinStyle(network, name)
		if err != nil {
			t.Fatal(err)
		}
		var results [2]*model.Image
		for i, e := range engines {
			results[i] = model.NewImage(model.RGB, src.Width, src.Height)
			if err := e.Stylize(results[i], src, &model.Stylization{Style: style.Stats, Alpha: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if db := psnr(results[0].Planes[0].Data, results[1].Planes[0].Data); !(db >= claimed-0.1) {
			t.Errorf("style %s: bfloat16 comes to %.2f dB of float32, wanted %.1f", name, db, claimed)
		}
		if testing.Short() {
			break
		}
	}
	names := engines[1].implementations()
	tiles, onMatrices := 0, false
	for _, name := range names {
		if strings.HasPrefix(name, "winograd:bf16") {
			tiles++
		}
		onMatrices = onMatrices || strings.Contains(name, "amx")
	}
	if tiles == 0 && !onMatrices {
		t.Errorf("no layer in bfloat16 is computed by Winograd's algorithm: %v", names)
	}
}

// photographs are those of the manual, side by side.
func photographs(t *testing.T) *model.Image {
	f, err := os.Open("../documents/photos.jpg")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	decoded, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	b := decoded.Bounds()
	m := model.NewImage(model.RGB, b.Dx(), b.Dy())
	for y := range b.Dy() {
		row := m.Planes[0].Data[y*m.Planes[0].Stride:]
		for x := range b.Dx() {
			r, g, b, _ := decoded.At(x, y).RGBA()
			row[3*x], row[3*x+1], row[3*x+2] = uint8(r>>8), uint8(g>>8), uint8(b>>8)
		}
	}
	return m
}

// psnr is that of 8-bit samples, in dB.
func psnr(a, b []byte) float64 {
	sum := 0.
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return 10 * math.Log10(255*255*float64(len(a))/sum)
}
