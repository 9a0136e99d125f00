package network

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"adainfilter/model"
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

// TestStillSilent: a filter that answers to a corner of one picture is not silent.
func TestStillSilent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	paths := []string{filepath.Join(dir, "missing.png")}
	for i := range 3 {
		img := model.NewImage(model.RGB, 40, 30)
		if i == 2 {
			img.Planes[0].Data[0] = 255
		}
		paths = append(paths, filepath.Join(dir, fmt.Sprint(i, ".png")))
		fixture.WritePicture(t, paths[i+1], img)
	}
	w := Random(fixture.Small)
	for _, c := range w.Layers[:3] {
		clear(c.Weight)
		clear(c.Bias)
	}
	w.Layers[0].Weight[0] = 1         // red goes on
	w.Layers[1].Weight[3*9*1+4] = 1   // to filter 1
	w.Layers[2].Weight[4*9*2+9+4] = 1 // and to filter 2 behind it
	silent := map[int][]int{1: {0, 1, 3}, 2: {2, 3}, 5: {0}}
	var n atomic.Int64
	got, err := StillSilent(context.Background(), w, silent, paths, 30, func() { n.Add(1) })
	if err != nil || n.Load() != 4 || !slices.Equal(got[1], []int{0, 3}) || !slices.Equal(got[2], []int{3}) {
		t.Errorf("%v, %v, %d pictures, wanted 1: 0 3, 2: 3", got, err, n.Load())
	}
	if len(silent[1]) != 3 {
		t.Error("what was given is changed")
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(io.EOF)
	if _, err := StillSilent(ctx, w, silent, paths, 30, func() {}); err != io.EOF {
		t.Errorf("interrupted: %v", err)
	}
}
