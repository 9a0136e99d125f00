package record

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, path string, mode Mode) *Folder {
	t.Helper()
	f, err := Open(path, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// resum makes the checksum that of what a file holds now.
// TestCheckpointBytes changes single bytes of the file: none of them goes unnoticed.
// TestOldCheckpoint reads a file of before there was a checksum.
// TestNoRoom limits the length of files, which ends a write as a full disk does.
func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b]*")
	f := open(t, dir, New)
	if _, err := Open(dir, New); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("the second process: error is %v", err)
	}
	if err := f.WriteCheckpoint(someCheckpoint()); err != nil {
		t.Fatal(err)
	}
	f.Close()
	torn := filepath.Join(dir, "."+CheckpointFile+".123")
	other := filepath.Join(dir, ".other.123")
	for _, path := range []string{torn, other} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(dir, New); err == nil || !strings.Contains(err.Error(), "holds a run already") {
		t.Errorf("a folder with a run: error is %v", err)
	}
	open(t, dir, Resume).Close()
	if _, err := os.Stat(torn); err == nil {
		t.Error("the temporary file of a killed run is still there")
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("a file of somebody else was removed")
	}
	empty := t.TempDir()
	if _, err := Open(empty, Resume); err == nil || !strings.Contains(err.Error(), "nothing to resume") {
		t.Errorf("resume of nothing: error is %v", err)
	}
	file := filepath.Join(empty, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, New); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file as folder: error is %v", err)
	}
}

// TestOpenAgain: a run without a step gives way, others only when told so; what is not the run's stays.
func TestOpenAgain(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "new", "run")
	f := open(t, run, New)
	f.Discard()
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("a run that was discarded leaves a folder")
	}
	f = open(t, run, New)
	c := someCheckpoint()
	c.Steps = 0
	if err := f.WriteCheckpoint(c); err != nil {
		t.Fatal(err)
	}
	f.Discard()
	if _, err := os.Stat(f.Path(CheckpointFile)); err != nil {
		t.Error("a checkpoint is discarded")
	}
	f = open(t, run, New)
	if _, err := f.ReadCheckpoint(); err != nil {
		t.Errorf("the run without a step is gone before another begins: %v", err)
	}
	if err := f.Begin(); err != nil {
		t.Fatal(err)
	}
	if left, err := f.ReadCheckpoint(); err == nil {
		t.Errorf("the run without a step is still there: %+v", left)
	}
	others := f.Path("notes.txt")
	for _, name := range []string{others, f.Path("samples-5.png"), f.Path(WeightsFile), f.Path("checkpoint-5.safetensors"), f.Path(eventsPrefix + "1.adain")} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.WriteCheckpoint(someCheckpoint()), f.Append(Entry{Iteration: 5})); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := Open(run, New); err == nil || !strings.Contains(err.Error(), "--overwrite") {
		t.Errorf("a run with steps: error is %v", err)
	}
	f = open(t, run, Overwrite)
	f.Discard()
	if c, err := LoadCheckpoint(f.Path(CheckpointFile)); err != nil || c.Steps != 7 {
		t.Errorf("a run that is to be replaced is gone though none began: %v", err)
	}
	f = open(t, run, Overwrite)
	if err := f.Begin(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(run)
	if err != nil || len(entries) != 2 || entries[0].Name() != LogFile || entries[1].Name() != "notes.txt" {
		t.Errorf("what is left is %v, %v, wanted an empty log and the notes", entries, err)
	}
	if log, err := f.ReadLog(100); err != nil || len(log) != 0 {
		t.Errorf("the log has %v, %v", log, err)
	}
}

func TestKeep(t *testing.T) {
	f := open(t, t.TempDir(), New)
	for _, i := range []int{8, 9, 10, 11} {
		c := someCheckpoint()
		c.Steps = i
		if err := errors.Join(f.WriteCheckpoint(c), f.Write(WeightsFile, func(w io.Writer) error {
			_, err := fmt.Fprint(w, i)
			return err
		}), f.Keep(i, 2)); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range map[int]bool{8: false, 9: false, 10: true, 11: true} {
		c, err := LoadCheckpoint(f.Path(fmt.Sprintf(keptCheckpoint, i)))
		weights, _ := os.ReadFile(f.Path(fmt.Sprintf(keptWeights, i)))
		if (err == nil && c.Steps == i && string(weights) == fmt.Sprint(i)) != want {
			t.Errorf("iteration %d is kept: %+v, %v, %s, wanted %v", i, c, err, weights, want)
		}
	}
	if err := os.WriteFile(f.Path(CheckpointFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadCheckpoint(); err == nil || !strings.Contains(err.Error(), "checkpoint-11.safetensors may be sound") {
		t.Errorf("error is %v, wanted the newest that is kept", err)
	}
	if err := f.Forget(10); err != nil || len(f.kept(keptCheckpoint)) != 1 || len(f.kept(keptWeights)) != 1 {
		t.Errorf("after iteration 10 there is kept %v, %v", f.kept(keptCheckpoint), err)
	}
}

// TestEvents reads TensorBoard's events as its format says, field by field.
// fields is a protobuf message as text; times are left out.
// TestLogTicks: every axis has two numbers at least.
func TestLog(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, New)
	for i := 1; i <= 4; i++ {
		if err := f.Append(Entry{Iteration: 10 * i, Content: float64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.log.WriteString(`{"iteration":50,"cont`); err != nil { // a killed process
		t.Fatal(err)
	}
	for _, c := range []struct{ last, entries int }{{100, 4}, {39, 3}, {30, 3}, {5, 0}} {
		got, err := f.ReadLog(c.last)
		if err != nil || len(got) != c.entries {
			t.Errorf("up to %d: %d entries, %v, wanted %d", c.last, len(got), err, c.entries)
		}
		text, err := os.ReadFile(f.Path(LogFile))
		if err != nil || strings.Count(string(text), "\n") != c.entries || c.entries > 0 && !strings.HasSuffix(string(text), "}\n") {
			t.Errorf("up to %d the file is %q, %v", c.last, text, err)
		}
	}
	if err := f.Append(Entry{Iteration: 6}); err != nil {
		t.Fatal(err)
	}
	if got, err := f.ReadLog(6); err != nil || len(got) != 1 || got[0].Iteration != 6 {
		t.Errorf("after truncation: %v, %v", got, err)
	}
}
