package picture

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"

	"adainfilter/model"
)

// Bounds of ReadReduced for a Limit of zero. The decoded picture takes 1 byte a pixel where it is grey or has a palette, 3 at most for JPEG
// and WebP, 4 and 8 for the others.
const (
	ReducedPixels = 1 << 29 // 536 million
	reducedBytes  = 2 << 30
)

// ReadReduced is Read for whoever needs a smaller picture: transparent pixels on white, and where the short side has at least twice short
// pixels, each square of k x k pixels becomes its mean, with k the largest that leaves short of them; what is left of a square at the
// right and the lower edge is lost. The whole picture is in memory only as the file's format has it, so it may have ReducedPixels.
// Errors are those of Read.
func ReadReduced(path string, short int, limit Limit) (*model.Image, error) {
	limit = limit.reduced()
	f, err := open(path, limit)
	if err != nil {
		return nil, fmt.Errorf("picture %q %w", path, err)
	}
	defer f.Close()
	img, err := decodeReduced(f, short, limit)
	if err == nil {
		return img, nil
	}
	// A codec may read it in strips, and shrink them.
	o := Options{Limit: limit, Shrink: (short + 1) / 2}
	var p *Photo
	var much tooMuch
	switch {
	case errors.As(err, &much):
		var missing error
		if p, missing = foreign(path, much.kind, o, nil); missing != nil {
			return nil, fmt.Errorf("picture %q %w", path, err)
		}
	case !errors.Is(err, errForeign):
		return nil, fmt.Errorf("picture %q %w", path, err)
	default:
		if p, err = ReadPhoto(path, o); err != nil {
			return nil, err
		}
	}
	img, err = means(standard(OnWhite(p.Image)), factor(p.Image.Width, p.Image.Height, short))
	if err != nil {
		return nil, fmt.Errorf("picture %q %w", path, err)
	}
	return img, nil
}

// factor is the largest that leaves short pixels of the short side.
func factor(w, h, short int) int { return max(1, min(w, h)/max(short, 1)) }

// SizeReduced is Size with the bounds of ReadReduced.
func SizeReduced(path string, limit Limit) (width, height int, err error) {
	return Size(path, limit.reduced())
}

func (l Limit) reduced() Limit {
	if l.Pixels == 0 {
		l.Pixels = ReducedPixels
	}
	if l.Memory == 0 {
		l.Memory = reducedBytes
	}
	return l
}

// tooMuch is a picture that takes more than Limit.Memory.
type tooMuch struct {
	error
	kind string
}

// errForeign is a picture that a codec may read.
var errForeign = errors.New("is of a kind that is not read here")

func decodeReduced(r io.ReadSeeker, short int, limit Limit) (img *model.Image, err error) {
	defer survive(&err)
	if k, err := sniff(r); err != nil || k.decode == nil {
		return nil, cmp.Or(err, errForeign)
	}
	k, config, err := header(r, limit)
	if err != nil {
		if unsupported(err) {
			return nil, errForeign
		}
		return nil, err
	}
	c := look(r, k)
	if err := c.check(config); err != nil {
		return nil, err
	}
	need := int64(config.Width) * int64(config.Height) * bytesOf(config.ColorModel)
	if c.progressive {
		need *= 4
	}
	by := int64(factor(config.Width, config.Height, short))
	need += int64(config.Width) / by * (int64(config.Height) / by) * 4
	if need > limit.Memory {
		return nil, tooMuch{fmt.Errorf("has %dx%d pixels, which take %d MB, wanted at most %d", config.Width, config.Height, need>>20, limit.Memory>>20), k.name}
	}
	if err := model.CheckMemory(need); err != nil {
		return nil, fmt.Errorf("has %dx%d pixels: %w", config.Width, config.Height, err)
	}
	decoded, err := fromStart(r, k.decode)
	if err != nil {
		if err := damaged(k, err); !unsupported(err) {
			return nil, err
		}
		return nil, errForeign
	}
	b := decoded.Bounds()
	if err := limit.Check(b.Dx(), b.Dy()); err != nil {
		return nil, err
	}
	if err := checkPalette(decoded); err != nil {
		return nil, err
	}
	p := &Photo{}
	if p.Image, err = means(decoded, factor(b.Dx(), b.Dy(), short)); err != nil {
		return nil, err
	}
	if c.profile != nil {
		p.toSRGB(c.profile)
	}
	p.upright(orientation(c.exif))
	return p.Image, nil
}

// bytesOf is what a decoded pixel takes at most.
func bytesOf(m color.Model) int64 {
	if _, ok := m.(color.Palette); ok {
		return 1
	}
	switch m {
	case color.GrayModel:
		return 1
	case color.YCbCrModel:
		return 3
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	}
	return 4
}

// means are the means of squares of k x k pixels, on white; the picture itself for k of 1.
func means(src image.Image, k int) (*model.Image, error) {
	if k == 1 {
		return OnWhite(samples(src)), nil
	}
	b := src.Bounds()
	row, err := rows(src)
	if err != nil {
		return nil, err
	}
	out := model.NewImage(model.RGB, b.Dx()/k, b.Dy()/k)
	sums := make([]int, 3*out.Width)
	for y := range out.Height {
		clear(sums)
		for below := range k {
			pixels, n := row(b.Min.Y + y*k + below)
			for x := range out.Width * k {
				s, p := sums[x/k*3:], pixels[n*x:]
				s[0] += int(p[0])
				s[1] += int(p[1])
				s[2] += int(p[2])
			}
		}
		line := out.Planes[0].Data[y*out.Planes[0].Stride:]
		for i, s := range sums {
			line[i] = uint8((s + k*k/2) / (k * k))
		}
	}
	return out, nil
}

// rows gives single rows of a picture on white: R, G, B at every n-th byte, valid until the next call.
func rows(src image.Image) (row func(y int) (pixels []uint8, n int), err error) {
	b := src.Bounds()
	if o, ok := src.(interface{ Opaque() bool }); !ok || o.Opaque() {
		line := image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
		return func(y int) ([]uint8, int) {
			draw.Draw(line, line.Rect, src, image.Pt(b.Min.X, y), draw.Src)
			return line.Pix, 4
		}, nil
	}
	part, ok := src.(interface {
		SubImage(image.Rectangle) image.Image
	})
	if !ok {
		return nil, errors.New("has a colour model that cannot be reduced")
	}
	return func(y int) ([]uint8, int) {
		return OnWhite(samples(part.SubImage(image.Rect(b.Min.X, y, b.Max.X, y+1)))).Planes[0].Data, 3
	}, nil
}
