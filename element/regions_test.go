package element_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"adainfilter/cpu"
	"adainfilter/element/harness"
	"adainfilter/model"
	"adainfilter/model/ref"
	"adainfilter/picture"
)

// noise has detail at every scale: a grid of values between -1 and 1, interpolated, and added at half the size and strength again and
// again.
type noise [64][64]float64

func newNoise(rng *rand.Rand) *noise {
	n := new(noise)
	for i := range n {
		for k := range n[i] {
			n[i][k] = 2*rng.Float64() - 1
		}
	}
	return n
}

func (n *noise) at(x, y float64) (sum float64) {
	mix := func(a, b, share float64) float64 { return a + share*(b-a) }
	for scale := 1.0; scale <= 32; scale *= 2 {
		i, u := math.Modf(x * scale)
		k, v := math.Modf(y * scale)
		above, below := &n[int(k)%64], &n[(int(k)+1)%64]
		left, right := int(i)%64, (int(i)+1)%64
		sum += mix(mix(above[left], above[right], u), mix(below[left], below[right], u), v) / scale
	}
	return sum
}

// landscape has what photographs have: a bright and smooth part, clouds in the sky, a dark and rough one, hills below it, and grain.
func landscape(seed uint64, width, height int) harness.Frame {
	rng := rand.New(rand.NewPCG(seed, 8))
	hills, clouds, ground := newNoise(rng), newNoise(rng), newNoise(rng)
	frame := plain(model.RGB, width, height)
	for y := range height {
		for x := range width {
			u, v := float64(x)/float64(height), float64(y)/float64(height)
			horizon := 0.5 + 0.12*hills.at(2*u, 0)
			c := [3]float64{60, 80, 40}
			if v < horizon {
				haze, cloud := v/horizon, 35*clouds.at(2*u, 4*v)
				c = [3]float64{110 + 100*haze + cloud, 150 + 70*haze + cloud, 215 + 20*haze + cloud/2}
			} else {
				grass := ground.at(8*u, 12*v)
				for i, strength := range [3]float64{35, 40, 20} {
					c[i] += strength * grass
				}
			}
			for i, value := range c {
				frame.Memory[y*frame.Stride[0]+3*x+i] = byte(min(max(value+3*rng.NormFloat64(), 0), 255))
			}
		}
	}
	return frame
}

// distances are those of each pixel of a mask to the nearest pixel of the other region.
func distances(white []uint8, width, height int) []float64 {
	var border [][2]int
	for i, v := range white {
		x, y := i%width, i/width
		if x > 0 && white[i-1] != v || x+1 < width && white[i+1] != v || y > 0 && white[i-width] != v || y+1 < height && white[i+width] != v {
			border = append(border, [2]int{x, y})
		}
	}
	out := make([]float64, len(white))
	for i, v := range white {
		nearest := math.MaxInt
		for _, b := range border {
			if white[b[1]*width+b[0]] != v {
				dx, dy := i%width-b[0], i/width-b[1]
				nearest = min(nearest, dx*dx+dy*dy)
			}
		}
		out[i] = math.Sqrt(float64(nearest))
	}
	return out
}

// apart is the largest difference of two RGB pictures among the pixels that count, and how many those are.
func apart(a, b *model.Image, counts func(pixel int) bool) (most, pixels int) {
	for i := range a.Width * a.Height {
		if !counts(i) {
			continue
		}
		pixels++
		x, y := i%a.Width, i/a.Width
		p, q := a.Planes[0].Data[y*a.Planes[0].Stride+3*x:], b.Planes[0].Data[y*b.Planes[0].Stride+3*x:]
		for k := range 3 {
			most = max(most, int(p[k])-int(q[k]), int(q[k])-int(p[k]))
		}
	}
	return most, pixels
}

// TestMaskFarFromBorder: more than 48 pixels from a mask's border each region is what the reference makes of the whole frame with that
// region's style and, as the content's statistics, that region's. The decoder looks at 30 pixels to each side, and a pixel of the
// features is 8 wide.
func TestMaskFarFromBorder(t *testing.T) {
	const width, height, far = 320, 240, 48
	names := [2]string{"woodcut", "ember"}
	weights, err := model.BuiltinWeights()
	must(t, err)
	var styles [2]model.Stats
	for i, name := range names {
		style, err := model.BuiltinStyle(model.DefaultNetwork, name)
		must(t, err)
		styles[i] = style.Stats
	}
	use(t, cpu.Open)
	in := landscape(1, width, height)
	src := view(in, model.RGB)
	features := ref.Encode(weights, ref.Read(src))[3]
	stylized := func(properties ...string) *model.Image {
		h := harness.New(caps("RGB", width, height), append(properties, "device", "cpu", "precision", "float32")...)
		defer h.Close()
		must(t, h.Push(in))
		return view(pull(t, h), model.RGB)
	}
	var plain [2]*model.Image // each style with the statistics of the whole frame
	for i, name := range names {
		plain[i] = stylized("style", name)
	}
	for border, inside := range map[string]func(x, y int) bool{
		"straight": func(x, y int) bool { return 3*x+y < 600 },
		"round":    func(x, y int) bool { return math.Hypot(float64(x-150), float64(y-115)) < 80 },
	} {
		if testing.Short() && border == "straight" {
			continue
		}
		t.Run(border, func(t *testing.T) {
			mask := &model.Mask{Width: width, Height: height, White: make([]uint8, width*height), Second: styles[1]}
			grey := model.NewImage(model.RGB, width, height)
			for i := range mask.White {
				if inside(i%width, i/width) {
					mask.White[i] = 255
					copy(grey.Planes[0].Data[i/width*grey.Planes[0].Stride+i%width*3:], []byte{255, 255, 255})
				}
			}
			file := t.TempDir() + "/mask.png"
			must(t, picture.Write(file, grey))
			got := stylized("style", names[0]+","+names[1], "mask", file)
			distance := distances(mask.White, width, height)
			for i, region := range ref.Regions(&model.Stylization{Style: styles[0], Mask: mask}, features, width, height) {
				for k := range region.Share {
					region.Share[k] = 1
				}
				alone := ref.Decode(weights, ref.Adapt(features, []ref.Region{region}, 1))
				want := model.NewImage(model.RGB, width, height)
				ref.Write(want, src, ref.Crop(alone, height, width))
				in := func(pixel int) bool { return (mask.White[pixel] == 255) == (i == 0) }
				isFar := func(pixel int) bool { return in(pixel) && distance[pixel] > far }
				most, pixels := apart(got, want, isFar)
				whole, _ := apart(got, plain[i], isFar)
				near, _ := apart(got, want, func(pixel int) bool { return in(pixel) && distance[pixel] < 8 })
				t.Logf("%s: %d pixels far from the border differ by %d at most, from the whole frame's statistics by %d; near it by %d",
					names[i], pixels, most, whole, near)
				if most > 2 || pixels < 1000 {
					t.Errorf("%s: %d pixels far from the border differ by up to %d, wanted at most 2 in more than 1000", names[i], pixels, most)
				}
				if whole <= 20 || near <= 20 {
					t.Errorf("%s: the whole frame's statistics or the other style make no difference (%d, %d): nothing is shown", names[i], whole, near)
				}
			}
		})
	}
}
