package vips

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"adainfilter/model"
	"adainfilter/picture"
)

// TestCrop reads a HEIC file that shows a part of its coded picture only (the box clap of ISO/IEC 14496-12, which takes the place of the colour
// profile here), and compares with libheif's own program.
func TestCrop(t *testing.T) {
	codec(t)
	img := model.NewImage(model.RGB, 64, 48)
	for i := range img.Planes[0].Data {
		x, y := i/3%64, i/3/64
		img.Planes[0].Data[i] = [3]byte{byte(3 * x), byte(4 * y), 90}[i%3]
	}
	file, judged := filepath.Join(t.TempDir(), "cropped.heic"), filepath.Join(t.TempDir(), "judged.png")
	if err := picture.Write(file, img); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("colrrICC")) - 4
	if at < 0 {
		t.Skip("this libheif writes no profile that a crop could take the place of")
	}
	size := binary.BigEndian.Uint32(data[at:])
	clap := box("clap", nil)
	for _, v := range []uint32{40, 1, 30, 1, 0, 1, 0, 1} { // width, height and the distances of the centres, as fractions
		clap = binary.BigEndian.AppendUint32(clap, v)
	}
	binary.BigEndian.PutUint32(clap, uint32(len(clap)))
	clap = append(clap, box("free", make([]byte, int(size)-len(clap)-8))...)
	copy(data[at:], clap)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "heif-convert $0 $1", file, judged)
	got, err := picture.Read(file, picture.Limit{})
	if err != nil || got.Width != 40 || got.Height != 30 {
		t.Fatalf("read %+v, error %v, wanted 40x30", got, err)
	}
	compare(t, "cropped.heic", got.Planes[0].Data, raw(t, judged, "rgb24"), 1)
}
