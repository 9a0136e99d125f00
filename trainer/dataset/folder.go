// Package dataset makes training batches of folders of pictures. What a batch holds depends on seed, iteration, options and the
// files alone, not on the number of workers, caches or timing: a run that goes on at an iteration sees what an uninterrupted
// one sees.
package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/picture/archive"
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
	// HoldOut is the share of the pictures, 0 to less than 1, that is not used but listed by Held.
	HoldOut float64
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
	case !(o.HoldOut >= 0 && o.HoldOut < 1):
		return fmt.Errorf("%v of the pictures held out, wanted 0 to less than 1", o.HoldOut)
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
	held    []string     // paths of the pictures that are held out
	others  files.Others // files that are no pictures
	large   sync.Mutex   // held while a picture is decoded that needs much memory
	cached  atomic.Int64
	mu      sync.Mutex // guards what follows, and picture, broken and failures of each file
	skipped []Skipped
}

type file struct {
	path     string
	pixels   int
	decoded  int64        // bytes that it can take of the cache
	picture  *model.Image // RGB, if it is kept
	broken   bool
	failures int // how often the system could not read it
}

// Open finds the pictures in and below a folder or archive as files.FindPictures does and reads their headers. Pictures whose header is refused
// are skipped. Errors: no folder, no pictures, none whose header is good, options out of range.
func Open(folder string, o Options) (*Folder, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("folder %q: %w", folder, err)
	}
	names, others, err := files.FindPictures(folder)
	if err != nil {
		return nil, err
	}
	f := &Folder{name: folder, o: o, others: others}
	names = slices.DeleteFunc(names, func(name string) bool {
		out := held(filepath.ToSlash(name), o.HoldOut)
		if out {
			f.held = append(f.held, filepath.Join(folder, name))
		}
		return out
	})
	hash := sha256.New()
	for i, h := range headers(folder, names, o) {
		path := filepath.Join(folder, names[i])
		if h.err != nil {
			f.skipped = append(f.skipped, Skipped{path, h.err})
			continue
		}
		fmt.Fprintf(hash, "%s\x00%d\x00", filepath.ToSlash(names[i]), h.bytes)
		f.files = append(f.files, file{path: path, pixels: h.width * h.height, decoded: o.decodedBytes(h.width, h.height)})
	}
	f.hash = hex.EncodeToString(hash.Sum(nil)[:8])
	if len(f.files) == 0 {
		return nil, f.unusable()
	}
	return f, nil
}

// header is what is known of a picture before it is decoded.
type header struct {
	width, height int
	bytes         int64 // of the file
	err           error // a sentence that names the picture
}

// readers is how many headers are read at a time: on a network disk each takes its time, and little of anything else.
const readers = 16

// headers are those of pictures below a folder, in their order.
func headers(folder string, names []string, o Options) []header {
	size := picture.SizeReduced
	if o.short() == 0 {
		size = picture.Size
	}
	all := make([]header, len(names))
	var next atomic.Int64
	var done sync.WaitGroup
	for range min(readers, len(names)) {
		done.Add(1)
		go func() {
			defer done.Done()
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				h, path := &all[i], filepath.Join(folder, names[i])
				if h.width, h.height, h.err = size(path, o.Limit); h.err != nil {
					continue
				}
				if h.bytes, h.err = archive.Size(path); h.err != nil {
					h.err = fmt.Errorf("picture %q cannot be read: %w", path, h.err)
				}
			}
		}()
	}
	done.Wait()
	return all
}

// decodedBytes are what a picture of this size, or with Pool its crops, can take of the cache.
func (o Options) decodedBytes(w, h int) int64 {
	if o.Pool > 0 {
		side := int64(o.Crop + 2*maxShift)
		return int64(o.Pool) * 3 * side * side
	}
	k := 1
	if short := o.short(); short > 0 {
		k = max(1, min(w, h)/short)
	}
	return 3 * int64(w/k) * int64(h/k)
}

// Decoded is how many bytes the cache can take at most.
func (f *Folder) Decoded() (bytes int64) {
	for i := range f.files {
		bytes += f.files[i].decoded
	}
	return min(bytes, f.o.Cache)
}

// held says whether a picture of this name is held out of a share: the first eight bytes of the name's SHA-256 decide, so that it stays
// held out when others come or go.
func held(name string, share float64) bool {
	sum := sha256.Sum256([]byte(name))
	return float64(binary.BigEndian.Uint64(sum[:8])) < share*math.MaxUint64
}

// Len is the number of pictures whose header is good.
func (f *Folder) Len() int { return len(f.files) }

// Held are the paths of the pictures that are held out.
func (f *Folder) Held() []string { return f.held }

// Others counts the files that are no pictures.
func (f *Folder) Others() files.Others { return f.others }

// Paths are those of the pictures whose header is good.
func (f *Folder) Paths() (all []string) {
	for i := range f.files {
		all = append(all, f.files[i].path)
	}
	return all
}

// Pixels are the width times height of every picture whose header is good.
func (f *Folder) Pixels() (all []int) {
	for i := range f.files {
		all = append(all, f.files[i].pixels)
	}
	return all
}

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
	skipped := f.Skipped()
	if len(skipped) == 0 {
		return fmt.Errorf("folder %q: all its %d pictures are held out", f.name, len(f.held))
	}
	return fmt.Errorf("folder %q: none of its %d pictures can be used, the first of them: %w", f.name, len(skipped), skipped[0].Err)
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
	if err != nil {
		return nil, f.failed(p, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
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
	short := f.o.short()
	if short == 0 {
		img, err := picture.Read(p.path, f.o.Limit)
		if err != nil {
			return nil, err
		}
		return picture.OnWhite(img), nil
	}
	return picture.ReadReduced(p.path, short, f.o.Limit)
}

// reserve takes bytes of the cache if it has them.
func (f *Folder) reserve(bytes int) bool {
	if f.cached.Add(int64(bytes)) <= f.o.Cache {
		return true
	}
	f.cached.Add(-int64(bytes))
	return false
}
