package cuda

import (
	"errors"
	"fmt"

	"adainfilter/model"
)

// Stylize is model.Engine.Stylize. It returns when the result is complete.
func (e *Engine) Stylize(dst, src *model.Image, look *model.Look) error {
	if err := model.CheckStylize(e.weights, dst, src, look); err != nil {
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
	if err := e.stylize(dst, src, look); err != nil {
		e.before.Forget()
		_ = e.wait() // as in Statistics
		return e.fail("frame", src, err)
	}
	e.before.Remember(src, look)
	return nil
}

func (e *Engine) stylize(dst, src *model.Image, look *model.Look) error {
	p, c, err := e.prepare(dst, src, look)
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
func (e *Engine) prepare(dst, src *model.Image, look *model.Look) (*plan, *chain, error) {
	p, c, err := e.chain(src, look)
	if err != nil {
		return nil, nil, err
	}
	if err := e.send(p, look); err != nil {
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
	c.smooth.SetFloat(4, look.Smoothing)
	c.smooth.SetInt(8, flag(!e.before.Statistics(src, look)))
	c.adapt.SetFloat(4, look.Alpha)
	c.own(p, &e.steady, to, from, src, look)
	if c.blend != nil {
		c.blend.SetInt(7, e.weight(src, look))
	}
	return p, c, nil
}

// chain is the kernels for a frame, and their plan. Pictures to follow that are of another size are given up first.
func (e *Engine) chain(src *model.Image, look *model.Look) (*plan, *chain, error) {
	frame := extent{src.Width, src.Height}
	if e.steady.device != nil && e.steady.frame != frame {
		if err := errors.Join(e.forget(), e.steady.close()); err != nil {
			return nil, nil, err
		}
	}
	w, h := look.Size(src.Width, src.Height)
	p, err := e.planFor(frame, extent{w, h})
	if err != nil {
		return nil, nil, err
	}
	c, err := e.chainFor(p, look.Mask != nil, look.Smoothing > 0)
	return p, c, err
}

// weight is that of the frame before in what pixels follow.
func (e *Engine) weight(src *model.Image, look *model.Look) int {
	if !e.before.Pixels(src, look) {
		return 0
	}
	return model.BlendWeight(look.Smoothing)
}

// send orders what is new in a look onto the GPU.
func (e *Engine) send(p *plan, look *model.Look) error {
	if err := e.network.send(0, look.Style, e.stream); err != nil || look.Mask == nil {
		return err
	}
	if err := e.network.send(1, look.Mask.Second, e.stream); err != nil {
		return err
	}
	return p.divide(look.Mask, e.stream)
}

// flag is a bool as kernels take it.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
