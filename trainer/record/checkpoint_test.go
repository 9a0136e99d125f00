package record

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"adainfilter/model"
	"adainfilter/model/safetensors"
)

func someCheckpoint() *Checkpoint {
	return &Checkpoint{
		TrainingState: model.TrainingState{
			Steps: 7, Parameters: []float32{1, float32(math.Copysign(0, -1)), 1e-42}, First: []float32{2, 3, 4},
			Second: []float32{5, 6, 7}, Average: []float32{8, 9, 10},
		},
		Colour:  make([]float32, 12),
		Options: map[string]string{"lr": "0.0001", "name": "Ä \"quoted\"\n"},
		Loss:    "a", Content: "b", Style: "c", Elapsed: 90 * time.Second,
	}
}

func TestCheckpoint(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "new", "run"), New)
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
		{"byte", func(f map[string]safetensors.Tensor, _ map[string]string) {
			f["first"] = safetensors.Float32("first", []int{3}, []float32{2, 3.0000002, 4})
		}, "is damaged"},
		{"text", func(_ map[string]safetensors.Tensor, m map[string]string) { m["options"] = `{"lr":"0.0002"}` }, "is damaged"},
		{"no sum", func(_ map[string]safetensors.Tensor, m map[string]string) { delete(m, "sha256") }, "is damaged"},
		{"old format", func(_ map[string]safetensors.Tensor, m map[string]string) { m["format"] = formatWithoutSum }, "is damaged"},
		{"NaN", func(f map[string]safetensors.Tensor, _ map[string]string) {
			f["average"] = safetensors.Float32("average", []int{3}, []float32{1, float32(math.NaN()), 3})
		}, "NaN"},
		{"colour", func(f map[string]safetensors.Tensor, _ map[string]string) {
			f["colour"] = safetensors.Float32("colour", []int{3}, []float32{1, 2, 3})
		}, "colour"},
	} {
		f := open(t, t.TempDir(), New)
		if err := f.WriteCheckpoint(someCheckpoint()); err != nil {
			t.Fatal(err)
		}
		file, err := model.ReadTensors(f.Path(CheckpointFile))
		if err != nil {
			t.Fatal(err)
		}
		c.change(file.Tensors, file.Metadata)
		if !strings.Contains(c.want, "damaged") && len(file.Tensors) == 5 {
			resum(t, file)
		}
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

func resum(t *testing.T, file *safetensors.File) {
	t.Helper()
	c := &Checkpoint{}
	for name, to := range c.vectors() {
		if file.Tensors[name].DType != "F32" {
			return
		}
		v, err := file.Tensors[name].Float32()
		if err != nil {
			t.Fatal(err)
		}
		*to = v
	}
	file.Metadata["sha256"] = c.sum(file.Metadata)
}

func TestCheckpointBytes(t *testing.T) {
	f := open(t, t.TempDir(), New)
	if err := f.WriteCheckpoint(someCheckpoint()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(f.Path(CheckpointFile))
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		changed := slices.Clone(whole)
		changed[i] ^= 1
		if err := os.WriteFile(f.Path(CheckpointFile), changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := f.ReadCheckpoint(); err == nil && !reflect.DeepEqual(c, someCheckpoint()) {
			t.Fatalf("byte %d of %d changed, and the file is read as %+v", i, len(whole), c)
		} else if err == nil {
			t.Logf("byte %d (%q) means nothing", i, whole[i])
		}
	}
}

func TestOldCheckpoint(t *testing.T) {
	f := open(t, t.TempDir(), New)
	if err := f.WriteCheckpoint(someCheckpoint()); err != nil {
		t.Fatal(err)
	}
	file, err := model.ReadTensors(f.Path(CheckpointFile))
	if err != nil {
		t.Fatal(err)
	}
	file.Metadata["format"] = formatWithoutSum
	delete(file.Metadata, "sha256")
	delete(file.Metadata, "elapsed")
	if err := model.WriteTensors(f.Path(CheckpointFile), slices.Collect(maps.Values(file.Tensors)), file.Metadata); err != nil {
		t.Fatal(err)
	}
	want := someCheckpoint()
	want.Elapsed = 0
	if got, err := f.ReadCheckpoint(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v", got, err)
	}
}

func TestNoRoom(t *testing.T) {
	f := open(t, t.TempDir(), New)
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
