package element_test

import (
	"fmt"
	"strings"
	"testing"

	"adainfilter/element/harness"
	"adainfilter/model"
)

// noStatistics is how a structure without fields reads.
const noStatistics = "adain-statistics;"

// TestUnsetStatistics: what nobody has written reads as a structure without fields, which a host may save and write back.
func TestUnsetStatistics(t *testing.T) {
	use(t, (&fakes{}).open)
	h := harness.New(caps("RGB", 16, 16))
	defer h.Close()
	styleMessage(t, h)
	if got := h.Get("style-statistics"); got != noStatistics {
		t.Errorf("style-statistics that were never set are %q, wanted %q", got, noStatistics)
	}
	h.Set("style", paint(t, t.TempDir()+"/a.png", 40))
	styleMessage(t, h)
	for _, none := range []string{noStatistics, "NULL", "adain-statistics"} {
		h.Set("style-statistics", none)
		if m := styleMessage(t, h); !m.OK || !strings.HasSuffix(m.Style, "a.png") {
			t.Errorf("style-statistics=%s: message is %+v, wanted the style in force", none, m)
		}
	}
}

// TestStylesAsList: style and styles are one wish, and each is told of when the other is set.
func TestStylesAsList(t *testing.T) {
	use(t, (&fakes{}).open)
	h := harness.New(caps("RGB", 16, 16))
	defer h.Close()
	if got := h.Get("styles"); got != "< (string)"+model.DefaultStyle+" >" {
		t.Errorf("styles that were never set are %s", got)
	}
	dir := t.TempDir()
	comma, slash := paint(t, dir+"/a,b.png", 40), paint(t, dir+`/c\d.png`, 40)
	told := h.Notified("style")
	h.Set("styles", fmt.Sprintf("< %q, %q >", comma, slash))
	escaped := strings.ReplaceAll(comma, ",", `\,`) + "," + strings.ReplaceAll(slash, `\`, `\\`)
	if got := h.Get("style"); got != escaped || told() != 1 {
		t.Errorf("style is %s, wanted %s; it was told %d times", got, escaped, told())
	}
	list := h.Get("styles")
	told = h.Notified("styles")
	h.Set("style", "ember,woodcut")
	if got := h.Get("styles"); got != "< (string)ember, (string)woodcut >" || told() != 1 {
		t.Errorf("styles are %s, told %d times", got, told())
	}
	h.Set("styles", list)
	if got := h.Get("style"); got != escaped {
		t.Errorf("what styles read as sets style to %s, wanted %s", got, escaped)
	}
}

// TestStyleEndsStatistics: written statistics read back until style is set, which is told.
func TestStyleEndsStatistics(t *testing.T) {
	use(t, (&fakes{}).open)
	h := harness.New(caps("RGB", 16, 16), "style", paint(t, t.TempDir()+"/a.png", 40), "style-size", "0")
	defer h.Close()
	styleMessage(t, h)
	text := h.Get("current-statistics")
	h.Set("style-statistics", text)
	styleMessage(t, h)
	if got := h.Get("style-statistics"); got != text {
		t.Errorf("statistics read back as %.100q", got)
	}
	told := h.Notified("style-statistics")
	h.Set("style", model.DefaultStyle)
	if m := styleMessage(t, h); !m.OK || told() != 1 || h.Get("style-statistics") != noStatistics {
		t.Errorf("after style was set: message %+v, %d notifications, style-statistics %.100q", m, told(), h.Get("style-statistics"))
	}
}

// TestSavedInMiddle saves all properties as a preset while the style changes: who loads them gets the style that was asked for.
func TestSavedInMiddle(t *testing.T) {
	dir := t.TempDir()
	var last float32
	use(t, watch(&last).open)
	h := harness.New(caps("RGB", 16, 16), "style", paint(t, dir+"/a.png", 40), "style-size", "0", "transition", "1000000000")
	defer h.Close()
	styleMessage(t, h)
	in := plain(model.RGB, 16, 16)
	push := func(h *harness.Harness, pts uint64) {
		t.Helper()
		in.PTS = pts
		must(t, h.Push(in))
		pull(t, h)
	}
	push(h, 0)
	h.Set("style", paint(t, dir+"/b, c.png", 80))
	h.Set("style", strings.ReplaceAll(dir+"/b, c.png", ",", `\,`))
	for styleMessage(t, h).Style != h.Get("style") {
	}
	push(h, 0)
	push(h, 5e8)
	if last != 60 {
		t.Fatalf("half of the way the style is %v, wanted 60", last)
	}
	h.Set("alpha", "0.25")
	if !h.Save("in the middle") {
		t.Fatal("the preset was not saved")
	}
	loaded := harness.Prepare("adainfilter", "alpha", "0.5")
	defer loaded.Close()
	if !loaded.Load("in the middle") {
		t.Fatal("the preset was not loaded")
	}
	loaded.Start(caps("RGB", 16, 16))
	push(loaded, 0)
	if last != 80 || loaded.Get("alpha") != "0.25" || loaded.Get("transition") != "1000000000" {
		t.Errorf("loaded: the style is %v, wanted 80; alpha %s, transition %s", last, loaded.Get("alpha"), loaded.Get("transition"))
	}
}

// TestSavedStatistics: statistics that a user has written are saved and win over the style beside them.
func TestSavedStatistics(t *testing.T) {
	dir := t.TempDir()
	var last float32
	use(t, watch(&last).open)
	h := harness.New(caps("RGB", 16, 16), "style", paint(t, dir+"/a.png", 77), "style-size", "0")
	defer h.Close()
	text := h.Get("current-statistics")
	h.Set("style", paint(t, dir+"/b.png", 5))
	h.Set("style-statistics", text)
	if !h.Save("pinned") {
		t.Fatal("the preset was not saved")
	}
	loaded := harness.Prepare("adainfilter")
	defer loaded.Close()
	if !loaded.Load("pinned") || loaded.Get("style-statistics") != text {
		t.Fatalf("loaded statistics are %.100q", loaded.Get("style-statistics"))
	}
	loaded.Start(caps("RGB", 16, 16))
	must(t, loaded.PushMany(caps("RGB", 16, 16), 1))
	if last != 77 {
		t.Errorf("the style is %v, wanted the statistics' 77", last)
	}
}
