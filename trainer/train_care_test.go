package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"adainfilter/cpu"
	"adainfilter/model"
	"adainfilter/trainer/fixture"
	"adainfilter/trainer/network"
	"adainfilter/trainer/record"
)

// sameWeights fails unless two networks have the same parameters, to the bit.
func sameWeights(t *testing.T, what string, a, b *model.Weights) {
	t.Helper()
	for i, c := range a.Layers {
		if d := b.Layers[i]; !slices.Equal(c.Weight, d.Weight) || !slices.Equal(c.Bias, d.Bias) {
			t.Errorf("%s: layer %s differs", what, c.Name)
		}
	}
}

func trainedWeights(t *testing.T, run string) *model.Weights {
	t.Helper()
	w, err := model.LoadWeights(filepath.Join(run, record.WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestTrainInit goes on from a network with filters that answer to nothing: it stays to the bit what it is, and only --revive
// draws these filters anew.
func TestTrainInit(t *testing.T) {
	dir := t.TempDir()
	files := append(trainingFiles(t, dir), "--lr", "0", "--max-iter", "1", "--ema", "0.9")
	w := network.Random(fixture.Small)
	w.Layers[2].Bias[1] = -1e6
	init := filepath.Join(dir, "init.safetensors")
	if err := w.Save(init); err != nil {
		t.Fatal(err)
	}
	args := append(slices.Clone(files), "--network", "lite", "--init", init, "--out")
	mustTrain(t, append(args, filepath.Join(dir, "same"))...)
	sameWeights(t, "lite", w, trainedWeights(t, filepath.Join(dir, "same")))
	decoder := filepath.Join(dir, "decoder.safetensors")
	vgg := network.Random(lossWidths)
	if err := vgg.Save(decoder); err != nil {
		t.Fatal(err)
	}
	mustTrain(t, append(slices.Clone(files), "--init", decoder, "--out", filepath.Join(dir, "decoder"))...)
	sameWeights(t, "decoder", vgg, trainedWeights(t, filepath.Join(dir, "decoder")))
	pth := write(t, filepath.Join(dir, "decoder.pth"), sides(t, vgg, model.Decoder, same)["zip"])
	mustTrain(t, append(slices.Clone(files), "--init", pth, "--out", filepath.Join(dir, "pth"))...)
	sameWeights(t, "decoder.pth", vgg, trainedWeights(t, filepath.Join(dir, "pth")))

	progress := mustTrain(t, append(args, filepath.Join(dir, "revived"), "--revive")...)
	if !strings.Contains(progress, "revived filters of "+init+" that answer to none of 80 crops and 10 whole pictures: ") || !strings.Contains(progress, "in conv1_2") {
		t.Errorf("nothing is said of the revived filter:\n%s", progress)
	}
	revived, n := trainedWeights(t, filepath.Join(dir, "revived")), w.Layers[2].In*9
	if slices.Equal(revived.Layers[2].Weight[n:2*n], w.Layers[2].Weight[n:2*n]) || revived.Layers[2].Bias[1] != 0 {
		t.Error("the filter that answers to nothing was not drawn anew")
	}
	// A new filter may answer to none of the crops by chance; soon nothing is left to revive, and whatever answers is left alone.
	for i := range 5 {
		before, next := trainedWeights(t, filepath.Join(dir, "revived")), filepath.Join(dir, fmt.Sprint("again", i))
		progress = mustTrain(t, append(slices.Clone(files), "--network", "lite", "--init", filepath.Join(dir, "revived", record.WeightsFile), "--revive", "--out", next)...)
		if strings.Contains(progress, "revived none") {
			sameWeights(t, "nothing to revive", before, trainedWeights(t, next))
			return
		}
		if err := errors.Join(os.RemoveAll(filepath.Join(dir, "revived")), os.Rename(next, filepath.Join(dir, "revived"))); err != nil {
			t.Fatal(err)
		}
	}
	t.Errorf("after five times there is still something to revive:\n%s", progress)
}

// process is this test binary, which trains in another process.
func process(t *testing.T, test string, args []string) *exec.Cmd {
	t.Helper()
	// A test that runs under nohup would hand on that SIGHUP is ignored.
	limited, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	p := exec.CommandContext(limited, "env", "--default-signal=HUP", os.Args[0], "-test.run=^"+test+"$")
	p.Env = append(os.Environ(), trainVariable+"="+strings.Join(args, "\n"))
	return p
}

const trainVariable = "ADAIN_TEST_TRAIN"

// TestTrainSignals sends signals to a training, and takes its terminal away.
func TestTrainSignals(t *testing.T) {
	if args := os.Getenv(trainVariable); args != "" { // this is the process that gets the signals
		app := newApp(os.Stdout, os.Stderr)
		for i, c := range app.Commands {
			if c.Name == "train" {
				app.Commands[i] = newTrainCommand(tinySetup())
			}
		}
		ctx := untilInterrupted()
		os.Exit(status(os.Stderr, ctx, app.RunContext(ctx, append([]string{"adain", "train"}, strings.Split(args, "\n")...))))
	}
	dir := t.TempDir()
	args := append(trainingFiles(t, dir), "--max-iter", "100000", "--save-interval", "100000", "--log-interval", "1", "--out")
	start := func(run string, args ...string) (*exec.Cmd, *bufio.Scanner, *os.File) {
		p := process(t, "TestTrainSignals", args)
		out, in, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		p.Stderr, p.Stdout = in, in
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		in.Close()
		t.Cleanup(func() { p.Process.Kill() })
		lines := bufio.NewScanner(out)
		await(t, lines, "iteration 2/")
		return p, lines, out
	}
	hung := filepath.Join(dir, "hung up")
	p, lines, _ := start(hung, append(args, hung)...)
	if err := p.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	await(t, lines, "saved after iteration")
	saved := readCheckpointFile(t, hung).Steps
	if saved < 2 {
		t.Errorf("SIGUSR1 saved iteration %d", saved)
	}
	await(t, lines, "iteration "+fmt.Sprint(saved+2))
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await(t, lines, "adain: interrupted after iteration")
	if p.Wait(); p.ProcessState.ExitCode() != stopped {
		t.Errorf("after SIGHUP: %v, wanted exit status %d", p.ProcessState, stopped)
	}
	if n := readCheckpoint(t, hung).Steps; n <= saved {
		t.Errorf("SIGHUP left the checkpoint of iteration %d, wanted a later one than %d", n, saved)
	}
	piped := filepath.Join(dir, "piped")
	p, _, out := start(piped, append(args, piped, "--max-iter", "60")...)
	out.Close()
	if err := p.Wait(); err != nil {
		t.Errorf("without anybody to read: %v", err)
	}
	if n := readCheckpoint(t, piped).Steps; n != 60 {
		t.Errorf("without anybody to read the run ended at iteration %d, wanted 60", n)
	}
}

// await reads lines until one has the text.
func await(t *testing.T, lines *bufio.Scanner, text string) {
	t.Helper()
	var before []string
	for lines.Scan() {
		if before = append(before, lines.Text()); strings.Contains(lines.Text(), text) {
			return
		}
	}
	t.Fatalf("no line has %q:\n%s", text, strings.Join(before, "\n"))
}

// readCheckpointFile reads the checkpoint of a run that goes on.
func readCheckpointFile(t *testing.T, run string) *record.Checkpoint {
	t.Helper()
	c, err := record.LoadCheckpoint(filepath.Join(run, record.CheckpointFile))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// doing is a training engine that does something before some of its steps.
type doing struct {
	model.TrainingEngine
	step   int
	before map[int]func()
}

func (e *doing) Step(b *model.Batch, u model.Update) (model.Losses, error) {
	e.step++
	if do := e.before[e.step]; do != nil {
		do()
	}
	return e.TrainingEngine.Step(b, u)
}

// TestTrainAway takes the pictures away in the middle of a run.
func TestTrainAway(t *testing.T) {
	dir := t.TempDir()
	args := append(trainingFiles(t, dir), "--cache", "0", "--max-iter", "20", "--save-interval", "100", "--out")
	whole, parts, lost := filepath.Join(dir, "whole"), filepath.Join(dir, "parts"), filepath.Join(dir, "lost")
	mustTrain(t, append(args, whole)...)
	styles, away := filepath.Join(dir, "styles"), filepath.Join(dir, "away")
	rename := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Error(err)
		}
	}
	s := tinySetup()
	s.Engines = model.TrainingEngines{model.CPU: func(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
		e, err := cpu.OpenTraining(loss, w, o)
		return &doing{e, 0, map[int]func(){6: func() {
			rename(styles, away)
			go func() { // they come back once the run has missed them, whenever its loader gets to it
				for c := (*record.Checkpoint)(nil); c == nil || c.Steps == 0; time.Sleep(time.Millisecond) {
					c, _ = record.LoadCheckpoint(filepath.Join(parts, record.CheckpointFile))
					if t.Context().Err() != nil {
						return
					}
				}
				rename(away, styles)
			}()
		}}}, err
	}}
	progress, err := trainWith(context.Background(), s, append(args, parts)...)
	if err != nil || !strings.Contains(progress, "cannot be reached") || !strings.Contains(progress, "the run is saved as of iteration") || !strings.Contains(progress, "going on after") {
		t.Errorf("error is %v\n%s", err, progress)
	}
	sameRun(t, "with a hiccup", whole, parts)

	s.Engines = model.TrainingEngines{model.CPU: func(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
		e, err := cpu.OpenTraining(loss, w, o)
		return &doing{e, 0, map[int]func(){6: func() { rename(styles, away) }}}, err
	}}
	s.Pauses = []time.Duration{0, time.Millisecond}
	progress, err = trainWith(context.Background(), s, append(args, lost)...)
	rename(away, styles)
	n := readCheckpoint(t, lost).Steps
	if err == nil || !strings.Contains(err.Error(), "did not come back") || n < 6 || strings.Count(progress, "trying again") != 2 {
		t.Errorf("error is %v, iteration %d is saved, wanted 6 at least\n%s", err, n, progress)
	}
	mustTrain(t, "--resume", "--out", lost)
	sameRun(t, "after the pictures were lost", whole, lost)
}

// TestTrainAgain: a run in which no step was done is in nobody's way.
func TestTrainAgain(t *testing.T) {
	dir := t.TempDir()
	files := trainingFiles(t, dir)
	run := filepath.Join(dir, "new", "run")
	if _, err := trainWith(context.Background(), tinySetup(), append(slices.Clone(files), "--content", filepath.Join(dir, "typo"), "--out", run)...); err == nil {
		t.Error("a folder that is not there is no error")
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("a mistyped --content leaves a folder")
	}
	s := tinySetup()
	s.Engines = model.TrainingEngines{model.CPU: func(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
		e, err := tinySetup().Engines.Open(loss, w, o)
		return &failing{e, 1, func() error { return errors.New("no luck") }}, err
	}}
	args := append(files, "--max-iter", "3", "--out", run)
	if _, err := trainWith(context.Background(), s, args...); err == nil || readCheckpoint(t, run).Steps != 0 {
		t.Fatalf("error is %v", err)
	}
	mustTrain(t, args...)
	if _, err := trainWith(context.Background(), tinySetup(), args...); err == nil || !strings.Contains(err.Error(), "--overwrite") {
		t.Errorf("over a run with steps: error is %v", err)
	}
	if _, err := trainWith(context.Background(), tinySetup(), append(args, "--overwrite", "--content", filepath.Join(dir, "typo"))...); err == nil || readCheckpoint(t, run).Steps != 3 {
		t.Errorf("--overwrite with a mistyped --content: error is %v, the run of before has %d steps", err, readCheckpoint(t, run).Steps)
	}
	mustTrain(t, append(args, "--overwrite", "--max-iter", "2")...)
	if n := readCheckpoint(t, run).Steps; n != 2 {
		t.Errorf("after --overwrite the run has %d steps, wanted 2", n)
	}
}
