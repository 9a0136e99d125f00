package transcode

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"adainfilter/trainer/film/stills"
)

func TestKilledAtAnyMoment(t *testing.T) {
	path := clip(t, "film.mp4", 80, withSound(80, "mp4mux"))
	dir := t.TempDir()
	j := order{Inputs: inputsOf(path), Out: filepath.Join(dir, "whole"), Segment: 400 * time.Millisecond, Slow: 15 * time.Millisecond}
	start := time.Now()
	if err := j.command(t).Run(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	random := rand.New(rand.NewPCG(5, 6))
	j.Out = filepath.Join(dir, "killed")
	kept, times := 0, 10
	if testing.Short() {
		times = 3
	}
	for i := 0; i < times || kept == 0 && i < 30; i++ { // a machine that has become busy needs longer for its first segment
		os.Remove(filepath.Join(j.Out, "film.mp4")) // where the rest took less time than the whole
		c := j.command(t)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Float64()*0.8*float64(min(took, 4*time.Second))) * time.Duration(1+i/10))
		c.Process.Kill()
		c.Wait()
		for _, name := range list(t, dir) {
			if strings.HasSuffix(name, ".segment") {
				kept++
			}
		}
	}
	if kept == 0 {
		t.Error("no killed run left a segment")
	}
	os.Remove(filepath.Join(j.Out, "film.mp4"))
	if err := j.command(t).Run(); err != nil {
		t.Fatal(err)
	}
	samePictures(t, filepath.Join(j.Out, "film.mp4"), filepath.Join(dir, "whole", "film.mp4"))
	sameSound(t, filepath.Join(j.Out, "film.mp4"), path)
	if names := list(t, dir); !slices.Equal(names, []string{"killed", "killed/film.mp4", "whole", "whole/film.mp4"}) {
		t.Errorf("files are %q", names)
	}
}

func TestGoesOn(t *testing.T) {
	path := clip(t, "film.mp4", 60, toMP4)
	dir := t.TempDir()
	j := order{Inputs: inputsOf(path), Out: dir, Segment: 400 * time.Millisecond}
	whole, _ := j.one(t)
	if whole.Coded != 60 || whole.Segments < 4 {
		t.Fatalf("%d frames in %d segments", whole.Coded, whole.Segments)
	}
	again, _ := j.one(t)
	if again.Status != Skipped || again.Coded != 0 {
		t.Errorf("a finished film is %s, %d frames", again.Status, again.Coded)
	}
	reference := filepath.Join(dir, "reference.mp4")
	os.Rename(whole.Output, reference)

	// half leaves the segments of the first of two shards, as a killed run would.
	half := func() {
		t.Helper()
		h := j
		h.Shard = Shard{0, 2}
		if r, _ := h.one(t); r.Status != Partial || r.Coded < 20 || r.Coded > 40 {
			t.Fatalf("half a film is %s, %d frames", r.Status, r.Coded)
		}
	}
	half()
	rest, _ := j.one(t)
	if rest.Coded < 20 || rest.Coded > 40 {
		t.Errorf("%d frames coded, wanted those that were missing", rest.Coded)
	}
	samePictures(t, rest.Output, reference)
	os.Remove(rest.Output)

	half()
	other := j
	other.Codec = "h265"
	other.StyleSettings = "other"
	r, w := other.one(t)
	if r.Coded != 60 {
		t.Errorf("with other options %d frames are coded, wanted all", r.Coded)
	}
	if warnings := strings.Join(w.warnings, ""); !strings.Contains(warnings, "of that thrown away") {
		t.Errorf("warnings are %q", warnings)
	}
	os.Remove(filepath.Join(dir, "film.mp4"))

	half()
	if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if r, _ := j.one(t); r.Coded != 60 {
		t.Errorf("of a film that has changed %d frames are coded, wanted all", r.Coded)
	}
	os.Remove(filepath.Join(dir, "film.mp4"))

	half()
	segments, _ := filepath.Glob(filepath.Join(dir, ".film.adain", "*.segment"))
	data, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	os.WriteFile(segments[0], data, 0o600)
	r, w = j.one(t)
	if said := strings.Join(w.warnings, ""); !strings.Contains(said, "damaged on the disk and is made anew") || r.Coded >= 60 {
		t.Errorf("with a damaged segment %d frames are coded, warnings %q", r.Coded, w.warnings)
	}
	samePictures(t, r.Output, reference)
	if _, err := os.Stat(filepath.Join(dir, ".film.adain")); err == nil {
		t.Error("the folder for unfinished work is still there")
	}
}

// TestOldPlan leaves the work of another version alone, and begins anew only when that is asked for.
func TestOldPlan(t *testing.T) {
	path := clip(t, "film.mp4", 20, toMP4)
	o := order{Inputs: inputsOf(path), Out: t.TempDir(), Shard: Shard{0, 1}}
	o.one(t)
	o.Shard = Shard{}
	plan := filepath.Join(o.Out, ".film.adain", planName)
	if err := os.WriteFile(plan, []byte(`{"version": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	before := list(t, o.Out)
	report, _ := o.run(t)
	if r := report.Films[0]; r.Err == nil || !strings.Contains(r.Error, "its plan has version 1, this one writes") || !strings.Contains(r.Error, "--overwrite") {
		t.Errorf("error is %v", r.Err)
	}
	if after := list(t, o.Out); !slices.Equal(after, before) {
		t.Errorf("files are %q, wanted %q", after, before)
	}
	o.Overwrite = true
	if r, _ := o.one(t); r.Coded != 20 {
		t.Errorf("begun anew: %+v", r)
	}
}

// A disk that will not do is met after the first segment, and the rest is made once there is room.
func TestRoom(t *testing.T) {
	defer func(f func(string) (int64, bool)) { freeBytes = f }(freeBytes)
	path := clip(t, "film.mp4", 60, toMP4)
	o := order{Inputs: inputsOf(path), Out: t.TempDir(), Segment: 400 * time.Millisecond}
	freeBytes = func(string) (int64, bool) { return 1000, true }
	report, _ := o.run(t)
	if err := report.Films[0].Err; err == nil || !strings.Contains(err.Error(), "make room and give the same line again") {
		t.Fatalf("a disk of 1000 bytes gives %v", err)
	}
	freeBytes = func(string) (int64, bool) { return 1 << 40, true }
	r, w := o.one(t)
	if r.Frames != 60 || r.Coded == 60 || len(w.warnings) > 0 {
		t.Errorf("%d of %d frames are coded anew, warnings %q", r.Coded, r.Frames, w.warnings)
	}
}

// TestKilledPictures kills runs whose results are pictures; the next goes on and gives what a run gives that nobody has killed.
func TestKilledPictures(t *testing.T) {
	needs(t, "pngenc")
	path := clip(t, "film.mp4", 40, toMP4)
	for _, kind := range []string{stills.GIF, stills.PNG} {
		o := order{Inputs: inputsOf(path), Out: t.TempDir(), Container: kind, Segment: 400 * time.Millisecond, Slow: 20 * time.Millisecond}
		c := o.command(t)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(10 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(o.Out, ".film.adain", segmentName(1))); err == nil {
				break
			}
		}
		c.Process.Kill()
		c.Wait()
		o.Slow = 0
		r, _ := o.one(t)
		if r.Coded == 0 || r.Coded > 30 {
			t.Errorf("%s: %d frames were coded, wanted those that were missing", kind, r.Coded)
		}
		whole := o
		whole.Out = t.TempDir()
		w, _ := whole.one(t)
		if got, want := content(t, r.Output), content(t, w.Output); got != want || got == "" {
			t.Errorf("%s: the results differ", kind)
		}
		if names := list(t, o.Out); slices.Contains(names, ".film.adain") {
			t.Errorf("files are %q", names)
		}
	}
}

// content is all bytes of a file, or of all files in a folder.
func content(t *testing.T, path string) string {
	t.Helper()
	paths := []string{path}
	if entries, err := os.ReadDir(path); err == nil {
		paths = nil
		for _, e := range entries {
			paths = append(paths, filepath.Join(path, e.Name()))
		}
	}
	var all strings.Builder
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(filepath.Base(p))
		all.Write(data)
	}
	return all.String()
}
