package hdr

import "math"

// curve is the tone curve of BT.2446 method A, section 4.2, on signals of a gamma of 2.4: from a display with the source's peak to one of 100
// cd/m2. Its three pieces meet but for a step of 0.0005 upwards, which the inverse takes for the place of the step.
type curve struct {
	source, target float64 // rho of both displays
}

const (
	targetPeak = 100.
	kneeBegin  = 0.7399
	kneeEnd    = 0.9909
)

func newCurve(peak float64) curve { return curve{rho(peak), rho(targetPeak)} }

func rho(peak float64) float64 { return 1 + 32*math.Pow(peak/10000, 1/gamma) }

func (c curve) forward(v float64) float64 {
	p := math.Log(1+(c.source-1)*v) / math.Log(c.source)
	switch {
	case p <= kneeBegin:
		p *= 1.0770
	case p < kneeEnd:
		p = (-1.1510*p+2.7811)*p - 0.6302
	default:
		p = 0.5*p + 0.5
	}
	return (math.Pow(c.target, p) - 1) / (c.target - 1)
}

func (c curve) backward(v float64) float64 {
	p := math.Log(1+(c.target-1)*v) / math.Log(c.target)
	straight := p / 1.0770
	if straight > kneeBegin {
		// The root of the parabola within the knee; there is none above its top, which lies beyond the knee's end.
		straight = max((2.7811-math.Sqrt(max(2.7811*2.7811-4*1.1510*(0.6302+p), 0)))/(2*1.1510), kneeBegin)
		if straight >= kneeEnd {
			straight = max(2*p-1, kneeEnd)
		}
	}
	return (math.Pow(c.source, straight) - 1) / (c.source - 1)
}

// kneeDown leaves signals up to 0.5 as they are and brings those up to excess, at least 1, below 1. The source's most saturated colours
// need more than its peak in one channel of BT.709.
func kneeDown(v, excess float64) float64 {
	if v <= kneeFoot {
		return v
	}
	u := v - kneeFoot
	return min(kneeFoot+u/(1+bend(excess)*u), 1)
}

func kneeUp(v, excess float64) float64 {
	if v <= kneeFoot {
		return v
	}
	u := v - kneeFoot
	return min(kneeFoot+u/(1-bend(excess)*u), excess)
}

const kneeFoot = 0.5

func bend(excess float64) float64 { return (excess - 1) / ((1 - kneeFoot) * (excess - kneeFoot)) }
