package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"adainfilter/cpu"
	"adainfilter/model"
	"adainfilter/trainer/fixture"
	"adainfilter/trainer/network"
	"adainfilter/trainer/record"
	"adainfilter/trainer/training"
)

// tinySetup trains networks of a few channels.
func tinySetup() training.Setup {
	return training.Setup{Loss: fixture.Loss, Small: fixture.Small, SampleSide: 16, Photos: network.Photos{Short: 32, Side: 24},
		Engines: model.TrainingEngines{model.CPU: cpu.OpenTraining}, Preview: engines, Eyes: openEye, Pauses: []time.Duration{0, time.Millisecond, 300 * time.Millisecond}}
}

// trainWith calls the command with a setup.
func trainWith(ctx context.Context, s training.Setup, args ...string) (progress string, err error) {
	_, progress, err = trainOut(ctx, s, args...)
	return progress, err
}

// trainOut is trainWith that gives the results too.
func trainOut(ctx context.Context, s training.Setup, args ...string) (out, progress string, err error) {
	var o, e bytes.Buffer
	app := newApp(&o, &e)
	for i, c := range app.Commands {
		if c.Name == "train" {
			app.Commands[i] = newTrainCommand(s)
		}
	}
	err = app.RunContext(ctx, append([]string{"adain", "train"}, args...))
	return o.String(), e.String(), err
}

func mustTrain(t *testing.T, args ...string) (progress string) {
	t.Helper()
	progress, err := trainWith(context.Background(), tinySetup(), args...)
	if err != nil {
		t.Fatalf("adain train %s: %v\n%s", strings.Join(args, " "), err, progress)
	}
	return progress
}

// trainingFiles makes folders of pictures and a loss network, and returns the options that name them and make a short training
// of squares of 16 pixels.
func trainingFiles(t *testing.T, dir string) []string {
	t.Helper()
	for i := range 5 {
		writePicture(t, filepath.Join(dir, "contents", fmt.Sprintf("%d.png", i)), blobs(40+5*i, 36, uint64(i)))
		writePicture(t, filepath.Join(dir, "styles", "more", fmt.Sprintf("%d.jpg", i)), blobs(36, 44+3*i, uint64(100+i)))
	}
	write(t, filepath.Join(dir, "contents", "broken.png"), []byte("x"))
	vgg := filepath.Join(dir, "vgg.safetensors")
	if err := network.Random(lossWidths).Save(vgg); err != nil {
		t.Fatal(err)
	}
	return []string{"--content", filepath.Join(dir, "contents"), "--style", filepath.Join(dir, "styles"), "--vgg", vgg,
		"--crop", "16", "--content-size", "32", "--style-size", "32", "--batch-size", "2", "--threads", "1", "--workers", "1", "--lr", "1e-3",
		"--max-iter", "12", "--save-interval", "5", "--log-interval", "2"}
}

// sameRun fails unless two folders have the same weights and the same state in the checkpoint. Paths in the options differ.
func sameRun(t *testing.T, name, a, b string) {
	t.Helper()
	var states [2]*record.Checkpoint
	var weights [2]*model.Weights
	for i, dir := range []string{a, b} {
		states[i] = readCheckpoint(t, dir)
		w, err := model.LoadWeights(filepath.Join(dir, record.WeightsFile))
		if err != nil {
			t.Fatal(err)
		}
		weights[i] = w
	}
	p, q := states[0].TrainingState, states[1].TrainingState
	if p.Steps != q.Steps || !slices.Equal(p.Parameters, q.Parameters) || !slices.Equal(p.First, q.First) ||
		!slices.Equal(p.Second, q.Second) || !slices.Equal(p.Average, q.Average) {
		t.Errorf("%s: the states differ after %d and %d steps", name, p.Steps, q.Steps)
	}
	for i, c := range weights[0].Layers {
		if d := weights[1].Layers[i]; !slices.Equal(c.Weight, d.Weight) || !slices.Equal(c.Bias, d.Bias) {
			t.Errorf("%s: layer %s of the weights differs", name, c.Name)
		}
	}
}

func readCheckpoint(t *testing.T, dir string) *record.Checkpoint {
	t.Helper()
	f, err := record.Open(dir, record.Resume)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := f.ReadCheckpoint()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// interrupting is a training engine that interrupts the command in one of its steps.
type interrupting struct {
	model.TrainingEngine
	cancel func()
	left   int
}

func (e *interrupting) Step(b *model.Batch, u model.Update) (model.Losses, error) {
	if e.left--; e.left == 0 {
		e.cancel()
	}
	return e.TrainingEngine.Step(b, u)
}

// interruptingSetup interrupts in step n after the start.
func interruptingSetup(n int) (context.Context, training.Setup) {
	ctx, cancel := context.WithCancelCause(context.Background())
	s := tinySetup()
	s.Engines = model.TrainingEngines{model.CPU: func(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
		e, err := cpu.OpenTraining(loss, w, o)
		return &interrupting{e, func() { cancel(errInterrupted) }, n}, err
	}}
	return ctx, s
}

// everything are options that use all that a step can do.
var everything = []string{"--alpha-random", "--identity-weight", "5", "--consistency-weight", "2", "--lattice-weight", "4", "--warmup", "3", "--ema", "0.9",
	"--clip-norm", "1", "--schedule", "cosine", "--pool", "2"}

func TestTrainResume(t *testing.T) {
	dir := t.TempDir()
	files := trainingFiles(t, dir)
	for _, c := range []struct {
		name  string
		extra []string
	}{
		{"decoder", nil},
		{"lite", append([]string{"--network", "lite"}, everything...)},
	} {
		if testing.Short() && c.extra == nil {
			continue // lite uses all that a step can do
		}
		whole, parts := filepath.Join(dir, c.name), filepath.Join(dir, c.name+" in parts")
		args := append(slices.Clone(files), c.extra...)
		mustTrain(t, append(args, "--out", whole)...)
		ctx, s := interruptingSetup(7)
		progress, err := trainWith(ctx, s, append(args, "--out", parts)...)
		if !errors.Is(err, errInterrupted) || !strings.HasSuffix(err.Error(), "go on with: adain train --resume --out '"+parts+"'") {
			t.Fatalf("%s: error is %v, wanted %v\n%s", c.name, err, errInterrupted, progress)
		}
		if n := readCheckpoint(t, parts).Steps; n != 7 {
			t.Errorf("%s: the checkpoint has %d steps, wanted 7", c.name, n)
		}
		mustTrain(t, "--resume", "--out", parts)
		sameRun(t, c.name, whole, parts)
		checkRun(t, whole, "")
		checkRun(t, parts, " samples-7.png") // the interruption leaves all that a save does
		changed := readCheckpoint(t, whole)
		if slices.Equal(changed.Parameters, changed.Average) != (c.extra == nil) {
			t.Errorf("%s: parameters are their moving average: %v, wanted %v", c.name, c.extra != nil, c.extra == nil)
		}
	}
}

// A network keeps its upsamplings when a run begins from it and goes on from a checkpoint; --upsampling gives it others.
func TestTrainUpsampling(t *testing.T) {
	dir := t.TempDir()
	args := append(trainingFiles(t, dir), "--network", "lite", "--max-iter", "2")
	run := func(name string, extra ...string) string {
		mustTrain(t, append(append(slices.Clone(args), extra...), "--out", filepath.Join(dir, name))...)
		return filepath.Join(dir, name, record.WeightsFile)
	}
	mixed := run("mixed", "--upsampling", "nearest,bilinear,bilinear")
	ctx, s := interruptingSetup(1)
	if _, err := trainWith(ctx, s, append(args, "--init", mixed, "--out", filepath.Join(dir, "on"))...); !errors.Is(err, errInterrupted) {
		t.Fatal(err)
	}
	mustTrain(t, "--resume", "--out", filepath.Join(dir, "on"))
	for name, want := range map[string]string{
		mixed: "nearest,bilinear,bilinear", filepath.Join(dir, "on", record.WeightsFile): "nearest,bilinear,bilinear",
		run("other", "--upsampling", "bilinear", "--init", mixed): "bilinear,bilinear,bilinear", run("none"): "nearest,nearest,nearest",
	} {
		w, err := model.LoadWeights(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Upsamplings(); got != want {
			t.Errorf("%s: upsampling %s, wanted %s", name, got, want)
		}
	}
	mustTrain(t, "--resume", "--out", filepath.Join(dir, "other"), "--upsampling", "bilinear") // said as at the beginning
}

// checkRun checks the files of a run of 12 iterations.
func checkRun(t *testing.T, dir, more string) {
	t.Helper()
	got := regexp.MustCompile(`events.out.tfevents\.\d+\.\d+\.adain ?`).ReplaceAllString(tree(t, dir), "")
	if want := "card.md checkpoint.safetensors log.jsonl loss.png samples-10.png samples-12.png samples-5.png" + more + " weights.safetensors"; got != want {
		t.Errorf("%s holds %s, wanted %s", dir, got, want)
	}
	text, err := os.ReadFile(filepath.Join(dir, record.LogFile))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i, line := range lines {
		if want := fmt.Sprintf(`{"iteration":%d,`, 2*i+2); len(lines) != 6 || !strings.HasPrefix(line, want) {
			t.Errorf("line %d of %d of the log is %s, wanted %s", i+1, len(lines), line, want)
		}
	}
	if img := readPicture(t, filepath.Join(dir, "samples-12.png")); img.Width != 5*16+4*4 || img.Height != 4*16+3*4 {
		t.Errorf("samples have %dx%d pixels", img.Width, img.Height)
	}
	w, err := model.LoadWeights(filepath.Join(dir, record.WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"iterations": "12", "recipe": "--batch-size 2", "parent": "vgg.safetensors"} {
		if !strings.Contains(w.Metadata[key], want) {
			t.Errorf("metadata %s is %q, wanted %q in it", key, w.Metadata[key], want)
		}
	}
	card, err := os.ReadFile(filepath.Join(dir, record.CardFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"after 12 of 12 iterations", "5 pictures, 1 passed over", "Means over the last 12 iterations", "| crop | 16 |", "CPU"} {
		if !strings.Contains(string(card), want) {
			t.Errorf("the card does not say %q:\n%s", want, card)
		}
	}
}

// TestTrainKilled kills a training ten times, at any moment, and goes on each time.
func TestTrainKilled(t *testing.T) {
	if args := os.Getenv(trainVariable); args != "" { // this is the process to be killed
		if _, err := trainWith(context.Background(), tinySetup(), strings.Split(args, "\n")...); err != nil {
			t.Fatal(err)
		}
		return
	}
	if testing.Short() {
		t.Skip("ten processes take some seconds")
	}
	dir := t.TempDir()
	args := append(trainingFiles(t, dir), everything...)
	args = append(args, "--network", "lite", "--max-iter", "300", "--save-interval")
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	mustTrain(t, append(slices.Clone(args), "300", "--out", whole)...)
	args = append(args, "7", "--out", parts)
	random := rand.New(rand.NewPCG(1, 1))
	killed := 0
	for range 10 {
		process := process(t, "TestTrainKilled", args)
		before := modified(parts)
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		for start := time.Now(); modified(parts) == before && time.Since(start) < 20*time.Second; time.Sleep(time.Millisecond) {
		}
		time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
		if process.Process.Kill() == nil && process.Wait() != nil {
			killed++
		}
		readCheckpoint(t, parts)
		// The weights come after the checkpoint, so there may be none yet; half of them there never are.
		if _, err := model.LoadWeights(filepath.Join(parts, record.WeightsFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		args = []string{"--resume", "--out", parts}
	}
	if killed < 5 {
		t.Errorf("only %d of 10 processes were alive when they were killed", killed)
	}
	mustTrain(t, "--resume", "--save-interval", "300", "--out", parts)
	sameRun(t, "killed", whole, parts)
}

// modified is when the checkpoint of a run was written.
func modified(run string) time.Time {
	info, err := os.Stat(filepath.Join(run, record.CheckpointFile))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
