package cuda

import (
	"fmt"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
)

// addFirst turns the picture into relu1_1.
func (e *Engine) addFirst(s *schedule, l *launches, i int) error {
	layer, out, k := e.network.layers[i], s.planes[i], find(e.library, kernels.First)
	pixels := float64(out.w) * float64(out.h)
	what := launch{layer: layer.Name, flop: 2 * pixels * 27 * float64(out.c), bytes: pixels*3 + float64(out.bytes())}
	t, err := addVarying(l, what, k, [3]int{k.tiles(out.w, out.h), ceil(out.c, int(k.shape.TileC)), 1}, kernels.FirstArguments{
		Weight: address(e.network.weight[i]), Bias: address(e.network.bias[i]), Dst: address(s.written(i)), C: int32(out.c),
	})
	if err == nil {
		l.first = source{&t.args.Src, &t.args.Table, t.bind}
	}
	return err
}

// fusesFirst says whether one kernel computes the first two layers: those of VGG-19's widths, by wgmma.
func (e *Engine) fusesFirst() bool {
	first, second := e.network.layers[0], e.network.layers[1]
	return e.device.wgmma && first.out == 64 && second.convolution90(func() bool { return false }) == kernels.Conv90C64Pool
}

// addFirstTwo turns the picture into relu1_2, pooled.
func (e *Engine) addFirstTwo(s *schedule, l *launches, i int) error {
	first, second, out, k := e.network.layers[i], e.network.layers[i+1], s.planes[i+1], find(e.library, kernels.Conv90FirstPool)
	weights, err := driver.EncodeTiled(e.network.weight[i+1], [4]int{64, 9 * 64, 1, 1}, [3]int{128, 128 * 9 * 64, 128 * 9 * 64}, [4]int{64, 64, 1, 1})
	if err != nil {
		return fmt.Errorf("weights of layer %s: %w", second.Name, err)
	}
	products := s.extent.pixels() * 64 * (27 + 9*64)
	what := launch{layer: first.Name + ", " + second.Name, flop: 2 * products, bytes: s.extent.pixels()*3 + float64(out.bytes())}
	blocks := min(e.device.processors, k.tiles(s.width, s.height))
	t, err := addVarying(l, what, k, [3]int{blocks, 1, 1}, kernels.Conv90FirstArguments{
		FirstWeight: address(e.network.weight[i]), FirstBias: address(e.network.bias[i]), Weight: kernels.TensorMap(weights),
		Bias: address(e.network.bias[i+1]), Dst: address(s.written(i + 1)),
	})
	if err == nil {
		l.first = source{&t.args.Src, &t.args.Table, t.bind}
	}
	return err
}

// addConvolution is a layer from plane to plane.
func (e *Engine) addConvolution(s *schedule, l *launches, i int) error {
	layer, in, out := e.network.layers[i], s.planes[i-1], s.planes[i]
	products := float64(layer.phases) * float64(layer.taps) * float64(layer.in) * float64(layer.out)
	what := launch{layer: layer.Name, flop: 2 * products * float64(in.w) * float64(in.h), bytes: float64(in.bytes()+out.bytes()) + 2*products}
	replicate := flag(e.network.layers[i+1].phases == 4) // the next layer is behind an upsampling: the edge repeats
	if e.device.wgmma {
		large, small := find(e.library, kernels.Conv90C128), find(e.library, kernels.Conv90C128Small)
		name := layer.convolution90(func() bool { return smaller(large.shape, small.shape, in, out.c, e.device.processors) })
		if name != "" {
			return e.addTensorMapped(s, l, i, what, find(e.library, name), replicate)
		}
	}
	return e.addPlain(s, l, i, what, find(e.library, layer.convolution()), replicate)
}

// addPlain is a kernel that multiplies by mma.sync: a block for each tile, channel tile and phase.
func (e *Engine) addPlain(s *schedule, l *launches, i int, what launch, k function[kernels.ConvArguments], replicate int32) error {
	layer, in := e.network.layers[i], s.planes[i-1]
	weight, bias := e.network.parameters(i, l.masked)
	_, err := add(l, what, k, [3]int{k.tiles(in.w, in.h), layer.out / int(k.shape.TileC), layer.phases}, kernels.ConvArguments{
		Src: address(s.written(i - 1)), Weight: address(weight), Bias: address(bias), Dst: address(s.written(i)),
		H: int32(in.h), W: int32(in.w), Cin: int32(layer.in), Cout: int32(layer.out), Replicate: replicate,
	})
	return err
}

// addTensorMapped is a kernel that multiplies by wgmma: as many blocks as the GPU has processors, each taking tile after tile.
func (e *Engine) addTensorMapped(s *schedule, l *launches, i int, what launch, k function[kernels.Conv90Arguments], replicate int32) error {
	layer, in := e.network.layers[i], s.planes[i-1]
	tileW, tileH, tileC := int(k.shape.TileW), int(k.shape.TileH), int(k.shape.TileC)
	rows := tileH + 2
	if k.name == kernels.Conv90C128Up.Name() { // its tiles are of one phase, which reads a row less
		rows = tileH + 1
	}
	row := 2 * layer.in * (in.w + 2)
	src, err := driver.EncodeTiled(s.written(i-1), [4]int{layer.in, in.w + 2, in.h + 2, 1}, [3]int{2 * layer.in, row, row * (in.h + 2)},
		[4]int{64, tileW, rows, 1})
	if err != nil {
		return fmt.Errorf("plane before layer %s: %w", layer.Name, err)
	}
	weight, bias := e.network.parameters(i, l.masked)
	all := layer.phases * layer.taps * layer.out
	weights, err := driver.EncodeTiled(weight, [4]int{layer.in, all, 1, 1}, [3]int{2 * layer.in, 2 * layer.in * all, 2 * layer.in * all},
		[4]int{64, tileC, 1, 1})
	if err != nil {
		return fmt.Errorf("weights of layer %s: %w", layer.Name, err)
	}
	blocks := min(e.device.processors, k.tiles(in.w, in.h)*layer.out/tileC*layer.phases)
	if across := layer.out / tileC; layer.in == 64 && across > 1 { // the weights stay, so a block must keep its channels
		blocks = max(blocks-blocks%across, across)
	}
	_, err = add(l, what, k, [3]int{blocks, 1, 1}, kernels.Conv90Arguments{
		Src: kernels.TensorMap(src), Weight: kernels.TensorMap(weights), Bias: address(bias), Dst: address(s.written(i)),
		H: int32(in.h), W: int32(in.w), Cin: int32(layer.in), Cout: int32(layer.out), Replicate: replicate,
	})
	return err
}

// addLast turns the last plane into the picture.
func (e *Engine) addLast(s *schedule, l *launches, i int) error {
	layer, in, k := e.network.layers[i], s.planes[i-1], find(e.library, kernels.Last)
	pixels := s.extent.pixels()
	what := launch{layer: layer.Name, flop: 2 * pixels * 27 * float64(in.c), bytes: pixels*3 + float64(in.bytes())}
	t, err := addVarying(l, what, k, [3]int{k.tiles(s.width, s.height), 1, 1}, kernels.LastArguments{
		Plane: address(s.written(i - 1)), Weight: address(e.network.weight[i]), Bias: address(e.network.bias[i]),
		H: int32(in.h), W: int32(in.w), C: int32(in.c),
	})
	if err == nil {
		l.last = sink{&t.args.Dst, &t.args.Src, &t.args.Table, &t.args.PreserveColor}
	}
	return err
}

// fusesLast says whether one kernel computes the last two layers: those of 16 channels behind a nearest upsampling.
func (e *Engine) fusesLast() bool {
	before, last := e.network.layers[len(e.network.layers)-2], e.network.layers[len(e.network.layers)-1]
	return before.in == 16 && last.in == 16 && before.phases == 4 && before.taps == 4
}

// addLastTwo turns the plane before the last upsampling into the picture.
func (e *Engine) addLastTwo(s *schedule, l *launches, i int) error {
	before, last, in, k := e.network.layers[i], e.network.layers[i+1], s.planes[i-1], find(e.library, kernels.LastUpN16)
	pixels, of := s.extent.pixels(), float64(in.c)
	what := launch{layer: before.Name + ", " + last.Name, flop: 2 * (4*of*of*4*float64(in.w)*float64(in.h) + 27*of*pixels), bytes: pixels*3 + float64(in.bytes())}
	rows := stripRows(s.extent, k.shape, lastUpBlocks*e.device.processors)
	t, err := addVarying(l, what, k, [3]int{ceil(s.width, int(k.shape.TileW)) * ceil(s.height, rows), 1, 1}, kernels.LastUpArguments{
		Src: address(s.written(i - 1)), FirstWeight: address(e.network.weight[i]), FirstBias: address(e.network.bias[i]),
		Weight: address(e.network.weight[i+1]), Bias: address(e.network.bias[i+1]), H: int32(in.h), W: int32(in.w), Rows: int32(rows),
	})
	if err == nil {
		l.last = sink{&t.args.Dst, &t.args.Content, &t.args.Table, &t.args.PreserveColor}
	}
	return err
}

// lastUpBlocks is how many blocks of last_up_n16 fit on a processor.
const lastUpBlocks = 4

// stripRows is how many rows a group walks down that has a strip of a picture, so that the last of so many groups at a time ends earliest. Each
// walk takes two rows more than it has.
func stripRows(picture extent, l kernels.Launch, groups int) (rows int) {
	across, step, least := ceil(picture.width, int(l.TileW)), int(l.TileH), 0
	for r := step; r < picture.height+step; r += step {
		cost := ceil(across*ceil(picture.height, r), groups) * (r + 2)
		if rows == 0 || cost < least {
			rows, least = r, cost
		}
	}
	return rows
}
