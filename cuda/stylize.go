package cuda

import (
	"errors"
	"fmt"

	"adainfilter/model"
)

// Stylize is model.Engine.Stylize. It returns when the result is complete.
func (e *Engine) Stylize(dst, src *model.Image, stylization *model.Stylization) error {
	return e.frame(dst, src, stylization, e.stylize)
}

// frame checks a frame and does what stylize says in the engine's context. After an error of that nothing is under way.
func (e *Engine) frame(dst, src *model.Image, stylization *model.Stylization, stylize func(dst, src *model.Image, s *model.Stylization) error) error {
	if err := model.CheckStylize(e.weights, dst, src, stylization); err != nil {
		return fmt.Errorf("cuda: %w", err)
	}
	for _, m := range [...]*model.Image{dst, src} {
		if err := check(m); err != nil {
			return fmt.Errorf("cuda: %w", err)
		}
	}
	if err := e.device.enter(); err != nil {
		return e.fail("frame", src, err)
	}
	defer e.device.leave()
	if err := stylize(dst, src, stylization); err != nil {
		e.history.Forget()
		_ = e.wait() // as in Statistics
		return e.fail("frame", src, err)
	}
	e.history.Remember(src, stylization)
	if followingOf(stylization) == alongMotion {
		e.blend.latest = 1 - e.blend.latest
	}
	return nil
}

func (e *Engine) stylize(dst, src *model.Image, stylization *model.Stylization) error {
	s, l, err := e.prepare(dst, src, stylization)
	if err != nil {
		return err
	}
	if err := l.graph.Launch(e.stream); err != nil {
		return err
	}
	if err := s.readBack(dst, e.stream); err != nil {
		return err
	}
	if err := e.wait(); err != nil {
		return err
	}
	if !dst.Device() {
		unpackRows(dst, s.result.pinned)
	}
	return nil
}

// prepare orders what a frame needs onto the GPU and binds the kernels' arguments.
func (e *Engine) prepare(dst, src *model.Image, stylization *model.Stylization) (*schedule, *launches, error) {
	s, l, err := e.scheduleFrame(src, stylization)
	if err != nil {
		return nil, nil, err
	}
	if err := e.uploadStyles(s, stylization); err != nil {
		return nil, nil, err
	}
	*l.first.table, *l.last.table = e.before.args, e.after.args
	from, err := s.stage(src, e.stream)
	if err != nil {
		return nil, nil, err
	}
	to, err := s.target(dst)
	if err != nil {
		return nil, nil, err
	}
	l.smooth.args.Smoothing, l.smooth.args.Discontinuity = stylization.Smoothing, flag(!e.history.ContinuesStatistics(src, stylization))
	if l.apply != nil {
		l.apply.args.Alpha = stylization.Alpha
	} else {
		l.adapt.args.Alpha = stylization.Alpha
	}
	e.setWeights(l, src, stylization)
	l.bindFrame(s, &e.blend, to, from, src, stylization)
	return s, l, l.bind()
}

// scheduleFrame is the schedule and the kernels for a frame. Pictures to follow that are of another size are given up first.
func (e *Engine) scheduleFrame(src *model.Image, stylization *model.Stylization) (*schedule, *launches, error) {
	frame := extent{src.Width, src.Height}
	if e.blend.device != nil && e.blend.frame != frame {
		if err := errors.Join(e.dropSchedule(), e.blend.free()); err != nil {
			return nil, nil, err
		}
	}
	w, h := stylization.Size(src.Width, src.Height)
	s, err := e.scheduleFor(frame, extent{w, h})
	if err != nil {
		return nil, nil, err
	}
	l, err := e.launchesFor(s, stylization.Mask != nil, followingOf(stylization))
	return s, l, err
}

// setWeights sets the weight of the frame before in what pixels follow, and whether its motion is known.
func (e *Engine) setWeights(l *launches, src *model.Image, stylization *model.Stylization) {
	goesOn := e.history.ContinuesPixels(src, stylization)
	switch {
	case l.blend != nil:
		l.blend.args.Weight = flag(goesOn) * int32(model.BlendWeight(stylization.Smoothing))
	case l.follow != nil:
		l.follow.blend.args.Weight = flag(goesOn) * int32(model.MotionWeight(stylization.Smoothing))
		l.cells.args.Follows = flag(e.history.FollowsMotion(src, stylization))
	}
}

// uploadStyles orders the styles, the mask and the tables onto the GPU where they are new, when no frame before is under way that has others.
func (e *Engine) uploadStyles(s *schedule, stylization *model.Stylization) error {
	if e.ahead.ordered > 0 && !e.uploaded(s, stylization) {
		if err := e.wait(); err != nil {
			return err
		}
	}
	if err := errors.Join(e.before.load(stylization.Before, e.stream), e.after.load(stylization.After, e.stream)); err != nil {
		return err
	}
	if err := e.network.uploadStyle(0, stylization.Style, e.stream); err != nil || stylization.Mask == nil {
		return err
	}
	if err := e.network.uploadStyle(1, stylization.Mask.Second, e.stream); err != nil {
		return err
	}
	return s.uploadShares(stylization.Mask, e.stream)
}

// uploaded says that the GPU has all that a frame has besides its pictures.
func (e *Engine) uploaded(s *schedule, stylization *model.Stylization) bool {
	mask := stylization.Mask
	return e.before.of == stylization.Before && e.after.of == stylization.After && e.network.hasStyle(0, stylization.Style) &&
		(mask == nil || e.network.hasStyle(1, mask.Second) && s.shares.mask.SameRegions(mask))
}
