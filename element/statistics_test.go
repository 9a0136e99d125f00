package element_test

import (
	"regexp"
	"strings"
	"testing"

	"adainfilter/element/harness"
	"adainfilter/model"
)

// TestStatistics reads the statistics in force and writes them to another element.
func TestStatistics(t *testing.T) {
	dir := t.TempDir()
	file := paint(t, dir+"/a.png", 77)
	var last float32
	use(t, watch(&last).open)
	h := harness.New(caps("RGB", 16, 16), "style", file, "style-size", "0")
	styleMessage(t, h)
	text := h.Get("current-statistics")
	h.Close()
	if !strings.HasPrefix(text, "adain-statistics, network=(string)lite") || strings.Count(text, "77") != 2*model.Lite[3] {
		t.Fatalf("style-statistics is %q", text)
	}

	h = harness.New(caps("RGB", 16, 16), "style-statistics", text)
	defer h.Close()
	if m := styleMessage(t, h); !m.OK || m.Style != "style-statistics" {
		t.Errorf("statistics at the start: %+v", m)
	}
	expect := func(when string, want float32) {
		t.Helper()
		must(t, h.PushMany(caps("RGB", 16, 16), 1))
		if last != want {
			t.Errorf("%s frames have style %v, wanted %v", when, last, want)
		}
	}
	expect("with statistics", 77)
	if got := h.Get("current-statistics"); got != text {
		t.Errorf("statistics written and read again differ: %q", got)
	}
	for _, wrong := range []string{
		strings.Replace(text, "(string)lite", "(string)other", 1),
		regexp.MustCompile(`mean=[^>]*>`).ReplaceAllString(text, "mean=(double)<1.0,2.0>"),
		regexp.MustCompile(`std=[^>]*>`).ReplaceAllString(text, "std=(int)3"),
		"adain-statistics, network=(string)lite",
	} {
		h.Set("style-statistics", wrong)
		if m := styleMessage(t, h); m.OK || m.Error == "" {
			t.Errorf("statistics %.60q...: message is %+v", wrong, m)
		}
		expect("after wrong statistics", 77)
	}
	many := "mean=(double)<" + strings.Repeat("1.0,", 70000) + "1.0>"
	h.Set("style-statistics", regexp.MustCompile(`mean=[^>]*>`).ReplaceAllString(text, many))
	if m := styleMessage(t, h); m.OK || !strings.Contains(m.Error, "65536") {
		t.Errorf("70001 means: message is %.200s, wanted one of the most that are taken", m.Error)
	}
	h.Set("style", paint(t, dir+"/b.png", 5))
	styleMessage(t, h)
	expect("after style was set again", 5)
}

// TestStatisticsExact: what one element says in style-statistics is, bit for bit, what another computes with.
func TestStatisticsExact(t *testing.T) {
	n := newTiny(t)
	var got model.Stats
	f := &fakes{stylize: func(_, _ *model.Image, l *model.Stylization) error { got = l.Style.Clone(); return nil }}
	use(t, f.open)
	h := harness.New(caps("RGB", 16, 16), n.elementProps...)
	text := h.Get("current-statistics")
	h.Close()
	h = harness.New(caps("RGB", 16, 16), "weights", n.weightsFile, "style-statistics", text)
	defer h.Close()
	must(t, h.PushMany(caps("RGB", 16, 16), 1))
	for i := range n.style.Mean {
		if got.Mean[i] != n.style.Mean[i] || got.Std[i] != n.style.Std[i] {
			t.Fatalf("channel %d is %v %v, wanted %v %v", i, got.Mean[i], got.Std[i], n.style.Mean[i], n.style.Std[i])
		}
	}
}
