package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/fixture"
	"adainfilter/trainer/record"
)

// TestTrainStyles: weights carry a few styles of their own, which can be named and need not be.
func TestTrainStyles(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "run")
	mustTrain(t, append(trainingFiles(t, dir), "--max-iter", "1", "--name", "mine", "--out", run)...)
	w := trainedWeights(t, run)
	names := w.StyleNames()
	if len(names) != 4 || slices.ContainsFunc(names, func(n string) bool { return !regexp.MustCompile(`^[0-4]$`).MatchString(n) }) {
		t.Fatalf("the weights carry the styles %q, wanted four of the pictures 0 to 4", names)
	}
	weights := filepath.Join(run, record.WeightsFile)
	for _, style := range [][]string{nil, {"--style", names[2]}} {
		args := append([]string{"stylize", "--threads", "1", "--weights", weights, "--content", filepath.Join(dir, "contents", "1.png"), "--out", filepath.Join(dir, fmt.Sprint(len(style)), "out.png")}, style...)
		if err := os.MkdirAll(filepath.Join(dir, fmt.Sprint(len(style))), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, _, err := adain(args...); err != nil {
			t.Errorf("%v: %v", style, err)
		}
	}
	if _, _, err := adain("stylize", "--weights", weights, "--style", "woodcut", "--content", filepath.Join(dir, "contents", "1.png"), "--out", filepath.Join(dir, "x.png")); err == nil || !strings.Contains(err.Error(), "they carry the styles "+strings.Join(names, ", ")) {
		t.Errorf("a built-in style: error is %v", err)
	}
	if out, _, err := adain("styles", "--weights", weights); err != nil || strings.TrimSpace(out) != strings.Join(names, "\n") {
		t.Errorf("styles: %q, %v", out, err)
	}
	out, _, err := adain("inspect", weights, filepath.Join(run, record.CheckpointFile))
	for _, want := range []string{"styles " + strings.Join(names, ", "), "checkpoint of adain train", "iterations 1", "--crop 16", "go on with adain train --resume --out " + run} {
		if err != nil || !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("inspect does not say %q: %v\n%s", want, err, out)
		}
	}
}

// TestTrainValidates scores pictures that are held out, keeps the best weights and some saves, and ends when nothing gets better.
func TestTrainValidates(t *testing.T) {
	dir := t.TempDir()
	files := trainingFiles(t, dir)
	for i := range 30 {
		writePicture(t, filepath.Join(dir, "contents", fmt.Sprintf("more-%d.png", i)), blobs(70, 72, uint64(200+i)))
		writePicture(t, filepath.Join(dir, "styles", fmt.Sprintf("more-%d.png", i)), blobs(71, 70, uint64(300+i)))
	}
	args := append(files, "--validate-share", "0.2", "--validate-interval", "2", "--validate-pairs", "3", "--keep", "2", "--save-interval", "2")
	run := filepath.Join(dir, "run")
	progress := mustTrain(t, append(slices.Clone(args), "--out", run)...)
	log := readLog(t, run)
	if len(log) != 6 || log[0].Scores == nil || !(log[0].Scores.StyleRatio > 0) || log[0].Scores.ContentRatio == log[5].Scores.ContentRatio {
		t.Fatalf("the log is %+v", log)
	}
	best, _ := record.Best(log)
	w, err := model.LoadWeights(filepath.Join(run, record.BestFile))
	if err != nil || w.Metadata["iterations"] != fmt.Sprint(best.Iteration) || len(w.Styles) == 0 {
		t.Errorf("the best weights are those of iteration %v, %v, wanted %d", w.Metadata["iterations"], err, best.Iteration)
	}
	if files := tree(t, run); !strings.Contains(files, "checkpoint-10.safetensors checkpoint-8.safetensors") && !strings.Contains(files, "checkpoint-10.safetensors checkpoint-12.safetensors") || strings.Contains(files, "weights-6.safetensors") {
		t.Errorf("kept are %s", files)
	}
	for _, e := range log {
		if at, err := time.Parse(time.RFC3339, e.Time); err != nil || time.Since(at) > time.Hour {
			t.Errorf("the time of a line is %q", e.Time)
		}
	}
	if !strings.Contains(progress, "validation          every 2 iterations on 3 contents and 3 styles") || !strings.Contains(progress, "held out") || !strings.Contains(progress, ", style ratio ") {
		t.Errorf("progress says nothing of scores:\n%s", progress)
	}
	// The fixed rule: what was held out is not trained on.
	for _, c := range [][]string{{"--patience", "2", "--lr", "0"}, {"--validate-content", filepath.Join(dir, "contents"), "--validate-style", filepath.Join(dir, "styles"), "--validate-share", "0", "--max-iter", "2"}} {
		run := filepath.Join(dir, strings.Trim(c[0], "-"))
		progress := mustTrain(t, append(append(slices.Clone(args), c...), "--out", run)...)
		log := readLog(t, run)
		switch c[0] {
		case "--patience": // at rate 0 no score is better than the first
			if len(log) != 3 || !strings.Contains(progress, "ended after iteration 6: the last 2 scores were no better") || readCheckpoint(t, run).Steps != 6 {
				t.Errorf("%d lines of the log\n%s", len(log), progress)
			}
		default:
			if len(log) != 1 || log[0].Scores == nil || !strings.Contains(progress, "passed over: picture") {
				t.Errorf("folders of their own: %+v\n%s", log, progress)
			}
		}
	}
}

// adain calls the command.
func adain(args ...string) (out, progress string, err error) { return run(args...) }

func readLog(t *testing.T, run string) []record.Entry {
	t.Helper()
	f, err := record.Open(run, record.Resume)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	log, err := f.ReadLog(1 << 30)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// TestTrainTime ends a run by its time.
func TestTrainTime(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "run")
	begin := time.Now()
	progress := mustTrain(t, append(trainingFiles(t, dir), "--max-iter", "10000000", "--save-interval", "10000000", "--schedule", "cosine", "--time", "1500ms", "--log-interval", "1", "--out", run)...)
	if took := time.Since(begin); took < time.Second || took > time.Minute {
		t.Errorf("a run of 1.5 s took %s", took)
	}
	log := readLog(t, run)
	n := readCheckpoint(t, run).Steps
	if n < 1 || n == 10000000 || !strings.Contains(progress, fmt.Sprintf("ended after iteration %d: 1.5s are over", n)) {
		t.Errorf("%d iterations\n%s", n, progress)
	}
	if len(log) == 0 || log[len(log)-1].Iteration != n {
		t.Errorf("the log ends before iteration %d", n)
	}
}

// TestTrainArchives trains on pictures in archives, and gets what the same pictures in folders give.
func TestTrainArchives(t *testing.T) {
	dir := t.TempDir()
	files := trainingFiles(t, dir)
	whole, packed := filepath.Join(dir, "whole"), filepath.Join(dir, "packed")
	mustTrain(t, append(slices.Clone(files), "--out", whole)...)
	contents, styles := filepath.Join(dir, "contents.tar"), filepath.Join(dir, "styles.zip")
	fixture.Archive(t, contents, filepath.Join(dir, "contents"))
	fixture.Archive(t, styles, filepath.Join(dir, "styles"))
	mustTrain(t, append(slices.Clone(files), "--content", contents, "--style", styles, "--out", packed)...)
	sameRun(t, "archives", whole, packed)
	if a, b := readCheckpoint(t, whole), readCheckpoint(t, packed); a.Content != b.Content || a.Style != b.Style {
		t.Error("the same pictures have another hash in archives")
	}
}

// TestTrainCheck looks and trains nothing.
func TestTrainCheck(t *testing.T) {
	dir := t.TempDir()
	files := trainingFiles(t, dir)
	write(t, filepath.Join(dir, "contents", "film.mp4"), []byte("\x00\x00\x00\x18ftypisom"))
	write(t, filepath.Join(dir, "contents", "cut.jpg"), []byte("\xff\xd8\xff\xe0"))
	out, _, err := trainOut(context.Background(), tinySetup(), append(slices.Clone(files), "--check")...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"contents                    5 pictures, 2 passed over", "no pictures: 1 a film", "contents passed over        1: is a JPEG file that is cut short",
		"contents passed over        1: is not a picture", "styles in million pixels", "memory                      about ", "s an iteration, about ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("nothing is said of %q:\n%s", want, out)
		}
	}
	run := filepath.Join(dir, "run")
	if _, _, err := trainOut(context.Background(), tinySetup(), append(slices.Clone(files), "--check", "--out", run)...); err != nil || tree(t, run) != "crops.png" {
		t.Errorf("--check leaves %s, %v", tree(t, run), err)
	}
	if img := readPicture(t, filepath.Join(run, "crops.png")); img.Width != 8*16+7*4 || img.Height != 6*16+5*4 {
		t.Errorf("the sheet has %dx%d pixels", img.Width, img.Height)
	}
	mustTrain(t, append(files, "--max-iter", "1", "--out", run)...)
}
