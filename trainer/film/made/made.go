// Package made makes clips whose motion is known exactly: a camera that pans over a picture, zooms or turns, something that moves in
// front of it, and what films have beside motion.
package made

import (
	"iter"
	"math"
	"math/rand/v2"

	"adainfilter/model"
	"adainfilter/trainer/score"
)

// Clip is one of them. Its frames are computed when they are asked for.
type Clip struct {
	Name          string
	Width, Height int
	Count         int // frames
	layers        []layer
	noise         float64             // standard deviation of each sample, in steps of 8 bits
	light         func(t int) float64 // that samples are multiplied by
	cut           int                 // the frame that shows another picture, and those behind it; 0 is none
	behind        *model.Image
}

// layer is a picture that moves, in front of those before it.
type layer struct {
	picture *model.Image
	place   func(t float64) affine // from pixels of frame t to those of the picture
	radius  float64                // of the disc that is seen, around the middle of the picture; 0 is everything
}

// Side is how many pixels a picture needs along each side of a frame, as it moves under it.
func Side(side int) int { return side + side/4 }

// Clips are all kinds of clips of width x height. Both pictures are RGB and should have Side(width) x Side(height) pixels; beyond them
// their edge goes on. front is what moves before picture, and what a cut goes to.
func Clips(picture, front *model.Image, width, height, count int) []*Clip {
	w, h := float64(width), float64(height)
	middle := affine{1, 0, float64(picture.Width-width) / 2, 0, 1, float64(picture.Height-height) / 2}
	camera := func(move func(t float64) affine) layer {
		return layer{picture: picture, place: func(t float64) affine { return middle.after(move(t - float64(count)/2)) }}
	}
	pan := func(x, y float64) layer {
		return camera(func(t float64) affine { return affine{1, 0, x * t, 0, 1, y * t} })
	}
	disc := layer{picture: front, radius: h / 4, place: func(t float64) affine {
		t -= float64(count) / 2
		return affine{1, 0, float64(front.Width)/2 - w/2 - 3.4*t, 0, 1, float64(front.Height)/2 - h/2 - 1.1*t}
	}}
	clip := func(name string, layers ...layer) *Clip {
		return &Clip{Name: name, Width: width, Height: height, Count: count, layers: layers, light: func(int) float64 { return 1 }}
	}
	noisy, flicker, cut, fade := clip("noise", pan(0, 0)), clip("flicker", pan(1.3, 0.7)), clip("cut", pan(1.3, 0.7)), clip("fade", pan(1.3, 0.7))
	noisy.noise = 3
	flicker.noise, flicker.light = 1, func(t int) float64 { return 1 + 0.03*math.Sin(2.1*float64(t)) }
	cut.cut, cut.behind = count/2, front
	fade.light = func(t int) float64 { return 1 - 0.8*float64(t)/float64(count) }
	return []*Clip{
		clip("pan", pan(1.3, 0.7)),
		clip("zoom", camera(func(t float64) affine { return around(w/2, h/2, math.Pow(0.985, t), 0) })),
		clip("rotation", camera(func(t float64) affine { return around(w/2, h/2, 1, t*math.Pi/180) })),
		clip("layers", pan(-0.8, 0.3), disc),
		noisy, flicker, cut, fade,
	}
}

// Frames are those of the clip, RGB.
func (c *Clip) Frames() iter.Seq2[*model.Image, error] {
	return func(yield func(*model.Image, error) bool) {
		for t := range c.Count {
			if !yield(c.frame(t), nil) {
				return
			}
		}
	}
}

// frame is frame t. Equal calls give equal frames.
func (c *Clip) frame(t int) *model.Image {
	m := model.NewImage(model.RGB, c.Width, c.Height)
	random := rand.New(rand.NewPCG(7, uint64(t)))
	light := c.light(t)
	for y := range c.Height {
		row := m.Planes[0].Data[y*m.Planes[0].Stride:]
		for x := range c.Width {
			_, px, py, picture := c.seen(t, float64(x), float64(y))
			for k, v := range cubic(picture, px, py) {
				v *= light
				if c.noise > 0 {
					v += c.noise * random.NormFloat64()
				}
				row[3*x+k] = uint8(min(max(v+0.5, 0), 255))
			}
		}
	}
	return m
}

// seen is which layer is in front at a place of frame t, where that is in its picture, and which picture that is.
func (c *Clip) seen(t int, x, y float64) (which int, px, py float64, picture *model.Image) {
	for which = len(c.layers) - 1; ; which-- {
		l := &c.layers[which]
		if px, py = l.place(float64(t)).at(x, y); which == 0 || l.shows(px, py) {
			break
		}
	}
	picture = c.layers[which].picture
	if c.cut > 0 && t >= c.cut {
		picture = c.behind
	}
	return which, px, py, picture
}

// shows says whether a place of the picture can be seen.
func (l *layer) shows(px, py float64) bool {
	return l.radius == 0 || math.Hypot(px-float64(l.picture.Width)/2, py-float64(l.picture.Height)/2) < l.radius
}

// edge is how far from the edge of what moves, in pixels, a way is not used: pixels there show two layers in the measure's eyes.
const edge = 2

// Flow is where the pixels of frame t, from 1 on, were. At a cut nothing is known.
func (c *Clip) Flow(t int) *score.Flow {
	f := score.NewFlow(c.Width, c.Height)
	if c.cut > 0 && t == c.cut {
		return f
	}
	for i := range f.Seen {
		x, y := float64(i%c.Width), float64(i/c.Width)
		which, px, py, _ := c.seen(t, x, y)
		bx, by := c.layers[which].place(float64(t-1)).inverse().at(px, py)
		f.X[i], f.Y[i] = float32(bx), float32(by)
		if bx < 0 || by < 0 || bx > float64(c.Width-1) || by > float64(c.Height-1) {
			continue
		}
		f.Seen[i] = score.Visible
		for _, d := range [][2]float64{{0, 0}, {edge, 0}, {-edge, 0}, {0, edge}, {0, -edge}} {
			if before, _, _, _ := c.seen(t-1, bx+d[0], by+d[1]); before != which {
				if f.Seen[i] = score.Unknown; d == [2]float64{} {
					f.Seen[i] = score.Covered
					break
				}
			}
		}
	}
	return f
}

// affine takes x, y to a x + b y + c, d x + e y + f.
type affine [6]float64

func (m affine) at(x, y float64) (float64, float64) {
	return m[0]*x + m[1]*y + m[2], m[3]*x + m[4]*y + m[5]
}

// after is first inner, then m.
func (m affine) after(inner affine) affine {
	c, f := m.at(inner[2], inner[5])
	return affine{m[0]*inner[0] + m[1]*inner[3], m[0]*inner[1] + m[1]*inner[4], c, m[3]*inner[0] + m[4]*inner[3], m[3]*inner[1] + m[4]*inner[4], f}
}

func (m affine) inverse() affine {
	d := m[0]*m[4] - m[1]*m[3]
	a, b, c, e := m[4]/d, -m[1]/d, -m[3]/d, m[0]/d
	return affine{a, b, -(a*m[2] + b*m[5]), c, e, -(c*m[2] + e*m[5])}
}

// around scales and turns around a place.
func around(x, y, scale, angle float64) affine {
	c, s := scale*math.Cos(angle), scale*math.Sin(angle)
	return affine{c, -s, x - c*x + s*y, s, c, y - s*x - c*y}
}

// cubic is the pixel at a place between pixels, by the cubic of Catmull & Rom 1974: bilinear would blur more where a place lies in the middle,
// and that would change from frame to frame.
func cubic(m *model.Image, x, y float64) (p [3]float64) {
	x0, y0 := math.Floor(x), math.Floor(y)
	wx, wy := catmullRom(x-x0), catmullRom(y-y0)
	for j, v := range wy {
		row := m.Planes[0].Data[min(max(int(y0)+j-1, 0), m.Height-1)*m.Planes[0].Stride:]
		for i, u := range wx {
			at := 3 * min(max(int(x0)+i-1, 0), m.Width-1)
			for k := range p {
				p[k] += v * u * float64(row[at+k])
			}
		}
	}
	return p
}

// catmullRom are the weights of the four pixels around a place t behind the second.
func catmullRom(t float64) [4]float64 {
	return [4]float64{((2-t)*t - 1) * t / 2, ((3*t-5)*t*t + 2) / 2, ((4-3*t)*t + 1) * t / 2, (t - 1) * t * t / 2}
}
