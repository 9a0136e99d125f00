package ref

import "adainfilter/model"

// Channel is one channel of a picture's samples, on its own grid.
type Channel struct {
	Width, Height int
	row           func(y int) []byte
	layout        *model.Channel
}

// Get is the sample at a position.
func (c Channel) Get(x, y int) int { return c.layout.Sample(c.row(y), x) }

// Set changes the sample at a position.
func (c Channel) Set(x, y, v int) { c.layout.SetSample(c.row(y), x, v) }

// Channels are those of a picture: R, G, B, or Y, Cb, Cr with the chroma's own sides, or Y.
func Channels(m *model.Image) []Channel {
	l := m.Format.Layout()
	out := make([]Channel, len(l.Channels))
	for i := range out {
		out[i] = channel(m, i, &l.Channels[i])
	}
	return out
}

// Copied is the channel that engines copy, if the format has one.
func Copied(m *model.Image) (c Channel, ok bool) {
	l := m.Format.Layout()
	if l.Copied == nil {
		return Channel{}, false
	}
	return channel(m, 0, l.Copied), true
}

func channel(m *model.Image, i int, layout *model.Channel) Channel {
	p := m.Planes[layout.Plane]
	w, h := m.Format.Layout().Sides(i, m.Width, m.Height)
	return Channel{w, h, func(y int) []byte { return p.Data[y*p.Stride:] }, layout}
}

// copyChannel gives to the samples of from.
func copyChannel(to, from Channel) {
	for y := range to.Height {
		for x := range to.Width {
			to.Set(x, y, from.Get(x, y))
		}
	}
}

// begin makes all bits of the rows of dst zero, then copies what is to be copied from src.
func begin(dst, src *model.Image) {
	kept, ok := Copied(src)
	var values []int
	for y := 0; ok && y < kept.Height; y++ {
		for x := range kept.Width {
			values = append(values, kept.Get(x, y)) // src may be dst
		}
	}
	for i := range dst.Format.Planes() {
		row, rows := dst.Format.Plane(i, dst.Width, dst.Height)
		for y := range rows {
			clear(dst.Planes[i].Data[y*dst.Planes[i].Stride:][:row])
		}
	}
	to, _ := Copied(dst)
	for i, v := range values {
		to.Set(i%to.Width, i/to.Width, v)
	}
}

// shared says whether a channel has fewer samples than the picture pixels.
func shared(m *model.Image, c int) bool {
	l := m.Format.Layout()
	return l.Colour == model.ColourYUV && c > 0 && l.SubX+l.SubY > 0
}
