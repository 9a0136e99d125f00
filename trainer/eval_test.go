package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/model/ref"
	"adainfilter/trainer/evaluation"
	"adainfilter/trainer/network"
	"adainfilter/trainer/score"
)

// runEval calls the command with a loss network of tiny widths.
func runEval(args ...string) (out, progress string, err error) {
	var o, e bytes.Buffer
	app := newApp(&o, &e)
	app.Commands = []*cli.Command{newEvalCommand(evalLoss)}
	err = app.RunContext(context.Background(), append([]string{"adain", "eval"}, args...))
	return o.String(), e.String(), err
}

func mustRunEval(t *testing.T, args ...string) (out, progress string) {
	t.Helper()
	out, progress, err := runEval(args...)
	if err != nil {
		t.Fatalf("adain eval %s: %v\n%s", strings.Join(args, " "), err, progress)
	}
	return out, progress
}

// evalLoss are not those of the network that is scored.
var evalLoss = model.Widths{8, 8, 16, 32}

// evalFolders makes a random loss network and folders of contents and styles that can be told apart.
func evalFolders(t *testing.T) (dir string, args []string) {
	t.Helper()
	dir = t.TempDir()
	vgg := filepath.Join(dir, "vgg.safetensors")
	if err := network.Random(evalLoss).Save(vgg); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		writePicture(t, filepath.Join(dir, fmt.Sprintf("contents/%d.png", i)), noise(model.RGB, 20+i, 16, uint64(i)))
		writePicture(t, filepath.Join(dir, fmt.Sprintf("styles/%d.png", i)), noise(model.RGBA, 16, 17+i, uint64(10+i)))
	}
	return dir, []string{"--weights", tinyWeights(t, dir), "--vgg", vgg, "--content", filepath.Join(dir, "contents"),
		"--style", filepath.Join(dir, "styles"), "--size", "16", "--pairs", "4"}
}

// TestEval compares the command with the reference.
func TestEval(t *testing.T) {
	dir, args := evalFolders(t)
	sheet, lines := filepath.Join(dir, "sheet.png"), filepath.Join(dir, "pairs.csv")
	out, progress := mustRunEval(t, append(args, "--json", "--alphas", "1, 0,0.5", "--sheet", sheet, "--csv", lines, "--threads", "2")...)
	if n := strings.Count(progress, "\n"); n != 4 {
		t.Errorf("%d lines of progress, wanted one for each pair:\n%s", n, progress)
	}
	var r evaluation.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if r.Pairs != 4 || r.Contents != 3 || r.Styles != 3 || r.Size != 16 || r.Seed != 1 || r.Film != nil || len(r.Pictures) != 16 || len(r.Rows) != 5 {
		t.Errorf("report is %+v", r)
	}
	for i, want := range []string{"identity", "style pasted", "alpha 0", "alpha 0.5", "alpha 1"} {
		if r.Rows[i].Name != want {
			t.Errorf("row %d is %q, wanted %q", i, r.Rows[i].Name, want)
		}
	}
	identity, pasted := r.Rows[0], r.Rows[1]
	if identity.StyleRatio != 1 || identity.StyleMedian != 1 || identity.ContentRatio != 0 || math.Abs(identity.SSIM-1) > 1e-9 || identity.PSNR != nil || identity.NoiseGain != 1 {
		t.Errorf("identity is %+v", identity)
	}
	if pasted.StyleRatio != 0 || pasted.ContentRatio != 1 || !(pasted.SSIM < 0.5) || pasted.PSNR == nil || pasted.NoiseGain != 0 || pasted.Alpha != nil {
		t.Errorf("style pasted is %+v", pasted)
	}
	if one := identity.Layers[2]; one == nil || *one != 1 || pasted.Layers[2] == nil || *pasted.Layers[2] != 0 || identity.Lattice[1] != nil {
		t.Errorf("by layer: identity %+v, style pasted %+v", identity, pasted)
	}
	if r.Rows[2].Step != nil || r.Rows[3].Step == nil || r.Rows[4].Step == nil || r.Unevenness == nil || identity.Step != nil {
		t.Errorf("steps: %+v", r.Rows)
	} else if mean := (*r.Rows[3].Step + *r.Rows[4].Step) / 2; math.Abs(*r.Unevenness-math.Abs(*r.Rows[4].Step-mean)/mean) > 1e-12 {
		t.Errorf("steps of %v and %v differ by %v", *r.Rows[3].Step, *r.Rows[4].Step, *r.Unevenness)
	}
	checkPairs(t, dir, lines, r)
	if img := readPicture(t, sheet); img.Width != 5*20+4 || img.Height != 4*20+4 {
		t.Errorf("the sheet has %dx%d pixels", img.Width, img.Height)
	}

	again, _ := mustRunEval(t, append(args, "--json", "--alphas", "0,0.5,1", "--threads", "1")...)
	if strings.ReplaceAll(again, "1 threads", "2 threads") != out {
		t.Errorf("another run gives\n%swanted\n%s", again, out)
	}
	text, _ := mustRunEval(t, append(args, "--alphas", "0")...)
	for _, want := range []string{"identity", "style pasted", "alpha 0 ", "noise gain", "relu3_1", "lattice 8/3", "step", r.Pictures, r.LossNetwork, fmt.Sprintf("%.4f", r.Rows[2].StyleRatio)} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
}

// checkPairs computes the scores of each line of the CSV file once more, with the reference in place of the loss network.
func checkPairs(t *testing.T, dir, file string, r evaluation.Report) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1+4*5 {
		t.Fatalf("%d lines, wanted a head and 5 for each pair", len(lines))
	}
	engine, err := engines.Open(network.Random(tiny), model.Options{Precision: model.Float32})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	vgg := network.Random(evalLoss)
	look := func(m *model.Image) ([]float32, [4]model.Stats) {
		var levels [4]model.Stats
		features := ref.Encode(vgg, ref.Read(m))
		for i, f := range features {
			levels[i] = ref.Statistics(f)
		}
		var deepest []float32
		for _, v := range features[3].Data {
			deepest = append(deepest, float32(v))
		}
		return deepest, levels
	}
	sums := map[string]float64{}
	for _, line := range lines[1:] {
		row := slices.IndexFunc(r.Rows, func(s evaluation.Row) bool { return s.Name == line[2] })
		sums[line[2]] += parse(t, line[3]) / 4
		if r.Rows[row].Alpha == nil || line[2] == "alpha 0.5" {
			continue
		}
		content, err := evaluation.ReadSquare(filepath.Join(dir, "contents", line[0]+".png"), 16)
		if err != nil {
			t.Fatal(err)
		}
		style, err := evaluation.ReadSquare(filepath.Join(dir, "styles", line[1]+".png"), 16)
		if err != nil {
			t.Fatal(err)
		}
		stats, err := engine.Statistics(style)
		if err != nil {
			t.Fatal(err)
		}
		result := model.NewImage(model.RGB, 16, 16)
		if err := engine.Stylize(result, content, &model.Stylization{Style: stats, Alpha: float32(*r.Rows[row].Alpha)}); err != nil {
			t.Fatal(err)
		}
		fc, lc := look(content)
		fs, ls := look(style)
		fr, lr := look(result)
		for i := range 4 {
			want := score.LayerLoss(lr[i], ls[i]) / score.LayerLoss(lc[i], ls[i])
			if got := parse(t, line[7+i]); !(math.Abs(got-want) <= 1e-4*math.Abs(want)) {
				t.Errorf("%s: %s is %v, wanted %v", strings.Join(line[:3], " "), lines[0][7+i], got, want)
			}
		}
		for i, want := range []float64{
			score.StyleLoss(lr, ls) / score.StyleLoss(lc, ls), score.ContentLoss(fr, fc) / score.ContentLoss(fs, fc),
			score.SSIM(result, content), score.PSNR(result, content),
		} {
			// Float32 sums of up to 144 products through nine layers, squared.
			if got := parse(t, line[3+i]); !(math.Abs(got-want) <= 1e-4*math.Abs(want)) {
				t.Errorf("%s: %s is %v, wanted %v", strings.Join(line[:3], " "), lines[0][3+i], got, want)
			}
		}
	}
	for _, row := range r.Rows {
		if !(math.Abs(sums[row.Name]-row.StyleRatio) <= 1e-12) {
			t.Errorf("%s: the mean style ratio is %v, that of the lines %v", row.Name, row.StyleRatio, sums[row.Name])
		}
	}
}

func parse(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEvalRefuses(t *testing.T) {
	dir, args := evalFolders(t)
	writePicture(t, filepath.Join(dir, "stripe.png"), noise(model.RGB, 400, 2, 1))
	write(t, filepath.Join(dir, "broken.png"), []byte("x"))
	write(t, filepath.Join(dir, "film.mp4"), []byte("no film"))
	content := filepath.Join(dir, "contents/0.png")
	for _, c := range []struct{ args, want string }{
		{"--size 20", "--size is 20"},
		{"--size 8", "--size is 8"},
		{"--pairs 0", "--pairs is 0"},
		{"--frames 1", "--frames is 1"},
		{"--alphas 0,,1", "--alphas has \"\""},
		{"--alphas 0,1.5", "--alphas has \"1.5\""},
		{"--alphas NaN", "--alphas has \"NaN\""},
		{"--sheet D/sheet.gif", ".gif"},
		{"--sheet D/none/sheet.png", "D/none/sheet.png"},
		{"--csv D/none/pairs.csv", "D/none/pairs.csv"},
		{"--csv D/contents", "D/contents"},
		{"--vgg D/tiny,weights.safetensors", "wanted VGG-19"},
		{"--content D/stripe.png", "16 times longer"},
		{"--content D/broken.png --pairs 100", "broken.png"},
		{"--content D/contents --style D/contents --pairs 100", "look the same"},
		{"--film D/none.mp4", "no such file"},
		{"--film D", "folder"},
		{"--film D/film.mp4", "film.mp4\" cannot be decoded"},
		{"extra", "\"extra\" is not an option"},
	} {
		given := slices.Clone(args)
		for _, a := range strings.Fields(strings.ReplaceAll(c.args, "D", dir)) {
			given = append(given, strings.ReplaceAll(a, "tiny,weights", "tiny, weights"))
		}
		out, _, err := runEval(given...)
		if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(c.want, "D", dir)) || out != "" && c.args != "--csv D/contents" {
			t.Errorf("%s: error is %v, output %q, wanted an error with %q", c.args, err, out, c.want)
		}
	}
	if _, _, err := runEval("--content", content, "--style", content); err == nil || !strings.Contains(err.Error(), "--vgg, --content and --style") {
		t.Errorf("without --vgg: error is %v", err)
	}
}

// TestEvalPrecision demands that scores are of float32 where nothing else is wanted, but on a GPU, which has none.
func TestEvalPrecision(t *testing.T) {
	for _, c := range []struct {
		args string
		want model.Precision
	}{
		{"", model.Float32},
		{"--device cpu", model.Float32},
		{"--device cuda", model.AutoPrecision},
		{"--precision half", model.Half},
		{"--device cuda --precision float32", model.Float32},
	} {
		var got model.Options
		app := &cli.App{Flags: engineFlags(), Action: func(c *cli.Context) (err error) {
			got, err = evalEngine(c)
			return err
		}}
		if err := app.Run(append([]string{"adain"}, strings.Fields(c.args)...)); err != nil || got.Precision != c.want {
			t.Errorf("%q: precision %q, %v; wanted %q", c.args, got.Precision, err, c.want)
		}
	}
}
