package cuda

import (
	"errors"
	"fmt"

	"adainfilter/model"
)

// Stylize is model.Engine.Stylize. It returns when the result is complete.
func (e *Engine) Stylize(dst, src *model.Image, s *model.Stylization) error {
	if err := model.CheckStylize(e.weights, dst, src, s); err != nil {
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
	if err := e.stylize(dst, src, s); err != nil {
		e.before.Forget()
		_ = e.wait() // as in Statistics
		return e.fail("frame", src, err)
	}
	e.before.Remember(src, s)
	return nil
}

func (e *Engine) stylize(dst, src *model.Image, s *model.Stylization) error {
	p, c, err := e.prepare(dst, src, s)
	if err != nil {
		return err
	}
	for _, i := range c.varies {
		if err := c.graph.SetArguments(i); err != nil {
			return err
		}
	}
	if err := c.graph.Launch(e.stream); err != nil {
		return err
	}
	if err := p.collect(dst, e.stream); err != nil {
		return err
	}
	if err := e.wait(); err != nil {
		return err
	}
	if !dst.Device() {
		unpackRows(dst, p.result.pinned)
	}
	return nil
}

// prepare orders what a frame needs onto the GPU and tells the kernels about it.
func (e *Engine) prepare(dst, src *model.Image, s *model.Stylization) (*plan, *chain, error) {
	p, c, err := e.chain(src, s)
	if err != nil {
		return nil, nil, err
	}
	if err := e.send(p, s); err != nil {
		return nil, nil, err
	}
	from, err := p.bring(src, e.stream)
	if err != nil {
		return nil, nil, err
	}
	to, err := p.target(dst)
	if err != nil {
		return nil, nil, err
	}
	c.smooth.SetFloat(4, s.Smoothing)
	c.smooth.SetInt(8, flag(!e.before.ContinuesStatistics(src, s)))
	c.adapt.SetFloat(4, s.Alpha)
	c.own(p, &e.steady, to, from, src, s)
	if c.blend != nil {
		c.blend.SetInt(7, e.weight(src, s))
	}
	return p, c, nil
}

// chain is the kernels for a frame, and their plan. Pictures to follow that are of another size are given up first.
func (e *Engine) chain(src *model.Image, s *model.Stylization) (*plan, *chain, error) {
	frame := extent{src.Width, src.Height}
	if e.steady.device != nil && e.steady.frame != frame {
		if err := errors.Join(e.forget(), e.steady.close()); err != nil {
			return nil, nil, err
		}
	}
	w, h := s.Size(src.Width, src.Height)
	p, err := e.planFor(frame, extent{w, h})
	if err != nil {
		return nil, nil, err
	}
	c, err := e.chainFor(p, s.Mask != nil, s.Smoothing > 0)
	return p, c, err
}

// weight is that of the frame before in what pixels follow.
func (e *Engine) weight(src *model.Image, s *model.Stylization) int {
	if !e.before.ContinuesPixels(src, s) {
		return 0
	}
	return model.BlendWeight(s.Smoothing)
}

// send orders what is new in a look onto the GPU.
func (e *Engine) send(p *plan, s *model.Stylization) error {
	if err := e.network.send(0, s.Style, e.stream); err != nil || s.Mask == nil {
		return err
	}
	if err := e.network.send(1, s.Mask.Second, e.stream); err != nil {
		return err
	}
	return p.divide(s.Mask, e.stream)
}

// flag is a bool as kernels take it.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
