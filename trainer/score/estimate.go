package score

import "adainfilter/model"

// Constants of Estimate. Luminances are on a scale of 0 to 255.
const (
	estimateSmooth = 12.0 // weight of a flow's own slopes against the luminances', alpha of Horn & Schunck
	estimateWarps  = 4    // on each level
	estimateSweeps = 24   // of each warp
	estimateOver   = 1.9  // overrelaxation
	estimateSide   = 20   // shortest side of the smallest level
	estimateMean   = 7    // half of the window whose mean luminances lose, since lamps flicker
)

// Estimate finds where the pixels of an RGB frame were in the one before, which has the same size: Horn & Schunck 1981 from coarse to fine, as
// Meinhardt-Llopis, Sánchez & Kondermann 2013 (IPOL) describe it. It has nothing in common with the motion that engines find, so that they
// are not judged by themselves. What is visible is said by Ruder, Dosovitskiy & Brox 2016, "Artistic Style Transfer for Videos", equations 4 and 5:
// the way there and back must end where it began, and the flow must not tear.
func Estimate(frame, before *model.Image) *Flow {
	a, b := estimateLevels(frame), estimateLevels(before)
	there, back := estimate(a, b), estimate(b, a)
	f := NewFlow(frame.Width, frame.Height)
	w, h := f.Width, f.Height
	for i := range f.Seen {
		x, y := i%w, i/w
		u, v := float64(there[0].at[i]), float64(there[1].at[i])
		px, py := float64(x)+u, float64(y)+v
		f.X[i], f.Y[i] = float32(px), float32(py)
		if px < 0 || py < 0 || px > float64(w-1) || py > float64(h-1) {
			continue
		}
		bu, bv := float64(back[0].between(float32(px), float32(py))), float64(back[1].between(float32(px), float32(py)))
		if square(u+bu)+square(v+bv) > 0.01*(u*u+v*v+bu*bu+bv*bv)+0.5 {
			f.Seen[i] = Covered
			continue
		}
		if there[0].slope(x, y)+there[1].slope(x, y) <= 0.01*(u*u+v*v)+0.002 {
			f.Seen[i] = Visible
		}
	}
	return f
}

func square(v float64) float64 { return v * v }

// grid is a value for each pixel.
type grid struct {
	w, h int
	at   []float32
}

func newGrid(w, h int) *grid { return &grid{w, h, make([]float32, w*h)} }

func (g *grid) get(x, y int) float32 { return g.at[min(max(y, 0), g.h-1)*g.w+min(max(x, 0), g.w-1)] }

// between is bilinear, outside of the grid the value of the edge.
func (g *grid) between(x, y float32) float32 {
	x, y = min(max(x, 0), float32(g.w-1)), min(max(y, 0), float32(g.h-1))
	x0, y0 := int(x), int(y)
	fx, fy := x-float32(x0), y-float32(y0)
	top := g.get(x0, y0) + fx*(g.get(x0+1, y0)-g.get(x0, y0))
	bottom := g.get(x0, y0+1) + fx*(g.get(x0+1, y0+1)-g.get(x0, y0+1))
	return top + fy*(bottom-top)
}

// slope is the square of the gradient at a pixel.
func (g *grid) slope(x, y int) float64 {
	return square(float64(g.get(x+1, y)-g.get(x-1, y))/2) + square(float64(g.get(x, y+1)-g.get(x, y-1))/2)
}

// estimateLevels are luminances without their local mean, each level half as large as the one before.
func estimateLevels(m *model.Image) []*grid {
	p := luminance(m)
	first := newGrid(p.width, p.height)
	for i, v := range p.data {
		first.at[i] = float32(v)
	}
	mean := first.mean(estimateMean)
	for i := range first.at {
		first.at[i] -= mean.at[i]
	}
	levels := []*grid{first.mean(1)} // derivatives of what is rounded to whole steps would be noise
	for last := levels[0]; min(last.w, last.h) >= 2*estimateSide; {
		next := newGrid((last.w+1)/2, (last.h+1)/2)
		for i := range next.at {
			x, y := 2*(i%next.w), 2*(i/next.w)
			next.at[i] = (last.get(x, y) + last.get(x+1, y) + last.get(x, y+1) + last.get(x+1, y+1)) / 4
		}
		levels, last = append(levels, next), next
	}
	return levels
}

// mean is that of (2r+1)x(2r+1) pixels, rows and columns one after the other.
func (g *grid) mean(r int) *grid {
	across, out := newGrid(g.w, g.h), newGrid(g.w, g.h)
	n := float32(2*r + 1)
	for y := range g.h {
		var sum float32
		for k := -r - 1; k < r; k++ {
			sum += g.get(k, y)
		}
		for x := range g.w {
			sum += g.get(x+r, y) - g.get(x-r-1, y)
			across.at[y*g.w+x] = sum / n
		}
	}
	for x := range g.w {
		var sum float32
		for k := -r - 1; k < r; k++ {
			sum += across.get(x, k)
		}
		for y := range g.h {
			sum += across.get(x, y+r) - across.get(x, y-r-1)
			out.at[y*g.w+x] = sum / n
		}
	}
	return out
}

// estimate is the flow from a to b in pixels of their first level, across and down.
func estimate(a, b []*grid) (flow [2]*grid) {
	for l := len(a) - 1; l >= 0; l-- {
		from, to := a[l], b[l]
		for k := range flow {
			coarse := flow[k]
			flow[k] = newGrid(from.w, from.h)
			for i := range flow[k].at {
				if coarse != nil {
					flow[k].at[i] = 2 * coarse.between((float32(i%from.w)-0.5)/2, (float32(i/from.w)-0.5)/2)
				}
			}
		}
		for range estimateWarps {
			relax(from, to, flow)
		}
	}
	return flow
}

// relax solves Horn and Schunck's equations around a flow.
func relax(from, to *grid, flow [2]*grid) {
	n := len(from.at)
	ix, iy, it := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range n {
		x, y := float32(i%from.w), float32(i/from.w)
		u, v := x+flow[0].at[i], y+flow[1].at[i]
		ix[i], iy[i] = (to.between(u+1, v)-to.between(u-1, v))/2, (to.between(u, v+1)-to.between(u, v-1))/2
		it[i] = to.between(u, v) - from.at[i] - ix[i]*flow[0].at[i] - iy[i]*flow[1].at[i]
	}
	const alpha = estimateSmooth * estimateSmooth
	u, v := flow[0], flow[1]
	for range estimateSweeps {
		for i := range n {
			x, y := i%from.w, i/from.w
			mu := (u.get(x-1, y) + u.get(x+1, y) + u.get(x, y-1) + u.get(x, y+1)) / 4
			mv := (v.get(x-1, y) + v.get(x+1, y) + v.get(x, y-1) + v.get(x, y+1)) / 4
			share := (ix[i]*mu + iy[i]*mv + it[i]) / (alpha + ix[i]*ix[i] + iy[i]*iy[i])
			u.at[i] += estimateOver * (mu - ix[i]*share - u.at[i])
			v.at[i] += estimateOver * (mv - iy[i]*share - v.at[i])
		}
	}
}
