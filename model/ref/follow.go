package ref

import "adainfilter/model"

// Cell is where a square of a frame's pixels was.
type Cell struct {
	Vector   // in sixteenths of a pixel of the frame
	Doubtful bool
}

// Cells of a frame.
type Cells struct {
	side, w int // pixels of a cell, cells in a row
	at      []Cell
}

// Find says where the cells of a frame were in the frame before.
func Find(frame, before *model.Image, shift int) *Cells {
	now, was := levels(frame, shift), levels(before, shift)
	there := flow(now, was, 0)
	behind := min(1, len(now)-1)
	back := flow(was, now, behind)
	c := newCells(frame, shift)
	for i, v := range there.at {
		x, y := (16*(4*(i%c.w)+2)+v.X)>>(6+behind), (16*(4*(i/c.w)+2)+v.Y)>>(6+behind)
		u := back.get(x, y)
		off := magnitude(v.X+u.X<<behind) + magnitude(v.Y+u.Y<<behind)
		c.at[i] = Cell{Vector{v.X << shift, v.Y << shift}, off > 16+(magnitude(v.X)+magnitude(v.Y))/8}
	}
	return c
}

func magnitude(v int) int { return max(v, -v) }

// newCells are those of a frame that rests.
func newCells(frame *model.Image, shift int) *Cells {
	side := 4 << shift
	w, h := (frame.Width+side-1)/side, (frame.Height+side-1)/side
	return &Cells{side, w, make([]Cell, w*h)}
}

// of is the cell of a pixel of channel c.
func (m *Cells) of(frame *model.Image, c, x, y int) Cell {
	across, down := scale(frame, c)
	return m.at[y*down/m.side*m.w+x*across/m.side]
}

// scale is how many pixels of the frame lie along each side of one of channel c.
func scale(frame *model.Image, c int) (across, down int) {
	if l := frame.Format.Layout(); shared(frame, c) {
		return 1 << l.SubX, 1 << l.SubY
	}
	return 1, 1
}

// along is a picture of the frame before as it comes along, bilinear or cubic.
func (m *Cells) along(before *model.Image, cubic bool) *model.Image {
	out := copyOf(before)
	from, to := Channels(before), Channels(out)
	for k, c := range from {
		across, down := scale(before, k)
		for y := range c.Height {
			for x := range c.Width {
				v := m.of(before, k, x, y)
				px, py := 16*x+v.X/across, 16*y+v.Y/down
				if cubic {
					to[k].Set(x, y, c.cubic(px, py))
				} else {
					to[k].Set(x, y, c.bilinear(px, py))
				}
			}
		}
	}
	return out
}

// edge is a sample; beyond the edge that of the edge.
func (c Channel) edge(x, y int) int { return c.Get(limit(x, c.Width), limit(y, c.Height)) }

// bilinear is the sample at a place in sixteenths.
func (c Channel) bilinear(x, y int) int {
	fx, fy, x, y := x&15, y&15, x>>4, y>>4
	above, below := (16-fx)*c.edge(x, y)+fx*c.edge(x+1, y), (16-fx)*c.edge(x, y+1)+fx*c.edge(x+1, y+1)
	return ((16-fy)*above + fy*below + 128) >> 8
}

// cubic is the sample at a place in sixteenths.
func (c Channel) cubic(x, y int) int {
	across, down := model.CubicWeights(x&15), model.CubicWeights(y&15)
	sum := 0
	for j, v := range down {
		for i, u := range across {
			sum += v * u * c.edge(x>>4+i-1, y>>4+j-1)
		}
	}
	return min(max((sum+2048)>>12, 0), 255)
}

// Follow moves the samples of result towards those of the result before, along the motion, and says how they are to be shown.
func Follow(result, frame, frameBefore, before *model.Image, cells *Cells, weight int) (shown *model.Image) {
	plain := copyOf(result)
	moved := moved(frame, cells.along(frameBefore, false), cells)
	blend(result, cells.along(before, true), moved, func(d, _ int) int { return (weight * min(max(40-d, 0), 16)) >> 4 })
	return sharpened(result, plain, cells)
}

// sharpened is a blended result with the sharpness of the plain one.
func sharpened(result, plain *model.Image, cells *Cells) *model.Image {
	shown := copyOf(result)
	n, b := cells.steps(plain), cells.steps(result)
	from, to := Channels(result), Channels(shown)
	for k := range luminous(result) {
		for y := range result.Height {
			for x := range result.Width {
				i := y/cells.side*cells.w + x/cells.side
				if b[i] == 0 || n[i] <= b[i] {
					continue
				}
				gain := min(64*(n[i]-b[i])/b[i], 32)
				detail, s := 0, from[k].edge(x, y)
				for j := range 9 {
					u, v := j%3-1, j/3-1
					detail += (2 - magnitude(u)) * (2 - magnitude(v)) * (s - from[k].edge(x+u, y+v))
				}
				to[k].Set(x, y, min(max(s+(detail*gain+128)>>8, 0), 255))
			}
		}
	}
	return shown
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
				own[y/m.side*m.w+x/m.side] += apart(c.Get(x+1, y), c.Get(x, y))
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
