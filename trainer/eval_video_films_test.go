package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/film"
	"adainfilter/trainer/film/filmtest"
	"adainfilter/trainer/network"
	"adainfilter/trainer/steadiness"
	"adainfilter/trainer/terminal"
)

// TestEvalVideo compares the command, with real films and engines, with the definitions.
func TestEvalVideo(t *testing.T) {
	dir := t.TempDir()
	path, weights, style := filepath.Join(dir, "bars.avi"), tinyWeights(t, dir), filepath.Join(dir, "style.png")
	filmtest.Bars(t, path)
	writePicture(t, style, noise(model.RGB, 40, 30, 1))
	args := []string{"--weights", weights, "--style", style, "--smoothing", "0.75", "--size", "0", "--threads", "1", "--motion=false", "--json", "--video", path}
	out, progress := mustRunEval(t, args...)
	if n := strings.Count(progress, "\n"); n != 2 {
		t.Errorf("%d lines of progress, wanted one for the film and one for the style:\n%s", n, progress)
	}
	var r steadiness.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if len(r.Films) != 1 || len(r.Films[0].Rows) != 3 || r.Films[0].Frames != 5 || r.Films[0].Width != 50 || len(r.Films[0].Cuts) != 0 {
		t.Fatalf("report is %s", out)
	}
	frames, err := film.Read(context.Background(), path, 34, 100)
	if err != nil {
		t.Fatal(err)
	}
	var plain []*model.Image
	for i, smoothing := range []float32{0, 0.75} {
		results := stylized(t, style, frames, smoothing)
		if i == 0 {
			plain = results
		}
		var still, ghosting, n, moving float64
		for k := 1; k < len(frames); k++ {
			for p := range 50 * 34 {
				if isStill(frames[k], frames[k-1], p%50, p/50) {
					n++
					still += pixelDifference(results[k], results[k-1], p%50, p/50)
				} else {
					moving++
					ghosting += pixelDifference(results[k], plain[k], p%50, p/50)
				}
			}
		}
		row := r.Films[0].Rows[1+i]
		if digits(row.Flicker) != fmt.Sprintf("%.6f", still/n/3) || i == 1 && digits(row.Ghosting) != fmt.Sprintf("%.6f", ghosting/moving/3) ||
			!(ghosting > 0) != (i == 0) || !(still > 0) || digits(r.Films[0].Still) != fmt.Sprintf("%.6f", n/(n+moving)) {
			t.Errorf("smoothing %v: flicker %s, ghosting %s, still %s, wanted %v, %v and %v", smoothing,
				digits(row.Flicker), digits(row.Ghosting), digits(r.Films[0].Still), still/n/3, ghosting/moving/3, n/(n+moving))
		}
	}
	more, _ := mustRunEval(t, append(slices.Clone(args), path, path)...)
	var again steadiness.Report
	if err := json.Unmarshal([]byte(more), &again); err != nil || len(again.Films) != 3 || again.Films[2].Pictures != r.Films[0].Pictures || !reflect.DeepEqual(untimed(again.Films[2].Rows), untimed(r.Films[0].Rows)) {
		t.Errorf("three times the film gives %s", more)
	}
	following, _ := mustRunEval(t, slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--motion=false" })...)
	if err := json.Unmarshal([]byte(following), &again); err != nil || reflect.DeepEqual(untimed(again.Films[0].Rows), untimed(r.Films[0].Rows)) {
		t.Errorf("with motion the figures are the same: %s", following)
	}
	made, _ := mustRunEval(t, "--weights", weights, "--style", style, "--smoothing", "0.75", "--size", "48", "--frames", "3", "--json", "--made", style)
	if err := json.Unmarshal([]byte(made), &again); err != nil || len(again.Films) != 8 || again.Films[0].Rows[2].Moving == nil || again.Films[0].Height != 48 {
		t.Errorf("clips that are made give %s", made)
	}
	// Frames smaller than --size, here its default, stay as they are.
	plainArgs := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--size" || a == "0" })
	small, _ := mustRunEval(t, plainArgs...)
	if err := json.Unmarshal([]byte(small), &again); err != nil || again.Films[0].Width != 50 || again.Films[0].Height != 34 {
		t.Errorf("a film of 50x34 is measured as %s", small)
	}
}

// untimed are rows without what depends on the clock.
func untimed(rows []steadiness.Row) []steadiness.Row {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Time = nil
	}
	return rows
}

// digits is a figure for comparison.
func digits(v *float64) string { return terminal.Number(v, 6) }

// stylized are the results of a new engine.
func stylized(t *testing.T, style string, frames []*model.Image, smoothing float32) (results []*model.Image) {
	t.Helper()
	engine, err := engines.Open(network.Random(tiny), model.Options{Precision: model.Float32, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	img, err := picture.ReadStyle(style, 512, picture.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	stats, err := engine.Statistics(img)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		result := model.NewImage(model.RGB, f.Width, f.Height)
		if err := engine.Stylize(result, f, &model.Stylization{Style: stats, Alpha: 1, Smoothing: smoothing}); err != nil {
			t.Fatal(err)
		}
		results = append(results, result)
	}
	return results
}

// pixelDifference is the sum of the absolute differences of a pixel's samples.
func pixelDifference(a, b *model.Image, x, y int) (sum float64) {
	p, q := pixel(a.Planes[0].Data[y*a.Planes[0].Stride:], x), pixel(b.Planes[0].Data[y*b.Planes[0].Stride:], x)
	for i := range p {
		sum += math.Abs(float64(p[i]) - float64(q[i]))
	}
	return sum
}

func isStill(a, b *model.Image, x, y int) bool {
	for v := max(0, y-1); v <= min(a.Height-1, y+1); v++ {
		for u := max(0, x-1); u <= min(a.Width-1, x+1); u++ {
			p, q := pixel(a.Planes[0].Data[v*a.Planes[0].Stride:], u), pixel(b.Planes[0].Data[v*b.Planes[0].Stride:], u)
			for i := range p {
				if math.Abs(float64(p[i])-float64(q[i])) > 2 {
					return false
				}
			}
		}
	}
	return true
}

func TestEvalVideoRefuses(t *testing.T) {
	dir := t.TempDir()
	weights := tinyWeights(t, dir)
	writePicture(t, filepath.Join(dir, "folder/picture.png"), noise(model.RGB, 16, 16, 1))
	write(t, filepath.Join(dir, "broken.mp4"), []byte("no film"))
	if err := os.Mkdir(filepath.Join(dir, "camera"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "camera/clip.M2TS"), []byte("no film"))
	writePicture(t, filepath.Join(dir, "style.png"), noise(model.RGB, 16, 16, 1))
	for _, c := range []struct{ args, want string }{
		{"--made D/style.png --video D/broken.mp4", "--made and films exclude each other"},
		{"--made D/style.png,D/style.png,D/style.png", "names 3 pictures, wanted one or two"},
		{"--video D/none.mp4", "none.mp4\": no such file"},
		{"--video D/folder", "folder \"D/folder\" holds no file whose name ends in .m"},
		{"--video D/broken.mp4", "broken.mp4\" cannot be decoded"},
		{"--video D/camera", "clip.M2TS\" cannot be decoded"},
		{"--video D/broken.mp4 D/none.mp4", "none.mp4\": no such file"},
		{"--video D/broken.mp4 D/broken.mp4 --frames 5", "option --frames stands behind a file name"},
		{"--frames 1 --video D/broken.mp4", "--frames is 1, wanted 2 or more, or 0 for all"},
		{"--frames -1 --video D/broken.mp4", "--frames is -1"},
		{"--skip -1 --video D/broken.mp4", "--skip is -1"},
		{"--size 7 --video D/broken.mp4", "--size is 7"},
		{"--smoothing 0,1 --video D/broken.mp4", "--smoothing has 1, wanted"},
		{"--smoothing 0.999999999 --video D/broken.mp4", "--smoothing has 0.999999999"},
		{"--smoothing -0.5 --video D/broken.mp4", "--smoothing has -0.5"},
		{"--smoothing NaN --video D/broken.mp4", "--smoothing has NaN"},
		{"--smoothing 0,,1 --video D/broken.mp4", "--smoothing: value 2 is \"\""},
		{"--vgg x --video D/broken.mp4", "--video and --vgg exclude each other"},
		{"--film x --video D/broken.mp4", "--video and --film exclude each other"},
		{"--sheet x.png --video D/broken.mp4", "--video and --sheet exclude each other"},
		{"--csv D/none/x.csv --video D/broken.mp4", "D/none/x.csv"},
		{"--style a,,b --video D/broken.mp4", "empty name"},
		{"--style none.png --video D/broken.mp4", "none.png"},
		{"--style woodcut --video D/broken.mp4", "style \"woodcut\" belongs to the built-in network"},
		{"--smoothing 0.5", "--smoothing belongs to --video"},
		{"--skip 5", "--skip belongs to --video"},
	} {
		// A broken film is the last that is looked at, so that it stands for a good one.
		args := []string{"--weights", weights, "--threads", "1"}
		if !strings.Contains(c.args, "--style") {
			args = append(args, "--style", filepath.Join(dir, "style.png"))
		}
		out, _, err := runEval(append(args, strings.Fields(strings.ReplaceAll(c.args, "D", dir))...)...)
		if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(c.want, "D", dir)) || out != "" {
			t.Errorf("%s: error is %v, output %q, wanted an error with %q", c.args, err, out, c.want)
		}
	}
}

func pixel(row []byte, x int) [3]byte { return [3]byte(row[3*x : 3*x+3]) }
