package cpu

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// tuned is an engine in bfloat16 with a cache folder of its own, a frame, and its file of methods.
type tuned struct {
	*Engine
	src, dst *model.Image
	style    *model.Stylization
	file     string
}

func newTuned(t *testing.T) *tuned {
	t.Helper()
	if !hasBFloat16() {
		t.Skip("this processor does not multiply bfloat16")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	u := &tuned{src: model.NewImage(model.RGB, 96, 64), dst: model.NewImage(model.RGB, 96, 64)}
	modeltest.Fill(u.src, 1)
	u.style = &model.Stylization{Style: modeltest.RandomStats(3, model.Lite[3]), Alpha: 1}
	u.Engine = u.open(t, model.Half)
	var err error
	if u.file, err = u.choice(96, 64).path(); err != nil {
		t.Fatal(err)
	}
	return u
}

func (u *tuned) open(t *testing.T, p model.Precision) *Engine {
	t.Helper()
	opened, err := Open(modeltest.RandomWeights(4, model.Lite), model.Options{Threads: 2, Precision: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return opened.(*Engine)
}

// algorithms are what a newly opened engine computes the frame by.
func (u *tuned) algorithms(t *testing.T) []string {
	t.Helper()
	e := u.open(t, model.Half)
	if err := e.Stylize(u.dst, u.src, u.style); err != nil {
		t.Fatal(err)
	}
	return e.implementations()
}

// exact are of each layer's methods those that round least.
func exact(layers []string) (methods string) {
	for _, letters := range layers {
		methods += letters[len(letters)-1:]
	}
	return methods
}

// TestMethodsRoundNoMore demands that what may be taken instead of the rule's methods loses no more than they do: tiles of bfloat16 lose more
// than samples of it, which lose more than float32.
func TestMethodsRoundNoMore(t *testing.T) {
	choices := 0
	for i, letters := range newTuned(t).methods() {
		at := -1
		for _, letter := range letters {
			next := strings.IndexRune("mdf", letter)
			if next <= at {
				t.Errorf("layer %d has the methods %q, wanted each to round less than the one before", i, letters)
			}
			at = next
		}
		choices += len(letters) - 1
	}
	if choices == 0 {
		t.Error("no layer has a choice")
	}
}

// TestTune keeps what it measured where another engine finds it.
func TestTune(t *testing.T) {
	u := newTuned(t)
	if _, err := u.Tune(u.dst, u.src, u.style, 0); err == nil || u.kept(96, 64) != "" {
		t.Errorf("without a run %q is kept, error %v", u.kept(96, 64), err)
	}
	path, err := u.Tune(u.dst, u.src, u.style, 3)
	if err != nil {
		t.Fatal(err)
	}
	if path != u.file || u.kept(96, 64) == "" {
		t.Errorf("kept %q in %s, wanted something in %s", u.kept(96, 64), path, u.file)
	}
	if got := u.kept(64, 96); got != "" {
		t.Errorf("%q is kept for another size", got)
	}
	if err := u.Stylize(u.dst, u.src, u.style); err != nil {
		t.Fatal(err)
	}
	if got, want := u.algorithms(t), u.implementations(); !slices.Equal(got, want) {
		t.Errorf("another engine computes by %v, this one by %v", got, want)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("%v are left beside the file, error %v", left, err)
	}
}

// TestKeptMethods obeys a file, unless it is damaged or of something else: then the rule of thumb holds.
func TestKeptMethods(t *testing.T) {
	u := newTuned(t)
	rule := u.algorithms(t)
	direct := u.choice(96, 64)
	direct.Methods = exact(u.methods())
	if _, err := direct.keep(); err != nil {
		t.Fatal(err)
	}
	obeyed := u.algorithms(t)
	for _, name := range obeyed {
		if strings.HasPrefix(name, "winograd:bf16") {
			t.Errorf("%s, wanted no layer by Winograd's algorithm in bfloat16", name)
		}
	}
	good, err := os.ReadFile(u.file)
	if err != nil {
		t.Fatal(err)
	}
	methods := `"` + direct.Methods + `"`
	for name, data := range map[string][]byte{
		"empty":                   nil,
		"cut off":                 good[:len(good)-9],
		"zeros":                   make([]byte, len(good)),
		"large":                   bytes.Repeat([]byte{' '}, 2*largestChoice),
		"too few layers":          bytes.Replace(good, []byte(methods), []byte(`"dd"`), 1),
		"an unknown method":       bytes.Replace(good, []byte(methods), []byte(strings.Replace(methods, "d", "z", 1)), 1),
		"too inexact":             bytes.Replace(good, []byte(methods), []byte(strings.Replace(methods, "f", "m", 1)), 1),
		"of another processor":    bytes.Replace(good, []byte(processor()), []byte("another"), 1),
		"of more threads":         bytes.Replace(good, []byte(`"threads": 2`), []byte(`"threads": 3`), 1),
		"of another kind of text": []byte("[1, 2]"),
	} {
		if bytes.Equal(data, good) {
			t.Fatalf("%s: the file is not damaged", name)
		}
		if err := os.WriteFile(u.file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := u.algorithms(t); !slices.Equal(got, rule) {
			t.Errorf("%s: %v, wanted the rule's %v", name, got, rule)
		}
	}
	if slices.Equal(obeyed, rule) && strings.Contains(strings.Join(rule, " "), "winograd") {
		t.Error("the file changed nothing")
	}
}

// TestTuneNowhere says that a choice cannot be kept, and goes on by the rule.
func TestTuneNowhere(t *testing.T) {
	u := newTuned(t)
	rule := u.algorithms(t)
	if err := os.WriteFile(filepath.Dir(filepath.Dir(u.file)), nil, 0o644); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	if _, err := u.Tune(u.dst, u.src, u.style, 1); err == nil || !strings.Contains(err.Error(), "cannot be kept") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, wanted a line that says that the choice cannot be kept", err)
	}
	if err := u.Stylize(u.dst, u.src, u.style); err != nil {
		t.Error(err)
	}
	if got := u.implementations(); !slices.Equal(got, rule) {
		t.Errorf("%v, wanted the rule's %v", got, rule)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if got := u.algorithms(t); !slices.Equal(got, rule) {
		t.Errorf("without a cache folder %v, wanted the rule's %v", got, rule)
	}
}

// TestNoChoiceInFloat32 demands the same bits whatever was measured, and statistics of a style that do not depend on it.
func TestNoChoiceInFloat32(t *testing.T) {
	u := newTuned(t)
	e := u.open(t, model.Float32)
	if _, err := e.Tune(u.dst, u.src, u.style, 1); err == nil || !strings.Contains(err.Error(), "follow a rule") {
		t.Errorf("error %v, wanted one that says that layers follow a rule", err)
	}
	want, err := u.Statistics(u.src)
	if err != nil {
		t.Fatal(err)
	}
	direct := u.choice(96, 64)
	direct.Methods = exact(u.methods())
	if _, err := direct.keep(); err != nil {
		t.Fatal(err)
	}
	if err := u.Stylize(u.dst, u.src, u.style); err != nil {
		t.Fatal(err)
	}
	got, err := u.Statistics(u.src)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Mean, want.Mean) || !slices.Equal(got.Std, want.Std) {
		t.Error("a style's statistics depend on what was measured for frames")
	}
}
