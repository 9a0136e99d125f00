package evaluation

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/files"
	"adainfilter/trainer/score"
)

// pair is one content and one style.
type pair struct{ content, style files.File }

// choosePairs chooses pairs that differ and use all contents and all styles about equally often. The choice depends on the seed and
// on the names below the folders only.
func choosePairs(o Options) []pair {
	contents, styles := shuffled(o.Contents, o.Seed, "content"), shuffled(o.Styles, o.Seed, "style")
	n, m := len(contents), len(styles)
	// Both lists are gone through in turn. After each common multiple of their lengths the same pairs would come again, so one
	// list is then moved on by one.
	common := n / gcd(n, m) * m
	pairs := make([]pair, 0, min(o.Pairs, n*m))
	for k := range cap(pairs) {
		pairs = append(pairs, pair{contents[k%n], styles[(k+k/common)%m]})
	}
	return pairs
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// shuffled sorts inputs by a hash of their name, so that the order neither depends on a random generator nor changes for the
// others when a file is added.
func shuffled(in []files.File, seed uint64, side string) []files.File {
	key := func(i files.File) string {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", seed, side, filepath.ToSlash(i.Base)))
		return string(sum[:])
	}
	return slices.SortedStableFunc(slices.Values(in), func(a, b files.File) int { return strings.Compare(key(a), key(b)) })
}

// view is a picture as it is scored, and what both networks see of it.
type view struct {
	img *model.Image // size x size
	score.Extract
	stats model.Stats // of the engine's encoder; only a style's
}

// keptBytes bound the memory for views that are needed again.
const keptBytes = 512 << 20

// see reads a picture, or remembers it.
func (e *Evaluation) see(in files.File, style bool) (*view, error) {
	key := fmt.Sprint(style, in.Path)
	if v := e.kept[key]; v != nil {
		return v, nil
	}
	img, err := ReadSquare(in.Path, e.Size)
	if err != nil {
		return nil, err
	}
	v := &view{img: img}
	if v.Extract, err = e.extract(img); err != nil {
		return nil, fmt.Errorf("picture %q: %w", in.Path, err)
	}
	if style {
		if v.stats, err = e.engine.Statistics(img); err != nil {
			return nil, fmt.Errorf("style %q: %w", in.Path, err)
		}
	}
	if bytes := int64(len(img.Planes[0].Data) + 4*len(v.Features)); bytes <= e.left {
		e.left -= bytes
		e.kept[key] = v
	}
	return v, nil
}

// ReadSquare is the middle of a picture whose short side has size pixels.
func ReadSquare(path string, size int) (*model.Image, error) {
	img, err := picture.ReadStyle(path, size, picture.Limit{})
	if err != nil {
		return nil, err
	}
	if min(img.Width, img.Height) < size {
		return nil, fmt.Errorf("picture %q is more than 16 times longer than wide, which leaves no square of %d pixels", path, size)
	}
	part := picture.Middle(img, size)
	out := model.NewImage(model.RGB, size, size)
	for y := range size {
		copy(out.Planes[0].Data[3*size*y:][:3*size], part.Planes[0].Data[y*part.Planes[0].Stride:])
	}
	return out, nil
}

// extract is what the loss network sees of an RGB image whose rows lie close together.
func (e *Evaluation) extract(img *model.Image) (score.Extract, error) {
	area := img.Width * img.Height
	planar := make([]float32, 3*area)
	for i, v := range img.Planes[0].Data {
		planar[i%3*area+i/3] = float32(v) / 255
	}
	features, levels, err := e.eye.Extract(planar, img.Height, img.Width)
	return score.Extract{Features: features, Levels: levels}, err
}

// picturesID identifies the pixels of all pairs in their order: the first 16 hexadecimal digits of a SHA-256.
type picturesID struct{ sums []byte }

func (id *picturesID) add(content, style *view) {
	for _, v := range []*view{content, style} {
		sum := sha256.Sum256(v.img.Planes[0].Data)
		id.sums = append(id.sums, sum[:]...)
	}
}

func (id *picturesID) String() string {
	sum := sha256.Sum256(id.sums)
	return hex.EncodeToString(sum[:])[:16]
}
