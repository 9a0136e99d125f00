package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/trainer/network"
	"adainfilter/trainer/record"
)

func TestTrainRefuses(t *testing.T) {
	dir := t.TempDir()
	files := trainingFiles(t, dir)
	vgg := network.Random(lossWidths)
	path := func(name string) string { return filepath.Join(dir, name) }
	write(t, path("decoder.pth"), sides(t, vgg, model.Decoder, same)["zip"])
	write(t, path("other.pth"), sides(t, network.Random(tiny), model.Encoder, same)["pickle"])
	for _, folder := range []string{"none", "empty"} {
		if err := os.Mkdir(path(folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, path("none/broken.jpg"), nil)
	write(t, path("empty/readme.txt"), nil)
	write(t, path("file"), nil)
	for name, w := range map[string]*model.Weights{"small": network.Random(model.Widths{4, 4, 4, 8}), "zero": zeroEncoder()} {
		if err := w.Save(path(name + ".safetensors")); err != nil {
			t.Fatal(err)
		}
	}
	loss := path("loss.safetensors")
	foreign := network.Random(lossWidths)
	foreign.Layers[1].Bias[0]++
	if err := foreign.Save(loss); err != nil {
		t.Fatal(err)
	}
	out := path("out")
	for _, c := range []struct{ args, want string }{ // separated by spaces; D/ stands for the folder, an option given twice counts last
		{"--content D/missing", "missing"},
		{"--style D/empty", "holds no picture: found 1 an empty file"},
		{"--content D/none", "none of its 1 pictures can be used"},
		{"--content D/file", "file"},
		{"--vgg D/missing.pth", "missing.pth"},
		{"--vgg D/decoder.pth", "holds no encoder but a decoder: wanted the encoder of VGG-19"},
		{"--vgg D/other.pth", "as in VGG-19"},
		{"--vgg D/small.safetensors", "widths 4,4,4,8, wanted VGG-19 with widths 16,16,16,32"},
		{"--vgg D/contents/0.png", "this is a picture (PNG)"},
		{"--vgg D/contents", "folder"},
		{"--network lite --vgg D/zero.safetensors", "filters of conv1_1 only 0 answer"},
		{"--init D/small.safetensors", "wanted 16,16,16,32 for --network decoder"},
		{"--init D/loss.safetensors", "is not that of"},
		{"--network lite --widths 4,4,4,8 --init D/loss.safetensors", "none may be smaller"},
		{"--upsampling cubic", "--upsampling: upsampling is \"cubic\""},
		{"--upsampling nearest,bilinear", "has 2 words"},
		{"--network vgg", "--network is \"vgg\""},
		{"--motion shear", "--motion: there is no motion \"shear\", wanted affine, translation or none"},
		{"--schedule linear", "--schedule is \"linear\""},
		{"--crop 20", "--crop is 20"},
		{"--lr -1", "--lr is -1"},
		{"--precision int8", "--precision is \"int8\", wanted auto, float32 or half"},
		{"--batch-size many", "--batch-size is many"},
		{"--revive", "--revive is for"},
		{"--validate-content D/contents", "belong together"},
		{"--validate-share 0.2 --validate-content D/contents --validate-style D/styles", "choose one"},
		{"--validate-share 0.0001", "is none"},
		{"--patience 3", "--patience counts scores"},
		{"--time -1s", "--time is -1s"},
		{"--init D/decoder.pth --network lite", "import it first"},
		{"--init D/other.pth", "wanted a decoder such as decoder.pth"},
		{"--overwrite --resume", "choose one"},
		{"--lr NaN", "--lr is NaN"},
		{"--batch-size -1", "--batch-size is -1"},
		{"--ema 1", "--ema is 1"},
		{"--style-scales 2,1", "--style-scales is \"2,1\""},
		{"--style-scales 1", "--style-scales is \"1\""},
		{"--content-weight 0 --style-weight 0", "every loss has weight 0"},
		{"--content-weight 0 --warmup 5", "--warmup"},
		{"--device tpu", "--device is \"tpu\""},
		{"--device cuda", "cuda"},
		{"--out D/file/x", "D/file"},
		{"--out D/file", "D/file"},
		{"--resume", "nothing to resume"},
		{"extra", "\"extra\" is not an option"},
	} {
		args := append(slices.Clone(files), "--out", out)
		args = append(args, strings.Fields(strings.ReplaceAll(c.args, "D/", dir+"/"))...)
		progress, err := trainWith(context.Background(), tinySetup(), args...)
		if want := strings.ReplaceAll(c.want, "D/", dir+"/"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, wanted one with %q", c.args, err, want)
		}
		if strings.Contains(progress, "iteration 2/") {
			t.Errorf("%s: a step was computed", c.args)
		}
		if _, err := os.Stat(out); err == nil {
			t.Fatalf("%s: a folder is left", c.args)
		}
	}
	for _, missing := range []string{"content", "style", "vgg"} {
		i := slices.Index(files, "--"+missing)
		args := append(slices.Delete(slices.Clone(files), i, i+2), "--out", out)
		if _, err := trainWith(context.Background(), tinySetup(), args...); err == nil || !strings.Contains(err.Error(), "--"+missing+" is missing") {
			t.Errorf("without --%s: error is %v", missing, err)
		}
	}
	if _, err := trainWith(context.Background(), tinySetup(), files...); err == nil || !strings.Contains(err.Error(), "--out is missing") {
		t.Errorf("without --out: error is %v", err)
	}
}

// zeroEncoder sees nothing.
func zeroEncoder() *model.Weights {
	w := network.Random(lossWidths)
	for _, c := range w.Layers {
		if c.Side == model.Encoder {
			clear(c.Weight)
		}
	}
	return w
}

// TestTrainChecksCheckpoint resumes with other options and other files.
func TestTrainChecksCheckpoint(t *testing.T) {
	dir := t.TempDir()
	files := append(trainingFiles(t, dir), "--max-iter", "2", "--out", filepath.Join(dir, "run"))
	mustTrain(t, files...)
	if _, err := trainWith(context.Background(), tinySetup(), files...); err == nil || !strings.Contains(err.Error(), "holds a run already") {
		t.Errorf("without --resume: error is %v", err)
	}
	other := filepath.Join(dir, "other.safetensors")
	w := network.Random(lossWidths)
	w.Layers[3].Bias[1]++
	if err := w.Save(other); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, warning, err string }{
		{"--max-iter 3 --lr 0.01", "--lr is 0.01, before it was 0.001", ""},
		{"--max-iter 4 --workers 2 --threads 2", "--threads is 2, before it was 1", ""},
		{"--style-weight 20 --crop 24", "", "--crop is 24, there 16; --style-weight is 20, there 10"},
		{"--style_weight 10 --seed 2", "", "--seed is 2, there 1"},
		{"--network lite", "", "--network is lite, there decoder"},
		{"--vgg " + other, "", "is not the network that the checkpoint was made with"},
	} {
		progress, err := trainWith(context.Background(), tinySetup(), append([]string{"--resume", "--out", filepath.Join(dir, "run")}, strings.Fields(c.args)...)...)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: error is %v, wanted %q", c.args, err, c.err)
		}
		if strings.Contains(progress, "--max-iter is") || strings.Contains(progress, "--workers is") {
			t.Errorf("%s: a change that changes nothing is warned of:\n%s", c.args, progress)
		}
		if !strings.Contains(progress, c.warning) {
			t.Errorf("%s: nothing is said of %q:\n%s", c.args, c.warning, progress)
		}
	}
	if n := readCheckpoint(t, filepath.Join(dir, "run")).Steps; n != 4 {
		t.Errorf("the run has %d steps, wanted 4", n)
	}
	writePicture(t, filepath.Join(dir, "styles", "new.png"), blobs(40, 40, 9))
	if progress := mustTrain(t, "--resume", "--out", filepath.Join(dir, "run")); !strings.Contains(progress, "the style pictures changed since the checkpoint") {
		t.Errorf("nothing is said of the new picture:\n%s", progress)
	}
	if err := os.Truncate(filepath.Join(dir, "run", record.CheckpointFile), 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := trainWith(context.Background(), tinySetup(), "--resume", "--out", filepath.Join(dir, "run")); err == nil || !strings.Contains(err.Error(), record.CheckpointFile) {
		t.Errorf("a damaged checkpoint: error is %v", err)
	}
}

// TestTrainPytorchNames uses the option names of pytorch-AdaIN and a PyTorch file.
func TestTrainPytorchNames(t *testing.T) {
	dir := t.TempDir()
	files := trainingFiles(t, dir)
	vgg := write(t, filepath.Join(dir, "vgg_normalised.pth"), sides(t, network.Random(lossWidths), model.Encoder, same)["pickle"])
	run := filepath.Join(dir, "run")
	mustTrain(t, "--content_dir", files[1], "--style_dir", files[3], "--vgg", vgg, "--save_dir", run, "--max_iter", "1", "--batch_size", "1", "--n_threads", "1",
		"--lr_decay", "0", "--content_weight", "2", "--style_weight", "3", "--save_model_interval", "1", "--crop", "16", "--name", "mine", "--threads", "1")
	options := readCheckpoint(t, run).Options
	for name, want := range map[string]string{"max-iter": "1", "batch-size": "1", "workers": "1", "lr-decay": "0", "content-weight": "2", "style-weight": "3", "save-interval": "1"} {
		if options[name] != want {
			t.Errorf("--%s is %q, wanted %s", name, options[name], want)
		}
	}
	w, err := model.LoadWeights(filepath.Join(run, record.WeightsFile))
	if err != nil || w.Network != "mine" || w.Widths != lossWidths || w.EncoderID() != network.Random(lossWidths).EncoderID() {
		t.Errorf("the weights are of %+v, %v", w, err)
	}
	again := filepath.Join(dir, "again")
	progress := mustTrain(t, append(files, "--init", filepath.Join(run, record.WeightsFile), "--lr", "1e-12", "--max-iter", "1", "--out", again)...)
	v, err := model.LoadWeights(filepath.Join(again, record.WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range v.Layers {
		for k, x := range c.Weight {
			// Adam's first step has the length of the rate.
			if d := math.Abs(float64(x - w.Layers[i].Weight[k])); !(d < 1e-6) {
				t.Fatalf("%s: weight %d is %v away from that of --init\n%s", c.Name, k, d, progress)
			}
		}
	}
}

// TestTrainFails lets step 8 fail, or makes it the last before there is no room for a checkpoint: the command says what went wrong
// and leaves the checkpoint of before.
func TestTrainFails(t *testing.T) {
	// In a process of its own: the limit is one of the whole process, also for what `go test` writes down of this one.
	const alone = "ADAIN_TEST_TRAIN_FAILS"
	if os.Getenv(alone) == "" {
		child := exec.Command(os.Args[0], "-test.run=^TestTrainFails$", "-test.timeout=5m")
		child.Env = append(os.Environ(), alone+"=1")
		if out, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	files := trainingFiles(t, dir)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		step func() error
		want []string
	}{
		"step": {func() error { return errors.New("no luck") }, []string{"iteration 8: no luck; the last checkpoint is that of iteration 5"}},
		"disk": {func() error {
			// The log fits into this, a checkpoint does not. The kernel ends a longer write as on a full disk.
			return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 50000, Max: before.Max})
		}, []string{"no room left", record.CheckpointFile, "the checkpoint of iteration 5 is intact"}},
	} {
		run := filepath.Join(dir, name)
		s := tinySetup()
		s.Engines = model.TrainingEngines{model.CPU: func(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
			e, err := tinySetup().Engines.Open(loss, w, o)
			return &failing{e, 8, c.step}, err
		}}
		_, err := trainWith(context.Background(), s, append(files, "--out", run)...)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error is %v, wanted %q in it", name, err, want)
			}
		}
		if n := readCheckpoint(t, run).Steps; n != 5 {
			t.Errorf("%s: the checkpoint has %d steps, wanted 5", name, n)
		}
	}
}

// failing is a training engine that does something before step left.
type failing struct {
	model.TrainingEngine
	left int
	step func() error
}

func (e *failing) Step(b *model.Batch, u model.Update) (model.Losses, error) {
	if e.left--; e.left == 0 {
		if err := e.step(); err != nil {
			return model.Losses{}, err
		}
	}
	return e.TrainingEngine.Step(b, u)
}

// TestResumeInherits sets every option and reads it back from the checkpoint's text.
func TestResumeInherits(t *testing.T) {
	for _, f := range trainFlags() {
		name := f.Names()[0]
		value := map[string]string{"*cli.StringFlag": "x, 'y\"", "*cli.IntFlag": "-7", "*cli.Float64Flag": "1.2345678901234568e-05",
			"*cli.BoolFlag": "true", "*cli.DurationFlag": "1h2m3.5s", "*cli.Uint64Flag": "18446744073709551615"}[fmt.Sprintf("%T", f)]
		called := false
		app := &cli.App{Commands: []*cli.Command{{Name: "train", Flags: trainFlags(), Action: func(c *cli.Context) error {
			called = true
			if slices.Contains([]string{"out", "resume", "overwrite", "check", "verbose", "json"}, name) {
				return nil
			}
			if !slices.Contains(recorded(c), name) {
				return errors.New("is not recorded")
			}
			if err := inherit(c, map[string]string{name: value}); err != nil {
				return err
			}
			if got := fmt.Sprint(c.Value(name)); got != value {
				return fmt.Errorf("is %q, wanted %q", got, value)
			}
			return nil
		}}}}
		if err := app.Run([]string{"adain", "train"}); err != nil || !called {
			t.Errorf("--%s: %v", name, err)
		}
	}
}
