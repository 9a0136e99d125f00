package evaluation

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"adainfilter/trainer/files"
)

func TestChoosePairs(t *testing.T) {
	some := func(folder string, n int) (list []files.File) {
		for i := range n {
			list = append(list, files.File{Path: fmt.Sprintf("%s/%d.jpg", folder, i), Base: fmt.Sprint(i)})
		}
		return list
	}
	for _, c := range []struct{ contents, styles, pairs, want int }{{4, 6, 24, 24}, {4, 6, 100, 24}, {50, 74, 200, 200}, {5, 5, 13, 13}, {1, 1, 3, 1}, {7, 3, 8, 8}} {
		o := Options{Contents: some("a", c.contents), Styles: some("b", c.styles), Pairs: c.pairs, Seed: 1}
		pairs := choosePairs(o)
		if len(pairs) != c.want {
			t.Errorf("%v: %d pairs", c, len(pairs))
		}
		distinct, contents, styles := map[pair]bool{}, map[string]int{}, map[string]int{}
		for _, p := range pairs {
			distinct[p] = true
			contents[p.content.Base]++
			styles[p.style.Base]++
		}
		if len(distinct) != len(pairs) {
			t.Errorf("%v: pairs come twice", c)
		}
		for side, counts := range map[int]map[string]int{c.contents: contents, c.styles: styles} {
			least, most := math.MaxInt, 0
			for _, n := range counts {
				least, most = min(least, n), max(most, n)
			}
			if most-least > 1 || len(counts) != min(side, len(pairs)) {
				t.Errorf("%v: %d of %d are used, %d to %d times", c, len(counts), side, least, most)
			}
		}
		// Neither the folder's place nor the order of its files may matter.
		elsewhere := Options{Contents: some("other", c.contents), Styles: some("place", c.styles), Pairs: c.pairs, Seed: 1}
		slices.Reverse(elsewhere.Contents)
		for i, p := range choosePairs(elsewhere) {
			if p.content.Base != pairs[i].content.Base || p.style.Base != pairs[i].style.Base {
				t.Fatalf("%v: pair %d depends on more than names", c, i)
			}
		}
	}
	o := Options{Contents: some("a", 9), Styles: some("b", 9), Pairs: 9, Seed: 1}
	first := choosePairs(o)
	o.Seed = 2
	if slices.Equal(first, choosePairs(o)) {
		t.Error("the seed does not matter")
	}
	// Scores that were written down must stay comparable: this choice must never change.
	var names []string
	for _, p := range first[:4] {
		names = append(names, p.content.Base+p.style.Base)
	}
	if got := strings.Join(names, " "); got != "05 84 53 27" {
		t.Errorf("the pairs of seed 1 are %s", got)
	}
}
