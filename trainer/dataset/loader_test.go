package dataset

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"adainfilter/model"
)

// TestDeterminism: workers, caches and the iteration at which a run begins change nothing; seeds do.
func TestDeterminism(t *testing.T) {
	contents, styles := scenes(t, 5, 40, 30, 0), scenes(t, 7, 32, 32, 100)
	cut := jpegBytes(t, scene(40, 40, 1))
	write(t, filepath.Join(contents, "02b.jpg"), cut[:len(cut)/2])
	for _, pool := range []int{0, 2} {
		run := func(cache int64, o LoaderOptions, n int) []*model.Batch {
			c := Options{Size: 24, Crop: 16, Pool: pool, Cache: cache}
			s := Options{Size: 24, Crop: 16, Pool: pool, Cache: cache, Scales: [2]float64{0.7, 2}}
			o.Batch, o.RandomAlpha, o.Motion = 3, true, &Motion{Shift: 3, Affine: pool > 0, Turn: 0.1, Noise: [2]float64{0.01, 0.02}}
			return batches(t, open(t, contents, c), open(t, styles, s), o, n)
		}
		const n = 12
		want := run(0, LoaderOptions{Seed: 1, Workers: 1}, n)
		for _, c := range []struct {
			name  string
			cache int64
			o     LoaderOptions
		}{
			{"again", 0, LoaderOptions{Seed: 1, Workers: 1}},
			{"everything cached", 1 << 30, LoaderOptions{Seed: 1, Workers: 1}},
			{"some cached", 8000, LoaderOptions{Seed: 1, Workers: 2}},
			{"5 workers", 1 << 30, LoaderOptions{Seed: 1, Workers: 5}},
			{"resumed", 8000, LoaderOptions{Seed: 1, Workers: 2, First: 7}},
			{"resumed at an odd place", 1 << 30, LoaderOptions{Seed: 1, Workers: 3, First: 5}},
		} {
			if got := run(c.cache, c.o, n-c.o.First); !reflect.DeepEqual(got, want[c.o.First:]) {
				t.Errorf("pool %d, %s: other batches", pool, c.name)
			}
		}
		other := run(0, LoaderOptions{Seed: 2, Workers: 1}, n)
		for i := range n {
			if reflect.DeepEqual(other[i].Content, want[i].Content) || reflect.DeepEqual(other[i].Style, want[i].Style) ||
				reflect.DeepEqual(other[i].Moved, want[i].Moved) || i > 0 && reflect.DeepEqual(want[i].Content, want[i-1].Content) {
				t.Errorf("pool %d, batch %d: another seed or iteration gives the same", pool, i)
			}
		}
	}
}

// TestEpochs: every picture comes once in each epoch, in another order, and styles in another than contents.
func TestEpochs(t *testing.T) {
	folder := scenes(t, 8, 16, 16, 0)
	// One fixed crop each: the key names the picture.
	f, g := open(t, folder, Options{Crop: 16, Pool: 1}), open(t, folder, Options{Crop: 16, Pool: 1})
	epochs := batches(t, f, g, LoaderOptions{Batch: 8, Seed: 3}, 5)
	for i, b := range epochs {
		for _, keys := range [][]uint64{b.ContentKey, b.StyleKey} {
			seen := map[uint64]bool{}
			for _, k := range keys {
				seen[k] = true
			}
			if len(seen) != 8 || seen[0] {
				t.Errorf("epoch %d shows %v, wanted 8 different pictures", i, keys)
			}
		}
		if reflect.DeepEqual(b.ContentKey, b.StyleKey) {
			t.Errorf("epoch %d: styles come in the order of contents", i)
		}
		if i > 0 && (reflect.DeepEqual(b.ContentKey, epochs[i-1].ContentKey) || reflect.DeepEqual(b.StyleKey, epochs[i-1].StyleKey)) {
			t.Errorf("epoch %d has the order of the one before", i)
		}
	}
}

// TestFreshCrops: without a pool no crop of a picture comes twice, contents and styles differ, and the cache keeps its bound.
func TestFreshCrops(t *testing.T) {
	folder := scenes(t, 1, 60, 60, 0)
	const bytes = 3 * 60 * 60
	for cache, kept := range map[int64]int64{bytes - 1: 0, bytes: bytes} {
		f := open(t, folder, Options{Crop: 16, Cache: cache})
		var seen [][]float32
		for _, b := range batches(t, f, f, LoaderOptions{Batch: 1, Workers: 3}, 10) {
			for _, crop := range [][]float32{b.Content, b.Style} {
				for _, known := range seen {
					if reflect.DeepEqual(known, crop) {
						t.Fatal("a crop comes twice")
					}
				}
				seen = append(seen, crop)
			}
		}
		if got := f.cached.Load(); got != kept {
			t.Errorf("a cache of %d bytes holds %d, wanted %d", cache, got, kept)
		}
	}
}

// TestKeys: with a pool, equal keys and equal crops are the same thing, and every picture has as many crops as the pool.
func TestKeys(t *testing.T) {
	folder := scenes(t, 3, 40, 40, 0)
	o := Options{Size: 30, Crop: 16, Pool: 3, Cache: 2000}
	motion := &Motion{Shift: 2, Noise: [2]float64{0.01, 0.01}}
	for _, m := range []*Motion{nil, motion} {
		content, style := map[uint64][]float32{}, map[uint64][]float32{}
		for _, b := range batches(t, open(t, folder, o), open(t, folder, o), LoaderOptions{Batch: 2, Motion: m}, 18) {
			for slot := range 2 {
				for _, side := range []struct {
					crops   map[uint64][]float32
					samples []float32
					key     uint64
				}{{content, b.Content, b.ContentKey[slot]}, {style, b.Style, b.StyleKey[slot]}} {
					crop := side.samples[slot*3*16*16:][:3*16*16]
					if known, ok := side.crops[side.key]; ok && !reflect.DeepEqual(known, crop) {
						t.Fatalf("two crops with key %d", side.key)
					}
					side.crops[side.key] = crop
				}
			}
		}
		for _, crops := range []map[uint64][]float32{content, style} {
			if len(crops) != 9 || crops[0] != nil {
				t.Errorf("%d keys, wanted 9 for 3 pictures of 3 crops, none of them 0", len(crops))
			}
			for a := range crops {
				for b := range crops {
					if a != b && reflect.DeepEqual(crops[a], crops[b]) {
						t.Errorf("keys %d and %d have equal crops", a, b)
					}
				}
			}
		}
	}
	f := open(t, folder, Options{Crop: 16})
	if b := batches(t, f, f, LoaderOptions{Batch: 1}, 1)[0]; b.ContentKey != nil || b.StyleKey != nil || b.Moved != nil || b.Motion != nil {
		t.Error("keys without a pool, or motion without being asked for")
	}
}

func TestAlpha(t *testing.T) {
	folder := scenes(t, 1, 8, 8, 0)
	f := open(t, folder, Options{Crop: 8, Cache: 1 << 20})
	for _, v := range batches(t, f, f, LoaderOptions{Batch: 50}, 1)[0].Alpha {
		if v != 1 {
			t.Fatalf("alpha %v, wanted 1", v)
		}
	}
	const n = 1000
	ones, sum := 0., 0.
	for _, v := range batches(t, f, f, LoaderOptions{Batch: n, RandomAlpha: true}, 1)[0].Alpha {
		if !(v >= 0 && v <= 1) {
			t.Fatalf("alpha %v", v)
		}
		if v == 1 {
			ones++
		} else {
			sum += float64(v)
		}
	}
	// Five standard deviations of a fair coin, and of the mean of uniform numbers.
	if math.Abs(ones-n/2) > 5*math.Sqrt(n)/2 || math.Abs(sum/(n-ones)-0.5) > 5/math.Sqrt(12*(n-ones)) {
		t.Errorf("%v of %d are 1, the others' mean is %v", ones, n, sum/(n-ones))
	}
}

func TestLoaderErrors(t *testing.T) {
	folder := scenes(t, 1, 8, 8, 0)
	f, other := open(t, folder, Options{Crop: 8}), open(t, folder, Options{Crop: 16})
	for _, c := range []struct {
		style *Folder
		o     LoaderOptions
		want  string
	}{
		{f, LoaderOptions{}, "batch of 0"},
		{f, LoaderOptions{Batch: 1, Workers: -1}, "-1 workers"},
		{f, LoaderOptions{Batch: 1, First: -1}, "iteration -1"},
		{other, LoaderOptions{Batch: 1}, "crops of 8 and style crops of 16"},
		{f, LoaderOptions{Batch: 1, Motion: &Motion{Shift: 5}}, "moved by 5"},
		{f, LoaderOptions{Batch: 1, Motion: &Motion{Affine: true, Turn: 0.1, Zoom: 0.03}}, "zoomed by 0.03 and sheared by 0, wanted 0.125"},
		{f, LoaderOptions{Batch: 1, Motion: &Motion{Affine: true, Shear: math.NaN()}}, "sheared by NaN"},
		{f, LoaderOptions{Batch: 1, Motion: &Motion{Noise: [2]float64{0, math.NaN()}}}, "noise of 0 to NaN"},
	} {
		l, err := NewLoader(f, c.style, c.o)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, wanted %q", c.o, err, c.want)
		}
	}
}

// TestCancelAndClose: a cancelled context ends Next, which can go on later; Close ends every goroutine.
func TestCancelAndClose(t *testing.T) {
	before := runtime.NumGoroutine()
	folder := scenes(t, 3, 40, 40, 0)
	o := Options{Crop: 16}
	const n = 12
	want := batches(t, open(t, folder, o), open(t, folder, o), LoaderOptions{Batch: 2}, n)
	l, err := NewLoader(open(t, folder, o), open(t, folder, o), LoaderOptions{Batch: 2, Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for i := range n {
		b, err := l.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(b.Content, want[i].Content) {
			t.Fatalf("batch %d after cancelled calls is another", i)
		}
		for range 2 {
			if _, err := l.Next(cancelled); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, wanted that the context is cancelled", err)
			}
		}
	}
	if l.Busy() <= 0 || l.Waited() < 0 {
		t.Errorf("busy %v, waited %v", l.Busy(), l.Waited())
	}
	l.Close()
	if _, err := l.Next(context.Background()); err == nil {
		t.Error("a closed loader gives a batch")
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
