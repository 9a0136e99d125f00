package cuda

import (
	"slices"
	"testing"

	"adainfilter/cuda/kernels"
	"adainfilter/model"
	"adainfilter/model/modeltest"
)

func middle(in, out int, pool, up bool) packed {
	p := packed{in: in, out: out, phases: 1, taps: 9}
	p.Pool = pool
	if up {
		p.phases, p.taps = 4, 4
	}
	return p
}

func bilinear(in, out int) packed {
	p := middle(in, out, false, true)
	p.taps = 9
	return p
}

func TestConvolution(t *testing.T) {
	for _, c := range []struct {
		layer         packed
		hopper, small bool
		want          string
	}{
		{middle(16, 16, false, false), false, false, "conv_n16"},
		{middle(16, 48, true, false), true, false, "conv_n16_pool"},
		{middle(32, 96, false, true), true, false, "conv_n32_up"},
		{middle(64, 64, false, false), false, true, "conv_n64"},
		{middle(64, 256, false, false), false, true, "conv_n128"},
		{middle(64, 64, true, false), true, true, "conv90_c64_pool"},
		{middle(64, 64, false, true), true, true, "conv90_c64_up"},
		{middle(128, 64, false, true), true, true, "conv_n64_up"},
		{middle(64, 128, false, false), true, true, "conv90_c64"},
		{middle(128, 64, false, false), true, true, "conv90_c128to64"},
		{middle(192, 64, false, false), true, false, "conv_n64"},
		{middle(192, 64, true, false), true, false, "conv_n64_pool"},
		{middle(128, 128, true, false), true, true, "conv90_c128_pool"},
		{middle(256, 512, false, false), true, false, "conv90_c128"},
		{middle(256, 512, false, false), true, true, "conv90_c128_small"},
		{middle(256, 256, false, true), true, true, "conv90_c128_up"},
		{middle(48, 128, false, false), true, true, "conv_n128"},
		{bilinear(16, 48), false, false, "conv_n16_bilinear"},
		{bilinear(64, 32), true, false, "conv_n32_bilinear"},
		{bilinear(64, 64), true, true, "conv_n64_bilinear"},
		{bilinear(128, 128), true, true, "conv_n128_bilinear"},
	} {
		got := c.layer.convolution().Name()
		if name := c.layer.convolution90(func() bool { return c.small }); c.hopper && name != "" {
			got = name.Name()
		}
		if got != c.want {
			t.Errorf("%d to %d channels, pool %v, %d phases, hopper %v: %s, wanted %s", c.layer.in, c.layer.out, c.layer.Pool, c.layer.phases, c.hopper, got, c.want)
		}
	}
}

// TestEveryHopperLayerOfVGG19 guards the path that the paper's network is fast on.
func TestEveryHopperLayerOfVGG19(t *testing.T) {
	layers, err := pack(modeltest.RandomWeights(1, model.VGG19))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range layers[1 : len(layers)-1] {
		if p.convolution90(func() bool { return false }) == "" {
			t.Errorf("%s has no kernel that multiplies by wgmma", p.Name)
		}
	}
}

func TestSmaller(t *testing.T) {
	large, small := kernels.Launch{TileW: 16, TileH: 16, TileC: 128}, kernels.Launch{TileW: 16, TileH: 8, TileC: 128}
	for _, c := range []struct {
		in   plane
		out  int
		want bool
	}{
		{plane{135, 240, 512}, 256, true},  // 270 tiles are three rounds of 132, the last one nearly empty
		{plane{540, 960, 256}, 256, false}, // 4080 tiles
		{plane{8, 16, 256}, 256, true},     // half of a large tile would be outside
		{plane{176, 192, 256}, 256, false}, // 264 tiles are two full rounds either way
		// Fewer pixels in rounds of small tiles, but each takes longer.
		{plane{270, 480, 256}, 512, false}, // conv4_1 of 3840x2160: 31 small rounds against 16
		{plane{540, 960, 256}, 128, false}, // mirror3_1 of 3840x2160
		{plane{90, 160, 256}, 512, false},  // conv4_1 of 1280x720: 4 against 2
	} {
		if got := smaller(large, small, c.in, c.out, 132); got != c.want {
			t.Errorf("%v to %d channels: %v, wanted %v", c.in, c.out, got, c.want)
		}
	}
}

// TestLayout compares plane sizes with the network's definition: ceil mode going down, doubling going up.
func TestLayout(t *testing.T) {
	layers, err := pack(modeltest.RandomWeights(1, modeltest.Widths))
	if err != nil {
		t.Fatal(err)
	}
	l := newLayout(layers, extent{33, 17}, false, false)
	want := []plane{
		{17, 33, 16}, {9, 17, 16}, {9, 17, 16}, {5, 9, 16}, {5, 9, 16}, {5, 9, 16}, {5, 9, 16}, {3, 5, 16}, {3, 5, 32},
		{3, 5, 16}, {6, 10, 16}, {6, 10, 16}, {6, 10, 16}, {6, 10, 16}, {12, 20, 16}, {12, 20, 16}, {24, 40, 16},
	}
	if len(l.planes) != len(want) {
		t.Fatalf("%d planes, wanted %d: %v", len(l.planes), len(want), l.planes)
	}
	for i, p := range l.planes {
		if p != want[i] {
			t.Errorf("plane behind %s is %v, wanted %v", layers[i].Name, p, want[i])
		}
		if p.bytes() > l.memory[i%2] {
			t.Errorf("plane behind %s has %d bytes, its buffer %d", layers[i].Name, p.bytes(), l.memory[i%2])
		}
	}
	fused := newLayout(layers, extent{33, 17}, true, true)
	if wanted := [2]int64{want[14].bytes(), want[15].bytes()}; fused.memory != wanted {
		t.Errorf("without the planes that are the largest %v bytes, wanted %v", fused.memory, wanted)
	}
}

// TestStripRows demands that no other multiple of a tile's rows lets the last group end earlier, as simulated.
func TestStripRows(t *testing.T) {
	shape := kernels.Launch{TileW: 124, TileH: 4}
	end := func(e extent, rows, groups int) int {
		free := make([]int, groups)
		for range ceil(e.width, 124) * ceil(e.height, rows) {
			free[slices.Index(free, slices.Min(free))] += rows + 2
		}
		return slices.Max(free)
	}
	for _, e := range []extent{{1, 1}, {9, 5}, {640, 360}, {1920, 1080}, {2000, 500}} {
		for _, groups := range []int{1, 7, 132} {
			got := stripRows(e, shape, groups)
			if got < 4 || got%4 != 0 || got >= e.height+4 {
				t.Fatalf("%v in %d groups: %d rows", e, groups, got)
			}
			for rows := 4; rows < e.height+4; rows += 4 {
				if end(e, rows, groups) < end(e, got, groups) {
					t.Errorf("%v in %d groups: %d rows, with %d the last group would end earlier", e, groups, got, rows)
					break
				}
			}
		}
	}
}
