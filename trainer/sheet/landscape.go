package sheet

import (
	"math"

	"adainfilter/model"
)

// Landscape is a drawn picture to show styles on where nobody names a photograph: sky and clouds, sun, hills, a lake with what it mirrors.
func Landscape(width, height int) *model.Image {
	img := model.NewImage(model.RGB, width, height)
	const shore = 0.68 // of the height
	for y := range height {
		for x := range width {
			// From 0 to 1 down, and so far across that a unit is the same length.
			u, v := float64(x)/float64(height), float64(y)/float64(height)
			c := land(u, v)
			if v > shore {
				ripple := 0.012 * math.Sin(150*v*v) * math.Sin(9*u+40*v)
				c = mix(land(u+ripple, 2*shore-v+ripple), rgb{30, 60, 90}, 0.35)
			}
			for i := range 3 {
				img.Planes[0].Data[y*img.Planes[0].Stride+3*x+i] = uint8(min(255, max(0, c[i])))
			}
		}
	}
	return img
}

type rgb [3]float64

func mix(a, b rgb, share float64) rgb {
	for i := range a {
		a[i] += (b[i] - a[i]) * share
	}
	return a
}

// land is the colour of a point above the water.
func land(u, v float64) rgb {
	ridges := []struct {
		level, high, often, phase float64
		colour                    rgb
	}{
		{0.60, 0.07, 7, 0.4, rgb{66, 94, 58}}, {0.52, 0.10, 4.1, 2.1, rgb{96, 120, 96}}, {0.42, 0.13, 2.7, 5.2, rgb{128, 140, 158}},
	}
	for _, r := range ridges {
		edge := r.level + r.high*(0.7*math.Sin(r.often*u+r.phase)+0.3*math.Sin(3.7*r.often*u+2*r.phase))
		if v > edge {
			wood := 7 * math.Sin(61*u+17*math.Sin(23*v)) * math.Sin(53*v+11*math.Sin(29*u))
			return rgb{r.colour[0] + wood, r.colour[1] + wood, r.colour[2] + wood/2}
		}
	}
	sky := mix(rgb{70, 120, 190}, rgb{250, 205, 150}, min(1, 1.6*v))
	cloud := math.Sin(5*u+3*math.Sin(7*v)) + 0.6*math.Sin(11*u-14*v) + 0.4*math.Sin(23*u+31*v)
	sky = mix(sky, rgb{250, 245, 240}, min(0.8, max(0, 0.7*(cloud-0.5))))
	if away := math.Hypot(u-1.15, v-0.2); away < 0.3 {
		sky = mix(sky, rgb{255, 244, 200}, min(1, max(0, (0.11-away)*40))+0.4*(0.3-away))
	}
	return sky
}
