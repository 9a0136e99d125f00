package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/trainer/fixture"
	"adainfilter/trainer/network"
)

// TestTrainMemory refuses what memory has no room for, and chooses a batch that fits.
func TestTrainMemory(t *testing.T) {
	dir := t.TempDir()
	files := append(trainingFiles(t, dir), "--max-iter", "1")
	s := tinySetup()
	s.FreeMemory = func() int64 { return 1500e6 }
	run := filepath.Join(dir, "run")
	_, err := trainWith(context.Background(), s, append(slices.Clone(files), "--crop", "256", "--batch-size", "128", "--out", run)...)
	if err == nil || !strings.Contains(err.Error(), "1.5 GB are free: the largest batch that fits is --batch-size ") {
		t.Errorf("error is %v, wanted the largest batch that fits", err)
	}
	if _, err := os.Stat(run); err == nil {
		t.Error("the run left a folder")
	}
	var largest int
	if err != nil {
		_, text, _ := strings.Cut(err.Error(), "that fits is ")
		if _, err := fmt.Sscanf(text, "--batch-size %d", &largest); err != nil || largest < 1 || largest > 127 {
			t.Errorf("the largest batch is %d, %v", largest, err)
		}
	}
	s.FreeMemory = func() int64 { return 100 }
	if _, err := trainWith(context.Background(), s, append(slices.Clone(files), "--batch-size", "auto", "--out", run)...); err == nil || !strings.Contains(err.Error(), "smaller --crop") {
		t.Errorf("without any memory: error is %v", err)
	}
	s.FreeMemory = func() int64 { return 8e9 }
	progress, err := trainWith(context.Background(), s, append(slices.Clone(files), "--batch-size", "auto", "--out", run)...)
	if err != nil || readCheckpoint(t, run).Options["batch-size"] != "16" || !strings.Contains(progress, "memory              about ") {
		t.Errorf("auto: %v, batch %s\n%s", err, readCheckpoint(t, run).Options["batch-size"], progress)
	}
	mustTrain(t, "--resume", "--max-iter", "2", "--out", run)
}

// TestTrainMemoryHolds compares what a run said it would take with what it took, in a process of its own.
func TestTrainMemoryHolds(t *testing.T) {
	if args := os.Getenv(trainVariable); args != "" {
		s := tinySetup()
		s.Loss, s.Small, s.SampleSide = model.VGG19, model.Lite, 64
		progress, err := trainWith(context.Background(), s, strings.Split(args, "\n")...)
		status, statusErr := os.ReadFile("/proc/self/status")
		if err != nil || statusErr != nil {
			t.Fatal(err, statusErr)
		}
		fmt.Println(progress, string(status))
		return
	}
	if testing.Short() {
		t.Skip("networks of the real size take some seconds")
	}
	dir := t.TempDir()
	files := trainingFiles(t, dir)
	vgg := filepath.Join(dir, "large.safetensors")
	if err := network.Random(model.VGG19).Save(vgg); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][]string{
		{"--network", "decoder", "--batch-size", "16"}, {"--network", "lite", "--init", liteFile(t), "--batch-size", "32", "--identity-weight", "1", "--consistency-weight", "1"},
	} {
		args := append(append(slices.Clone(files), "--vgg", vgg, "--crop", "64", "--max-iter", "2", "--out", filepath.Join(dir, c[1])), c...)
		out, err := process(t, "TestTrainMemoryHolds", args).Output()
		if err != nil {
			t.Fatalf("%v: %v\n%s", c, err, out)
		}
		var said float64
		var took int
		for _, line := range strings.Split(string(out), "\n") {
			fmt.Sscanf(strings.TrimPrefix(line, "memory "), " about %f GB", &said)
			fmt.Sscanf(line, "VmHWM: %d kB", &took)
		}
		if ratio := said * 1e9 / float64(took<<10); !(ratio > 0.85 && ratio < 1.5) {
			t.Errorf("%v: %.1f GB were said and %d kB taken", c, said, took)
		}
	}
}

// liteFile is the built-in network as a file.
func liteFile(t *testing.T) string {
	t.Helper()
	w, err := model.BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "lite.safetensors")
	if err := w.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTrainSays: what will be trained comes first, a broken picture is named once, and nothing is said that is not for the user.
func TestTrainSays(t *testing.T) {
	dir := t.TempDir()
	files := trainingFiles(t, dir)
	write(t, filepath.Join(dir, "contents", "caption.txt"), []byte("a caption"))
	if err := os.Rename(filepath.Join(dir, "contents", "0.png"), filepath.Join(dir, "contents", "0.jfif")); err != nil {
		t.Fatal(err)
	}
	progress := mustTrain(t, append(files, "--network", "lite", "--warmup", "12", "--out", filepath.Join(dir, "run"))...)
	lines := strings.Split(strings.TrimSpace(progress), "\n")
	at := func(text string) int {
		t.Helper()
		i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, text) })
		if i < 0 {
			t.Errorf("nothing is said of %q:\n%s", text, progress)
		}
		return i
	}
	if i := at("network  "); i > 1 || at("choosing filters") < at("consistency loss") || at("iteration 2/12") < at("computing on") {
		t.Errorf("the order is another:\n%s", progress)
	}
	if n := strings.Count(progress, "broken.png"); n != 1 {
		t.Errorf("the broken picture is named %d times:\n%s", n, progress)
	}
	if n := strings.Count(progress, "photographs"); n != 1 || strings.Contains(progress, "1/48") {
		t.Errorf("choosing filters takes %d lines:\n%s", n, progress)
	}
	at("5 pictures, 1 passed over")
	at("no pictures: 1 text")
	at("--warmup 12 is all of --max-iter 12: style is never trained")
	at("epoch 0.8,") // 2 iterations of 2 pairs, 5 contents
}

// TestTrainMoved resumes from another working folder, and with pictures that moved.
func TestTrainMoved(t *testing.T) {
	dir := t.TempDir()
	files := trainingFiles(t, dir)
	whole := filepath.Join(dir, "whole")
	mustTrain(t, append(slices.Clone(files), "--out", whole)...)
	t.Chdir(dir)
	relative := slices.Clone(files)
	for i := range relative {
		relative[i] = strings.TrimPrefix(relative[i], dir+"/")
	}
	ctx, s := interruptingSetup(7)
	if _, err := trainWith(ctx, s, append(relative, "--out", "parts")...); !errors.Is(err, errInterrupted) {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	moved := filepath.Join(dir, "moved")
	if err := os.Rename(filepath.Join(dir, "styles"), moved); err != nil {
		t.Fatal(err)
	}
	progress := mustTrain(t, "--resume", "--style", moved, "--out", filepath.Join(dir, "parts"))
	if strings.Contains(progress, "changed since") {
		t.Errorf("pictures that moved are called changed:\n%s", progress)
	}
	sameRun(t, "moved", whole, filepath.Join(dir, "parts"))
	if _, err := trainWith(context.Background(), tinySetup(), "--resume", "--style", moved, "--max-iter", "11", "--out", whole); err == nil || !strings.Contains(err.Error(), "has done 12 iterations already") {
		t.Errorf("--max-iter below what was done: error is %v", err)
	}
}

// TestTrainWidths: a network is widened at the start, its checkpoint remembers that, and a run that begins from it is as wide without a word.
func TestTrainWidths(t *testing.T) {
	dir := t.TempDir()
	files := append(trainingFiles(t, dir), "--network", "lite")
	narrow, wide := filepath.Join(dir, "narrow"), filepath.Join(dir, "wide")
	mustTrain(t, append(slices.Clone(files), "--out", narrow)...)
	widths := fixture.Small
	widths[3] += 4
	weights := func(run string) string { return filepath.Join(run, "weights.safetensors") }
	from := func(init, out string) []string {
		return append(slices.Clone(files), "--init", weights(init), "--out", out)
	}
	ctx, s := interruptingSetup(7)
	if _, err := trainWith(ctx, s, append(from(narrow, wide), "--widths", widths.String())...); !errors.Is(err, errInterrupted) {
		t.Fatal(err)
	}
	mustTrain(t, "--resume", "--widths", strings.ReplaceAll(widths.String(), ",", ", "), "--out", wide)
	next := filepath.Join(dir, "next")
	ctx, s = interruptingSetup(7)
	if _, err := trainWith(ctx, s, from(wide, next)...); !errors.Is(err, errInterrupted) {
		t.Fatal(err)
	}
	away := filepath.Join(dir, "away")
	if err := os.Rename(wide, away); err != nil { // the checkpoint is enough
		t.Fatal(err)
	}
	mustTrain(t, "--resume", "--out", next)
	wide = away
	for _, run := range []string{wide, next} {
		if w, err := model.LoadWeights(weights(run)); err != nil || w.Widths != widths {
			t.Errorf("%s: %v, widths %v, wanted %v", run, err, w.Widths, widths)
		}
	}
	for _, c := range []struct{ widths, network, want string }{
		{fixture.Small.String(), "lite", "none may be smaller"}, {"4,8,16", "lite", "wanted four numbers"}, {"4,8,16,x", "lite", "wanted four numbers"},
		{"4,8,16,18", "lite", "multiple of 4"}, {widths.String(), "decoder", "choose --network lite"},
	} {
		for _, more := range [][]string{nil, {"--check"}} {
			_, err := trainWith(context.Background(), tinySetup(), append(append(from(wide, filepath.Join(dir, "no")), "--widths", c.widths, "--network", c.network), more...)...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("--widths %s of %s %v: error is %v, wanted %q", c.widths, c.network, more, err, c.want)
			}
		}
	}
}
