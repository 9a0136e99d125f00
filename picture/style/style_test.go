package style

import (
	"archive/zip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/picture"
)

// fake is an encoder whose mean is the first sample of the picture and whose std its width.
type fake struct {
	weights *model.Weights
	fails   error
	calls   int
}

func (f *fake) Weights() *model.Weights { return f.weights }

func (f *fake) Statistics(m *model.Image) (model.Stats, error) {
	f.calls++
	if f.fails != nil {
		return model.Stats{}, f.fails
	}
	return flat(float32(m.Planes[0].Data[0]), float32(m.Width)), nil
}

// flat are statistics of the built-in network's number of channels.
func flat(mean, std float32) model.Stats {
	c := model.Lite[3]
	return model.Stats{Mean: slices.Repeat([]float32{mean}, c), Std: slices.Repeat([]float32{std}, c)}
}

func paint(t *testing.T, path string, level byte) {
	t.Helper()
	m := model.NewImage(model.RGB, 40, 20)
	for i := range m.Planes[0].Data {
		m.Planes[0].Data[i] = level
	}
	if err := picture.Write(path, m); err != nil {
		t.Fatal(err)
	}
}

func save(t *testing.T, path string, s *model.Style) {
	t.Helper()
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	w, err := model.BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	paint(t, at("a,b.png"), 7)
	save(t, at("s.safetensors"), &model.Style{Name: "s", Network: w.Network, Stats: flat(3, 4)})
	save(t, at("capitals.SafeTensors"), &model.Style{Name: "s", Network: w.Network, Stats: flat(5, 4)})
	builtin, err := model.BuiltinStyle(model.DefaultNetwork, model.DefaultStyle)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		kind  Kind
		size  int
		calls int
		style string
		want  model.Stats
	}{
		{model.DefaultStyle, Builtin, 0, 0, model.DefaultStyle, builtin.Stats},
		{" " + model.DefaultStyle + "\t", Builtin, 0, 0, model.DefaultStyle, builtin.Stats},
		{at("s.safetensors"), File, 0, 0, "s", flat(3, 4)},
		{at("capitals.SafeTensors"), File, 0, 0, "s", flat(5, 4)},
		{at("a,b.png"), Picture, 0, 1, "a,b", flat(7, 40)},
		{at("a,b.png"), Picture, 10, 1, "a,b", flat(7, 20)},
	} {
		f := &fake{weights: w}
		got, err := Load(c.name, c.size, f)
		if err != nil {
			t.Errorf("%q: %v", c.name, err)
			continue
		}
		if KindOf(c.name) != c.kind || f.calls != c.calls || got.Name != c.style || !slices.Equal(got.Mean, c.want.Mean) || !slices.Equal(got.Std, c.want.Std) {
			t.Errorf("%q at %d: kind %d, %d pictures, style %q with mean %v, std %v, wanted %+v", c.name, c.size, KindOf(c.name), f.calls, got.Name,
				got.Mean[0], got.Std[0], c)
		}
		if err := got.Fits(w); err != nil {
			t.Error(err)
		}
	}
}

// TestLoadOwn: the weights' own styles come first, whatever else has their name.
func TestLoadOwn(t *testing.T) {
	t.Parallel()
	builtin, err := model.BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	w := *builtin
	w.Network = "mine"
	w.Styles = []*model.Style{{Name: "mosaic", Network: "mine", Stats: flat(1, 2)}, {Name: "a,b.png", Network: "mine", Stats: flat(3, 4)}}
	f := &fake{weights: &w}
	for name, want := range map[string]float32{"mosaic": 1, "a,b.png": 3, model.DefaultStyle: 1} {
		if got, err := Load(name, 0, f); err != nil || got.Mean[0] != want {
			t.Errorf("%s: %+v, %v, wanted mean %v", name, got, err, want)
		} else if got.Mean[0] = 99; w.Styles[0].Mean[0] == 99 || w.Styles[1].Mean[0] == 99 {
			t.Errorf("%s: the memory is that of the weights", name)
		}
	}
	for _, c := range []struct {
		own  []*model.Style
		want string
	}{{w.Styles, "they carry the styles mosaic, a,b.png: name one of these"}, {nil, "they carry no style of their own: name a picture or a style file, as in style=PICTURE"}} {
		w.Styles = c.own
		if _, err := Load("woodcut", 0, f); !errors.As(err, &UnfitError{}) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `network "mine"`) {
			t.Errorf("a built-in style: error is %v, wanted %q", err, c.want)
		}
	}
}

// TestLoadPacked: a picture in an archive is a style too.
func TestLoadPacked(t *testing.T) {
	t.Parallel()
	w, err := model.BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	paint(t, filepath.Join(dir, "a.png"), 7)
	data, err := os.ReadFile(filepath.Join(dir, "a.png"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "shard.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	in, err := z.Create("deep/a.png")
	if err == nil {
		_, err = in.Write(data)
	}
	if err = errors.Join(err, z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(path+"/deep/a.png", 0, &fake{weights: w}); err != nil || got.Name != "a" || got.Mean[0] != 7 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Load(path+"/none.png", 0, &fake{weights: w}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a picture that is not in it: %v", err)
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	w, err := model.BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	paint(t, at("a.png"), 7)
	save(t, at("other.safetensors"), &model.Style{Name: "o", Network: "other", Stats: flat(3, 4)})
	if err := os.WriteFile(at("notes.txt"), []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("huge.ppm"), []byte("P6 4097 4097 255\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no memory")
	for _, c := range []struct {
		name    string
		size    int
		encoder error
		unfit   bool
		is      error
		says    string
	}{
		{name: "", unfit: true, says: "style is empty"},
		{name: at("none.png"), is: fs.ErrNotExist, says: "is neither a file nor a built-in style, which are"},
		{name: at("none.safetensors"), is: fs.ErrNotExist, says: "is neither a file nor a built-in style, which are"},
		{name: strings.Repeat("n", 5000), says: `style "nnn`},
		{name: at("other.safetensors"), unfit: true, says: `belongs to network "other"`},
		{name: at("notes.txt"), says: "notes.txt"},
		{name: dir, says: filepath.Base(dir)},
		{name: at("a.png"), encoder: full, is: full, says: "a.png"},
		{name: at("a.png"), size: 2900, says: "has 5800x2900 pixels, wanted at most 16 million: with style-size 2900"},
		{name: at("huge.ppm"), size: 0, says: "has 4097x4097 pixels, wanted at most 16 million: set style-size"},
		{name: at("huge.ppm"), size: 512, says: "cut short"}, // it was decoded
	} {
		got, err := Load(c.name, c.size, &fake{weights: w, fails: c.encoder})
		var unfit UnfitError
		if got != nil || err == nil || !strings.Contains(err.Error(), c.says) || errors.As(err, &unfit) != c.unfit || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%.40q: %v, unfit %v, wanted %q, unfit %v, %v", c.name, err, errors.As(err, &unfit), c.says, c.unfit, c.is)
		}
	}
}
