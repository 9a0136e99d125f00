package picture

import (
	"math"
	"testing"

	"adainfilter/model"
)

func TestShortSideSizes(t *testing.T) {
	for _, c := range []struct{ w, h, px, wantW, wantH int }{
		{640, 480, 512, 682, 512}, {480, 640, 512, 512, 682}, {512, 512, 512, 512, 512}, {1, 1, 512, 512, 512},
		{100, 50, 10, 20, 10}, {7, 1600, 32, 2, 512}, {100000, 1, 512, 8192, 1}, {3, 2, 1, 1, 1},
	} {
		if w, h := shortSide(c.w, c.h, c.px); w != c.wantW || h != c.wantH {
			t.Errorf("%dx%d to %d: %dx%d, wanted %dx%d", c.w, c.h, c.px, w, h, c.wantW, c.wantH)
		}
	}
}

// TestResizeNoAlias shrinks a pattern of alternating black and white columns, finer than the result can show, to grey.
func TestResizeNoAlias(t *testing.T) {
	for _, f := range []model.Format{model.RGB, model.RGBA} {
		src := model.NewImage(f, 201, 63)
		n := src.Planes[0].Stride / src.Width
		for i := range src.Planes[0].Data {
			src.Planes[0].Data[i] = uint8(255 * (i / n % 201 % 2))
			if i%n == 3 {
				src.Planes[0].Data[i] = 255
			}
		}
		dst := Resize(src, 37, 11)
		if dst.Width != 37 || dst.Height != 11 || dst.Check() != nil {
			t.Fatalf("%v: got %dx%d", f, dst.Width, dst.Height)
		}
		for y := range 11 {
			for x := 2; x < 35; x++ { // the pattern's phase shows at the edges
				if v := float64(pixel(dst, x, y)[0]); !(math.Abs(v-127.5) < 24) {
					t.Fatalf("%v: (%d,%d) is %v, wanted grey", f, x, y, v)
				}
			}
		}
	}
}

// TestResizeKeepsColour enlarges one transparent and one opaque colour, which must come out as they were.
func TestResizeKeepsColour(t *testing.T) {
	for _, f := range []model.Format{model.RGB, model.RGBA} {
		src := model.NewImage(f, 3, 2)
		n := src.Planes[0].Stride / src.Width
		for i := range src.Planes[0].Data {
			src.Planes[0].Data[i] = []uint8{200, 100, 50, 128}[i%n]
		}
		dst := Resize(src, 17, 9)
		for i, v := range dst.Planes[0].Data {
			// straight alpha of 128 goes through premultiplied 8 bits: an error of half a step doubles
			if want := []uint8{200, 100, 50, 128}[i%n]; math.Abs(float64(v)-float64(want)) > 2 {
				t.Fatalf("%v: sample %d is %d, wanted %d", f, i, v, want)
			}
		}
	}
	img := model.NewImage(model.RGB, 5, 5)
	if Resize(img, 5, 5) != img {
		t.Error("an image of the right size was copied")
	}
}
