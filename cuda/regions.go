package cuda

import (
	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// shares is how much of each pixel of relu4_1 belongs to the first region of a mask, on the GPU, float32 (h,w).
type shares struct {
	pinned []byte
	device uintptr
	mask   *model.Mask // that they are of; nil before the first one
}

// uploadShares orders the shares of a mask onto the GPU if those of other regions are there.
func (s *schedule) uploadShares(m *model.Mask, stream cu.Stream) error {
	if s.shares.mask.SameRegions(m) {
		return nil
	}
	m.Shares(s.width, s.height, floats(s.shares.pinned))
	s.shares.mask = m
	err := cu.MemcpyHtoDAsync(cu.DevicePtr(s.shares.device), pointer(s.shares.pinned), int64(len(s.shares.pinned)), stream)
	if err != nil {
		s.shares.mask = nil // what is on the GPU now is unknown
	}
	return driver.Wrap("copy of the mask to the GPU", err)
}

// allocateShares takes the memory for shares, unless it is there.
func (s *schedule) allocateShares(bytes int) (err error) {
	if s.shares.pinned != nil {
		return nil
	}
	if s.shares.device, err = s.allocate(int64(bytes)); err != nil {
		return err
	}
	s.shares.pinned, err = s.pin(bytes)
	return err
}

// partialStatistics is the memory for statistics of bands, taken once for frames of either kind.
func (s *schedule) partialStatistics(masked int, bytes int64) (at uintptr, err error) {
	if s.partial[masked] == 0 {
		s.partial[masked], err = s.allocate(bytes)
	}
	return s.partial[masked], err
}

// addRegions are mean and standard deviation of the encoder's last plane in each region, smoothed, and AdaIN of that plane. It takes the
// memory that only frames with a mask need.
func (e *Engine) addRegions(s *schedule, l *launches) error {
	in := s.planes[e.network.join-1]
	if err := s.allocateShares(4 * in.h * in.w); err != nil {
		return err
	}
	if err := e.addRegionStatistics(s, l, in); err != nil {
		return err
	}
	if err := e.addSmooth(s, l); err != nil {
		return err
	}
	return e.addApply(s, l, in)
}

func (e *Engine) addRegionStatistics(s *schedule, l *launches, in plane) error {
	band := find(e.library, kernels.RegionsPartial)
	bands := ceil(in.h, int(band.shape.TileH))
	partial, err := s.partialStatistics(1, int64(regions)*int64(bands)*12*int64(in.c))
	if err != nil {
		return err
	}
	what := launch{layer: "statistics", flop: 7 * regions * in.values(), bytes: float64(in.bytes()) + 4*float64(in.h)*float64(in.w)}
	_, err = add(l, what, band, [3]int{bands, ceil(in.c, int(band.shape.TileC)), regions}, kernels.RegionsPartialArguments{
		Src: address(s.written(e.network.join - 1)), Shares: address(s.shares.device), Partial: address(partial),
		H: int32(in.h), W: int32(in.w), C: int32(in.c),
	})
	if err != nil {
		return err
	}
	merge, few := find(e.library, kernels.RegionsMerge), regions*float64(bands)*float64(in.c)
	what = launch{layer: "statistics", flop: 10 * few, bytes: 12 * few}
	_, err = add(l, what, merge, [3]int{ceil(in.c, int(merge.shape.TileC)), regions, 1}, kernels.RegionsMergeArguments{
		Partial: address(partial), Content: address(e.network.content), H: int32(in.h), C: int32(in.c),
	})
	return err
}

// addApply does AdaIN with alpha on the plane where it lies.
func (e *Engine) addApply(s *schedule, l *launches, in plane) (err error) {
	n, k := e.network, find(e.library, kernels.RegionsApply)
	what := launch{layer: "AdaIN", flop: 13 * in.values(), bytes: 2*float64(in.bytes()) + 4*float64(in.h)*float64(in.w)}
	l.apply, err = addVarying(l, what, k, [3]int{ceil(in.h, int(k.shape.TileH)), ceil(in.c, int(k.shape.TileC)), 1},
		kernels.RegionsApplyArguments{
			Plane: address(s.written(n.join - 1)), Shares: address(s.shares.device), Content: address(n.content), Style: address(n.style),
			H: int32(in.h), W: int32(in.w), C: int32(in.c),
		})
	return err
}
