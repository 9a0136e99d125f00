package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/picture"
)

func TestStylizeNames(t *testing.T) {
	dir := t.TempDir()
	weights := tinyWeights(t, dir)
	for name, size := range map[string][2]int{
		"in/a.png": {17, 12}, "in/b, c é%.jpg": {16, 8}, "in/sub/a.png": {8, 9}, "in/a.jpg": {9, 9}, "in/.hidden.png": {9, 9},
		"styles/oil.png": {31, 22}, "styles/x,y.jpg": {12, 40},
	} {
		writePicture(t, filepath.Join(dir, name), noise(model.RGB, size[0], size[1], 2))
	}
	if err := os.WriteFile(filepath.Join(dir, "in/notes.txt"), []byte("not a picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		name string
		args []string
		want string // files below out, sorted
	}{
		{"one to a file", []string{"--content", in("in/a.png"), "--style", in("styles/oil.png"), "--out", "result.PNG"}, "result.PNG"},
		{"one to a folder", []string{"--content", in("in/a.png"), "--style", in("styles/oil.png"), "--out", "new/"}, "new/a_stylized_oil.jpg"},
		{"folders", []string{"--content", in("in"), "--style", in("styles"), "--out", "", "--format", "png"},
			"a_stylized_oil-2.png a_stylized_oil.png a_stylized_x,y-2.png a_stylized_x,y.png b, c é%_stylized_oil.png b, c é%_stylized_x,y.png " +
				"sub/a_stylized_oil.png sub/a_stylized_x,y.png"},
		{"comma list", []string{"--content", in("in/b, c é%.jpg"), "--style", in("styles/oil.png") + "," + strings.ReplaceAll(in("styles/x,y.jpg"), ",", `\,`), "--out", ""},
			"b, c é%_stylized_oil.jpg b, c é%_stylized_x,y.jpg"},
		{"comma in a file's name", []string{"--content", in("in/a.png"), "--style", in("styles/x,y.jpg"), "--out", ""}, "a_stylized_x,y.jpg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := t.TempDir()
			for i := range c.args {
				if i > 0 && c.args[i-1] == "--out" {
					end := ""
					if strings.HasSuffix(c.args[i], "/") {
						end = "/"
					}
					c.args[i] = filepath.Join(out, c.args[i]) + end
				}
			}
			_, progress := mustRun(t, append([]string{"stylize", "--weights", weights}, c.args...)...)
			if got := tree(t, out); got != c.want {
				t.Errorf("results are\n%s\nwanted\n%s", got, c.want)
			}
			if lines := strings.Count(progress, "\n"); lines != strings.Count(c.want, ".") {
				t.Errorf("%d lines of progress, wanted one for each result:\n%s", lines, progress)
			}
		})
	}
}

// TestStylizePixels compares the command with the engine that it uses.
func TestStylizePixels(t *testing.T) {
	dir := t.TempDir()
	weights := tinyWeights(t, dir)
	content, style := noise(model.RGBA, 17, 13, 3), noise(model.RGB, 30, 21, 4)
	writePicture(t, filepath.Join(dir, "c.png"), content)
	writePicture(t, filepath.Join(dir, "s.png"), style)
	w, err := model.LoadWeights(weights)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := engines.Open(w, model.Options{Precision: model.Float32})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	for _, c := range []struct {
		name            string
		args            []string
		size, styleSize int
		alpha           float32
	}{{"as they are", nil, 0, 0, 1}, {"alpha", []string{"--alpha", "0.3"}, 0, 0, 0.3}, {"resized", []string{"--size", "8", "--style-size", "40"}, 8, 40, 1}} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(dir, "out.png")
			args := []string{"stylize", "--weights", weights, "--precision", "float32", "--content", filepath.Join(dir, "c.png"), "--style", filepath.Join(dir, "s.png"), "--out", out}
			mustRun(t, append(args, c.args...)...)
			src, s := content, style
			if c.size > 0 {
				src, s = picture.ShortSide(content, c.size), picture.ShortSide(style, c.styleSize)
			}
			stats, err := engine.Statistics(s)
			if err != nil {
				t.Fatal(err)
			}
			want := model.NewImage(src.Format, src.Width, src.Height)
			if err := engine.Stylize(want, src, &model.Stylization{Style: stats, Alpha: c.alpha}); err != nil {
				t.Fatal(err)
			}
			got := readPicture(t, out)
			if got.Width != want.Width || got.Format != model.RGBA || !bytes.Equal(got.Planes[0].Data, want.Planes[0].Data) {
				t.Errorf("the file's %v %dx%d is not what the engine computes", got.Format, got.Width, got.Height)
			}
		})
	}
}

func TestStylizeGoesOn(t *testing.T) {
	dir := t.TempDir()
	weights := tinyWeights(t, dir)
	in := filepath.Join(dir, "in")
	writePicture(t, filepath.Join(in, "good.png"), noise(model.RGB, 16, 16, 5))
	writePicture(t, filepath.Join(in, "small.png"), noise(model.RGB, 7, 16, 5))
	writePicture(t, filepath.Join(in, "one.png"), noise(model.RGB, 1, 1, 5))
	for name, data := range map[string]string{"broken.jpg": "no picture", "cut.png": "\x89PNG\r\n\x1a\n\x00\x00"} {
		if err := os.WriteFile(filepath.Join(in, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "out")
	_, progress, err := run("stylize", "--weights", weights, "--content", in, "--style", filepath.Join(in, "good.png")+","+filepath.Join(in, "broken.jpg"), "--out", out)
	if err == nil || !strings.Contains(err.Error(), "9 of 10 results are missing") {
		t.Errorf("error is %v", err)
	}
	if got := tree(t, out); got != "good_stylized_good.jpg" {
		t.Errorf("results are %s", got)
	}
	for _, want := range []string{"broken.jpg", "cut.png", "small.png", "one.png", "7x16 is too small"} {
		if !strings.Contains(progress, want) {
			t.Errorf("nothing is said of %s:\n%s", want, progress)
		}
	}
	// A style of one pixel is flat, but a style.
	mustRun(t, "stylize", "--weights", weights, "--content", filepath.Join(in, "good.png"), "--style", filepath.Join(in, "one.png"), "--style-size", "64", "--out", filepath.Join(dir, "flat.png"))
}

func TestStyleFiles(t *testing.T) {
	dir := t.TempDir()
	weights := tinyWeights(t, dir)
	for i, name := range []string{"c.png", "pics/one.png", "pics/two.png"} {
		writePicture(t, filepath.Join(dir, name), noise(model.RGB, 24+i, 19, uint64(i)))
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	mustRun(t, "style", "--weights", weights, "--style-size", "32", "--out", path("one.safetensors"), path("pics/one.png"))
	mustRun(t, "style", "--weights", weights, "--style-size", "32", "--out", path("each/"), path("pics"))
	mustRun(t, "style", "--weights", weights, "--style-size", "32", "--name", "both", "--out", path("mean.safetensors"), path("pics"))
	if got := tree(t, path("each")); got != "one.safetensors two.safetensors" {
		t.Errorf("style files are %s", got)
	}
	load := func(name string) *model.Style {
		s, err := model.LoadStyle(path(name))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one, two, mean := load("each/one.safetensors"), load("each/two.safetensors"), load("mean.safetensors")
	if one.Name != "one" || mean.Name != "both" || one.Network != "random-"+tiny.Name() {
		t.Errorf("styles are %q and %q of network %q", one.Name, mean.Name, one.Network)
	}
	if !slices.Equal(one.Mean, load("one.safetensors").Mean) {
		t.Error("a style alone and in a folder differ")
	}
	want, _ := model.Mix([]model.Stats{one.Stats, two.Stats}, nil)
	if !slices.Equal(mean.Mean, want.Mean) || !slices.Equal(mean.Std, want.Std) {
		t.Error("the style of two pictures is not their mean")
	}
	// The picture and its style file give the same result.
	for style, out := range map[string]string{"pics/one.png": "a.png", "one.safetensors": "b.png"} {
		mustRun(t, "stylize", "--weights", weights, "--content", path("c.png"), "--style", path(style), "--style-size", "32", "--out", path(out))
	}
	if !bytes.Equal(readPicture(t, path("a.png")).Planes[0].Data, readPicture(t, path("b.png")).Planes[0].Data) {
		t.Error("the picture and its style file give different results")
	}
	// The built-in network does not take it, the small network does not take a built-in style.
	for _, args := range [][]string{{"--style", path("one.safetensors")}, {"--weights", weights}, {"--style", "no-such-style"}} {
		_, _, err := run(append([]string{"stylize", "--content", path("c.png"), "--out", path("no.png")}, args...)...)
		if err == nil || !strings.HasPrefix(err.Error(), "style ") {
			t.Errorf("%q: error is %v", args, err)
		}
	}
}
