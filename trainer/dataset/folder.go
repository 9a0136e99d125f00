// Package dataset makes training batches of folders of pictures. What a batch holds depends on seed, iteration, options and the
// files alone, not on the number of workers, caches or timing: a run that goes on at an iteration sees what an uninterrupted
// one sees.
package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/files"
)

// Options say how crops are taken from a folder's pictures.
type Options struct {
	// Size is the short side in pixels to which a picture is scaled, its shape kept, before the crop is cut; 0 leaves it. A
	// crop that does not fit enlarges the picture as far as needed.
	Size int
	// Scales is the range of a random factor on the short side, uniform in its logarithm; zeros mean none.
	Scales [2]float64
	Crop   int // side of the square crop in pixels
	// Pool is how many crops each picture has, one per epoch in turn, which are the same each time; 0 takes a fresh one always.
	Pool  int
	Cache int64         // bytes of pictures, or with Pool of crops, to keep in memory; nothing is evicted
	Limit picture.Limit // what one picture may cost
}

func (o Options) check() error {
	switch {
	case o.Crop < 1 || o.Crop > 4096:
		return fmt.Errorf("crop of %d pixels, wanted 1 to 4096", o.Crop)
	case o.Size < 0 || o.Size > 1<<16:
		return fmt.Errorf("pictures of %d pixels, wanted 0 to %d", o.Size, 1<<16)
	case o.Pool < 0:
		return fmt.Errorf("%d crops of each picture, wanted 0 or more", o.Pool)
	case o.Cache < 0:
		return fmt.Errorf("cache of %d bytes, wanted 0 or more", o.Cache)
	case o.Scales != [2]float64{} && !(o.Scales[0] > 0 && o.Scales[0] <= o.Scales[1] && o.Scales[1] <= 100):
		return fmt.Errorf("pictures scaled by %v to %v, wanted a range above 0", o.Scales[0], o.Scales[1])
	}
	return nil
}

// Skipped is a picture that is not used and why.
type Skipped struct {
	Path string
	Err  error // a sentence that names the picture
}

// Folder is a folder of pictures. Its methods may be called at the same time.
type Folder struct {
	name    string
	o       Options
	hash    string
	files   []file
	large   sync.Mutex // held while a picture is decoded that needs much memory
	cached  atomic.Int64
	mu      sync.Mutex // guards what follows, and picture and broken of each file
	skipped []Skipped
}

type file struct {
	path    string
	pixels  int
	picture *model.Image // RGB, if it is kept
	broken  bool
}

// Open finds the pictures in and below a folder as files.Below does and reads their headers. Pictures whose header is refused are
// skipped. Errors: no folder, no pictures, none whose header is good, options out of range.
func Open(folder string, o Options) (*Folder, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("folder %q: %w", folder, err)
	}
	names, err := files.Below(folder, files.Pictures)
	if err != nil {
		return nil, err
	}
	f := &Folder{name: folder, o: o}
	hash := sha256.New()
	for _, name := range names {
		path := filepath.Join(folder, name)
		w, h, err := picture.Size(path, o.Limit)
		if err != nil {
			f.skipped = append(f.skipped, Skipped{path, err})
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			f.skipped = append(f.skipped, Skipped{path, fmt.Errorf("picture %q cannot be read: %w", path, errors.Unwrap(err))})
			continue
		}
		fmt.Fprintf(hash, "%s\x00%d\x00", filepath.ToSlash(name), info.Size())
		f.files = append(f.files, file{path: path, pixels: w * h})
	}
	f.hash = hex.EncodeToString(hash.Sum(nil)[:8])
	if len(f.files) == 0 {
		return nil, f.unusable()
	}
	return f, nil
}

// Len is the number of pictures whose header is good.
func (f *Folder) Len() int { return len(f.files) }

// Hash identifies the pictures by their names below the folder and the lengths of their files: 16 hexadecimal digits of a
// SHA-256.
func (f *Folder) Hash() string { return f.hash }

// Skipped lists the pictures that turned out unusable so far, each once; later ones are appended.
func (f *Folder) Skipped() []Skipped {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.skipped[:len(f.skipped):len(f.skipped)]
}

func (f *Folder) unusable() error {
	first := f.Skipped()[0]
	return fmt.Errorf("folder %q: none of its %d pictures can be used, the first of them: %w", f.name, len(f.Skipped()), first.Err)
}

// errBroken stands for a failure that Skipped has told.
var errBroken = errors.New("picture is broken")

// manyPixels is the size from which pictures are decoded one at a time.
const manyPixels = 1 << 24

// load is picture i as RGB, reduced if it is much larger than needed.
func (f *Folder) load(i int) (*model.Image, error) {
	p := &f.files[i]
	f.mu.Lock()
	img, broken := p.picture, p.broken
	f.mu.Unlock()
	if broken {
		return nil, errBroken
	}
	if img != nil {
		return img, nil
	}
	img, err := f.decode(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		if !p.broken {
			p.broken = true
			f.skipped = append(f.skipped, Skipped{p.path, err})
		}
		return nil, errBroken
	}
	if f.o.Pool == 0 && p.picture == nil && f.reserve(len(img.Planes[0].Data)) {
		p.picture = img
	}
	return img, nil
}

func (f *Folder) decode(p *file) (*model.Image, error) {
	if p.pixels >= manyPixels {
		f.large.Lock()
		defer f.large.Unlock()
	}
	img, err := picture.Read(p.path, f.o.Limit)
	if err != nil {
		return nil, err
	}
	return f.o.reduce(picture.OnWhite(img)), nil
}

// reserve takes bytes of the cache if it has them.
func (f *Folder) reserve(bytes int) bool {
	if f.cached.Add(int64(bytes)) <= f.o.Cache {
		return true
	}
	f.cached.Add(-int64(bytes))
	return false
}
