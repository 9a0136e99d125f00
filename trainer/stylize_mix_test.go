package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/lut"
	"adainfilter/picture"
)

// looksFixture are pictures in a folder, in memory, and the engine that the command uses.
type looksFixture struct {
	dir     string
	content *model.Image
	styles  [4]*model.Image
	stats   [4]model.Stats
	engine  model.Engine
}

func newLooksFixture(t *testing.T) *looksFixture {
	t.Helper()
	f := &looksFixture{dir: t.TempDir(), content: noise(model.RGB, 37, 25, 3)}
	w, err := model.LoadWeights(tinyWeights(t, f.dir))
	if err != nil {
		t.Fatal(err)
	}
	if f.engine, err = engines.Open(w, model.Options{Precision: model.Float32}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.engine.Close() })
	writePicture(t, f.path("c.png"), f.content)
	for i := range f.styles {
		img := noise(model.RGB, 40+i, 31, uint64(10+i))
		for k := range img.Planes[0].Data { // different in contrast and colour
			img.Planes[0].Data[k] = img.Planes[0].Data[k]/uint8(i+1) + uint8(20*(k%3)*i)
		}
		writePicture(t, f.path(string(rune('1'+i))+".png"), img)
		f.styles[i], f.stats[i] = img, f.statistics(t, img)
	}
	mask := model.NewImage(model.RGB, 8, 2)
	for _, row := range [][]byte{mask.Planes[0].Data[:12], mask.Planes[0].Data[24:36]} {
		for i := range row {
			row[i] = 255
		}
	}
	writePicture(t, f.path("mask.png"), mask)
	return f
}

func (f *looksFixture) path(name string) string { return filepath.Join(f.dir, name) }

func (f *looksFixture) statistics(t *testing.T, img *model.Image) model.Stats {
	t.Helper()
	s, err := f.engine.Statistics(img)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *looksFixture) stylize(t *testing.T, s model.Stylization) *model.Image {
	t.Helper()
	out := model.NewImage(f.content.Format, f.content.Width, f.content.Height)
	if err := f.engine.Stylize(out, f.content, &s); err != nil {
		t.Fatal(err)
	}
	return out
}

func (f *looksFixture) mix(t *testing.T, weights ...float64) model.Stats {
	t.Helper()
	s, err := model.Mix(f.stats[:len(weights)], weights)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// table is a look-up table that turns red round, which lies in the folder as turned.cube.
func (f *looksFixture) table(t *testing.T) *lut.Table {
	t.Helper()
	if err := os.WriteFile(f.path("turned.cube"), []byte("LUT_1D_SIZE 2\n1 0 0\n0 1 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	table, err := lut.Load(f.path("turned.cube"))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// command runs stylize with the first n styles.
func (f *looksFixture) command(t *testing.T, n int, args ...string) *model.Image {
	t.Helper()
	out := f.path("out.png")
	all := []string{"stylize", "--weights", f.path("tiny, weights.safetensors"), "--precision", "float32", "--content", f.path("c.png"), "--out", out}
	for i := range n {
		all = append(all, "--style", f.path(string(rune('1'+i))+".png"))
	}
	mustRun(t, append(all, args...)...)
	return readPicture(t, out)
}

// part is a w x h piece of an RGB picture.
func part(img *model.Image, x, y, w, h int) *model.Image {
	out := model.NewImage(model.RGB, w, h)
	for row := range h {
		copy(out.Planes[0].Data[3*w*row:], img.Planes[0].Data[(y+row)*img.Planes[0].Stride+3*x:][:3*w])
	}
	return out
}

func equalPictures(a, b *model.Image) bool {
	return a.Format == b.Format && a.Width == b.Width && a.Height == b.Height && bytes.Equal(a.Planes[0].Data, b.Planes[0].Data)
}

// TestStylizeLooks compares each way to combine styles with the engine, and all with each other: no two may be the same.
func TestStylizeLooks(t *testing.T) {
	f := newLooksFixture(t)
	regions := &model.Mask{Width: 8, Height: 2, White: []uint8{255, 255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0}, Second: f.stats[1]}
	coral := f.statistics(t, picture.MatchColors(f.styles[0], f.content))
	coralSmall := f.statistics(t, picture.MatchColors(picture.ShortSide(f.styles[0], 20), f.content))
	mixed, err := model.Mix([]model.Stats{coral, f.statistics(t, picture.MatchColors(f.styles[1], f.content))}, []float64{1, 3})
	if err != nil {
		t.Fatal(err)
	}
	turned := f.table(t)
	var seen []*model.Image
	for _, c := range []struct {
		name   string
		styles int
		args   string
		want   model.Stylization
	}{
		{"one weight", 1, "--style-weights 7", model.Stylization{Style: f.stats[0], Alpha: 1}},
		{"processing size", 1, "--processing-size 12", model.Stylization{Style: f.stats[0], Alpha: 1, ProcessingSize: 12}},
		{"weights", 2, "--style-weights 1,2", model.Stylization{Style: f.mix(t, 1, 2), Alpha: 1}},
		{"other weights, alpha", 2, "--style-weights 2,1 --alpha 0.5", model.Stylization{Style: f.mix(t, 2, 1), Alpha: 0.5}},
		{"mask", 2, "--mask mask.png", model.Stylization{Style: f.stats[0], Alpha: 1, Mask: regions}},
		{"mask, luma", 2, "--mask mask.png --preserve-color luma", model.Stylization{Style: f.stats[0], Alpha: 1, Mask: regions, PreserveColor: true}},
		{"luma", 1, "--preserve-color luma", model.Stylization{Style: f.stats[0], Alpha: 1, PreserveColor: true}},
		{"coral", 1, "--preserve-color coral", model.Stylization{Style: coral, Alpha: 1}},
		{"coral, style-size", 1, "--preserve-color coral --style-size 20", model.Stylization{Style: coralSmall, Alpha: 1}},
		{"table before", 1, "--lut turned.cube", model.Stylization{Style: f.stats[0], Alpha: 1, Before: turned}},
		{"table after", 1, "--output-lut turned.cube", model.Stylization{Style: f.stats[0], Alpha: 1, After: turned}},
		{"both tables, alpha 0", 1, "--lut turned.cube --output-lut turned.cube --alpha 0", model.Stylization{Style: f.stats[0], Before: turned, After: turned}},
		{"coral, weights", 2, "--preserve-color coral --style-weights 1,3", model.Stylization{Style: mixed, Alpha: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := f.command(t, c.styles, strings.Fields(strings.NewReplacer("mask.png", f.path("mask.png"), "turned.cube", f.path("turned.cube")).Replace(c.args))...)
			if !equalPictures(got, f.stylize(t, c.want)) {
				t.Error("the file is not what the engine computes")
			}
			for _, other := range seen {
				if equalPictures(got, other) {
					t.Error("the result is that of other options")
				}
			}
			seen = append(seen, got)
		})
	}
}

func TestStylizeStrip(t *testing.T) {
	f := newLooksFixture(t)
	w, h := f.content.Width, f.content.Height
	check := func(strip *model.Image, style model.Stats) {
		t.Helper()
		if !equalPictures(part(strip, 0, 0, w, h), f.content) {
			t.Error("the strip does not begin with the content")
		}
		for i, alpha := range []float32{0.25, 0.5, 0.75, 1} {
			if !equalPictures(part(strip, (i+1)*w, 0, w, h), f.stylize(t, model.Stylization{Style: style, Alpha: alpha})) {
				t.Errorf("alpha %v is not what the engine computes", alpha)
			}
		}
	}
	strip := f.command(t, 1, "--alpha-strip")
	if last := 40 * h / 31; strip.Height != h || strip.Width != 5*w+last {
		t.Fatalf("the strip is %dx%d, wanted %dx%d", strip.Width, strip.Height, 5*w+last, h)
	} else if !equalPictures(part(strip, 5*w, 0, last, h), picture.Resize(f.styles[0], last, h)) {
		t.Error("the strip does not end with the style")
	}
	check(strip, f.stats[0])
	strip = f.command(t, 2, "--alpha-strip", "--style-weights", "3,1")
	if strip.Width != 5*w {
		t.Fatalf("the strip of a mix is %d wide, wanted %d", strip.Width, 5*w)
	}
	check(strip, f.mix(t, 3, 1))
}

func TestStylizeSheet(t *testing.T) {
	f := newLooksFixture(t)
	w, h := f.content.Width, f.content.Height
	sheet := f.command(t, 4, "--interpolate", "3", "--alpha", "0.75")
	if sheet.Width != 3*w || sheet.Height != 3*h {
		t.Fatalf("the sheet is %dx%d, wanted %dx%d", sheet.Width, sheet.Height, 3*w, 3*h)
	}
	for i, weights := range [][]float64{
		{1, 0, 0, 0}, {1, 1, 0, 0}, {0, 1, 0, 0},
		{1, 0, 1, 0}, {1, 1, 1, 1}, {0, 1, 0, 1},
		{0, 0, 1, 0}, {0, 0, 1, 1}, {0, 0, 0, 1},
	} {
		if !equalPictures(part(sheet, i%3*w, i/3*h, w, h), f.stylize(t, model.Stylization{Style: f.mix(t, weights...), Alpha: 0.75})) {
			t.Errorf("the picture at %d,%d is not the mix %v", i%3, i/3, weights)
		}
	}
}

// TestStylizeTables: tables in a sheet, and what is none.
func TestStylizeTables(t *testing.T) {
	f := newLooksFixture(t)
	table := f.table(t)
	sheet := f.command(t, 4, "--interpolate", "2", "--output-lut", f.path("turned.cube"))
	if !equalPictures(part(sheet, 0, 0, f.content.Width, f.content.Height), f.stylize(t, model.Stylization{Style: f.stats[0], Alpha: 1, After: table})) {
		t.Error("the sheet's pictures are without the table")
	}
	for _, flag := range []string{"--lut", "--output-lut"} {
		for _, c := range []struct{ path, says string }{{f.path("c.png"), "line 1"}, {f.path("none.cube"), "no such file"}} {
			_, _, err := run("stylize", "--content", f.path("c.png"), "--out", f.path("out.png"), flag, c.path)
			if err == nil || !strings.HasPrefix(err.Error(), flag+": ") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s %s: error is %v, wanted %q in it", flag, c.path, err, c.says)
			}
		}
	}
}

// TestStylizeTogether: names and failures of results that several styles make.
func TestStylizeTogether(t *testing.T) {
	f := newLooksFixture(t)
	out := t.TempDir()
	base := []string{"stylize", "--weights", f.path("tiny, weights.safetensors"), "--content", f.path("c.png"), "--content", f.path("1.png"), "--out", out,
		"--style-weights", "1,1", "--style", f.path("1.png")}
	mustRun(t, append(base, "--style", f.path("2.png"))...)
	if got := tree(t, out); got != "1_stylized_1+2.jpg c_stylized_1+2.jpg" {
		t.Errorf("results are %s", got)
	}
	for _, extra := range [][]string{{"--style", f.path("none.png")}, {"--style", f.path("none.png"), "--preserve-color", "coral"}} {
		_, progress, err := run(append(base, extra...)...)
		if err == nil || !strings.Contains(err.Error(), "2 of 2 results are missing") || !strings.Contains(progress, "none.png") {
			t.Errorf("%q: error is %v:\n%s", extra, err, progress)
		}
	}
}
