package ref

import (
	"math/bits"

	"adainfilter/model"
)

// Cell is where a square of a frame's pixels was, and how doubtful that is.
type Cell struct {
	Vector // in 64ths of a pixel of the frame
	Doubt  int
}

// Cells of a frame.
type Cells struct {
	side, w, h int // pixels of a cell, cells in a row and in a column
	at         []Cell
}

// Find says where the cells of a frame were in the frame before.
func Find(frame, before *model.Image, shift int) *Cells {
	now, was := levels(frame, shift), levels(before, shift)
	there := flow(now, was, 0)
	behind := min(1, len(now)-1)
	back := flow(was, now, behind)
	c := newCells(frame, shift)
	doubts := make([]int, len(c.at))
	for i, v := range there.at {
		px, py := 16*(4*(i%c.w)+2)+v.X, 16*(4*(i/c.w)+2)+v.Y
		u := back.get(px>>(6+behind), py>>(6+behind))
		off := magnitude(v.X+u.X<<behind) + magnitude(v.Y+u.Y<<behind)
		p := newPatch(now[0], i%c.w, i/c.w)
		cost, _ := p.match(was[0], v)
		astray := max(2*(off-8-(magnitude(v.X)+magnitude(v.Y))/8), 0)
		unlike := max((cost>>12)/(p.xx>>12+p.yy>>12+1024)-8, 0)
		doubts[i] = min(astray+unlike, model.MotionDoubt)
		if px < 0 || py < 0 || px > 16*now[0].w || py > 16*now[0].h {
			doubts[i] = model.MotionDoubt
		}
		far := func(v int) int { return min(max((v<<shift+2)>>2, -model.MotionFarthest), model.MotionFarthest) }
		c.at[i].Vector = Vector{far(there.relaxed[i].X), far(there.relaxed[i].Y)}
	}
	for i := range c.at {
		for k := range 25 {
			c.at[i].Doubt = max(c.at[i].Doubt, doubts[limit(i/c.w+k/5-2, c.h)*c.w+limit(i%c.w+k%5-2, c.w)])
		}
	}
	return c
}

func magnitude(v int) int { return max(v, -v) }

// newCells are those of a frame that rests.
func newCells(frame *model.Image, shift int) *Cells {
	side := 4 << shift
	w, h := (frame.Width+side-1)/side, (frame.Height+side-1)/side
	return &Cells{side, w, h, make([]Cell, w*h)}
}

// between is what lies at sample x,y of channel c of the values in the middle of cells, in units of 2^-fine.
func (m *Cells) between(frame *model.Image, c, x, y, fine int, value func(i int) int) int {
	subX, subY := subsampled(frame, c)
	across, down := m.side>>subX, m.side>>subY // samples of a cell
	logX, logY := bits.Len(uint(across)), bits.Len(uint(down))
	cx, fx := (2*x+1-across)>>logX, (2*x+1-across)&(2*across-1)
	cy, fy := (2*y+1-down)>>logY, (2*y+1-down)&(2*down-1)
	column := func(x int) int {
		x = limit(x, m.w)
		above, below := value(limit(cy, m.h)*m.w+x), value(limit(cy+1, m.h)*m.w+x)
		return ((2*down-fy)*above + fy*below + down) >> logY
	}
	return ((2*across-fx)*column(cx) + fx*column(cx+1) + across<<fine) >> (logX + fine)
}

// place is where sample x,y of channel c was, in sixteenths of one.
func (m *Cells) place(frame *model.Image, c, x, y int) (px, py int) {
	subX, subY := subsampled(frame, c)
	px = 16*x + m.between(frame, c, x, y, 2+subX, func(i int) int { return m.at[i].X })
	py = 16*y + m.between(frame, c, x, y, 2+subY, func(i int) int { return m.at[i].Y })
	return px, py
}

// subsampled are the powers of two of pixels of the frame along each side of a sample of channel c.
func subsampled(frame *model.Image, c int) (x, y int) {
	if l := frame.Format.Layout(); shared(frame, c) {
		return l.SubX, l.SubY
	}
	return 0, 0
}

// along is a picture of the frame before as it comes along, bilinear or cubic.
func (m *Cells) along(before *model.Image, cubic bool) *model.Image {
	out := copyOf(before)
	from, to := Channels(before), Channels(out)
	for k, c := range from {
		for y := range c.Height {
			for x := range c.Width {
				px, py := m.place(before, k, x, y)
				if cubic {
					to[k].Set(x, y, c.cubic(px, py, largest(before)))
				} else {
					to[k].Set(x, y, c.bilinear(px, py))
				}
			}
		}
	}
	return out
}

// largest is what samples of a picture are at most.
func largest(m *model.Image) int { return 1<<m.Format.Layout().Depth - 1 }

// edge is a sample; beyond the edge that of the edge.
func (c Channel) edge(x, y int) int { return c.Get(limit(x, c.Width), limit(y, c.Height)) }

// bilinear is the sample at a place in sixteenths.
func (c Channel) bilinear(x, y int) int {
	fx, fy, x, y := x&15, y&15, x>>4, y>>4
	above, below := (16-fx)*c.edge(x, y)+fx*c.edge(x+1, y), (16-fx)*c.edge(x, y+1)+fx*c.edge(x+1, y+1)
	return ((16-fy)*above + fy*below + 128) >> 8
}

// cubic is the sample at a place in sixteenths.
func (c Channel) cubic(x, y, largest int) int {
	across, down := model.CubicWeights(x&15), model.CubicWeights(y&15)
	sum := 0
	for j, v := range down {
		for i, u := range across {
			sum += v * u * c.edge(x>>4+i-1, y>>4+j-1)
		}
	}
	return min(max((sum+2048)>>12, 0), largest)
}

// Follow moves the samples of result towards those of the result before, in place and then along the motion, and says how they are to be shown.
func Follow(result, frame, frameBefore, before *model.Image, cells *Cells, weight int) (shown *model.Image) {
	plain := copyOf(result)
	d, still := moved(frame, cells.along(frameBefore, false), cells), Moved(frame, frameBefore)
	trust := func(d int) int { return min(max(40-d, 0), 16) }
	blend(result, before, func(d []int, a int) int {
		return (weight * min(max(12-d[0], 0), 8) * min(max(128-a, 0), 32)) >> 8 * (16 - trust(d[1])) >> 4
	}, still, d)
	blend(result, cells.along(before, true), func(d []int, _ int) int { return (weight * trust(d[0])) >> 4 }, d)
	return sharpened(result, plain, cells)
}

// sharpened is a blended result with the sharpness of the plain one.
func sharpened(result, plain *model.Image, cells *Cells) *model.Image {
	shown := copyOf(result)
	gains := cells.gains(plain, result)
	from, to := Channels(result), Channels(shown)
	for k := range luminous(result) {
		for y := range result.Height {
			for x := range result.Width {
				gain := cells.between(result, k, x, y, 0, func(i int) int { return gains[i] })
				detail, s := 0, from[k].edge(x, y)
				for j := range 9 {
					u, v := j%3-1, j/3-1
					detail += (2 - magnitude(u)) * (2 - magnitude(v)) * (s - from[k].edge(x+u, y+v))
				}
				to[k].Set(x, y, min(max(s+(detail*gain+128)>>8, 0), largest(result)))
			}
		}
	}
	return shown
}

// gains are G of all cells.
func (m *Cells) gains(plain, result *model.Image) []int {
	n, b := m.steps(plain), m.steps(result)
	out := make([]int, len(n))
	for i := range out {
		if n[i] > b[i] && b[i] > 0 {
			out[i] = min(model.MotionGain*(n[i]-b[i])/b[i], 32)
		}
	}
	return out
}

// luminous is how many channels have luminance.
func luminous(m *model.Image) int {
	if m.Format.Layout().Colour == model.ColourRGB {
		return 3
	}
	return 1
}

// steps are the sums of the differences to the right, of each cell and those around it.
func (m *Cells) steps(of *model.Image) []int {
	own, out := make([]int, len(m.at)), make([]int, len(m.at))
	channels := Channels(of)
	for k := range luminous(of) {
		c := channels[k]
		for y := range c.Height {
			for x := range c.Width - 1 {
				own[y/m.side*m.w+x/m.side] += apart(c.Get(x+1, y), c.Get(x, y)) >> (of.Format.Layout().Depth - 8)
			}
		}
	}
	h := len(own) / m.w
	for i := range out {
		x, y := i%m.w, i/m.w
		for v := max(y-1, 0); v < min(y+2, h); v++ {
			for u := max(x-1, 0); u < min(x+2, m.w); u++ {
				out[i] += own[v*m.w+u]
			}
		}
	}
	return out
}
