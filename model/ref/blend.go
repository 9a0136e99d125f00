package ref

import (
	"slices"

	"adainfilter/model"
	"adainfilter/model/lut"
)

// temporalBlend is what the pixels of a frame's result are blended with: the frame before, and its blended result.
type temporalBlend struct {
	frame, result *model.Image // nil where there is none
	style, second model.Stats
	alpha         float32
	after         *lut.Table
	motion        bool
}

// apply blends result, samples of a stylised frame, with those of the frame before, as model/smoothing.go and model/motion.go define it, and
// returns what is to be shown. continues says whether the statistics went on from it everywhere. The network saw the frame as width x height.
func (s *temporalBlend) apply(stylization *model.Stylization, frame, result *model.Image, width, height int, continues bool) *model.Image {
	if stylization.Smoothing == 0 {
		*s = temporalBlend{}
		return result
	}
	var second model.Stats
	if stylization.Mask != nil {
		second = stylization.Mask.Second
	}
	continues = continues && s.result != nil && s.result.Format == result.Format && s.result.Colorimetry == result.Colorimetry &&
		same(s.style, stylization.Style) && same(s.second, second) && s.alpha == stylization.Alpha &&
		s.after == stylization.After
	shown, weight := result, model.BlendWeight(stylization.Smoothing)
	switch {
	case continues && stylization.Motion:
		shift := model.MotionShift(frame.Width, frame.Height, width, height)
		cells := newCells(frame, shift)
		if s.motion {
			cells = Find(frame, s.frame, shift)
		}
		shown = Follow(result, frame, s.frame, s.result, cells, model.MotionWeight(stylization.Smoothing))
	case continues:
		Blend(result, s.result, Moved(frame, s.frame), weight)
	}
	*s = temporalBlend{copyOf(frame), copyOf(result), stylization.Style.Clone(), second.Clone(), stylization.Alpha, stylization.After,
		stylization.Motion}
	return shown
}

func same(a, b model.Stats) bool { return slices.Equal(a.Mean, b.Mean) && slices.Equal(a.Std, b.Std) }

// copyOf is a copy of a picture.
func copyOf(m *model.Image) *model.Image {
	out := model.NewImage(m.Format, m.Width, m.Height)
	out.Colorimetry = m.Colorimetry
	copyImage(out, m)
	return out
}

// Moved is d of each pixel (H,W): how much the frame changed there and around.
func Moved(frame, before *model.Image) []int { return moved(frame, before, nil) }

// moved is Moved with the doubts of cells.
func moved(frame, before *model.Image, cells *Cells) []int {
	a, b := Channels(frame), Channels(before)
	l := frame.Format.Layout()
	changes := make([]int, frame.Width*frame.Height)
	for i := range changes {
		for c := range a {
			x, y := i%frame.Width, i/frame.Width
			if shared(frame, c) {
				x, y = x>>l.SubX, y>>l.SubY
			}
			changes[i] = max(changes[i], apart(a[c].Get(x, y), b[c].Get(x, y))>>(l.Depth-8))
		}
		if cells != nil {
			changes[i] = min(changes[i]+cells.between(frame, 0, i%frame.Width, i/frame.Width, 0, func(k int) int { return cells.at[k].Doubt }), 255)
		}
	}
	out := make([]int, len(changes))
	for i := range out {
		x, y := i%frame.Width, i/frame.Width
		for v := max(y-1, 0); v < min(y+2, frame.Height); v++ {
			for u := max(x-1, 0); u < min(x+2, frame.Width); u++ {
				out[i] = max(out[i], changes[v*frame.Width+u])
			}
		}
	}
	return out
}

func apart(a, b int) int { return max(a-b, b-a) }

// Blend moves the samples of result towards those of before where the frame moved little.
func Blend(result, before *model.Image, moved []int, weight int) {
	blend(result, before, func(d []int, a int) int { return (weight * min(max(12-d[0], 0), 8) * min(max(48-a, 0), 32)) >> 8 }, moved)
}

// blend is Blend with the weight that a and the d of each of some changes give.
func blend(result, before *model.Image, weight func(d []int, a int) int, changes ...[]int) {
	now, was := Channels(result), Channels(before)
	l := result.Format.Layout()
	alike := len(now) // channels that a pixel has for itself and that move together
	if l.Colour == model.ColourYUV {
		alike = 1
	}
	pixels := func(now, was []Channel, subX, subY int) {
		d := make([]int, len(changes))
		for i := range now[0].Width * now[0].Height {
			x, y := i%now[0].Width, i/now[0].Width
			for k, c := range changes {
				d[k] = largestOf(c, result, x<<subX, y<<subY, 1<<subX, 1<<subY)
			}
			blendPixel(now, was, x, y, func(a int) int { return weight(d, a) }, l.Depth-8)
		}
	}
	pixels(now[:alike], was[:alike], 0, 0)
	if alike < len(now) {
		pixels(now[1:], was[1:], l.SubX, l.SubY)
	}
}

// largestOf is the largest of the values (H,W) of some pixels, those that exist.
func largestOf(values []int, of *model.Image, x, y, width, height int) (d int) {
	for j := y; j < min(y+height, of.Height); j++ {
		for i := x; i < min(x+width, of.Width); i++ {
			d = max(d, values[j*of.Width+i])
		}
	}
	return d
}

// blendPixel moves the samples of one position, which have more bits than 8 by deeper.
func blendPixel(now, was []Channel, x, y int, weight func(a int) int, deeper int) {
	a := 0
	for c := range now {
		a = max(a, apart(now[c].Get(x, y), was[c].Get(x, y))>>deeper)
	}
	w := weight(a)
	for c := range now {
		n, b := now[c].Get(x, y), was[c].Get(x, y)
		e := (w*apart(n, b) + 128) >> 8
		if apart(n, b) > 2 {
			e = min(e, apart(n, b)-1)
		}
		if b > n {
			now[c].Set(x, y, n+e)
		} else {
			now[c].Set(x, y, n-e)
		}
	}
}
