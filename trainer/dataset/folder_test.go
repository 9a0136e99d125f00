package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"adainfilter/picture"
)

// bomb is a PNG of a few bytes whose header says 50,000 x 50,000 pixels.
func bomb(t *testing.T) []byte {
	data := pngBytes(t, scene(1, 1, 0))
	binary.BigEndian.PutUint32(data[16:], 50000)
	binary.BigEndian.PutUint32(data[20:], 50000)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

func TestOpenSkips(t *testing.T) {
	folder := t.TempDir()
	whole := jpegBytes(t, scene(40, 30, 1))
	for name, data := range map[string][]byte{
		"good.jpg": whole, "x.jpg/nested.jpg": whole, "bomb.png": bomb(t), "text.jpg": []byte("a text"), "zero.jpg": nil,
		"head.jpg": whole[:30], "cut.jpg": whole[:len(whole)/2], "locked.jpg": whole,
	} {
		write(t, filepath.Join(folder, name), data)
	}
	if err := os.Symlink("self.jpg", filepath.Join(folder, "self.jpg")); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"bomb.png": "50000x50000 pixels", "text.jpg": "found text", "zero.jpg": "an empty file", "head.jpg": "cut short",
		"self.jpg": "too many levels of symbolic links", "locked.jpg": "permission denied",
	}
	if os.Getuid() == 0 {
		t.Log("root may read every file: permission is not tested")
		delete(want, "locked.jpg")
		os.Remove(filepath.Join(folder, "locked.jpg"))
	} else if err := os.Chmod(filepath.Join(folder, "locked.jpg"), 0); err != nil {
		t.Fatal(err)
	}
	f := open(t, folder, Options{Crop: 16})
	if f.Len() != 3 {
		t.Errorf("%d pictures have a good header, wanted 3", f.Len())
	}
	check := func() {
		t.Helper()
		if len(f.Skipped()) != len(want) {
			t.Errorf("skipped %v, wanted %d", f.Skipped(), len(want))
		}
		for _, s := range f.Skipped() {
			name := filepath.Base(s.Path)
			if want[name] == "" || !strings.Contains(s.Err.Error(), want[name]) || !strings.Contains(s.Err.Error(), s.Path) {
				t.Errorf("%s is skipped because %v, wanted %q", name, s.Err, want[name])
			}
		}
	}
	check()
	// The cut file is found while loading, and told once.
	batches(t, f, f, LoaderOptions{Batch: 3, Workers: 3}, 10)
	want["cut.jpg"] = "is a JPEG file that cannot be decoded"
	check()
}

func TestOpenErrors(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.jpg")
	write(t, text, []byte("a text"))
	good := scenes(t, 1, 8, 8, 0)
	for _, c := range []struct {
		folder string
		o      Options
		want   string
	}{
		{text, Options{Crop: 8}, "not a directory"},
		{filepath.Join(good, "missing"), Options{Crop: 8}, "no such file"},
		{t.TempDir(), Options{Crop: 8}, "holds no picture"},
		{filepath.Dir(text), Options{Crop: 8}, "none of its 1 pictures can be used, the first of them: picture \"" + text},
		{good, Options{}, "crop of 0 pixels"},
		{good, Options{Crop: 8, Size: -1}, "pictures of -1 pixels"},
		{good, Options{Crop: 8, Pool: -1}, "-1 crops"},
		{good, Options{Crop: 8, Cache: -1}, "cache of -1 bytes"},
		{good, Options{Crop: 8, Scales: [2]float64{2, 1}}, "scaled by 2 to 1"},
		{good, Options{Crop: 8, Scales: [2]float64{0, 1}}, "scaled by 0 to 1"},
		{good, Options{Crop: 8, Limit: picture.Limit{Pixels: 63}}, "none of its 1 pictures"},
	} {
		_, err := Open(c.folder, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.folder) {
			t.Errorf("%+v: got %v, wanted %q and the folder", c.o, err, c.want)
		}
	}
}

// TestNothingDecodes: headers are good, all pixels are missing.
func TestNothingDecodes(t *testing.T) {
	good, broken := scenes(t, 2, 20, 20, 0), t.TempDir()
	for _, name := range []string{"a.jpg", "b.jpg", "c.jpg"} {
		whole := jpegBytes(t, scene(40, 40, 1))
		write(t, filepath.Join(broken, name), whole[:len(whole)/2])
	}
	f := open(t, broken, Options{Crop: 8})
	l, err := NewLoader(open(t, good, Options{Crop: 8}), f, LoaderOptions{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 3 {
		_, err := l.Next(context.Background())
		if err == nil || !strings.Contains(err.Error(), "none of its 3 pictures can be used") || !strings.Contains(err.Error(), broken) {
			t.Fatalf("got %v, wanted the folder and that none of 3 can be used", err)
		}
	}
	if n := len(f.Skipped()); n != 3 {
		t.Errorf("%d pictures are skipped, wanted 3", n)
	}
}

// TestReplacement: in place of a broken picture stands the next, whatever the workers.
func TestReplacement(t *testing.T) {
	folder := t.TempDir()
	for i, value := range []uint8{10, 20, 30} {
		img := image.NewNRGBA(image.Rect(0, 0, 16, 16))
		for p := range img.Pix {
			img.Pix[p] = max(value, uint8(p%4/3*255))
		}
		write(t, filepath.Join(folder, string(rune('a'+2*i))+".png"), pngBytes(t, img))
	}
	data := pngBytes(t, scene(40, 40, 1))
	write(t, filepath.Join(folder, "b.png"), data[:len(data)/2])
	f := open(t, folder, Options{Crop: 8})
	for _, b := range batches(t, f, f, LoaderOptions{Batch: 4, Workers: 2, Seed: 5}, 3) {
		epoch := []int{}
		for slot := range 4 {
			epoch = append(epoch, int(plane(b.Content, 4, slot, 0)[0]*255+0.5))
		}
		slices.Sort(epoch)
		if !slices.Equal(epoch, []int{10, 20, 20, 30}) {
			t.Errorf("an epoch shows %v, wanted the picture after the broken one twice", epoch)
		}
	}
}

func TestHash(t *testing.T) {
	a, b := scenes(t, 3, 20, 20, 0), scenes(t, 3, 20, 20, 0)
	hash := func(folder string) string { return open(t, folder, Options{Crop: 8}).Hash() }
	first := hash(a)
	if len(first) != 16 || hash(b) != first {
		t.Errorf("equal folders have hashes %q and %q", first, hash(b))
	}
	path := filepath.Join(b, "01.png")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, append(data, 0))
	if hash(b) == first {
		t.Error("another length leaves the hash as it is")
	}
	write(t, path, data)
	if err := os.Rename(path, filepath.Join(b, "001.png")); err != nil {
		t.Fatal(err)
	}
	if hash(b) == first {
		t.Error("another name leaves the hash as it is")
	}
}

// TestColourKinds: what is no 8-bit RGB file comes as R'G'B' all the same, transparent pixels on white.
func TestColourKinds(t *testing.T) {
	fill := func(set func(x, y int)) {
		for y := range 12 {
			for x := range 12 {
				set(x, y)
			}
		}
	}
	rect := image.Rect(0, 0, 12, 12)
	deep, grey, clear := image.NewNRGBA64(rect), image.NewGray16(rect), image.NewNRGBA(rect)
	fill(func(x, y int) {
		deep.SetNRGBA64(x, y, color.NRGBA64{0xffff, 0x8080, 0, 0xffff})
		grey.SetGray16(x, y, color.Gray16{0x8080})
		clear.SetNRGBA(x, y, color.NRGBA{0, 0, 0, 0})
	})
	for name, c := range map[string]struct {
		img  image.Image
		want [3]float32
	}{
		"16 bits": {deep, [3]float32{1, 128. / 255, 0}}, "grey": {grey, [3]float32{128. / 255, 128. / 255, 128. / 255}}, "transparent": {clear, [3]float32{1, 1, 1}},
	} {
		folder := t.TempDir()
		write(t, filepath.Join(folder, "a.png"), pngBytes(t, c.img))
		f := open(t, folder, Options{Crop: 8, Size: 10})
		b := batches(t, f, f, LoaderOptions{Batch: 1}, 1)[0]
		for channel, want := range c.want {
			for _, v := range plane(b.Content, 1, 0, channel) {
				// A kernel whose weights do not sum to 1 exactly may round the other way.
				if !(v >= want-1./255-1e-6 && v <= want+1./255+1e-6) {
					t.Fatalf("%s: channel %d is %v, wanted %v", name, channel, v, want)
				}
			}
		}
	}
}

func TestOrientation(t *testing.T) {
	// Orientation 6: the file's rows are the picture's columns, so 40x20 becomes 20x40.
	plain := jpegBytes(t, ramp(40, 20))
	exif := []byte("\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00")
	folder := t.TempDir()
	write(t, filepath.Join(folder, "a.jpg"), bytes.Join([][]byte{plain[:2], exif, plain[2:]}, nil))
	img, err := open(t, folder, Options{Crop: 8}).load(0)
	if err != nil {
		t.Fatal(err)
	}
	if img.Width != 20 || img.Height != 40 {
		t.Errorf("the picture has %dx%d pixels, wanted 20x40", img.Width, img.Height)
	}
}

// TestAway takes a folder away and brings it back: its pictures are no worse for it. A single one that goes is passed over.
func TestAway(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "photos")
	for i := range 6 {
		write(t, filepath.Join(folder, string(rune('a'+i))+".png"), pngBytes(t, scene(20, 20, uint64(i))))
	}
	f := open(t, folder, Options{Crop: 8})
	want := batches(t, open(t, folder, Options{Crop: 8}), open(t, folder, Options{Crop: 8}), LoaderOptions{Batch: 2}, 6)
	if err := os.Rename(folder, folder+"-away"); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		l, err := NewLoader(f, f, LoaderOptions{Batch: 2})
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Next(context.Background())
		var away AwayError
		if !errors.As(err, &away) || !strings.Contains(err.Error(), folder) {
			t.Errorf("error is %v, wanted an AwayError that names the folder", err)
		}
		l.Close()
	}
	if err := f.Reachable(); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("the folder is reachable: %v", err)
	}
	if err := os.Rename(folder+"-away", folder); err != nil {
		t.Fatal(err)
	}
	if err := f.Reachable(); err != nil {
		t.Error(err)
	}
	for i, b := range batches(t, f, f, LoaderOptions{Batch: 2}, 6) {
		if !slices.Equal(b.Content, want[i].Content) {
			t.Errorf("batch %d is another than without the hiccup", i)
		}
	}
	if len(f.Skipped()) != 0 {
		t.Errorf("passed over: %v", f.Skipped())
	}
	gone := filepath.Join(folder, "c.png")
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	batches(t, f, f, LoaderOptions{Batch: 2}, 6)
	if s := f.Skipped(); len(s) != 1 || s[0].Path != gone || !strings.Contains(s[0].Err.Error(), "no such file") {
		t.Errorf("skipped %v, wanted %s", s, gone)
	}
}

// TestUnreadable: a picture that the system cannot read while it reads others is tried some times, one that is damaged is not.
func TestUnreadable(t *testing.T) {
	f := open(t, scenes(t, 3, 16, 16, 0), Options{Crop: 8})
	disk := fmt.Errorf("picture %q cannot be read: %w", f.files[0].path, syscall.EIO)
	for i := range patience {
		err := f.failed(&f.files[0], disk)
		if away := errors.As(err, new(AwayError)); away != (i < patience-1) || f.files[0].broken == away {
			t.Errorf("failure %d: %v, given up: %v", i+1, err, f.files[0].broken)
		}
	}
	if err := f.failed(&f.files[1], errors.New("is damaged")); err != errBroken || len(f.Skipped()) != 2 {
		t.Errorf("a damaged picture: %v, skipped %v", err, f.Skipped())
	}
}

// TestHoldOut: which pictures are held out depends on their names only.
func TestHoldOut(t *testing.T) {
	folder := scenes(t, 40, 16, 16, 0)
	f := open(t, folder, Options{Crop: 8, HoldOut: 0.25})
	if n := len(f.Held()); n < 4 || n > 16 || n+f.Len() != 40 {
		t.Errorf("%d of 40 pictures are held out, %d used", n, f.Len())
	}
	for _, name := range f.Held() {
		if err := os.Rename(name, filepath.Join(folder, "kept-"+filepath.Base(name))); err != nil {
			t.Fatal(err)
		}
	}
	before := f.Held()
	write(t, filepath.Join(folder, "new.png"), pngBytes(t, scene(16, 16, 99)))
	for _, name := range before {
		if err := os.Rename(filepath.Join(folder, "kept-"+filepath.Base(name)), name); err != nil {
			t.Fatal(err)
		}
	}
	after := open(t, folder, Options{Crop: 8, HoldOut: 0.25}).Held()
	for _, name := range before {
		if !slices.Contains(after, name) {
			t.Errorf("%s is no longer held out", name)
		}
	}
	all := open(t, folder, Options{Crop: 8, HoldOut: 0.5}).Held()
	for _, name := range after {
		if !slices.Contains(all, name) {
			t.Errorf("%s is held out of a quarter and not of a half", name)
		}
	}
	if _, err := Open(folder, Options{Crop: 8, HoldOut: 0.999999999}); err == nil || !strings.Contains(err.Error(), "held out") {
		t.Errorf("all held out: %v", err)
	}
}

// TestPicturesOfAllNames: what is a picture is told by what a file holds; the others are counted.
func TestPicturesOfAllNames(t *testing.T) {
	folder, whole := t.TempDir(), jpegBytes(t, scene(20, 20, 1))
	for name, data := range map[string][]byte{"a.jfif": whole, "b": whole, "c.JPE": whole, "d.txt": []byte("caption"), "e.json": []byte("{}")} {
		write(t, filepath.Join(folder, name), data)
	}
	f := open(t, folder, Options{Crop: 8})
	if f.Len() != 3 || len(f.Skipped()) != 0 || f.Others().String() != "2 text" {
		t.Errorf("%d pictures, skipped %v, others %v, wanted 3, none, 2 text", f.Len(), f.Skipped(), f.Others())
	}
}

// TestDecoded: what the cache can take is what it takes.
func TestDecoded(t *testing.T) {
	folder := scenes(t, 7, 65, 41, 0)
	for _, c := range []struct {
		o    Options
		want int64
	}{
		{Options{Crop: 8, Cache: 1 << 20}, 7 * 3 * 65 * 41}, {Options{Size: 18, Crop: 8, Cache: 1 << 20}, 7 * 3 * 32 * 20}, {Options{Crop: 8, Cache: 100}, 100},
		{Options{Crop: 8, Pool: 2, Cache: 1 << 20}, 7 * 2 * 3 * 24 * 24},
	} {
		f := open(t, folder, c.o)
		if got := f.Decoded(); got != c.want {
			t.Errorf("%+v: %d bytes, wanted %d", c.o, got, c.want)
		}
		batches(t, f, open(t, folder, Options{Crop: 8}), LoaderOptions{Batch: 7}, 8)
		if got := f.cached.Load(); got > c.want || c.o.Pool == 0 && c.o.Cache > 1000 && got != c.want {
			t.Errorf("%+v: %d bytes are cached, wanted %d", c.o, got, c.want)
		}
	}
}
