package cuda

import (
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// addStatistics are mean and standard deviation of the encoder's last plane: of bands of rows, then of all.
func (e *Engine) addStatistics(s *schedule, l *launches) error {
	in, values := s.planes[e.network.join-1], s.planes[e.network.join-1].values()
	band := find(e.library, kernels.StatisticsPartial)
	bands := ceil(in.h, int(band.shape.TileH))
	partial, err := s.partialStatistics(0, int64(bands)*8*int64(in.c))
	if err != nil {
		return err
	}
	h, w, c := int32(in.h), int32(in.w), int32(in.c)
	what := launch{layer: "statistics", flop: 5 * values, bytes: float64(in.bytes())}
	_, err = add(l, what, band, [3]int{bands, ceil(in.c, int(band.shape.TileC)), 1}, kernels.StatisticsPartialArguments{
		Src: address(s.written(e.network.join - 1)), Partial: address(partial), H: h, W: w, C: c,
	})
	if err != nil {
		return err
	}
	merge, few := find(e.library, kernels.StatisticsMerge), float64(bands)*float64(in.c)
	what = launch{layer: "statistics", flop: 10 * few, bytes: 8 * few}
	_, err = add(l, what, merge, [3]int{ceil(in.c, int(merge.shape.TileC)), 1, 1}, kernels.StatisticsMergeArguments{
		Partial: address(partial), Content: address(e.network.content), H: h, W: w, C: c,
	})
	return err
}

// addSmooth mixes the statistics with those in force at the frame before.
func (e *Engine) addSmooth(s *schedule, l *launches) (err error) {
	n, count := e.network, 1
	if l.masked {
		count = regions
	}
	channels := n.layers[n.join].in
	values := float64(count) * 2 * float64(channels)
	what := launch{layer: "statistics", flop: 8 * values, bytes: 32 * values}
	l.smooth, err = addVarying(l, what, find(e.library, kernels.Smooth), [3]int{count, 1, 1}, kernels.SmoothArguments{
		Content: address(n.content), Previous: address(n.previous), Before: address(n.before), Continues: address(n.continues),
		Cut: float32(model.SceneCut(s.width, s.height)), C: int32(channels), Channels: int32(e.weights.Widths[3]),
	})
	return err
}

// addAdapt folds AdaIN and alpha into the decoder's first layer.
func (e *Engine) addAdapt(l *launches) (err error) {
	n, layer := e.network, e.network.layers[e.network.join]
	products := float64(layer.taps) * float64(layer.in) * float64(layer.out)
	what := launch{layer: "AdaIN", flop: 3 * products, bytes: 6 * products}
	l.adapt, err = addVarying(l, what, find(e.library, kernels.Adapt), [3]int{layer.out, 1, 1}, kernels.AdaptArguments{
		Weight: address(n.unadapted), Bias: address(n.bias[n.join]), Content: address(n.content), Style: address(n.style),
		AdaptedWeight: address(n.adapted), AdaptedBias: address(n.adaptedBias), Cin: int32(layer.in), Cout: int32(layer.out),
	})
	return err
}
