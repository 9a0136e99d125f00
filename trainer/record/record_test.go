package record

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"adainfilter/model"
	"adainfilter/model/safetensors"
	"adainfilter/picture"
)

func open(t *testing.T, path string, resume bool) *Folder {
	t.Helper()
	f, err := Open(path, resume)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func someCheckpoint() *Checkpoint {
	return &Checkpoint{
		TrainingState: model.TrainingState{
			Steps: 7, Parameters: []float32{1, float32(math.Copysign(0, -1)), 1e-42}, First: []float32{2, 3, 4},
			Second: []float32{5, 6, 7}, Average: []float32{8, 9, 10},
		},
		Colour:  make([]float32, 12),
		Options: map[string]string{"lr": "0.0001", "name": "Ä \"quoted\"\n"},
		Loss:    "a", Content: "b", Style: "c",
	}
}

func TestCheckpoint(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "new", "run"), false)
	want := someCheckpoint()
	if err := f.WriteCheckpoint(want); err != nil {
		t.Fatal(err)
	}
	got, err := f.ReadCheckpoint()
	if err != nil || !reflect.DeepEqual(got, want) || math.Float32bits(got.Parameters[1]) != 1<<31 {
		t.Errorf("read %+v, %v, wanted %+v", got, err, want)
	}
}

func TestCheckpointRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(tensors map[string]safetensors.Tensor, metadata map[string]string)
		want   string
	}{
		{"format", func(_ map[string]safetensors.Tensor, m map[string]string) { m["format"] = model.WeightsFormat }, "format version"},
		{"steps", func(_ map[string]safetensors.Tensor, m map[string]string) { m["steps"] = "x" }, "steps"},
		{"negative steps", func(_ map[string]safetensors.Tensor, m map[string]string) { m["steps"] = "-1" }, "-1 steps"},
		{"options", func(_ map[string]safetensors.Tensor, m map[string]string) { m["options"] = "[1]" }, "options"},
		{"no data", func(_ map[string]safetensors.Tensor, m map[string]string) { delete(m, "style-pictures") }, "style-pictures"},
		{"missing", func(f map[string]safetensors.Tensor, _ map[string]string) { delete(f, "second") }, "second"},
		{"unknown", func(f map[string]safetensors.Tensor, _ map[string]string) {
			f["more"] = safetensors.Float32("more", []int{1}, []float32{1})
		}, "more"},
		{"length", func(f map[string]safetensors.Tensor, _ map[string]string) {
			f["first"] = safetensors.Float32("first", []int{1}, []float32{1})
		}, "wanted 3 each"},
		{"half", func(f map[string]safetensors.Tensor, _ map[string]string) {
			f["first"] = safetensors.Float16("first", []int{3}, []float32{1, 2, 3})
		}, "F16"},
		{"NaN", func(f map[string]safetensors.Tensor, _ map[string]string) {
			f["average"] = safetensors.Float32("average", []int{3}, []float32{1, float32(math.NaN()), 3})
		}, "NaN"},
		{"colour", func(f map[string]safetensors.Tensor, _ map[string]string) {
			f["colour"] = safetensors.Float32("colour", []int{3}, []float32{1, 2, 3})
		}, "colour"},
	} {
		f := open(t, t.TempDir(), false)
		if err := f.WriteCheckpoint(someCheckpoint()); err != nil {
			t.Fatal(err)
		}
		file, err := model.ReadTensors(f.Path(CheckpointFile))
		if err != nil {
			t.Fatal(err)
		}
		c.change(file.Tensors, file.Metadata)
		var tensors []safetensors.Tensor
		for _, tensor := range file.Tensors {
			tensors = append(tensors, tensor)
		}
		if err := model.WriteTensors(f.Path(CheckpointFile), tensors, file.Metadata); err != nil {
			t.Fatal(err)
		}
		_, err = f.ReadCheckpoint()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), CheckpointFile) {
			t.Errorf("%s: error is %v, wanted one with %q and the file", c.name, err, c.want)
		}
	}
}

// TestNoRoom limits the length of files, which ends a write as a full disk does.
func TestNoRoom(t *testing.T) {
	f := open(t, t.TempDir(), false)
	old := someCheckpoint()
	if err := f.WriteCheckpoint(old); err != nil {
		t.Fatal(err)
	}
	large := someCheckpoint()
	for _, v := range []*[]float32{&large.Parameters, &large.First, &large.Second, &large.Average} {
		*v = make([]float32, 1<<16)
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 19, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	err := f.WriteCheckpoint(large)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err == nil || !strings.Contains(err.Error(), "no room left") || !strings.Contains(err.Error(), CheckpointFile) {
		t.Errorf("error is %v, wanted one that says that there is no room for the checkpoint", err)
	}
	if got, err := f.ReadCheckpoint(); err != nil || !reflect.DeepEqual(got, old) {
		t.Errorf("the checkpoint of before is %+v, %v", got, err)
	}
	if err := f.Explain(fmt.Errorf("x: %w", &os.PathError{Err: syscall.ENOSPC})); !strings.Contains(err.Error(), "no room left") {
		t.Errorf("a full disk is called %v", err)
	}
}

func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b]*")
	f := open(t, dir, false)
	if _, err := Open(dir, false); err == nil || !strings.Contains(err.Error(), "in use") {
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
	if _, err := Open(dir, false); err == nil || !strings.Contains(err.Error(), "holds a run already") {
		t.Errorf("a folder with a run: error is %v", err)
	}
	open(t, dir, true).Close()
	if _, err := os.Stat(torn); err == nil {
		t.Error("the temporary file of a killed run is still there")
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("a file of somebody else was removed")
	}
	empty := t.TempDir()
	if _, err := Open(empty, true); err == nil || !strings.Contains(err.Error(), "nothing to resume") {
		t.Errorf("resume of nothing: error is %v", err)
	}
	file := filepath.Join(empty, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, false); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file as folder: error is %v", err)
	}
}

func TestLog(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, false)
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

func TestMean(t *testing.T) {
	var log []Entry
	for i := 1; i <= 30; i++ {
		log = append(log, Entry{Iteration: 10 * i, Style: float64(i), Rate: 0.5})
	}
	m, n := Mean(log, 100)
	// Entries 21 to 30.
	if n != 100 || m.Style != 25.5 || m.Iteration != 300 || m.Rate != 0.5 {
		t.Errorf("mean is %+v over %d, wanted 25.5 over 100", m, n)
	}
	if m, n := Mean(log[:2], 100); n != 20 || m.Style != 1.5 {
		t.Errorf("mean is %+v over %d, wanted 1.5 over 20", m, n)
	}
	if _, n := Mean(nil, 100); n != 0 {
		t.Errorf("no entries are %d iterations", n)
	}
}

func TestPlot(t *testing.T) {
	f := open(t, t.TempDir(), false)
	if err := f.WritePlot([]Entry{{Iteration: 1, Content: 1}}); err != nil {
		t.Errorf("one entry: %v", err)
	}
	if _, err := os.Stat(f.Path(PlotFile)); err == nil {
		t.Error("one entry makes a plot")
	}
	var log []Entry
	for i := 1; i <= 200; i++ {
		log = append(log, Entry{Iteration: i, Content: 1 / float64(i), Style: 5})
	}
	if err := f.WritePlot(log); err != nil {
		t.Fatal(err)
	}
	img, err := picture.Read(f.Path(PlotFile), picture.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range curves {
		found := false
		p := img.Planes[0].Data
		pixel := img.Planes[0].Stride / img.Width
		for i := 0; i+2 < len(p); i += pixel {
			found = found || p[i] == c.color.R && p[i+1] == c.color.G && p[i+2] == c.color.B
		}
		if want := c.name == "content" || c.name == "style"; found != want {
			t.Errorf("curve %s is drawn: %v, wanted %v", c.name, found, want)
		}
	}
	if got := smooth(log, func(e Entry) float64 { return e.Content }); len(got) != 200 || got[0].Y != 1 || got[199].X != 200 {
		t.Errorf("smoothed: %d points, first %v", len(got), got[0])
	}
}
