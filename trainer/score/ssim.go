package score

import (
	"math"

	"adainfilter/model"
)

// The constants of Wang et al. 2004, section III.C.
const (
	ssimWindow = 11
	ssimSigma  = 1.5
	ssimK1     = 0.01
	ssimK2     = 0.03
	sampleMax  = 255
)

// SSIMSide is the smallest side of images that SSIM can compare.
const SSIMSide = ssimWindow

// SSIM is the mean structural similarity of the luminance of two images (Wang, Bovik, Sheikh & Simoncelli 2004, equations 13 to
// 17): 11x11 Gaussian windows of sigma 1.5 at every position inside the image. Both sides must be at least SSIMSide.
func SSIM(a, b *model.Image) float64 {
	const c1, c2 = ssimK1 * sampleMax * ssimK1 * sampleMax, ssimK2 * sampleMax * ssimK2 * sampleMax
	x, y := luminance(a), luminance(b)
	meanX, meanY := blur(x), blur(y)
	squareX, squareY, product := blur(multiply(x, x)), blur(multiply(y, y)), blur(multiply(x, y))
	var sum float64
	for i, mx := range meanX.data {
		my := meanY.data[i]
		varX, varY, cov := squareX.data[i]-mx*mx, squareY.data[i]-my*my, product.data[i]-mx*my
		sum += (2*mx*my + c1) * (2*cov + c2) / ((mx*mx + my*my + c1) * (varX + varY + c2))
	}
	return sum / float64(len(meanX.data))
}

// plane is one value for each pixel.
type plane struct {
	width, height int
	data          []float64
}

// luminance is that of ITU-R BT.601, 0..255, not rounded.
func luminance(m *model.Image) plane {
	p := plane{m.Width, m.Height, make([]float64, 0, m.Width*m.Height)}
	for y := range m.Height {
		row := m.Planes[0].Data[y*m.Planes[0].Stride:]
		for x := range m.Width {
			p.data = append(p.data, 0.299*float64(row[3*x])+0.587*float64(row[3*x+1])+0.114*float64(row[3*x+2]))
		}
	}
	return p
}

func multiply(a, b plane) plane {
	out := plane{a.width, a.height, make([]float64, len(a.data))}
	for i, v := range a.data {
		out.data[i] = v * b.data[i]
	}
	return out
}

// blur is the mean under the window at each position where it fits.
func blur(p plane) plane {
	var window [ssimWindow]float64
	var sum float64
	for i := range window {
		d := float64(i - ssimWindow/2)
		window[i] = math.Exp(-d * d / (2 * ssimSigma * ssimSigma))
		sum += window[i]
	}
	rows := plane{p.width, p.height - ssimWindow + 1, nil}
	rows.data = make([]float64, rows.width*rows.height)
	out := plane{p.width - ssimWindow + 1, rows.height, nil}
	out.data = make([]float64, out.width*out.height)
	for k, w := range window {
		w /= sum
		for i, v := range p.data[k*p.width:][:len(rows.data)] {
			rows.data[i] += w * v
		}
	}
	for k, w := range window {
		w /= sum
		for y := range out.height {
			from, to := rows.data[y*rows.width+k:][:out.width], out.data[y*out.width:][:out.width]
			for i, v := range from {
				to[i] += w * v
			}
		}
	}
	return out
}
