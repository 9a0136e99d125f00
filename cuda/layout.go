package cuda

import "fmt"

// extent is a size in pixels.
type extent struct{ width, height int }

func (e extent) pixels() float64 { return float64(e.width) * float64(e.height) }

// plane is a map of features in GPU memory: float16 [h+2][w+2][c], the picture with a border of one pixel around it.
type plane struct{ h, w, c int }

// bytes is the memory of a plane.
func (p plane) bytes() int64 { return int64(p.h+2) * int64(p.w+2) * int64(p.c) * 2 }

// output is what a layer makes of in.
func (p packed) output(in plane) plane {
	switch {
	case p.Pool:
		return plane{(in.h + 1) / 2, (in.w + 1) / 2, p.out}
	case p.phases == 4:
		return plane{2 * in.h, 2 * in.w, p.out}
	}
	return plane{in.h, in.w, p.out}
}

// layout is what a picture size needs: the plane behind each layer but the last, which writes the picture.
type layout struct {
	extent
	planes []plane
	memory [2]int64 // bytes of the two buffers that hold the planes in turn: layer i writes buffer i%2
}

func lay(layers []packed, width, height int) layout {
	l := layout{extent: extent{width, height}}
	p := plane{height, width, 3}
	for i, layer := range layers[:len(layers)-1] {
		p = layer.output(p)
		l.planes = append(l.planes, p)
		l.memory[i%2] = max(l.memory[i%2], p.bytes())
	}
	return l
}

// launch is struct Launch of kernels/launch.cuh, which each kernel brings along.
type launch struct {
	tileW, tileH int32 // pixels of the input plane that a block computes at a time
	tileC        int32 // output channels of a block
	threads      int32
	shared       int32 // bytes of dynamic shared memory
}

// tiles is how many tiles cover w x h pixels.
func (l launch) tiles(w, h int) int {
	return ceil(w, int(l.tileW)) * ceil(h, int(l.tileH))
}

func ceil(n, d int) int { return (n + d - 1) / d }

// convolution names the kernel for a middle layer of the network on a plane. With hopper it is one that multiplies by wgmma
// where both sides have a multiple of 64 channels and there is such a kernel; otherwise it multiplies by mma.sync. small says
// whether tiles of half the size suit the plane better.
func (p packed) convolution(hopper bool, small func() bool) string {
	suffix := ""
	switch {
	case p.Pool:
		suffix = "_pool"
	case p.phases == 4:
		suffix = "_up"
	}
	if hopper && p.in%64 == 0 && p.out%64 == 0 {
		switch {
		case p.in == 64 && p.out == 64:
			return "conv90_c64" + suffix
		case p.in == 64 && p.out == 128 && suffix == "":
			return "conv90_c64to128"
		case p.in == 128 && p.out == 64 && suffix == "":
			return "conv90_c128to64"
		case p.out%128 == 0 && suffix == "" && small():
			return "conv90_c128_small"
		case p.out%128 == 0:
			return "conv90_c128" + suffix
		}
	}
	for _, n := range []int{128, 64, 32} {
		if p.out%n == 0 {
			return fmt.Sprintf("conv_n%d%s", n, suffix)
		}
	}
	return "conv_n16" + suffix
}

// smaller says whether the smaller of two tilings leaves less of the GPU idle: what counts is how many full rounds of its
// processors a plane takes, times the work of a round.
func smaller(large, small launch, in plane, out, processors int) bool {
	cost := func(l launch) int {
		blocks := l.tiles(in.w, in.h) * ceil(out, int(l.tileC))
		return ceil(blocks, processors) * int(l.tileW) * int(l.tileH) * int(l.tileC)
	}
	return cost(small) < cost(large)
}
