package modeltest

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"adainfilter/model"
)

const (
	beta1, beta2 = 0.9, 0.999 // Adam's
	rounding     = 1.0 / (1 << 23)
)

func (p *pair) checkLosses(got, want model.Losses, u model.Update) error {
	tolerance := p.suite.tolerance
	sum := 0.0
	for _, l := range []struct {
		name              string
		got, want, weight float64
	}{
		{"content", got.Content, want.Content, u.Content},
		{"style", got.Style, want.Style, u.Style},
		{"identity", got.Identity, want.Identity, u.Identity},
		{"consistency", got.Consistency, want.Consistency, u.Consistency}, {"lattice", got.Lattice, want.Lattice, u.Lattice},
	} {
		root := math.Sqrt(l.want)
		if !(math.Abs(math.Sqrt(l.got)-root) <= tolerance.Losses*max(root, 0.1)) || l.weight == 0 && l.got != 0 {
			return fmt.Errorf("%s loss is %g, wanted %g, within %.3g of its root", l.name, l.got, l.want, tolerance.Losses)
		}
		sum += l.weight * l.got
	}
	if !(math.Abs(got.Total-sum) <= 1e-5*sum) { // float32 would do
		return fmt.Errorf("total loss is %g, wanted %g, the weighted sum of the losses", got.Total, sum)
	}
	return nil
}

// gradients are what a step added to Adam's first moment, times 10.
func gradients(before, after *model.TrainingState) []float64 {
	g := make([]float64, len(after.First))
	for i := range g {
		g[i] = (float64(after.First[i]) - beta1*float64(before.First[i])) / (1 - beta1)
	}
	return g
}

// checkGradients compares the gradients of two engines that started at the same state.
func (p *pair) checkGradients(before, after, reference *model.TrainingState) error {
	if err := after.Check(len(before.First)); err != nil {
		return err
	}
	got, want := gradients(before, after), gradients(before, reference)
	largest := maxAbs(want)
	at := 0
	for _, l := range p.layers {
		for _, part := range []struct {
			name string
			n    int
		}{{"weight", l.MAC()}, {"bias", l.Out}} {
			g, w := got[at:at+part.n], want[at:at+part.n]
			at += part.n
			if p.suite.tolerance.Spread {
				if err := p.checkSpread(l, part.name, g, w, want); err != nil {
					return err
				}
				continue
			}
			own := maxAbs(w)
			scale := max(own, p.suite.tolerance.Floor*largest)
			if d := Compare(g, w); !(d.MaxAbs <= p.suite.tolerance.Gradients*scale) {
				return fmt.Errorf("gradient of the %s of %s: index %d is %g, wanted %g: off by %.3g of %.3g, at most %.3g allowed; the largest is %g there and %g of all",
					part.name, l.Name, d.Index, g[d.Index], w[d.Index], d.MaxAbs/scale, scale, p.suite.tolerance.Gradients, own, largest)
			}
		}
	}
	return nil
}

// checkSpread compares the gradients of one layer's weight or bias by root mean squares; all are those of the network.
func (p *pair) checkSpread(l model.Layer, name string, got, want, all []float64) error {
	difference := make([]float64, len(want))
	for i := range want {
		difference[i] = got[i] - want[i]
	}
	scale := max(rootMeanSquare(want), p.suite.tolerance.Floor*rootMeanSquare(all))
	if d := rootMeanSquare(difference); !(d <= p.suite.tolerance.Gradients*scale) {
		return fmt.Errorf("gradient of the %s of %s: the root mean square of differences is %.3g of %.3g, at most %.3g allowed",
			name, l.Name, d/scale, scale, p.suite.tolerance.Gradients)
	}
	return nil
}

func rootMeanSquare(v []float64) float64 {
	sum := 0.
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum / float64(len(v)))
}

func maxAbs(v []float64) (largest float64) {
	for _, x := range v {
		largest = max(largest, math.Abs(x))
	}
	return largest
}

// checkUpdate holds the second moment, the parameters and their average against Adam's formulas, applied to the engine's own
// first moment: so the gradients' tolerance, which decides about the sign of an update where a gradient vanishes, plays no
// part. What is left are some roundings of float32, and 1e-4 for constants such as 1-0.999 that were rounded to it. An engine
// may take numbers below the smallest normal one for 0.
func (p *pair) checkUpdate(before, after *model.TrainingState, u model.Update) error {
	if after.Steps != before.Steps+1 {
		return fmt.Errorf("state says %d steps after a step, wanted %d", after.Steps, before.Steps+1)
	}
	const constants = 1e-4
	first, second := 1-math.Pow(beta1, float64(after.Steps)), 1-math.Pow(beta2, float64(after.Steps))
	g := gradients(before, after)
	at := 0
	for _, l := range p.layers {
		rate := rateOf(l, u)
		for end := at + l.MAC() + l.Out; at < end; at++ {
			m, v := float64(after.First[at]), float64(after.Second[at])
			wanted := beta2*float64(before.Second[at]) + (1-beta2)*g[at]*g[at]
			lost := 10 * rounding * (math.Abs(m) + math.Abs(float64(before.First[at]))) // of g, by rounding the moments
			if err := near("second moment", l, v, wanted, constants*wanted+4*(1-beta2)*math.Abs(g[at])*lost+0x1p-126); err != nil {
				return err
			}
			old, now := float64(before.Parameters[at]), float64(after.Parameters[at])
			move := rate * (m / first) / (math.Sqrt(v/second) + 1e-8)
			if err := near("parameter", l, now, old-move, constants*math.Abs(move)+rounding*math.Abs(old)); err != nil {
				return err
			}
			mean := u.Average*float64(before.Average[at]) + (1-u.Average)*now
			slack := constants*(1-u.Average)*math.Abs(now-float64(before.Average[at])) + 2*rounding*math.Abs(mean)
			if u.Average == 0 {
				slack = 0
			}
			if err := near("average", l, float64(after.Average[at]), mean, slack); err != nil {
				return err
			}
		}
	}
	return nil
}

func rateOf(l model.Layer, u model.Update) float64 {
	switch {
	case l.Side == model.Decoder:
		return u.Rate
	case l.Name == "conv1_1":
		return u.FirstRate
	}
	return u.EncoderRate
}

func near(what string, l model.Layer, got, want, slack float64) error {
	if !(math.Abs(got-want) <= slack) {
		return fmt.Errorf("%s of %s is %g, wanted %g, at most %.3g off", what, l.Name, got, want, slack)
	}
	return nil
}

func copyBatch(b *model.Batch) *model.Batch {
	return &model.Batch{
		Content: slices.Clone(b.Content), Style: slices.Clone(b.Style), Alpha: slices.Clone(b.Alpha), Moved: slices.Clone(b.Moved),
		Motion: slices.Clone(b.Motion), ContentKey: slices.Clone(b.ContentKey), StyleKey: slices.Clone(b.StyleKey),
	}
}

func sameBatch(a, b *model.Batch) error {
	if !sameBits(a.Content, b.Content) || !sameBits(a.Style, b.Style) || !sameBits(a.Alpha, b.Alpha) || !sameBits(a.Moved, b.Moved) ||
		!slices.Equal(a.Motion, b.Motion) || !slices.Equal(a.ContentKey, b.ContentKey) || !slices.Equal(a.StyleKey, b.StyleKey) {
		return errors.New("the step changed its batch")
	}
	return nil
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// sameState reports the first difference of two states.
func sameState(got, want *model.TrainingState) error {
	if got.Steps != want.Steps {
		return fmt.Errorf("%d steps, wanted %d", got.Steps, want.Steps)
	}
	for _, v := range []struct {
		name      string
		got, want []float32
	}{
		{"parameter", got.Parameters, want.Parameters}, {"first moment", got.First, want.First},
		{"second moment", got.Second, want.Second}, {"average", got.Average, want.Average},
	} {
		if len(v.got) != len(v.want) {
			return fmt.Errorf("%d values of %s, wanted %d", len(v.got), v.name, len(v.want))
		}
		for i := range v.want {
			if math.Float32bits(v.got[i]) != math.Float32bits(v.want[i]) {
				return fmt.Errorf("%s %d is %v, wanted %v, the same bits", v.name, i, v.got[i], v.want[i])
			}
		}
	}
	return nil
}
