package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"adainfilter/model"
)

// withOrientation puts an EXIF segment with the orientation tag alone behind the JPEG's first marker.
func withOrientation(jpeg []byte, o int) []byte {
	exif := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00?\x00\x00\x00\x00\x00\x00")
	exif[bytes.IndexByte(exif, '?')] = byte(o)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(exif)+2))
	return append(append(append([]byte{}, jpeg[:2]...), append(segment, exif...)...), jpeg[2:]...)
}

func TestOrientation(t *testing.T) {
	// red green / blue white, as an upright viewer must see it after the camera's turn is undone (EXIF 2.3)
	red, green, blue, white := [3]int{200, 20, 20}, [3]int{20, 180, 20}, [3]int{20, 20, 200}, [3]int{250, 250, 250}
	want := map[int][4][3]int{
		1: {red, green, blue, white}, 2: {green, red, white, blue}, 3: {white, blue, green, red}, 4: {blue, white, red, green},
		5: {red, blue, green, white}, 6: {blue, red, white, green}, 7: {white, green, blue, red}, 8: {green, white, red, blue},
		0: {red, green, blue, white}, 9: {red, green, blue, white},
	}
	plain := jpegBytes(t, quarters(48, 32))
	for o, corners := range want {
		t.Run(fmt.Sprint(o), func(t *testing.T) {
			img, err := Decode(bytes.NewReader(withOrientation(plain, o)), Limit{})
			if err != nil {
				t.Fatal(err)
			}
			w, h := 48, 32
			if o >= 5 && o <= 8 {
				w, h = 32, 48
			}
			if img.Width != w || img.Height != h {
				t.Fatalf("got %dx%d, wanted %dx%d", img.Width, img.Height, w, h)
			}
			for i, c := range corners {
				if got := pixel(img, w/4+i%2*w/2, h/4+i/2*h/2); !near(got, c, 6) {
					t.Errorf("quarter %d is %v, wanted %v", i, got, c)
				}
			}
		})
	}
}

// TestUprightEveryPixel checks the turns on a picture in which every pixel differs, for 3 and 4 samples and odd sides.
func TestUprightEveryPixel(t *testing.T) {
	for _, f := range []model.Format{model.RGB, model.RGBA} {
		src := model.NewImage(f, 5, 3)
		for i := range src.Planes[0].Data {
			src.Planes[0].Data[i] = uint8(i)
		}
		for o := 1; o <= 8; o++ {
			turned := *src
			photo := Photo{Image: &turned}
			for _, v := range src.Planes[0].Data {
				photo.Deep = append(photo.Deep, 257*uint16(v))
			}
			photo.upright(o)
			dst := photo.Image
			for i, v := range dst.Planes[0].Data {
				if photo.Deep[i] != 257*uint16(v) {
					t.Fatalf("%v, orientation %d: sample %d is %d and with 16 bits %d", f, o, i, v, photo.Deep[i])
				}
			}
			for y := range dst.Height {
				for x := range dst.Width {
					// where the stored picture has the pixel that belongs at (x,y)
					sx, sy := x, y
					if o >= 5 {
						sx, sy = y, x
					}
					if o == 2 || o == 3 || o == 7 || o == 8 {
						sx = 4 - sx
					}
					if o == 3 || o == 4 || o == 6 || o == 7 {
						sy = 2 - sy
					}
					if pixel(dst, x, y) != pixel(src, sx, sy) {
						t.Fatalf("%v, orientation %d: (%d,%d) is %v, wanted %v", f, o, x, y, pixel(dst, x, y), pixel(src, sx, sy))
					}
				}
			}
		}
	}
}
