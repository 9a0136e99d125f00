package vips

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/picture"
)

// TestWriteAgainstOthers writes every kind and has other programs read it; what a file says besides is asked of exiftool.
func TestWriteAgainstOthers(t *testing.T) {
	codec(t)
	src := source(t)
	photo, err := picture.ReadPhoto(src, picture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tagged := filepath.Join(t.TempDir(), "tagged.jpg")
	run(t, "ffmpeg -v error -i $0 -q:v 1 $1", src, tagged)
	run(t, "exiftool -q -overwrite_original -Make=Maker -DateTimeOriginal=2020:01:02T03:04:05 -GPSLatitude=48.5 -GPSLatitudeRef=N -Orientation#=6 $0", tagged)
	from, err := picture.ReadPhoto(tagged, picture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	photo.Exif = from.Exif
	for _, c := range []struct {
		name, judge string
		tolerance   float64
	}{
		{"o.jpg", "ffmpeg -v error -i $0 $1", 6}, {"o.png", "ffmpeg -v error -i $0 $1", 0}, {"o.webp", "ffmpeg -v error -i $0 $1", 14},
		{"o.avif", "heif-convert $0 $1", 6}, {"o.heic", "heif-convert $0 $1", 6},
		{"o.tif", "ffmpeg -v error -i $0 $1", 0}, {"o.jp2", "ffmpeg -v error -i $0 $1", 8}, {"o.jxl", "ffmpeg -v error -i $0 $1", 40},
	} {
		if testing.Short() && c.name != "o.jpg" && c.name != "o.heic" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			file, judged := filepath.Join(t.TempDir(), c.name), filepath.Join(t.TempDir(), "judged.png")
			if err := picture.WritePhoto(file, photo, 0); err != nil {
				t.Fatal(err)
			}
			run(t, c.judge, file, judged)
			compare(t, c.name, raw(t, judged, "rgb24"), photo.Image.Planes[0].Data, c.tolerance)
			again, err := picture.Read(file, picture.Limit{})
			if err != nil {
				t.Fatal(err)
			}
			compare(t, c.name+", read here", again.Planes[0].Data, photo.Image.Planes[0].Data, c.tolerance)
			out, err := exec.Command("exiftool", "-n", "-s", "-Make", "-DateTimeOriginal", "-GPSLatitude", "-Orientation", "-YCbCrSubSampling", file).CombinedOutput()
			if err != nil {
				t.Fatalf("exiftool: %v", err)
			}
			for _, want := range []string{"Maker", "2020:01:02", "48.5", "Orientation                     : 1"} {
				if !strings.Contains(string(out), want) {
					t.Errorf("nothing is said of %q:\n%s", want, out)
				}
			}
			if c.name == "o.jpg" && !strings.Contains(string(out), "1 1") {
				t.Errorf("chroma is subsampled:\n%s", out)
			}
		})
	}
}

// TestTIFFSaysBesides reads a TIFF picture of a colour model that Go does not know: it is turned, and keeps what exiftool wrote there.
func TestTIFFSaysBesides(t *testing.T) {
	codec(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "a.tif")
	run(t, "ffmpeg -v error -i $0 -vf scale=56:40 -pix_fmt yuv444p $1", source(t), file)
	run(t, "exiftool -q -overwrite_original -Make=Maker -DateTimeOriginal=2020:01:02T03:04:05 -GPSLatitude=48.5 -GPSLatitudeRef=N -Orientation#=6 $0", file)
	photo, err := picture.ReadPhoto(file, picture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if photo.Image.Width != 40 || photo.Image.Height != 56 {
		t.Errorf("%dx%d, wanted it turned", photo.Image.Width, photo.Image.Height)
	}
	out := filepath.Join(dir, "out.jpg")
	if err := picture.WritePhoto(out, photo, 0); err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command("exiftool", "-n", "-s", "-Make", "-DateTimeOriginal", "-GPSLatitude", "-Orientation", out).CombinedOutput()
	if err != nil {
		t.Fatalf("exiftool: %v", err)
	}
	for _, want := range []string{"Maker", "2020:01:02", "48.5", "Orientation                     : 1"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("nothing is said of %q:\n%s", want, said)
		}
	}
}
