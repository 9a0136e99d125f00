package ref

import (
	"slices"

	"adainfilter/model"
)

// light is a picture of luminances (H,W), 0 to 255.
type light struct {
	w, h int
	at   []int
}

// get is a luminance; outside of the picture that of the edge.
func (l *light) get(x, y int) int { return l.at[limit(y, l.h)*l.w+limit(x, l.w)] }

// levels are a frame's luminances, smaller by 2^shift, and what halving makes of them.
func levels(m *model.Image, shift int) []*light {
	side := 1 << shift
	channels, deeper := Channels(m), m.Format.Layout().Depth-8
	first := &light{w: (m.Width + side - 1) / side, h: (m.Height + side - 1) / side}
	for y := range first.h {
		for x := range first.w {
			sum, n := 0, 0
			for v := y * side; v < min((y+1)*side, m.Height); v++ {
				for u := x * side; u < min((x+1)*side, m.Width); u++ {
					sum += fourLuminances(channels, m, u, v, deeper)
					n += 4
				}
			}
			first.at = append(first.at, (2*sum+n)/(2*n))
		}
	}
	all := []*light{first}
	for last := first; min(last.w, last.h) >= 32; {
		next := &light{w: (last.w + 1) / 2, h: (last.h + 1) / 2}
		for y := range next.h {
			for x := range next.w {
				sum := last.get(2*x, 2*y) + last.get(2*x+1, 2*y) + last.get(2*x, 2*y+1) + last.get(2*x+1, 2*y+1)
				next.at = append(next.at, (sum+2)/4)
			}
		}
		all, last = append(all, next), next
	}
	return all
}

// fourLuminances is 4 Y, or the samples of a pixel of which the middle one, green, counts twice, on the scale of 8 bits.
func fourLuminances(c []Channel, m *model.Image, x, y, deeper int) int {
	if luminous(m) == 1 {
		return 4 * (c[0].Get(x, y) >> deeper)
	}
	return c[0].Get(x, y)>>deeper + 2*(c[1].Get(x, y)>>deeper) + c[2].Get(x, y)>>deeper
}

// Vector is where a cell was, in sixteenths of a pixel of its level.
type Vector struct{ X, Y int }

// field are the vectors of all cells of a level, with C of each, and what relaxing made of them, in 256ths.
type field struct {
	w, h    int
	at      []Vector
	cost    []int
	relaxed []Vector
}

func newField(of *light) *field {
	f := &field{w: (of.w + 3) / 4, h: (of.h + 3) / 4}
	f.at, f.cost, f.relaxed = make([]Vector, f.w*f.h), make([]int, f.w*f.h), make([]Vector, f.w*f.h)
	return f
}

func (f *field) get(x, y int) Vector { return f.at[limit(y, f.h)*f.w+limit(x, f.w)] }

// flow is where the cells of a frame were in another, from the last level to the finest one.
func flow(of, in []*light, finest int) *field {
	var f *field
	for l := len(of) - 1; l >= finest; l-- {
		f = settle(of[l], in[l], search(of[l], in[l], f))
		f.relax(of[l])
		f.limit(of[l], in[l], l == 0)
	}
	return f
}

// patch is that of 8x8 luminances around a cell.
type patch struct {
	x, y                      int // its first pixel
	light, across, down       [64]int
	xx, xy, yy, sumX, sumY    int
	determinant, firmX, firmY int
}

func newPatch(of *light, x, y int) *patch {
	p := &patch{x: 4*x - 2, y: 4*y - 2}
	for k := range 64 {
		u, v := p.x+k%8, p.y+k/8
		p.light[k] = of.get(u, v)
		p.across[k], p.down[k] = of.get(u+1, v)-of.get(u-1, v), of.get(u, v+1)-of.get(u, v-1)
		p.sumX, p.sumY = p.sumX+p.across[k], p.sumY+p.down[k]
		p.xx, p.xy, p.yy = p.xx+64*p.across[k]*p.across[k], p.xy+64*p.across[k]*p.down[k], p.yy+64*p.down[k]*p.down[k]
	}
	p.xx, p.xy, p.yy = p.xx-p.sumX*p.sumX, p.xy-p.sumX*p.sumY, p.yy-p.sumY*p.sumY
	p.firmX, p.firmY = p.xx+model.MotionFirmness, p.yy+model.MotionFirmness
	p.determinant = p.firmX*p.firmY - p.xy*p.xy
	return p
}

// match is C of a vector, and the step from there.
func (p *patch) match(in *light, v Vector) (cost int, step Vector) {
	x, y := 16*p.x+v.X, 16*p.y+v.Y
	fx, fy := x&15, y&15
	var sum, squares, sx, sy int
	for k := range 64 {
		u, w := x>>4+k%8, y>>4+k/8
		above := (16-fx)*in.get(u, w) + fx*in.get(u+1, w)
		below := (16-fx)*in.get(u, w+1) + fx*in.get(u+1, w+1)
		r := ((16-fy)*above+fy*below+8)>>4 - 16*p.light[k]
		sum, squares, sx, sy = sum+r, squares+r*r, sx+r*p.across[k], sy+r*p.down[k]
	}
	bx, by := 64*sx-sum*p.sumX, 64*sy-sum*p.sumY
	step.X = min(max(quotient(2*(p.firmY*bx-p.xy*by), p.determinant), -model.MotionStep), model.MotionStep)
	step.Y = min(max(quotient(2*(p.firmX*by-p.xy*bx), p.determinant), -model.MotionStep), model.MotionStep)
	return 64*squares - sum*sum, step
}

// quotient is n/d rounded, halves away from zero.
func quotient(n, d int) int {
	if n < 0 {
		return -((-2*n + d) / (2 * d))
	}
	return (2*n + d) / (2 * d)
}

// limited is a vector that does not lead far out of a picture.
func (p *patch) limited(in *light, v Vector) Vector {
	limit := func(begin, side, by int) int { return min(max(16*begin+by, -16*16), 16*(side+8)) - 16*begin }
	return Vector{limit(p.x, in.w, v.X), limit(p.y, in.h, v.Y)}
}

// search finds the vectors of a level; coarse are those of the next, nil where there is none.
func search(of, in *light, coarse *field) *field {
	f := newField(of)
	for i := range f.at {
		x, y := i%f.w, i/f.w
		p := newPatch(of, x, y)
		var best Vector
		cost, step := p.match(in, best)
		if coarse != nil {
			dx, dy := 2*(x%2)-1, 2*(y%2)-1
			for _, o := range []Vector{{0, 0}, {dx, 0}, {0, dy}, {dx, dy}} {
				c := coarse.get(x/2+o.X, y/2+o.Y)
				v := p.limited(in, Vector{2 * c.X, 2 * c.Y})
				if c, s := p.match(in, v); c < cost {
					cost, step, best = c, s, v
				}
			}
		}
		for range model.MotionSteps {
			v := p.limited(in, Vector{best.X - step.X, best.Y - step.Y})
			c, s := p.match(in, v)
			if c >= cost {
				break
			}
			cost, step, best = c, s, v
		}
		f.at[i], f.cost[i] = best, cost
	}
	return f
}

// settle lets each cell take the vector of a neighbour that fits it better.
func settle(of, in *light, found *field) *field {
	f := newField(of)
	for i := range f.at {
		x, y := i%f.w, i/f.w
		p := newPatch(of, x, y)
		f.at[i], f.cost[i] = found.at[i], found.cost[i]
		for _, o := range []Vector{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
			v := p.limited(in, found.get(x+o.X, y+o.Y))
			if c, _ := p.match(in, v); c < f.cost[i] {
				f.at[i], f.cost[i] = v, c
			}
		}
	}
	return f
}

// relax moves all vectors towards those around, the more the less their patches say.
func (f *field) relax(of *light) {
	patches := make([]*patch, len(f.at))
	for i, v := range f.at {
		patches[i] = newPatch(of, i%f.w, i/f.w)
		f.relaxed[i] = Vector{16 * v.X, 16 * v.Y}
	}
	for range model.MotionRelaxed {
		from := slices.Clone(f.relaxed)
		for i, p := range patches {
			own := Vector{16 * f.at[i].X, 16 * f.at[i].Y}
			f.relaxed[i] = p.relaxed(own, f.around(from, i))
		}
	}
}

// around is the mean of the vectors around a cell: those beside, above and below count twice.
func (f *field) around(from []Vector, i int) Vector {
	var sum Vector
	for k := range 9 {
		u, v := k%3-1, k/3-1
		weight := 3 - magnitude(u) - magnitude(v)
		if k == 4 {
			continue
		}
		c := from[limit(i/f.w+v, f.h)*f.w+limit(i%f.w+u, f.w)]
		sum.X, sum.Y = sum.X+weight*c.X, sum.Y+weight*c.Y
	}
	return Vector{quotient(sum.X, 12), quotient(sum.Y, 12)}
}

// relaxed is what a cell's own vector and the mean of those around agree upon.
func (p *patch) relaxed(own, mean Vector) Vector {
	xx, xy, yy := p.xx>>12, p.xy>>12, p.yy>>12
	ex, ey := own.X-mean.X, own.Y-mean.Y
	px, py := xx*ex+xy*ey, xy*ex+yy*ey
	xx, yy = xx+model.MotionSmooth, yy+model.MotionSmooth
	d := xx*yy - xy*xy
	return Vector{mean.X + quotient(yy*px-xy*py, d), mean.Y + quotient(xx*py-xy*px, d)}
}

// limit makes vectors in sixteenths of what relaxing made, and lets slow ones rest on level 0.
func (f *field) limit(of, in *light, finest bool) {
	for i, r := range f.relaxed {
		p := newPatch(of, i%f.w, i/f.w)
		f.at[i] = p.limited(in, Vector{(r.X + 8) >> 4, (r.Y + 8) >> 4})
		if !finest || magnitude(r.X)+magnitude(r.Y) > model.MotionSlow {
			continue
		}
		still, _ := p.match(in, Vector{})
		if c, _ := p.match(in, f.at[i]); 2*still <= 3*c+model.MotionRest {
			f.at[i], f.relaxed[i] = Vector{}, Vector{}
		}
	}
}
