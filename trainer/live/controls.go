package live

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"adainfilter/element"
)

// controls are the element's properties that change while frames run.
type controls struct {
	Alpha, Smoothing float64
	PreserveColor    bool
	Transition       uint64 // ns
	element.Styles
}

func sameStyles(a, b element.Styles) bool {
	return slices.Equal(a.Names, b.Names) && slices.Equal(a.Weights, b.Weights) && a.Mask == b.Mask
}

// styleWait is how long a style may take: the large network needs seconds for a picture on one thread.
const styleWait = 45 * time.Second

// change goes from one set of controls to another and returns when the styles are in force. An error is the element's reason to
// refuse the styles, and nothing has changed then. Calls must not overlap.
func (p *pipeline) change(from, to controls) error {
	// Before the styles: it holds for changes that come after it.
	if err := p.set("transition", from.Transition, to.Transition); err != nil {
		return err
	}
	if !sameStyles(from.Styles, to.Styles) {
		if err := p.changeStyles(to.Styles); err != nil {
			p.changeStyles(from.Styles) // they were in force before
			p.set("transition", to.Transition, from.Transition)
			return err
		}
	}
	return errors.Join(p.set("alpha", from.Alpha, to.Alpha), p.set("smoothing", from.Smoothing, to.Smoothing),
		p.set("preserve-color", from.PreserveColor, to.PreserveColor))
}

// set leaves alone what stays: keys of the window may change it meanwhile.
func (p *pipeline) set(property string, from, to any) error {
	if from == to {
		return nil
	}
	return p.filter.SetProperty(property, to)
}

// changeStyles waits for the element's verdict.
func (p *pipeline) changeStyles(s element.Styles) error {
	for len(p.verdicts) > 0 {
		<-p.verdicts
	}
	element.SetStyles(p.filter.Unsafe(), s)
	style, err := p.filter.GetProperty("style")
	if err != nil {
		return err
	}
	late := time.NewTimer(styleWait)
	defer late.Stop()
	for {
		select {
		case v := <-p.verdicts:
			if v.style == style {
				return v.err
			}
		case <-p.done:
			return errors.New("the source has ended")
		case <-late.C:
			return fmt.Errorf("the element has said nothing about the style for %v", styleWait)
		}
	}
}
