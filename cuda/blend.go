package cuda

import (
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// temporalBlend is what the pixels of a film follow, model/smoothing.go. Its memory is for frames of one size and no part of their schedule,
// as statistics of another picture replace that but change nothing here.
type temporalBlend struct {
	memory
	frame   extent     // that the memory is for
	latest  int        // which of two pictures is that of the frame before
	before  [2]uintptr // the frame before, in any format; the second picture is there with motion only
	result  [2]uintptr // its blended result
	changes uintptr    // a byte for each pixel
	still   uintptr    // the same, of what does not move; with motion only
	motion  motion
}

// following is what the pixels of a frame do.
type following int

const (
	alone       following = iota // they follow nothing
	inPlace                      // those of the frame before that lie at the same place
	alongMotion                  // those that its motion leads to
	followings  = iota
)

// followingOf is what a stylization wants.
func followingOf(s *model.Stylization) following {
	switch {
	case s.Smoothing == 0:
		return alone
	case s.Motion:
		return alongMotion
	}
	return inPlace
}

// allocateFor takes the memory for frames of a size, as far as it is not there.
func (b *temporalBlend) allocateFor(frame extent, how following) error {
	b.frame = frame
	picture, changes := blendSizes(frame)
	var wanted []buffer
	if b.device == nil {
		wanted = []buffer{{&b.before[0], picture}, {&b.result[0], picture}, {&b.changes, changes}}
	}
	if how == alongMotion && b.still == 0 {
		wanted = append(wanted, buffer{&b.before[1], picture}, buffer{&b.result[1], picture}, buffer{&b.still, changes})
		wanted = append(wanted, b.motion.buffers(frame)...)
	}
	return b.allocateAll(wanted)
}

// free gives everything back.
func (b *temporalBlend) free() error {
	err := b.memory.free()
	*b = temporalBlend{}
	return err
}

// blendSizes is how many bytes a picture of any format and its changes take.
func blendSizes(e extent) (picture, changes int64) {
	return int64(stagingSize(e)), int64(changesPitch(e)) * int64(e.height)
}

// blendBytes is the memory of a temporalBlend.
func blendBytes(e extent, how following) int64 {
	if how == alone {
		return 0
	}
	picture, changes := blendSizes(e)
	bytes := 2*picture + changes
	if how == alongMotion {
		bytes *= 2
		for _, b := range new(motion).buffers(e) {
			bytes += b.bytes
		}
	}
	return bytes
}

// changesPitch is the bytes from row to row of the changes.
func changesPitch(e extent) int { return ceil(e.width, rowAlignment) * rowAlignment }

// bindFrame sets what is the frame's own in the two launches.
func (b *temporalBlend) bindFrame(l *launches, to, from kernels.Frame, src *model.Image, preserve int32) {
	l.changes.args.Src, l.changes.args.Before = from, internal(src, b.frame, b.before[b.latest])
	l.blend.args.Dst, l.blend.args.Src, l.blend.args.Result = to, from, internal(src, b.frame, b.result[b.latest])
	l.blend.args.PreserveColor = preserve
}

// addBlend lets the result follow that of the frame before: one kernel compares the frame with the one before, and takes its place, one
// blends.
func (e *Engine) addBlend(s *schedule, l *launches) (err error) {
	changes, pitch, pixels := address(e.blend.changes), int32(changesPitch(s.frame)), s.frame.pixels()
	compare := find(e.library, kernels.BlendChanges)
	l.changes, err = addVarying(l, launch{layer: "temporal blend", flop: 9 * pixels, bytes: 10 * pixels}, compare,
		[3]int{compare.tiles(s.frame.width, s.frame.height), 1, 1}, kernels.BlendChangesArguments{Changes: changes, Pitch: pitch})
	if err != nil {
		return err
	}
	blend, count := find(e.library, kernels.Blend), int32(1)
	if l.masked {
		count = regions
	}
	l.blend, err = addVarying(l, launch{layer: "temporal blend", flop: 40 * pixels, bytes: 13 * pixels}, blend,
		[3]int{blend.tiles(s.frame.width, s.frame.height), 1, 1},
		kernels.BlendArguments{Changes: changes, Pitch: pitch, Continues: address(e.network.continues), Regions: count})
	return err
}
