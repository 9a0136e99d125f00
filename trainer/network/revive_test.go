package network

import (
	"context"
	"io"
	"slices"
	"testing"

	"adainfilter/trainer/fixture"
)

// The filters that are named are drawn anew if they answer to nothing, all others stay as they are.
func TestRevive(t *testing.T) {
	t.Parallel()
	p := photographs(t)
	w := Random(fixture.Small)
	photos, err := p.read(context.Background(), scalePhotos, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	means, err := meanActivations(context.Background(), w, photos, func() {})
	if err != nil {
		t.Fatal(err)
	}
	answers := slices.IndexFunc(means[2], func(m float64) bool { return m > 0 })
	w.Layers[2].Bias[1] = -1e6
	w.Layers[9].Bias[5] = -1e6 // relu4_1, whose reader is the decoder
	if answers == 1 {
		t.Fatal("the filter that stays must be another than the one that is drawn")
	}
	before := Random(fixture.Small)
	revived, err := Revive(context.Background(), w, map[int][]int{2: {1, answers}, 9: {5}}, p, 1)
	if err != nil || !slices.Equal(revived[2], []int{1}) || !slices.Equal(revived[9], []int{5}) || len(revived) != 2 {
		t.Fatalf("revived %v, %v, wanted 2: 1, 9: 5", revived, err)
	}
	if means, err = meanActivations(context.Background(), w, photos, func() {}); err != nil {
		t.Fatal(err)
	}
	// Layer 2 got its mean before later layers were looked at; nothing changes it afterwards.
	for _, at := range [][2]int{{2, 1}, {9, 5}} {
		if m := means[at[0]][at[1]]; !(m > 0.999 && m < 1.001) {
			t.Errorf("filter %d of layer %d has mean activation %v, wanted 1", at[1], at[0], m)
		}
	}
	for l, c := range w.Layers {
		n := c.In * c.Kernel * c.Kernel
		for o := range c.Out {
			drawn := l == 2 && o == 1 || l == 9 && o == 5
			for i := range c.In {
				k := c.Kernel * c.Kernel
				reads := l == 3 && i == 1 || l == 10 && i == 5
				if same := slices.Equal(c.Weight[o*n+i*k:][:k], before.Layers[l].Weight[o*n+i*k:][:k]); same == (drawn || reads) {
					t.Fatalf("filter %d, input %d of layer %d stays as it was: %v", o, i, l, same)
				}
			}
		}
	}
}
