package quantization

import (
	"adainfilter/cpu"
	"adainfilter/model"
)

// firstMap fills m with the input of the second convolution, which the engine keeps in tiles only: the first one, with the colour layer folded
// in, of an RGB picture whose rows lie close together, after its ReLU and with its reflected border.
func firstMap(l model.Conv, img *model.Image, m *cpu.Map) {
	h, w, c := img.Height, img.Width, l.Out
	m.Rows, m.Cols, m.Channels = h, w, c
	if n := (h + 2) * (w + 2) * c; len(m.Values) < n {
		m.Values = make([]float32, n)
	}
	var window [27]float32
	for y := range h + 2 {
		for x := range w + 2 {
			cy, cx := mirror(y-1, h), mirror(x-1, w)
			for t := range 9 {
				at := 3 * (mirror(cy+t/3-1, h)*w + mirror(cx+t%3-1, w))
				for i := range 3 {
					window[9*i+t] = float32(img.Planes[0].Data[at+i]) / 255
				}
			}
			for o, b := range l.Bias {
				m.Values[(y*(w+2)+x)*c+o] = max(b+dot(window[:], l.Weight[27*o:][:27]), 0)
			}
		}
	}
}

// mirror is reflection without repeating the edge.
func mirror(i, n int) int {
	switch {
	case i < 0:
		return -i
	case i >= n:
		return 2*n - 2 - i
	}
	return i
}
