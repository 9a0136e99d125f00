package element_test

import (
	"strconv"
	"strings"
	"testing"

	"adainfilter/element/harness"
	"adainfilter/model"
)

func TestKeysChangeAlpha(t *testing.T) {
	use(t, (&fakes{}).open)
	h := harness.New(caps("RGB", 16, 16), "navigation", "true", "alpha", "0.5")
	defer h.Close()
	notified := h.Notified("alpha")
	press := func(key string, times int) {
		t.Helper()
		for range times {
			if !h.Key(key) {
				t.Fatalf("the key %s did not go on upstream", key)
			}
		}
	}
	expect := func(want float64) {
		t.Helper()
		if got, err := strconv.ParseFloat(h.Get("alpha"), 64); err != nil || got != want {
			t.Errorf("alpha is %v, wanted %v", got, want)
		}
	}
	press("Up", 1)
	expect(0.55)
	press("Down", 3)
	expect(0.4)
	press("Down", 8)
	expect(0)
	press("Down", 2)
	expect(0)
	press("Up", 19)
	expect(0.95)
	press("Up", 3)
	expect(1)
	if got := notified(); got != 36 {
		t.Errorf("alpha was notified %d times, wanted once for each of 36 keys", got)
	}
	press("a", 1)
	press("Escape", 1)
	expect(1)
	h.Set("navigation", "false")
	press("Down", 1)
	expect(1)
}

func TestKeysWalkBuiltinStyles(t *testing.T) {
	use(t, (&fakes{}).open)
	names := model.BuiltinStyles()
	h := harness.New(caps("RGB", 16, 16), "navigation", "true", "style", names[1])
	defer h.Close()
	styleMessage(t, h)
	notified := h.Notified("style")
	last := len(names) - 1
	for i, step := range []struct {
		key  string
		want string
	}{
		{"Right", names[2]}, {"Left", names[1]}, {"Left", names[0]}, {"Left", names[last]}, {"Left", names[last-1]}, {"Right", names[last]},
		{"Right", names[0]}, {"Right", names[1]},
	} {
		if !h.Key(step.key) {
			t.Fatalf("key %d did not go on upstream", i)
		}
		if got := h.Get("style"); got != step.want || notified() != i+1 {
			t.Errorf("after key %d, %s, style is %s with %d notifications, wanted %s", i, step.key, got, notified(), step.want)
		}
		if m := styleMessage(t, h); !m.OK || m.Style != step.want {
			t.Errorf("key %d: message is %+v", i, m)
		}
	}
	file := paint(t, t.TempDir()+"/a.png", 10)
	for key, want := range map[string]string{"Right": names[0], "Left": names[last]} {
		h.Set("style", file)
		h.Key(key)
		if got := h.Get("style"); got != want {
			t.Errorf("%s from a picture goes to %s, wanted %s", key, got, want)
		}
	}
}

// TestKeysWalkOwnStyles: each of several names alone, whatever their weights are, until style is set anew.
func TestKeysWalkOwnStyles(t *testing.T) {
	dir := t.TempDir()
	a, b, c := paint(t, dir+"/a.png", 10), paint(t, dir+"/b,b.png", 30), paint(t, dir+`/c\.png`, 70)
	escape := strings.NewReplacer(`\`, `\\`, `,`, `\,`).Replace
	var last float32
	use(t, watch(&last).open)
	h := harness.New(caps("RGB", 16, 16), "navigation", "true", "style-size", "0", "style", escape(a)+","+escape(b)+","+escape(c),
		"style-weights", "<1,2,3>")
	defer h.Close()
	styleMessage(t, h)
	key := func(name string, want float32) {
		t.Helper()
		if !h.Key(name) {
			t.Fatalf("the key %s did not go on upstream", name)
		}
		if m := styleMessage(t, h); !m.OK {
			t.Fatalf("%s: message is %+v", name, m)
		}
		must(t, h.PushMany(caps("RGB", 16, 16), 1))
		if last != want {
			t.Errorf("%s: frames have style %v, wanted %v", name, last, want)
		}
	}
	key("Right", 10)
	key("Right", 30)
	key("Right", 70)
	key("Right", 10)
	key("Left", 70)
	h.Set("style", escape(b)+","+escape(a))
	styleMessage(t, h)
	key("Left", 10)
	key("Left", 30)
}

func TestKeysWithMask(t *testing.T) {
	use(t, (&fakes{}).open)
	h := harness.New(caps("RGB", 16, 16), "navigation", "true", "style", "ember,woodcut", "mask", halves(t, t.TempDir()+"/m.png", model.RGB, 4, 4))
	defer h.Close()
	h.Key("Right")
	if got := h.Get("style"); got != "ember,woodcut" {
		t.Errorf("style is %s, wanted the two that the mask needs", got)
	}
}
