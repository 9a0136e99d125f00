package ref

import (
	"math"

	"adainfilter/model"
)

// evaluation is one batch's way forward and back.
type evaluation struct {
	batch                  *model.Batch
	update                 model.Update
	height, width          int
	train                  bool // the encoder too
	parts                  Parts
	loss, encoder, decoder stack

	losses model.Losses
}

// trace is what the networks make of one content and style.
type trace struct {
	alpha                         float64
	content, style, moved         []pass // of the encoder
	stylised, same, stylisedMoved []pass // of the decoder: y, D(E(c)), D(A(E(c'), E(s), alpha))
	seen                          []pass // of the loss network: y
}

// picture is number n of the pictures in v.
func (e *evaluation) picture(v []float32, n int) Features {
	x := NewFeatures(3, e.height, e.width)
	for i, p := range v[n*len(x.Data):][:len(x.Data)] {
		x.Data[i] = float64(p)
	}
	return x
}

// stylises says whether any loss needs y.
func (e *evaluation) stylises() bool {
	return e.update.Content+e.update.Style+e.update.Consistency+e.update.Lattice > 0
}

func (e *evaluation) forward(n int) *trace {
	s := &trace{alpha: float64(e.batch.Alpha[n])}
	s.content = e.encoder.forward(e.picture(e.batch.Content, n))
	if e.stylises() {
		s.style = e.encoder.forward(e.picture(e.batch.Style, n))
		s.stylised = e.decoder.forward(e.adapt(s.content, s))
	}
	if e.update.Content+e.update.Style > 0 {
		s.seen = e.loss.forward(last(s.stylised))
	}
	if e.update.Consistency > 0 {
		s.moved = e.encoder.forward(e.picture(e.batch.Moved, n))
		s.stylisedMoved = e.decoder.forward(e.adapt(s.moved, s))
	}
	if e.update.Identity > 0 {
		s.same = e.decoder.forward(last(s.content))
	}
	return s
}

// adapt is AdaIN of an encoded picture with the sample's style.
func (e *evaluation) adapt(x []pass, s *trace) Features {
	out := AdaIN(last(x), NewMoments(last(s.style)), s.alpha)
	e.parts.Round(out)
	return out
}

// margin is that of all passes that gradients go back through.
func (e *evaluation) margin(s *trace) float64 {
	nearest := e.loss.margin(s.seen)
	for _, p := range [][]pass{s.stylised, s.same, s.stylisedMoved} {
		nearest = min(nearest, e.decoder.margin(p))
	}
	if e.train {
		for _, p := range [][]pass{s.content, s.style, s.moved} {
			nearest = min(nearest, e.encoder.margin(p))
		}
	}
	return nearest
}

// backward adds the sample's losses and gradients.
func (e *evaluation) backward(n int, s *trace) {
	x := last(s.content)
	gContent := NewFeatures(x.C, x.H, x.W)
	if e.stylises() {
		gStyle := NewFeatures(x.C, x.H, x.W)
		g := NewFeatures(3, e.height, e.width)
		if s.seen != nil {
			g = add(g, e.perceptual(n, s))
		}
		if e.update.Lattice > 0 {
			g = add(g, e.lattice(s))
		}
		if s.stylisedMoved != nil {
			gStylised, gMoved := e.consistency(n, s)
			g = add(g, gStylised)
			gx, gs := e.adapted(s.moved, s, e.decoder.backward(s.stylisedMoved, gMoved, nil))
			gStyle = add(gStyle, gs)
			e.encoded(s.moved, gx)
		}
		gx, gs := e.adapted(s.content, s, e.decoder.backward(s.stylised, g, nil))
		gContent, gStyle = add(gContent, gx), add(gStyle, gs)
		e.encoded(s.style, gStyle)
	}
	if s.same != nil {
		gContent = add(gContent, e.decoder.backward(s.same, e.identity(n, s), nil))
	}
	e.encoded(s.content, gContent)
}

// adapted goes back through adapt, to the picture's and to the style's features.
func (e *evaluation) adapted(x []pass, s *trace, g Features) (gx, gStyle Features) {
	gx, gMoments := e.parts.AdaIN(last(x), NewMoments(last(s.style)), s.alpha, g)
	gStyle = MomentsGradient(last(s.style), gMoments)
	e.parts.Round(gx)
	e.parts.Round(gStyle)
	return gx, gStyle
}

// encoded goes back through the encoder if that is trained.
func (e *evaluation) encoded(passes []pass, g Features) {
	if e.train {
		e.encoder.backward(passes, g, nil)
	}
}

// perceptual adds the content and style losses of sample n and returns their gradient with respect to y.
func (e *evaluation) perceptual(n int, s *trace) Features {
	content := e.loss.levels(e.loss.forward(e.picture(e.batch.Content, n)))
	style := e.loss.levels(e.loss.forward(e.picture(e.batch.Style, n)))
	batch := float64(len(e.batch.Alpha))
	share := 1.0
	if e.update.Balance {
		share = 1 / (styleLoss(content, style) + model.BalanceFloor)
	}
	var gradients []Features
	for i, y := range e.loss.levels(s.seen) {
		g := NewFeatures(y.C, y.H, y.W)
		if e.update.Content > 0 && i == 3 {
			target := AdaIN(content[3], NewMoments(style[3]), s.alpha)
			g = add(g, squares(&e.losses.Content, e.update.Content, batch*float64(len(y.Data)), y, target))
		}
		if e.update.Style > 0 {
			g = add(g, e.statistics(s.alpha, share, y, content[i], style[i]))
		}
		e.parts.Round(g)
		gradients = append(gradients, g)
	}
	deepest := gradients[3]
	return e.loss.backward(s.seen, NewFeatures(deepest.C, deepest.H, deepest.W), gradients)
}

// styleLoss is the style loss of the features of one picture against those of another.
func styleLoss(a, b []Features) (sum float64) {
	for i := range a {
		m, s := NewMoments(a[i]), NewMoments(b[i])
		for c := range m.Mean {
			mean, std := m.Mean[c]-s.Mean[c], m.Std[c]-s.Std[c]
			sum += (mean*mean + std*std) / float64(len(m.Mean))
		}
	}
	return sum
}

// statistics adds share of the style loss of one level and returns its gradient with respect to the features of y.
func (e *evaluation) statistics(alpha, share float64, y, content, style Features) Features {
	m, c, s := NewMoments(y), NewMoments(content), NewMoments(style)
	terms := float64(len(e.batch.Alpha)*y.C) / share
	g := Moments{make([]float64, y.C), make([]float64, y.C)}
	for i := range y.C {
		mean := m.Mean[i] - (alpha*s.Mean[i] + (1-alpha)*c.Mean[i])
		std := m.Std[i] - (alpha*s.Std[i] + (1-alpha)*c.Std[i])
		e.losses.Style += (mean*mean + std*std) / terms
		g.Mean[i], g.Std[i] = e.update.Style*2*mean/terms, e.update.Style*2*std/terms
	}
	return MomentsGradient(y, g)
}

// identity adds the identity loss of sample n and returns its gradient with respect to D(E(c)).
func (e *evaluation) identity(n int, s *trace) Features {
	y := last(s.same)
	terms := float64(len(e.batch.Alpha) * len(y.Data))
	return squares(&e.losses.Identity, e.update.Identity, terms, y, e.picture(e.batch.Content, n))
}

// consistency adds the consistency loss of sample n and returns its gradients with respect to y and to what came of c'.
func (e *evaluation) consistency(n int, s *trace) (gStylised, gMoved Features) {
	terms := 0.0
	for _, motion := range e.batch.Motion {
		terms += float64(3 * motion.Shown(e.width, e.height))
	}
	y, moved, motion := last(s.stylised), last(s.stylisedMoved), e.batch.Motion[n]
	gStylised, gMoved = NewFeatures(3, e.height, e.width), NewFeatures(3, e.height, e.width)
	for i := range e.height * e.width {
		px, py := motion.At(i%e.width, i/e.width)
		if px < 0 || py < 0 || px > float64(e.width-1) || py > float64(e.height-1) {
			continue
		}
		for c := range 3 {
			from, to, k := y.Plane(c), gStylised.Plane(c), c*e.height*e.width+i
			d := moved.Data[k]
			eachAround(px, py, e.width, func(at int, share float64) { d -= share * from[at] })
			g := e.update.Consistency * 2 * d / terms
			e.losses.Consistency += d * d / terms
			gMoved.Data[k] = g
			eachAround(px, py, e.width, func(at int, share float64) { to[at] -= share * g })
		}
	}
	return gStylised, gMoved
}

// eachAround calls use for the up to four pixels around a point that lies between the outermost pixels or on them, with their shares in it.
func eachAround(px, py float64, width int, use func(at int, share float64)) {
	x, y := math.Floor(px), math.Floor(py)
	right, down := px-x, py-y
	for k, share := range []float64{(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down} {
		if share > 0 { // beyond the last pixel lies none, and no share
			use((int(y)+k/2)*width+int(x)+k%2, share)
		}
	}
}

// lattice adds the lattice loss of a sample and returns its gradient with respect to y.
func (e *evaluation) lattice(s *trace) Features {
	const period = 8
	y := last(s.stylised)
	g := NewFeatures(y.C, y.H, y.W)
	terms := float64(len(e.batch.Alpha) * len(y.Data))
	for c := range y.C {
		plane, to := y.Plane(c), g.Plane(c)
		var all float64
		for _, v := range plane {
			all += v / float64(len(plane))
		}
		for phase := range period * period {
			var mean float64
			each := func(do func(i int)) {
				for row := phase / period; row < y.H; row += period {
					for column := phase % period; column < y.W; column += period {
						do(row*y.W + column)
					}
				}
			}
			each(func(i int) { mean += plane[i] * period * period / float64(len(plane)) })
			d := mean - all
			each(func(i int) {
				e.losses.Lattice += d * d / terms
				to[i] = e.update.Lattice * 2 * d / terms
			})
		}
	}
	return g
}

// squares adds the sum of (y - target)^2 over terms to a loss and returns its gradient with respect to y, times weight.
func squares(loss *float64, weight, terms float64, y, target Features) Features {
	g := NewFeatures(y.C, y.H, y.W)
	for i, v := range y.Data {
		d := v - target.Data[i]
		*loss += d * d / terms
		g.Data[i] = weight * 2 * d / terms
	}
	return g
}

// finish sums the losses up, given all gradients.
func (e *evaluation) finish(gradient []float64) {
	l, u := &e.losses, e.update
	l.Total = u.Content*l.Content + u.Style*l.Style + u.Identity*l.Identity + u.Consistency*l.Consistency + u.Lattice*l.Lattice
	var square float64
	for _, g := range gradient {
		square += g * g
	}
	l.Gradient = math.Sqrt(square)
}
