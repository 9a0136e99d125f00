package model

import "testing"

// Parameters and multiply-accumulates per pixel of the two networks, the 1x1 colour layer included: 9 of each, 12 with bias.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		widths     Widths
		mac        float64
		parameters int
	}{
		{VGG19, 482688 + 9, 3505740 + 3505219},
		{Lite, 33129, 587055},
	} {
		parameters := 0
		for _, l := range c.widths.Layers() {
			parameters += l.MAC() + l.Out
		}
		if parameters != c.parameters {
			t.Errorf("%v: %d parameters, wanted %d", c.widths, parameters, c.parameters)
		}
		for _, size := range [][2]int{{8, 8}, {640, 360}} {
			pixels := float64(size[0] * size[1])
			if got := c.widths.FLOP(size[0], size[1]) / 2 / pixels; got != c.mac {
				t.Errorf("%v: %v multiply-accumulates per pixel of %v, wanted %v", c.widths, got, size, c.mac)
			}
		}
	}
}

// Each layer takes what the one before gives, the decoder is the encoder's mirror and ends at full size.
func TestLayersFit(t *testing.T) {
	layers := Widths{4, 8, 12, 16}.Layers()
	keys := map[string]bool{}
	channels, scale := 3, 1
	for _, l := range layers {
		if l.In != channels {
			t.Errorf("%s takes %d channels, the layer before gives %d", l.Name, l.In, channels)
		}
		if keys[l.Key()] {
			t.Errorf("key %s occurs twice", l.Key())
		}
		keys[l.Key()] = true
		channels = l.Out
		if l.Pool {
			scale *= 2
		}
		if l.Upsample != NoUpsampling {
			scale /= 2
		}
	}
	if channels != 3 || scale != 1 {
		t.Errorf("the network ends with %d channels at 1/%d of the size", channels, scale)
	}
	if k := layers[9].Key(); k != "encoder.29" {
		t.Errorf("key of conv4_1 is %s", k)
	}
}

func TestWidthsCheck(t *testing.T) {
	for _, c := range []struct {
		widths Widths
		ok     bool
	}{
		{VGG19, true}, {Lite, true}, {Widths{4, 4, 4, 4}, true}, {Widths{4096, 4096, 4096, 4096}, true},
		{Widths{}, false}, {Widths{4, 8, 16, 30}, false}, {Widths{-4, 8, 16, 32}, false}, {Widths{4, 8, 16, 4100}, false},
	} {
		if err := c.widths.Check(); (err == nil) != c.ok {
			t.Errorf("%v: %v, wanted ok %v", c.widths, err, c.ok)
		}
	}
}
