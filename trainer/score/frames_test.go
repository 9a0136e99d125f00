package score

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestDifferences compares with the plain way: all differences in a list.
func TestDifferences(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][2]int{{1, 1}, {7, 5}, {33, 20}} {
		w, h := size[0], size[1]
		a := painted(w, h, func(_, _, _ int) int { return random.IntN(256) })
		b := painted(w, h, func(_, _, _ int) int { return random.IntN(256) })
		where := make([]bool, w*h)
		for i := range where {
			where[i] = i == 0 || random.IntN(3) == 0
		}
		for _, c := range []struct {
			where  []bool
			wanted bool
		}{{where, true}, {where, false}, {nil, true}} {
			var want []int
			for i := range 3 * w * h {
				x, y := i/3%w, i/3/w
				if c.where == nil || c.where[y*w+x] == c.wanted {
					at := func(data []byte) int { return int(data[y*a.Planes[0].Stride+3*x+i%3]) }
					d := at(a.Planes[0].Data) - at(b.Planes[0].Data)
					want = append(want, max(d, -d))
				}
			}
			var all, half Differences
			half.Add(a, b, c.where, c.wanted)
			all.Merge(&half)
			all.Merge(&half)
			if all.Count() != int64(2*len(want)) {
				t.Fatalf("%v: %d samples, wanted %d", size, all.Count(), 2*len(want))
			}
			if len(want) == 0 {
				continue
			}
			slices.Sort(want)
			sum, squares := 0, 0
			for _, d := range want {
				sum, squares = sum+d, squares+d*d
			}
			near(t, "mean", all.Mean(), float64(sum)/float64(len(want)), 0)
			near(t, "squares", float64(all.Squares()), float64(2*squares), 0)
			for _, p := range []int{1, 50, 95, 99, 100} {
				near(t, "percentile", all.Percentile(int64(p)), float64(want[(p*len(want)+99)/100-1]), 0)
			}
		}
	}
	var none Differences
	for i, v := range []float64{none.Mean(), none.Percentile(95)} {
		if !math.IsNaN(v) {
			t.Errorf("figure %d of nothing is %v", i, v)
		}
	}
	for _, c := range []struct{ zeros, sevens, p95 int64 }{{95, 5, 0}, {94, 6, 7}, {1, 0, 0}, {0, 1, 7}} {
		near(t, "95th percentile", (&Differences{0: c.zeros, 7: c.sevens}).Percentile(95), float64(c.p95), 0)
	}
}

// TestStill compares with the definition, pixel for pixel. The sizes make the memory of one frame serve a smaller one.
func TestStill(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var still Still
	for _, size := range [][2]int{{40, 30}, {1, 1}, {9, 1}, {1, 9}, {2, 2}, {31, 17}} {
		w, h := size[0], size[1]
		base := make([]int, 3*w*h)
		change := make([]int, 3*w*h)
		for i := range base {
			base[i] = 3 + random.IntN(250)
			change[i] = random.IntN(5) - 2
			if random.IntN(3*w*h) < 6 {
				change[i] = []int{-3, 3}[random.IntN(2)]
			}
		}
		a := painted(w, h, func(x, y, c int) int { return base[3*(y*w+x)+c] })
		b := painted(w, h, func(x, y, c int) int { return base[3*(y*w+x)+c] + change[3*(y*w+x)+c] })
		got, count := still.Compare(a, b), 0
		for i := range w * h {
			most := 0
			for y := max(0, i/w-1); y <= min(h-1, i/w+1); y++ {
				for x := max(0, i%w-1); x <= min(w-1, i%w+1); x++ {
					for _, v := range change[3*(y*w+x):][:3] {
						most = max(most, v, -v)
					}
				}
			}
			if want := most <= 2; still.At[i] != want {
				t.Fatalf("%v: pixel %d is still: %v, wanted %v", size, i, still.At[i], want)
			} else if want {
				count++
			}
		}
		if got != count || len(still.At) != w*h {
			t.Errorf("%v: %d of %d are still, wanted %d of %d", size, got, len(still.At), count, w*h)
		}
	}
}

func TestLuminance(t *testing.T) {
	near(t, "luminance", Luminance(painted(3, 5, func(_, _, c int) int { return []int{200, 100, 50}[c] })), 124.2, 0)
	near(t, "luminance", Luminance(painted(2, 1, func(x, _, _ int) int { return 255 * x })), 127.5, 0)
}

func TestPumping(t *testing.T) {
	for _, c := range []struct {
		name    string
		in, out []float64
		want    float64
	}{
		{"nothing", nil, nil, math.NaN()},
		{"as the film", []float64{1, -2, 3}, []float64{1, -2, 3}, 0},
		{"half as far", []float64{1, -2, 3}, []float64{0.5, -1, 1.5}, 0},
		{"not at all", []float64{1, -2, 3}, []float64{0, 0, 0}, 0},
		{"twice as far", []float64{3, -4}, []float64{6, -8}, math.Sqrt(12.5)},
		{"against it", []float64{3, -4}, []float64{-3, 4}, math.Sqrt(12.5)},
		{"by itself", []float64{0, 0}, []float64{3, -4}, math.Sqrt(12.5)},
		{"half as far and by itself", []float64{2, 2, 2, 2}, []float64{1 + 3, 1 - 3, 1 + 3, 1 - 3}, 3},
	} {
		got := Pumping(c.in, c.out)
		if math.IsNaN(c.want) != math.IsNaN(got) || math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, wanted %v", c.name, got, c.want)
		}
	}
}
