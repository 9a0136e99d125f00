package cuda

import (
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// reduced is what frames need that the network sees at a processing size, for pictures of any format.
type reduced struct {
	frame, result uintptr
	coefficients  uintptr // of the guided filter, float32 (h,w,2 or 4)
}

// allocateReduced takes the memory for it.
func (s *schedule) allocateReduced() error {
	picture, coefficients := reducedSizes(s.extent)
	r := &s.reduced
	return s.allocateAll([]buffer{{&r.frame, picture}, {&r.result, picture}, {&r.coefficients, coefficients}})
}

// reducedSizes is how many bytes a small picture of any format and its coefficients take.
func reducedSizes(e extent) (picture, coefficients int64) {
	return int64(stagingSize(e)), 16 * int64(e.width) * int64(e.height)
}

// reducedBytes is the memory of reduced.
func reducedBytes(e extent) int64 {
	picture, coefficients := reducedSizes(e)
	return 2*picture + coefficients
}

// frames are the small frame and the small result of src.
func (r *reduced) frames(src *model.Image, e extent) (content, result kernels.Frame) {
	return internal(src, e, r.frame), internal(src, e, r.result)
}

// addReduce makes the small frame.
func (e *Engine) addReduce(s *schedule, l *launches) (err error) {
	k := find(e.library, kernels.Reduce)
	pixels, few := s.frame.pixels(), s.extent.pixels()
	l.reduce, err = addVarying(l, launch{layer: "processing size", flop: 6 * pixels, bytes: 3 * (pixels + few)}, k,
		[3]int{k.tiles(s.width, s.height), 2, 1}, kernels.ReduceArguments{})
	return err
}

// addEnlarge makes the result of the small one, by a guided filter.
func (e *Engine) addEnlarge(s *schedule, l *launches) (err error) {
	coefficients := address(s.reduced.coefficients)
	pixels, few := s.frame.pixels(), s.extent.pixels()
	fit := find(e.library, kernels.EnlargeFit)
	l.fit, err = addVarying(l, launch{layer: "processing size", flop: 250 * few, bytes: (6 + 16) * few}, fit,
		[3]int{fit.tiles(s.width, s.height), 1, 1}, kernels.EnlargeFitArguments{Coefficients: coefficients})
	if err != nil {
		return err
	}
	enlarge := find(e.library, kernels.Enlarge)
	l.enlarge, err = addVarying(l, launch{layer: "processing size", flop: 40 * pixels, bytes: 6*pixels + 16*few}, enlarge,
		[3]int{enlarge.tiles(s.frame.width, s.frame.height), 2, 1}, kernels.EnlargeArguments{Coefficients: coefficients})
	return err
}
