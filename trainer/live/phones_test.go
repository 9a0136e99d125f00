package live

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/vips"
)

// TestPicturesOfPhones decodes files that were sent of the kinds that Go does not read.
func TestPicturesOfPhones(t *testing.T) {
	picture.Extend(vips.Open)
	for _, kind := range []string{"heic", "avif", "jxl"} {
		t.Run(kind, func(t *testing.T) { pictureOfPhone(t, kind) })
	}
}

// pictureOfPhone decodes a file, and demands a sentence without our file's name for a damaged one; no file stays.
func pictureOfPhone(t *testing.T, kind string) {
	path := filepath.Join(t.TempDir(), "sent."+kind)
	if err := picture.CanWrite(path); err != nil {
		t.Skip(err)
	}
	want := model.NewImage(model.RGB, 64, 48)
	for i := range want.Planes[0].Data {
		want.Planes[0].Data[i] = [3]byte{200, 100, 50}[i%3]
	}
	if err := picture.Write(path, want); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := &catalogue{dir: t.TempDir()}
	decode := func(data []byte) (*model.Image, error) {
		sent := filepath.Join(c.dir, "sent-1")
		if err := os.WriteFile(sent, data, 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(sent)
		u, err := c.keep(t.Context(), decoder, maxDecodeSeconds, sent, styleKind)
		if err != nil {
			return nil, err
		}
		defer c.remove(u.path)
		defer c.remove(u.thumbnail)
		return picture.Read(u.path, picture.Limit{})
	}
	got, err := decode(data)
	if err != nil || got.Width != 64 || got.Height != 48 {
		t.Fatalf("decoded %+v, error %v", got, err)
	}
	at := 24*got.Planes[0].Stride + 3*32
	for k, v := range got.Planes[0].Data[at : at+3] {
		if d := int(v) - int(want.Planes[0].Data[k]); d < -4 || d > 4 {
			t.Errorf("channel %d is %d, wanted %d", k, v, want.Planes[0].Data[k])
		}
	}
	for _, damaged := range [][]byte{data[:len(data)/2], append(append([]byte{}, data[:12]...), make([]byte, 100)...)} {
		if _, err := decode(damaged); err == nil || strings.Contains(err.Error(), c.dir) {
			t.Errorf("a damaged file: error %v, wanted one without our folder", err)
		}
	}
	if left, _ := os.ReadDir(c.dir); len(left) > 0 {
		t.Errorf("%v stayed", left)
	}
}
