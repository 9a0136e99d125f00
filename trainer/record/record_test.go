package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"adainfilter/model"
	"adainfilter/model/safetensors"
	"adainfilter/picture"
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

// resum makes the checksum that of what a file holds now.
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

// TestCheckpointBytes changes single bytes of the file: none of them goes unnoticed.
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

// TestOldCheckpoint reads a file of before there was a checksum.
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

// TestNoRoom limits the length of files, which ends a write as a full disk does.
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
func TestEvents(t *testing.T) {
	f := open(t, t.TempDir(), New)
	if err := f.WriteEvents(3); err != nil {
		t.Fatal(err)
	}
	samples := image.NewGray(image.Rect(0, 0, 5, 4))
	if err := errors.Join(
		f.Append(Entry{Iteration: 7, Content: 0.5, Total: 2, Scores: &Scores{StyleRatio: 0.25}}),
		f.Write("samples-7.png", func(w io.Writer) error { return png.Encode(w, samples) }),
		f.AppendSamples(7, "samples-7.png")); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(f.path, eventsPrefix+"*"))
	data, err := os.ReadFile(strings.Join(names, ""))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for len(data) > 0 {
		n := binary.LittleEndian.Uint64(data)
		event := data[12 : 12+n]
		if binary.LittleEndian.Uint32(data[8:]) != masked(data[:8]) || binary.LittleEndian.Uint32(data[12+n:]) != masked(event) {
			t.Fatal("a checksum is wrong")
		}
		found, data = append(found, fields(t, event)), data[16+n:]
	}
	for i, want := range []string{
		"1:t 2:0 3:brain.Event:2", "1:t 2:4 7:[1:1]",
		"1:t 2:7 5:[1:[1:loss/content 2:0.5] 1:[1:loss/total 2:2] 1:[1:loss/gradient 2:0]", "1:t 2:7 5:[1:[1:samples 4:[1:4 2:5 3:3 4:PNG]]]",
	} {
		if len(found) != 4 || !strings.HasPrefix(found[i], want) {
			t.Errorf("event %d of %d is %s, wanted %s", i, len(found), found[i], want)
		}
	}
	if !strings.Contains(found[2], "1:[1:scores/style ratio 2:0.25]") {
		t.Errorf("the scores are not there: %s", found[2])
	}
	// 32 zero bytes, of RFC 3720, appendix B.4, have CRC-32C aa36918a.
	sum := uint32(0x8a9136aa)
	if got := masked(make([]byte, 32)); got != bits.RotateLeft32(sum, 17)+0xa282ead8 {
		t.Errorf("the checksum is %08x", got)
	}
}

// fields is a protobuf message as text; times are left out.
func fields(t *testing.T, message []byte) string {
	t.Helper()
	var texts []string
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		message = message[n:]
		var text string
		switch kind {
		case protowire.Fixed64Type:
			_, n = protowire.ConsumeFixed64(message)
			text = "t"
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(message)
			text = fmt.Sprint(math.Float32frombits(v))
		case protowire.VarintType:
			var v uint64
			v, n = protowire.ConsumeVarint(message)
			text = fmt.Sprint(v)
		case protowire.BytesType:
			var v []byte
			v, n = protowire.ConsumeBytes(message)
			switch {
			case bytes.HasPrefix(v, []byte("\x89PNG")):
				text = "PNG"
			case number == 3 || number == 1 && v[0] >= 'a':
				text = string(v)
			default:
				text = "[" + fields(t, v) + "]"
			}
		}
		if n < 0 {
			t.Fatalf("field %d: %v", number, protowire.ParseError(n))
		}
		texts, message = append(texts, fmt.Sprintf("%d:%s", number, text)), message[n:]
	}
	return strings.Join(texts, " ")
}

// TestLogTicks: every axis has two numbers at least.
func TestLogTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0.02, 300, "0.1 1 10 100"}, {1.5, 7, "2 5"}, {0.9, 30, "1 2 5 10 20"}, {2.1, 2.9, ""}, {3, 4, ""}, {0.00121, 0.00122, ""}, {6, 9, ""},
	} {
		var labels []string
		for _, tick := range logTicks(c.low, c.high) {
			if tick.Value < c.low || tick.Value > c.high {
				t.Errorf("%v to %v has a tick at %v", c.low, c.high, tick.Value)
			}
			if tick.Label != "" {
				labels = append(labels, tick.Label)
			}
		}
		if len(labels) < 2 || c.want != "" && strings.Join(labels, " ") != c.want {
			t.Errorf("%v to %v has the numbers %v, wanted %q", c.low, c.high, labels, c.want)
		}
	}
}

func TestBest(t *testing.T) {
	s := func(v float64) *Scores { return &Scores{StyleRatio: v, ContentRatio: 1} }
	log := []Entry{{Iteration: 1}, {Iteration: 2, Scores: s(3)}, {Iteration: 3}, {Iteration: 4, Scores: s(1)}, {Iteration: 5, Scores: s(2)}, {Iteration: 6, Scores: s(1)}}
	if best, since := Best(log); best == nil || best.Iteration != 4 || since != 2 {
		t.Errorf("the best is %+v, %d scores ago, wanted iteration 4, 2 ago", best, since)
	}
	if best, since := Best(log[:1]); best != nil || since != 0 {
		t.Errorf("without scores the best is %+v", best)
	}
}

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
	f := open(t, t.TempDir(), New)
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
	// The legend has the right of the plot to itself, and all of its lines are as far right.
	border := int(float64(img.Width) * float64((plotWidth-legendWidth)/plotWidth))
	for _, c := range curves {
		var columns []int
		p := img.Planes[0].Data
		pixel := img.Planes[0].Stride / img.Width
		for i := 0; i+2 < len(p); i += pixel {
			if p[i] == c.color.R && p[i+1] == c.color.G && p[i+2] == c.color.B {
				columns = append(columns, i/pixel%img.Width)
			}
		}
		if want := c.name == "content" || c.name == "style"; len(columns) > 0 != want {
			t.Errorf("curve %s is drawn: %v, wanted %v", c.name, len(columns) > 0, want)
		}
		drawn := map[bool]int{}
		for _, x := range columns {
			drawn[x >= border]++
		}
		if len(columns) > 0 && (drawn[true] < 10 || drawn[false] < 100) {
			t.Errorf("curve %s has %d pixels in the plot and %d in the legend", c.name, drawn[false], drawn[true])
		}
	}
	if err := f.WritePlot([]Entry{{Iteration: 1, Content: 2}, {Iteration: 2, Content: 2}}); err != nil {
		t.Errorf("a loss that stays the same: %v", err)
	}
	if got := smooth(log, func(e Entry) float64 { return e.Content }); len(got) != 200 || got[0].Y != 1 || got[199].X != 200 {
		t.Errorf("smoothed: %d points, first %v", len(got), got[0])
	}
}
