package vips

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/picture"
)

// codec is libvips, or the test is skipped.
func codec(t *testing.T) *Codec {
	t.Helper()
	c, err := Open()
	if err != nil {
		t.Skip(err)
	}
	picture.Extend(Open)
	return c.(*Codec)
}

// run runs a program that makes or judges a picture, or skips the test where it is missing.
func run(t *testing.T, line string, args ...any) {
	t.Helper()
	words := strings.Fields(line)
	for i, w := range words {
		if n := strings.IndexByte("012", w[len(w)-1]); strings.HasPrefix(w, "$") {
			words[i] = fmt.Sprint(args[n])
		}
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		t.Skip(words[0] + " is missing")
	}
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%.500s", words, err, out)
	}
}

// raw are the samples of a file as ffmpeg has them, 8 bits R, G, B, unless another format is asked for.
func raw(t *testing.T, path, format string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "raw")
	run(t, "ffmpeg -v error -y -i $0 -frames:v 1 -pix_fmt $1 -f rawvideo $2", path, format, out)
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// source is a smooth picture of 57x39 pixels in a PNG file.
func source(t *testing.T) string {
	t.Helper()
	img := model.NewImage(model.RGB, 57, 39)
	for i := range 57 * 39 {
		x, y := i%57, i/57
		copy(img.Planes[0].Data[3*i:], []byte{byte(20 + 4*x), byte(10 + 6*y), byte(230 - 3*x - y)})
	}
	path := filepath.Join(t.TempDir(), "source.png")
	if err := picture.Write(path, img); err != nil {
		t.Fatal(err)
	}
	return path
}

func compare(t *testing.T, what string, got, want []byte, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d samples, wanted %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= tolerance) {
			t.Errorf("%s: sample %d is %d, wanted %d within %v", what, i, got[i], want[i], tolerance)
			return
		}
	}
}

// linear is what a file of linear light shows: sRGB's curve.
func linear(b []byte) []byte {
	out := make([]byte, len(b))
	for i, x := range b {
		v := float64(x) / 255
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		out[i] = byte(v*255 + 0.5)
	}
	return out
}

// TestReadAgainstOthers reads files that other programs have written and compares with what others read in them.
func TestReadAgainstOthers(t *testing.T) {
	codec(t)
	for _, c := range []struct {
		name, make, judge string
		change            func([]byte) []byte
		tolerance         float64
	}{
		{"a.heic", "heif-enc -q 90 -o $1 $0", "heif-convert $1 $2", nil, 1},
		{"a.avif", "heif-enc -A -q 90 -o $1 $0", "heif-convert $1 $2", nil, 1},
		{"a.jp2", "ffmpeg -v error -i $0 -c:v jpeg2000 -pred 1 -pix_fmt rgb24 $1", "", nil, 0},
		{"a.exr", "ffmpeg -v error -i $0 -pix_fmt gbrpf32le -format half $1", "", linear, 1},
		{"a.pfm", "ffmpeg -v error -i $0 -pix_fmt gbrpf32le $1", "", linear, 1},
		{"a.jxl", "ffmpeg -v error -i $0 -c:v libjxl -distance 0 -pix_fmt rgb24 $1", "", nil, 1},
		{"lzw.tiff", "ffmpeg -v error -i $0 -compression_algo lzw $1", "", nil, 0},
		{"deflate.tiff", "ffmpeg -v error -i $0 -compression_algo deflate $1", "", nil, 0},
	} {
		if testing.Short() && c.name != "a.heic" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			src := source(t)
			file, judged := filepath.Join(t.TempDir(), c.name), filepath.Join(t.TempDir(), "judged.png")
			run(t, c.make, src, file)
			want := src
			if c.judge != "" {
				run(t, c.judge, src, file, judged)
				want = judged
			}
			img, err := picture.Read(file, picture.Limit{})
			if err != nil {
				t.Fatal(err)
			}
			samples := raw(t, want, "rgb24")
			if c.change != nil {
				samples = c.change(samples)
			}
			if img.Width != 57 || img.Height != 39 || img.Format != model.RGB {
				t.Fatalf("%dx%d %v, wanted 57x39 RGB", img.Width, img.Height, img.Format)
			}
			compare(t, c.name, img.Planes[0].Data, samples, c.tolerance)
			if w, h, err := picture.Size(file, picture.Limit{}); err != nil || w != 57 || h != 39 {
				t.Errorf("size %dx%d, %v", w, h, err)
			}
		})
	}
}

// turnedHEIC puts a quarter turn among the properties of a HEIC file (ISO 23008-12, irot), as phones do.
func turnedHEIC(t *testing.T, file []byte) []byte {
	t.Helper()
	at := func(name string) int { // of a box that occurs once
		i := bytes.Index(file, []byte(name))
		if i < 4 {
			t.Fatalf("there is no box %s", name)
		}
		return i - 4
	}
	size := func(box int) int { return int(binary.BigEndian.Uint32(file[box:])) }
	grow := func(box, n int) { binary.BigEndian.PutUint32(file[box:], uint32(size(box)+n)) }
	file = bytes.Clone(file)
	properties, associations, place, data := at("ipco"), at("ipma"), at("iloc"), at("mdat")
	count := 0
	for box := properties + 8; box < properties+size(properties); box += size(box) {
		count++
	}
	first := binary.BigEndian.AppendUint32(nil, uint32(data+8))
	offset := place + bytes.Index(file[place:place+size(place)], first)
	binary.BigEndian.PutUint32(file[offset:], uint32(data+8+10))
	// Each entry is an identity, how many properties it has, and these. The last picture is the one that is shown.
	list := associations + 18
	for range file[associations+15] - 1 {
		list += 3 + int(file[list])
	}
	end := list + 1 + int(file[list])
	file[list]++
	end2 := properties + size(properties)
	grow(at("meta"), 10)
	grow(at("iprp"), 10)
	grow(properties, 9)
	grow(associations, 1)
	turn := []byte("\x00\x00\x00\x09irot\x01")
	return bytes.Join([][]byte{file[:end2], turn, file[end2:end], {0x80 | byte(count+1)}, file[end:]}, nil)
}

// TestTurnedHEIC reads a picture that the file itself says to turn.
func TestTurnedHEIC(t *testing.T) {
	codec(t)
	dir := t.TempDir()
	file, turned, judged := filepath.Join(dir, "a.heic"), filepath.Join(dir, "turned.heic"), filepath.Join(dir, "judged.png")
	run(t, "heif-enc -q 90 -o $1 $0", source(t), file)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(turned, turnedHEIC(t, b), 0o666); err != nil {
		t.Fatal(err)
	}
	run(t, "heif-convert $0 $1", turned, judged)
	img, err := picture.Read(turned, picture.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	if img.Width != 39 || img.Height != 57 {
		t.Errorf("%dx%d, wanted 39x57", img.Width, img.Height)
	}
	compare(t, "turned", img.Planes[0].Data, raw(t, judged, "rgb24"), 1)
	if w, h, err := picture.Size(turned, picture.Limit{}); err != nil || w != 39 || h != 57 {
		t.Errorf("size %dx%d, %v", w, h, err)
	}
}

// TestSixteenBits writes and reads 16 bits.
func TestSixteenBits(t *testing.T) {
	codec(t)
	img := model.NewImage(model.RGB, 40, 30)
	p := &picture.Photo{Image: img, Deep: make([]uint16, 3600)}
	for i := range p.Deep {
		p.Deep[i] = uint16(i * 18)
		img.Planes[0].Data[i] = uint8(p.Deep[i] >> 8)
	}
	for _, name := range []string{"o.png", "o.tif"} {
		file := filepath.Join(t.TempDir(), name)
		if err := picture.WritePhoto(file, p, 0); err != nil {
			t.Fatal(err)
		}
		for i, b := 0, raw(t, file, "rgb48le"); i < len(p.Deep); i++ {
			if v := uint16(b[2*i]) | uint16(b[2*i+1])<<8; v != p.Deep[i] {
				t.Fatalf("%s: ffmpeg reads %d, wanted %d", name, v, p.Deep[i])
			}
		}
		kind := map[string]string{"o.png": "PNG", "o.tif": "TIFF"}[name]
		c, _ := Open()
		got, err := c.Read(file, kind, picture.Options{Deep: true})
		if err != nil || len(got.Deep) != len(p.Deep) {
			t.Fatalf("%s: %v, %d samples", name, err, len(got.Deep))
		}
		for i, v := range got.Deep {
			if v != p.Deep[i] {
				t.Fatalf("%s: sample %d is %d, wanted %d", name, i, v, p.Deep[i])
			}
		}
	}
}

// TestShrink averages a picture down while it is read.
func TestShrink(t *testing.T) {
	c := codec(t)
	img := model.NewImage(model.RGB, 500, 400)
	for i := range img.Planes[0].Data {
		img.Planes[0].Data[i] = uint8(i * 7)
	}
	file := filepath.Join(t.TempDir(), "a.png")
	if err := picture.Write(file, img); err != nil {
		t.Fatal(err)
	}
	got, err := c.Read(file, "PNG", picture.Options{Shrink: 60})
	if err != nil {
		t.Fatal(err)
	}
	want := picture.Shrink(img, 60)
	if d := got.Image.Width - want.Width; d < 0 || d > 1 || got.Image.Height != want.Height { // a last block that is not full may count
		t.Fatalf("%dx%d, wanted %dx%d", got.Image.Width, got.Image.Height, want.Width, want.Height)
	}
	for y := range want.Height {
		compare(t, "shrunk", got.Image.Planes[0].Data[y*got.Image.Planes[0].Stride:][:3*want.Width], want.Planes[0].Data[y*want.Planes[0].Stride:][:3*want.Width], 1)
	}
}

// TestReadRefuses has damaged files of every kind: a sentence, and the program goes on.
func TestReadRefuses(t *testing.T) {
	c := codec(t)
	src := source(t)
	photo, err := picture.ReadPhoto(src, picture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for end := range savers {
		var b bytes.Buffer
		if !c.Writes(end) {
			continue
		}
		if err := c.Write(&b, end, photo, 90); err != nil {
			t.Fatal(err)
		}
		if end == ".jpg" || end == ".webp" || end == ".tif" || end == ".tiff" { // Go reads these
			continue
		}
		for _, n := range []int{40, b.Len() / 2, b.Len() - 40} {
			file := filepath.Join(t.TempDir(), "cut"+end)
			if err := os.WriteFile(file, b.Bytes()[:n], 0o666); err != nil {
				t.Fatal(err)
			}
			img, err := picture.Read(file, picture.Limit{})
			if err == nil && n < b.Len()/2+1 {
				t.Errorf("%s cut to %d of %d bytes is read as %dx%d", end, n, b.Len(), img.Width, img.Height)
			}
			if err != nil && !strings.Contains(err.Error(), file) {
				t.Errorf("%s: the error %v lacks the file", end, err)
			}
		}
		file := filepath.Join(t.TempDir(), "large"+end)
		if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := picture.Read(file, picture.Limit{Pixels: 2000}); err == nil || !strings.Contains(err.Error(), "57x39 pixels") {
			t.Errorf("%s over the limit: %v", end, err)
		}
	}
	if err := c.Write(io.Discard, ".xyz", photo, 90); err == nil {
		t.Error("a picture of an unknown kind was written")
	}
}
