package element_test

import (
	"testing"

	"adainfilter/element/harness"
	"adainfilter/model"
)

// TestBuiltinNetworks changes weights between starts; a built-in style is that of the network, and changes while frames go on,
// by its property and by keys.
func TestBuiltinNetworks(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "fine", "a file of that name does not count")
	var network string
	var last model.Style
	f := &fakes{stylize: func(_, _ *model.Image, s *model.Stylization) error {
		last.Stats = model.Stats{Mean: append([]float32{}, s.Style.Mean...), Std: append([]float32{}, s.Style.Std...)}
		return nil
	}}
	use(t, func(w *model.Weights, o model.Options) (model.Engine, error) {
		network = w.Network
		return f.open(w, o)
	})
	h := harness.New(caps("RGB", 16, 16), "weights", "fine", "style", "woodcut", "smoothing", "0")
	defer h.Close()
	shows := func(wanted, style string) {
		t.Helper()
		if m := styleMessage(t, h); !m.OK || m.Style != style {
			t.Fatalf("%s: message is %+v, wanted style %s", wanted, m, style)
		}
		must(t, h.PushMany(caps("RGB", 16, 16), 1))
		want, err := model.BuiltinStyle(wanted, style)
		must(t, err)
		if network != wanted || len(last.Mean) != len(want.Mean) || last.Mean[0] != want.Mean[0] || last.Std[7] != want.Std[7] {
			t.Errorf("network %s with %d channels, mean %v, std %v, wanted %s, style %s with %d channels, %v, %v", network, len(last.Mean), last.Mean[0], last.Std[7],
				wanted, style, len(want.Mean), want.Mean[0], want.Std[7])
		}
	}
	shows("fine", "woodcut")
	h.Set("style", "ember")
	shows("fine", "ember")
	h.Set("navigation", "true")
	h.Key("Right")
	shows("fine", "fresco")
	for _, c := range []struct{ weights, network string }{{"lite", "lite"}, {" fine ", "fine"}, {"", "lite"}, {"fine", "fine"}} {
		h.Null()
		h.Set("weights", c.weights)
		h.Play()
		shows(c.network, "fresco")
	}
}
