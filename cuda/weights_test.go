package cuda

import (
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// TestPack looks every weight of a network up in its packed place, and demands zeros everywhere else.
func TestPack(t *testing.T) {
	w, err := modeltest.RandomWeights(3, model.Widths{4, 8, 20, 32}).WithUpsamplings("nearest,bilinear,nearest")
	if err != nil {
		t.Fatal(err)
	}
	layers, err := pack(w)
	if err != nil {
		t.Fatal(err)
	}
	folded := w.Folded()
	if len(layers) != len(folded) {
		t.Fatalf("%d layers, wanted %d", len(layers), len(folded))
	}
	for k, c := range folded {
		p := layers[k]
		seen, found := 0, 0
		for _, v := range p.weight {
			if v != 0 {
				seen++
			}
		}
		out, phases := c.Out, 1
		if c.Phases {
			out, phases = c.Out/4, 4
		}
		taps := c.Kernel * c.Kernel
		for phase := range phases {
			for o := range out {
				for i := range c.In {
					for tap := range taps {
						v := c.Weight[((phase*out+o)*c.In+i)*taps+tap]
						at := ((phase*taps+tap)*padded(out)+o)*padded(c.In) + i
						switch k {
						case 0:
							at, v = o*32+3*tap+i, v/255
						case len(folded) - 1:
							at = (3*tap+o)*padded(c.In) + i
						}
						if p.weight[at] != v {
							t.Fatalf("%s: weight of phase %d, output %d, input %d, tap %d is %g, wanted %g", c.Name, phase, o, i, tap, p.weight[at], v)
						}
						if v != 0 {
							found++
						}
					}
				}
			}
		}
		if seen != found {
			t.Errorf("%s: %d weights that are not 0, wanted %d", c.Name, seen, found)
		}
		if p.in%channelStep != 0 && k != 0 || p.out%channelStep != 0 && k != len(folded)-1 {
			t.Errorf("%s: %d channels in and %d out, wanted multiples of %d", c.Name, p.in, p.out, channelStep)
		}
	}
}

func TestPackRefusesWhatFloat16CannotHold(t *testing.T) {
	w := modeltest.RandomWeights(3, modeltest.Widths)
	w.Layers[5].Weight[7] = 1e5
	if _, err := pack(w); err == nil || !strings.Contains(err.Error(), w.Layers[5].Name) {
		t.Errorf("%v, wanted an error that names %s", err, w.Layers[5].Name)
	}
}
