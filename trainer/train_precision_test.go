package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/cpu"
	"adainfilter/model"
	"adainfilter/trainer/dataset"
	"adainfilter/trainer/record"
	"adainfilter/trainer/training"
)

// claiming is a training engine that says it computes in another precision than it does.
type claiming struct {
	model.TrainingEngine
	precision model.Precision
}

func (e *claiming) Precision() model.Precision { return e.precision }

// precisionSetup has engines as a processor with or without bfloat16 instructions has them, which this one need not be.
func precisionSetup(native bool) training.Setup {
	s := tinySetup()
	s.Engines = model.TrainingEngines{model.CPU: func(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
		got := o.Precision
		switch {
		case got == model.AutoPrecision && native:
			got = model.Half
		case got == model.AutoPrecision:
			got = model.Float32
		case got == model.Half && !native:
			return nil, os.ErrInvalid
		}
		o.Precision = model.Float32
		e, err := cpu.OpenTraining(loss, w, o)
		return &claiming{e, got}, err
	}}
	return s
}

// TestTrainPrecision looks where the precision of a run is written down, and goes on with it on another processor.
func TestTrainPrecision(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "run")
	begin := append(trainingFiles(t, dir), "--out", out)
	begin = append(begin, "--max-iter", "2", "--precision", "auto")
	recorded := func(want string) {
		t.Helper()
		if got := readCheckpoint(t, out).Options["precision"]; got != want {
			t.Errorf("the checkpoint says precision %q, wanted %q", got, want)
		}
		for name, text := range map[string]string{record.LogFile: `"precision":"` + want + `"`, record.CardFile: "| precision | " + want + " |"} {
			data, err := os.ReadFile(filepath.Join(out, name))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(data), text) {
				t.Errorf("%s says nothing of %s:\n%s", name, text, data)
			}
		}
	}
	run := func(native bool, args ...string) (string, error) {
		return trainWith(context.Background(), precisionSetup(native), args...)
	}
	must := func(native bool, args ...string) string {
		t.Helper()
		progress, err := run(native, args...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, progress)
		}
		return progress
	}
	must(true, begin...)
	recorded("half")
	if _, err := run(false, "--resume", "--out", out, "--max-iter", "3"); err == nil {
		t.Error("a run in half went on where there is no half")
	}
	const another = "--precision is float32, before it was half"
	if progress := must(false, "--resume", "--out", out, "--max-iter", "4", "--precision", "auto"); !strings.Contains(progress, another) {
		t.Errorf("nothing about %q:\n%s", another, progress)
	}
	recorded("float32")
	if progress := must(true, "--resume", "--out", out, "--max-iter", "6"); strings.Contains(progress, "before it was") {
		t.Errorf("float32 did not stay:\n%s", progress)
	}
	if progress := must(true, "--resume", "--out", out, "--max-iter", "7", "--precision", "bfloat16"); !strings.Contains(progress, "--precision is half, before it was float32") {
		t.Errorf("nothing about a change to half:\n%s", progress)
	}
	recorded("half")

	// A checkpoint from before there was a choice is one in float32, whose contents moved by whole pixels and whose lattice had no
	// loss.
	f, err := record.Open(out, record.Resume)
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.ReadCheckpoint()
	if err != nil {
		t.Fatal(err)
	}
	delete(c.Options, "precision")
	delete(c.Options, "motion")
	delete(c.Options, "lattice-weight")
	if err := f.WriteCheckpoint(c); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if progress := must(true, "--resume", "--out", out, "--max-iter", "8"); strings.Contains(progress, "before it was") {
		t.Errorf("float32 did not stay:\n%s", progress)
	}
	if got := readCheckpoint(t, out).Options["precision"]; got != "float32" {
		t.Errorf("an old checkpoint went on in %q, wanted float32", got)
	}
	if got := readCheckpoint(t, out).Options["motion"]; got != dataset.TranslationMotion {
		t.Errorf("an old checkpoint went on with motion %q, wanted %q", got, dataset.TranslationMotion)
	}
	for _, c := range []struct{ option, value, before string }{{"--motion", "affine", "translation"}, {"--lattice-weight", "3", "0"}} {
		_, err := trainWith(context.Background(), precisionSetup(true), "--resume", "--out", out, "--max-iter", "9", c.option, c.value)
		if want := fmt.Sprintf("%s is %s, there %s", c.option, c.value, c.before); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("another %s in the middle of a run: error is %v, wanted %q", c.option, err, want)
		}
	}
}
