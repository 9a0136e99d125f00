package stills

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"slices"
	"time"
)

// gifWriter writes an animated GIF, each frame with colours of its own.
type gifWriter struct {
	output
}

func (w *gifWriter) Frame(data []byte, shown time.Duration) error {
	decoded, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("a frame is no PNG: %w", err)
	}
	if w.frames == 0 {
		w.head()
	}
	disposal := byte(gif.DisposalNone)
	if w.shape.Alpha {
		disposal = gif.DisposalBackground
	}
	g := &gif.GIF{Image: []*image.Paletted{paletted(decoded)}, Delay: []int{w.ticks(shown, 10*time.Millisecond)}, Disposal: []byte{disposal}}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		return err
	}
	// Without the head and the trailer: what is between is the frame.
	whole := b.Bytes()
	if len(whole) < 14 || whole[10]&0x80 != 0 {
		return errors.New("a frame has another form than expected")
	}
	return w.write(whole[13 : len(whole)-1])
}

// head writes what comes before the frames.
func (w *gifWriter) head() {
	b := []byte("GIF89a")
	for _, n := range []int{w.shape.Width, w.shape.Height} {
		b = append(b, byte(n), byte(n>>8))
	}
	b = append(b, 0x70, 0, 0) // no common colours
	if loop := w.shape.Loop; loop != 1 {
		loop = min(max(loop-1, 0), 1<<16-1)
		b = append(append(b, extensionGIF, applicationGIF, 11), "NETSCAPE2.0"...)
		b = append(b, 3, 1, byte(loop), byte(loop>>8), 0)
	}
	w.write(b)
}

func (w *gifWriter) Close() error {
	w.write([]byte{trailerGIF})
	return w.finish()
}

// paletted reduces a picture to 256 colours: its own where it has no more, else the middles of boxes that a median cut makes (Heckbert 1982), with the error of
// each pixel spread to its neighbours (Floyd and Steinberg 1976). A pixel that is less than half there is transparent.
func paletted(img image.Image) *image.Paletted {
	b := img.Bounds()
	p := pixels(img)
	colours, holes := count(p)
	room := 256
	var palette color.Palette
	if holes {
		room--
		palette = append(palette, color.NRGBA{})
	}
	exact := len(colours) <= room
	if !exact {
		colours = medianCut(colours, room)
	}
	first := len(palette)
	for _, c := range colours {
		palette = append(palette, color.NRGBA{c.at[0], c.at[1], c.at[2], 255})
	}
	if len(palette) == 0 {
		palette = color.Palette{color.NRGBA{}}
	}
	out := image.NewPaletted(image.Rect(0, 0, b.Dx(), b.Dy()), palette)
	if exact {
		index := map[[3]byte]byte{}
		for i, c := range colours {
			index[c.at] = byte(first + i)
		}
		for i := range out.Pix {
			if p[4*i+3] >= 128 {
				out.Pix[i] = index[[3]byte(p[4*i:])]
			}
		}
		return out
	}
	spreadError(out.Pix, p, b.Dx(), colours, first)
	return out
}

// pixels is a picture in RGBA, straight, rows without gaps.
func pixels(img image.Image) []byte {
	b := img.Bounds()
	if n, ok := img.(*image.NRGBA); ok && n.Stride == 4*b.Dx() {
		return n.Pix
	}
	p := make([]byte, 0, 4*b.Dx()*b.Dy())
	n, ok := img.(*image.RGBA)
	ok = ok && n.Opaque() // straight or not is the same then
	for y := b.Min.Y; y < b.Max.Y; y++ {
		if ok {
			at := n.PixOffset(b.Min.X, y)
			p = append(p, n.Pix[at:at+4*b.Dx()]...)
			continue
		}
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			p = append(p, c.R, c.G, c.B, c.A)
		}
	}
	return p
}

// tone is a colour and how many pixels have it.
type tone struct {
	at [3]byte
	n  int
}

// count finds the colours of a picture, sorted, and whether pixels are transparent. Of a picture with many colours those are joined that differ in the last three bits
// only.
func count(p []byte) (tones []tone, holes bool) {
	for _, mask := range []byte{0xff, 0xf8} {
		seen := map[[3]byte]int{}
		for i := 0; i < len(p) && (mask != 0xff || len(seen) <= 256); i += 4 {
			if p[i+3] < 128 {
				holes = true
				continue
			}
			seen[[3]byte{p[i] & mask, p[i+1] & mask, p[i+2] & mask}]++
		}
		if mask == 0xff && len(seen) > 256 {
			continue
		}
		for at, n := range seen {
			if mask != 0xff {
				at = [3]byte{at[0] | at[0]>>5, at[1] | at[1]>>5, at[2] | at[2]>>5}
			}
			tones = append(tones, tone{at, n})
		}
		break
	}
	slices.SortFunc(tones, func(a, b tone) int { return bytes.Compare(a.at[:], b.at[:]) })
	return tones, holes
}

// medianCut makes at most n colours of many.
func medianCut(tones []tone, n int) []tone {
	boxes := [][]tone{tones}
	for len(boxes) < n {
		widest, channel, most := -1, 0, 0
		for i, box := range boxes {
			if k, width := wide(box); width > most {
				widest, channel, most = i, k, width
			}
		}
		if widest < 0 {
			break
		}
		box := boxes[widest]
		slices.SortStableFunc(box, func(a, b tone) int { return int(a.at[channel]) - int(b.at[channel]) })
		all, half := 0, 0
		for _, t := range box {
			all += t.n
		}
		cut := 0
		for cut < len(box)-1 && (cut == 0 || half+box[cut].n <= all/2) {
			half += box[cut].n
			cut++
		}
		boxes[widest] = box[:cut]
		boxes = append(boxes, box[cut:])
	}
	var middles []tone
	for _, box := range boxes {
		var sum [3]int
		all := 0
		for _, t := range box {
			for k := range sum {
				sum[k] += int(t.at[k]) * t.n
			}
			all += t.n
		}
		middles = append(middles, tone{[3]byte{byte(sum[0] / all), byte(sum[1] / all), byte(sum[2] / all)}, all})
	}
	return middles
}

// wide is the channel in which the colours of a box lie the farthest apart, and how far.
func wide(box []tone) (channel, width int) {
	for k := range 3 {
		low, high := 255, 0
		for _, t := range box {
			low, high = min(low, int(t.at[k])), max(high, int(t.at[k]))
		}
		if high-low > width {
			channel, width = k, high-low
		}
	}
	return channel, width
}

// spreadError finds the nearest colour of each pixel and gives what is off to the pixels that follow.
func spreadError(to, p []byte, width int, colours []tone, first int) {
	var nearest [1 << 15]int16 // by the first five bits of each channel, one more than the colour; 0 is not known yet
	errors := [2][]int{make([]int, 3*(width+2)), make([]int, 3*(width+2))}
	for i := range to {
		x := i % width
		if x == 0 {
			errors[0], errors[1] = errors[1], errors[0]
			for k := range errors[1] {
				errors[1][k] = 0
			}
		}
		if p[4*i+3] < 128 {
			continue
		}
		var want [3]int
		key := 0
		for k := range want {
			want[k] = min(max(int(p[4*i+k])+errors[0][3*(x+1)+k]/16, 0), 255)
			key = key<<5 | want[k]>>3
		}
		if nearest[key] == 0 {
			nearest[key] = int16(1 + closest(want, colours))
		}
		c := int(nearest[key]) - 1
		to[i] = byte(first + c)
		for k := range want {
			off := want[k] - int(colours[c].at[k])
			errors[0][3*(x+2)+k] += 7 * off
			errors[1][3*x+k] += 3 * off
			errors[1][3*(x+1)+k] += 5 * off
			errors[1][3*(x+2)+k] += off
		}
	}
}

func closest(want [3]int, colours []tone) int {
	best, least := 0, 1<<30
	for i, c := range colours {
		d := 0
		for k := range want {
			e := want[k] - int(c.at[k])
			d += e * e
		}
		if d < least {
			best, least = i, d
		}
	}
	return best
}
