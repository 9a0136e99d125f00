package ref

import "adainfilter/model"

// Reduce makes dst, of the same format and no larger, the small frame of src, as model/processing.go defines it.
func Reduce(dst, src *model.Image) {
	from, to := Channels(src), Channels(dst)
	for c := range to {
		nx, ny, mx, my := from[c].Width, from[c].Height, to[c].Width, to[c].Height
		for y := range my {
			for x := range mx {
				sum := 0
				for j := y * ny / my; j*my < (y+1)*ny; j++ {
					for i := x * nx / mx; i*mx < (x+1)*nx; i++ {
						sum += overlap(x, i, nx, mx) * overlap(y, j, ny, my) * from[c].Get(i, j)
					}
				}
				to[c].Set(x, y, (2*sum+nx*ny)/(2*nx*ny))
			}
		}
	}
}

// overlap is how much of sample i of n lies inside of sample k of m, in units of 1/m.
func overlap(k, i, n, m int) int { return min((k+1)*n, (i+1)*m) - max(k*n, i*m) }

// Enlarge makes dst of the small result of the small frame of src, as model/processing.go defines it; src gives alpha and padding.
func Enlarge(dst, src, small, result *model.Image) {
	begin(dst, src)
	i, q, frame := luminances(small), luminances(result), luminances(src)
	a := slope(i, q)
	to, from := Channels(dst), Channels(result)
	unit := code(dst)
	for c := range to {
		lit := c == 0 || dst.Format.Layout().Colour == model.ColourRGB
		offset := NewFeatures(1, from[c].Height, from[c].Width)
		for k := range offset.Data {
			offset.Data[k] = float64(from[c].Get(k%offset.W, k/offset.W)) / unit
			if lit {
				offset.Data[k] -= a.Data[k] * i.Data[k]
			}
		}
		for y := range to[c].Height {
			for x := range to[c].Width {
				v := up(offset, x, y, to[c])
				if lit {
					v += up(a, x, y, to[c]) * frame.Data[y*frame.W+x]
				}
				to[c].Set(x, y, sample(v*unit, 256*unit-1))
			}
		}
	}
}

// code is one code of 8 bits in the samples of a picture.
func code(m *model.Image) float64 { return float64(int(1) << (m.Format.Layout().Depth - 8)) }

// slope is a for each small pixel.
func slope(i, q Features) Features {
	product := func(a, b Features) Features {
		out := NewFeatures(1, a.H, a.W)
		for k := range out.Data {
			out.Data[k] = a.Data[k] * b.Data[k]
		}
		return out
	}
	mi, mq, mii, miq := box(i), box(q), box(product(i, i)), box(product(i, q))
	a := NewFeatures(1, i.H, i.W)
	for k := range a.Data {
		a.Data[k] = (miq.Data[k] - mi.Data[k]*mq.Data[k]) / (mii.Data[k] - mi.Data[k]*mi.Data[k] + 65)
	}
	a = box(a)
	for k, v := range a.Data {
		a.Data[k] = min(max(v, -1), 1)
	}
	return a
}

// box is the mean of the 5x5 pixels around each that exist.
func box(f Features) Features {
	out := NewFeatures(1, f.H, f.W)
	for y := range f.H {
		for x := range f.W {
			sum, n := 0.0, 0.0
			for j := max(y-2, 0); j < min(y+3, f.H); j++ {
				for i := max(x-2, 0); i < min(x+3, f.W); i++ {
					sum += f.Data[j*f.W+i]
					n++
				}
			}
			out.Data[y*f.W+x] = sum / n
		}
	}
	return out
}

// up is f at a position of a larger grid.
func up(f Features, x, y int, to Channel) float64 {
	along := func(k, n, m int) (first, second int, share float64) {
		at := min(max((float64(k)+0.5)*float64(m)/float64(n)-0.5, 0), float64(m-1))
		first = int(at)
		return first, min(first+1, m-1), at - float64(first)
	}
	x0, x1, sx := along(x, to.Width, f.W)
	y0, y1, sy := along(y, to.Height, f.H)
	mix := func(a, b, s float64) float64 { return a + s*(b-a) }
	return mix(mix(f.Data[y0*f.W+x0], f.Data[y0*f.W+x1], sx), mix(f.Data[y1*f.W+x0], f.Data[y1*f.W+x1], sx), sy)
}

// luminances are Y', 0 to 255, of each pixel.
func luminances(m *model.Image) Features {
	out := NewFeatures(1, m.Height, m.Width)
	channels, k, unit := Channels(m), m.Colorimetry.Conversion(m.Format), code(m)
	for i := range out.Data {
		x, y := i%m.Width, i/m.Width
		if m.Format.Layout().Colour != model.ColourRGB {
			out.Data[i] = float64(channels[0].Get(x, y)) / unit
			continue
		}
		for c, share := range k.Luminance {
			out.Data[i] += share * float64(channels[c].Get(x, y)) / unit
		}
	}
	return out
}
