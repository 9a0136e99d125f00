package cuda

import (
	"slices"

	"adainfilter/cuda/kernels"
)

// extent is a size in pixels.
type extent struct{ width, height int }

func (e extent) pixels() float64 { return float64(e.width) * float64(e.height) }

// plane is a map of features in GPU memory: float16 [h+2][w+2][c], the picture with a border of one pixel around it.
type plane struct{ h, w, c int }

// bytes is the memory of a plane.
func (p plane) bytes() int64 { return int64(p.h+2) * int64(p.w+2) * int64(p.c) * 2 }

// values is how many there are without the border.
func (p plane) values() float64 { return float64(p.h) * float64(p.w) * float64(p.c) }

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
	memory [2]int64 // bytes of the two buffers that hold the planes in turn, if they are written: layer i writes buffer i%2
}

// newLayout is the layout for a size that the network sees, of layers of which the first two and the last two may be one kernel each, which
// writes no plane between them.
func newLayout(layers []packed, size extent, firstTwo, lastTwo bool) layout {
	l := layout{extent: size}
	p := plane{size.height, size.width, 3}
	for i, layer := range layers[:len(layers)-1] {
		p = layer.output(p)
		l.planes = append(l.planes, p)
		if i == 0 && firstTwo || i == len(layers)-2 && lastTwo {
			continue
		}
		l.memory[i%2] = max(l.memory[i%2], p.bytes())
	}
	return l
}

// tiles is how many tiles of a kernel cover w x h pixels.
func tiles(l kernels.Launch, w, h int) int { return ceil(w, int(l.TileW)) * ceil(h, int(l.TileH)) }

func ceil(n, d int) int { return (n + d - 1) / d }

// convolutionKernels are those that multiply by mma.sync in tiles of so many channels.
type convolutionKernels struct {
	channels                  int
	plain, pool, up, bilinear kernels.Kernel[kernels.ConvArguments]
}

var convolutions = []convolutionKernels{
	{128, kernels.ConvN128, kernels.ConvN128Pool, kernels.ConvN128Up, kernels.ConvN128Bilinear},
	{64, kernels.ConvN64, kernels.ConvN64Pool, kernels.ConvN64Up, kernels.ConvN64Bilinear},
	{32, kernels.ConvN32, kernels.ConvN32Pool, kernels.ConvN32Up, kernels.ConvN32Bilinear},
	{channelStep, kernels.ConvN16, kernels.ConvN16Pool, kernels.ConvN16Up, kernels.ConvN16Bilinear},
}

// convolution is the kernel that computes a middle layer of the network by mma.sync.
func (p packed) convolution() kernels.Kernel[kernels.ConvArguments] {
	k := convolutions[slices.IndexFunc(convolutions, func(k convolutionKernels) bool { return p.out%k.channels == 0 })]
	switch {
	case p.Pool:
		return k.pool
	case p.phases == 4 && p.taps == 9:
		return k.bilinear
	case p.phases == 4:
		return k.up
	}
	return k.plain
}

// convolution90 is the kernel that computes a middle layer by wgmma, or "": there is one for most shapes with a multiple of 64 channels on
// both sides. small says whether tiles of half the size suit the plane better.
func (p packed) convolution90(small func() bool) kernels.Kernel[kernels.Conv90Arguments] {
	up := p.phases == 4
	plain := !p.Pool && !up
	switch {
	case p.in%64 != 0 || p.out%64 != 0 || up && p.taps == 9: // none for a bilinear upsampling
		return ""
	case p.in == 64 && p.out == 64 && p.Pool:
		return kernels.Conv90C64Pool
	case p.in == 64 && p.out == 64 && up:
		return kernels.Conv90C64Up
	case p.in == 64 && (p.out == 64 || p.out == 128) && plain:
		return kernels.Conv90C64
	case p.in == 128 && p.out == 64 && plain:
		return kernels.Conv90C128To64
	case p.out%128 != 0:
		return ""
	case p.Pool:
		return kernels.Conv90C128Pool
	case up:
		return kernels.Conv90C128Up
	case small():
		return kernels.Conv90C128Small
	}
	return kernels.Conv90C128
}

// smallRound is how much longer a processor takes for a pixel in the smaller tiles of conv90_c128: each weight is read for half as many,
// so that they want 45 bytes per clock of L2 where there are about 30, and 141 of shared memory where there are 128.
const smallRound = 1.4

// smaller says whether the smaller of two tilings is done earlier: what counts is how many full rounds of its processors a plane takes,
// times how long a round takes.
func smaller(large, small kernels.Launch, in plane, out, processors int) bool {
	cost := func(l kernels.Launch) float64 {
		blocks := tiles(l, in.w, in.h) * ceil(out, int(l.TileC))
		return float64(ceil(blocks, processors) * int(l.TileW) * int(l.TileH) * int(l.TileC))
	}
	return smallRound*cost(small) < cost(large)
}
