package ref

import "adainfilter/model"

// How chroma samples that several pixels share become values of pixels, and come from them. The filters are those of GStreamer's
// videoconvert (linear), its treatment of the edges included; what it does not do by field, interlaced writing, is done alike.

// tap is a place and its share in a value.
type tap struct {
	at    int
	share float64
}

// limit puts what lies outside of 0..n-1 on the edge.
func limit(i, n int) int { return min(max(i, 0), n-1) }

// spread is f, chroma samples, with a value for each pixel of m.
func spread(m *model.Image, f Features) Features {
	l := m.Format.Layout()
	wide := resample(f, m.Width, true, func(x int) []tap { return spreadAcross(x, m.Width, f.W, l.SubX, m.Colorimetry.CositedX) })
	return resample(wide, m.Height, false, func(y int) []tap {
		return spreadDown(y, f.H, l.SubY, m.Colorimetry.CositedY, m.Interlaced)
	})
}

// gather is f, chroma of each pixel of m, as chroma samples.
func gather(m *model.Image, f Features) Features {
	l := m.Format.Layout()
	w, h := l.Sides(1, m.Width, m.Height)
	low := resample(f, h, false, func(y int) []tap { return gatherDown(y, m.Height, l.SubY, m.Colorimetry.CositedY, m.Interlaced) })
	return resample(low, w, true, func(x int) []tap { return gatherAcross(x, w, m.Width, l.SubX, m.Colorimetry.CositedX) })
}

// resample makes n columns or rows of f, each of some taps.
func resample(f Features, n int, across bool, taps func(i int) []tap) Features {
	out := NewFeatures(1, n, f.W)
	if across {
		out = NewFeatures(1, f.H, n)
	}
	for i := range n {
		for _, t := range taps(i) {
			if across {
				for y := range f.H {
					out.Data[y*n+i] += t.share * f.Data[y*f.W+t.at]
				}
				continue
			}
			for x := range f.W {
				out.Data[i*f.W+x] += t.share * f.Data[t.at*f.W+x]
			}
		}
	}
	return out
}

// spreadAcross says what pixel x of n is made of, of w samples that 2^sub pixels share.
func spreadAcross(x, n, w, sub int, cosited bool) []tap {
	k := x >> sub
	switch {
	case sub == 0:
		return []tap{{x, 1}}
	case cosited:
		part := float64(x&(1<<sub-1)) / float64(int(1)<<sub)
		return []tap{{k, 1 - part}, {limit(k+1, w), part}}
	case sub == 1:
		return []tap{{k, 0.75}, {limit(k-1+2*(x&1), w), 0.25}}
	case (x+2)&^3+1 > n-1: // four pixels between two samples that are not all there
		return []tap{{k, 1}}
	}
	part := float64([]int{3, 1, 1, 3}[x&3]) / 8
	return []tap{{k, 1 - part}, {limit(k-1+x&2, w), part}}
}

// spreadDown says what row y is made of, of h rows of samples.
func spreadDown(y, h, sub int, cosited, interlaced bool) []tap {
	switch {
	case sub == 0:
		return []tap{{y, 1}}
	case interlaced:
		field, j := y&1, y>>1
		row := func(k int) int { return field + 2*limit(k, (h-field+1)/2) }
		part, beside := 3.0/8, j>>1-1+2*(j&1)
		if j&1 == field {
			part = 1.0 / 8
		}
		return []tap{{row(j >> 1), 1 - part}, {row(beside), part}}
	case cosited:
		return []tap{{y >> 1, 1}}
	}
	return []tap{{y >> 1, 0.75}, {limit(y>>1-1+2*(y&1), h), 0.25}}
}

// gatherAcross says what sample x of w is made of, of n pixels.
func gatherAcross(x, w, n, sub int, cosited bool) []tap {
	at := x << sub
	last := x == w-1
	switch {
	case sub == 0:
		return []tap{{x, 1}}
	case sub == 1 && cosited:
		right := limit(at+1, n)
		if last && x > 0 {
			right = at
		}
		return []tap{{limit(at-1, n), 0.25}, {at, 0.5}, {right, 0.25}}
	case sub == 1:
		return []tap{{at, 0.5}, {limit(at+1, n), 0.5}}
	case n < 4 || last && !cosited:
		return []tap{{at, 1}}
	}
	if cosited {
		var out []tap
		for i := -3; i <= 3; i++ {
			k := limit(at+i, n)
			if last && x > 0 && i > 0 {
				k = at
			}
			out = append(out, tap{k, float64(4-max(i, -i)) / 16})
		}
		return out
	}
	return []tap{{at, 0.125}, {at + 1, 0.375}, {at + 2, 0.375}, {at + 3, 0.125}}
}

// gatherDown says what row y of samples is made of, of n rows.
func gatherDown(y, n, sub int, cosited, interlaced bool) []tap {
	switch {
	case sub == 0:
		return []tap{{y, 1}}
	case interlaced:
		field, at := y&1, y&^1*2+y&1
		near := 0.75 - 0.5*float64(field)
		below := at + 2
		if below >= n {
			below = at
		}
		return []tap{{at, near}, {below, 1 - near}}
	case cosited:
		return []tap{{2 * y, 1}}
	}
	return []tap{{2 * y, 0.5}, {limit(2*y+1, n), 0.5}}
}
