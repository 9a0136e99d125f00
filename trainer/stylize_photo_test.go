package main

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/picture"
)

// pngFile is a picture of Go's as a PNG file.
func pngFile(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestStylizeAlphaZero gives the content's pixels, of 8 bits and of 16.
func TestStylizeAlphaZero(t *testing.T) {
	dir := t.TempDir()
	deep := image.NewNRGBA64(image.Rect(0, 0, 19, 11))
	for i := range 19 * 11 {
		deep.SetNRGBA64(i%19, i/19, color.NRGBA64{uint16(i * 311), uint16(65535 - i*97), uint16(i * i), 65535})
	}
	eight := noise(model.RGB, 17, 13, 5)
	writePicture(t, filepath.Join(dir, "eight.png"), eight)
	write(t, filepath.Join(dir, "deep.png"), pngFile(t, deep))
	for _, name := range []string{"eight", "deep"} {
		for _, alpha := range []string{"0", "0.5"} {
			out := filepath.Join(dir, name+alpha+".png")
			mustRun(t, "stylize", "--content", filepath.Join(dir, name+".png"), "--alpha", alpha, "--out", out)
			got, err := picture.ReadPhoto(out, picture.Options{Deep: true})
			if err != nil {
				t.Fatal(err)
			}
			if (got.Deep != nil) != (name == "deep") {
				t.Errorf("%s, alpha %s: 16 bits: %v", name, alpha, got.Deep != nil)
			}
			same := bytes.Equal(got.Image.Planes[0].Data, eight.Planes[0].Data)
			if name == "deep" {
				same = true
				for i, v := range got.Deep {
					same = same && v == binary.BigEndian.Uint16(deep.Pix[i/3*8+i%3*2:])
				}
			}
			if same != (alpha == "0") {
				t.Errorf("%s, alpha %s: the content's samples: %v", name, alpha, same)
			}
		}
	}
}

// TestStylizeKeepsWhatTheFileSays keeps EXIF data unless it is to be stripped, and says which picture of an animation is taken.
func TestStylizeKeepsWhatTheFileSays(t *testing.T) {
	dir := t.TempDir()
	// A directory with the orientation 3 and the camera's maker.
	exif := []byte("II*\x00\x08\x00\x00\x00\x02\x00\x0f\x01\x02\x00\x06\x00\x00\x00\x26\x00\x00\x00\x12\x01\x03\x00\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00Maker\x00")
	photo := &picture.Photo{Image: noise(model.RGB, 12, 9, 1), Exif: exif}
	content := filepath.Join(dir, "photo.jpg")
	if err := picture.WritePhoto(content, photo, 90); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		out  string
		args []string
		want bool
	}{{"a.jpg", nil, true}, {"a.png", nil, true}, {"b.jpg", []string{"--strip"}, false}, {"b.png", []string{"--strip"}, false}} {
		out := filepath.Join(dir, c.out)
		mustRun(t, append([]string{"stylize", "--content", content, "--out", out}, c.args...)...)
		got, err := picture.ReadPhoto(out, picture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(got.Exif, []byte("Maker")) != c.want {
			t.Errorf("%s %v: EXIF data is %q", c.out, c.args, got.Exif)
		}
	}
	var animation gif.GIF
	for range 3 {
		animation.Image = append(animation.Image, image.NewPaletted(image.Rect(0, 0, 12, 9), color.Palette{color.Black, color.White}))
		animation.Delay = append(animation.Delay, 4)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &animation); err != nil {
		t.Fatal(err)
	}
	_, progress := mustRun(t, "stylize", "--content", write(t, filepath.Join(dir, "a.gif"), b.Bytes()), "--out", filepath.Join(dir, "gif.png"))
	if !strings.Contains(progress, "holds 3 pictures, of which the first is taken") {
		t.Errorf("nothing is said of the animation:\n%s", progress)
	}
	for _, args := range [][]string{{"--quality", "0"}, {"--quality", "101"}} {
		if _, _, err := run(append([]string{"stylize", "--content", content, "--out", filepath.Join(dir, "x.jpg")}, args...)...); err == nil || !strings.Contains(err.Error(), "1 to 100") {
			t.Errorf("%v: error is %v", args, err)
		}
	}
}
