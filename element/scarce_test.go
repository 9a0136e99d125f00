package element_test

import (
	"strings"
	"testing"

	"adainfilter/element/harness"
	"adainfilter/model"
)

// TestScarceBuffers takes the memory of buffers away: the first error is a sentence that names what is missing, and the element works on
// when there is some again.
func TestScarceBuffers(t *testing.T) {
	f := &fakes{}
	use(t, f.open)
	for _, c := range []struct {
		name              string
		atOnce            int // buffers that downstream's pool allocates when it starts
		allocations, maps int // of downstream's memory
		inputMaps         int
		domain, says      string
	}{
		{"pool that starts", 3, 2, harness.Plenty, harness.Plenty, "gst-resource-error-quark", "no memory for a frame of 64x48 pixels in NV12"},
		{"buffer of a pool", 0, 0, harness.Plenty, harness.Plenty, "gst-resource-error-quark", "no memory for a frame of 64x48 pixels in NV12"},
		{"output cannot be mapped", 1, harness.Plenty, 0, harness.Plenty, "gst-stream-error-quark", "downstream's buffer"},
		{"second plane of the output", 1, harness.Plenty, 1, harness.Plenty, "gst-stream-error-quark", "downstream's buffer"},
		{"input cannot be mapped", 1, harness.Plenty, harness.Plenty, 0, "gst-stream-error-quark", "upstream's buffer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			input, output := harness.NewScarce(), harness.NewScarce()
			defer input.Close()
			defer output.Close()
			h := harness.New(caps("RGB", 16, 16))
			defer h.Close()
			h.ScarceOutput(output, c.atOnce)
			if !h.Caps(caps("NV12", 64, 48)) {
				t.Fatal("caps were refused")
			}
			in := plain(model.NV12, 64, 48)
			in.Meta = strings.Contains(c.name, "plane") // planes are mapped by themselves then
			input.Set(harness.Plenty, c.inputMaps)
			output.Set(c.allocations, c.maps)
			if err := h.PushScarce(in, input); err == nil || err.Error() != "error" {
				t.Errorf("flow is %v, wanted error", err)
			}
			if m := errorMessage(t, h); m.Domain != c.domain || !strings.Contains(m.Text, c.says) {
				t.Errorf("error is %s %q, wanted %s with %q", m.Domain, m.Text, c.domain, c.says)
			}
			input.Set(harness.Plenty, harness.Plenty)
			output.Set(harness.Plenty, harness.Plenty)
			must(t, h.PushScarce(in, input))
			pull(t, h)
		})
	}
	f.check(t)
}
