package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"math/rand/v2"
	"testing"

	"golang.org/x/image/tiff"

	"adainfilter/model"
)

// cameraData is EXIF data with a maker, an orientation, a directory of EXIF with one of interoperability in it, and a place, in an order of bytes.
func cameraData(order binary.AppendByteOrder, orientation uint16) []byte {
	number := func(n uint16) []byte { return order.AppendUint16(nil, n) }
	pair := func(a, b uint32) []byte { return order.AppendUint32(order.AppendUint32(nil, a), b) }
	head := "II*\x00"
	if order == binary.AppendByteOrder(binary.BigEndian) {
		head = "MM\x00*"
	}
	// entry appends one; a value of more than four bytes lies at an offset that the caller knows.
	entry := func(b []byte, tag, kind uint16, count uint32, value []byte) []byte {
		b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, tag), kind), count)
		return append(b, append(bytes.Clone(value), 0, 0, 0, 0)[:4]...)
	}
	offset := func(n uint32) []byte { return order.AppendUint32(nil, n) }
	b := order.AppendUint32([]byte(head), 8)
	b = append(b, number(5)...) // at 8, 66 bytes
	b = entry(b, 0x0100, 4, 1, offset(77))
	b = entry(b, 0x010f, 2, 8, offset(74))
	b = entry(b, tagOrientation, 3, 1, number(orientation))
	b = entry(b, tagExif, 4, 1, offset(82))
	b = entry(b, tagGPS, 4, 1, offset(142))
	b = append(b, 0, 0, 0, 0)
	b = append(b, "Karlson\x00"...) // at 74
	b = append(b, number(3)...)     // at 82, 42 bytes
	b = entry(b, 0x829a, 5, 1, offset(124))
	b = entry(b, 0x927c, 7, 5, offset(132))
	b = entry(b, tagWidth, 4, 1, offset(1))
	b = append(b, 0, 0, 0, 0)
	b = append(b, pair(1, 250)...)                // at 124
	b = append(b, "notes\x00\x00\x00\x00\x00"...) // at 132
	b = append(b, number(1)...)                   // at 142
	b = entry(b, 0x0001, 2, 2, []byte("N\x00"))
	return append(b, 0, 0, 0, 0)
}

// TestTIFFKeepsEXIF puts EXIF data of both orders into TIFF files and takes it out again: all fields of the picture, and none of the samples.
func TestTIFFKeepsEXIF(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		var plain bytes.Buffer
		if err := tiff.Encode(&plain, image.NewNRGBA(image.Rect(0, 0, 7, 5)), nil); err != nil {
			t.Fatal(err)
		}
		file := IntoTIFF(bytes.Clone(plain.Bytes()), cameraData(order, 1))
		if len(file) == plain.Len() {
			t.Fatalf("%v: nothing was added", order)
		}
		if img, err := tiff.Decode(bytes.NewReader(file)); err != nil || img.Bounds().Dx() != 7 {
			t.Fatalf("%v: the picture cannot be read any more: %v", order, err)
		}
		p, err := decode(bytes.NewReader(file), Options{}, "")
		if err != nil {
			t.Fatal(err)
		}
		d := tiffData{data: p.Exif}
		if !d.order() {
			t.Fatalf("%v: EXIF data %q", order, p.Exif)
		}
		first, _ := d.directory(8)
		if got := len(first) / 12; got != 4 {
			t.Errorf("%v: %d fields, wanted maker, orientation, EXIF and place", order, got)
		}
		text := func(entries []byte, tag uint16, n int) string {
			e := d.entry(entries, tag)
			if e == nil {
				return ""
			}
			at := d.bytes.Uint32(e[8:])
			return string(d.data[at:][:n])
		}
		exif, _ := d.directory(d.number(d.entry(first, tagExif)))
		place, _ := d.directory(d.number(d.entry(first, tagGPS)))
		if maker, notes := text(first, 0x010f, 7), text(exif, 0x927c, 5); maker != "Karlson" || notes != "notes" {
			t.Errorf("%v: maker %q, notes %q", order, maker, notes)
		}
		if exposure := text(exif, 0x829a, 8); exposure != "\x01\x00\x00\x00\xfa\x00\x00\x00" {
			t.Errorf("%v: exposure %q", order, exposure)
		}
		if e := d.entry(place, 1); e == nil || e[8] != 'N' {
			t.Errorf("%v: place %q", order, place)
		}
	}
}

// TestTIFFOrientation turns a TIFF picture as its directory says.
func TestTIFFOrientation(t *testing.T) {
	var plain bytes.Buffer
	if err := tiff.Encode(&plain, image.NewNRGBA(image.Rect(0, 0, 7, 5)), nil); err != nil {
		t.Fatal(err)
	}
	p, err := decode(bytes.NewReader(IntoTIFF(plain.Bytes(), cameraData(binary.BigEndian, 6))), Options{}, "")
	if err != nil || p.Image.Width != 5 || p.Image.Height != 7 {
		t.Fatalf("%+v, %v", p, err)
	}
}

// TestHostileEXIF has data whose counts and offsets lie: no panic, no memory that the data does not explain, no other picture.
func TestHostileEXIF(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var plain bytes.Buffer
	if err := tiff.Encode(&plain, image.NewNRGBA(image.Rect(0, 0, 7, 5)), nil); err != nil {
		t.Fatal(err)
	}
	loop := cameraData(binary.LittleEndian, 1)
	binary.LittleEndian.PutUint32(loop[8+2+3*12+8:], 8) // EXIF's directory is the first one
	for i := range 3000 {
		data := bytes.Clone(loop)
		for range r.IntN(6) {
			data[r.IntN(len(data))] = []byte{0, 1, 0xff, byte(i)}[r.IntN(4)]
		}
		data = data[:len(data)-r.IntN(2)*r.IntN(len(data))]
		file := IntoTIFF(bytes.Clone(plain.Bytes()), data)
		if len(file) > plain.Len()+maxFieldBytes+12*maxFields+1024 {
			t.Fatalf("%d bytes became %d", len(data), len(file))
		}
		p, err := decode(bytes.NewReader(file), Options{}, "")
		if err != nil {
			t.Fatalf("run %d: %v", i, err)
		}
		if p.Image.Format != model.RGBA || p.Image.Width*p.Image.Height != 35 {
			t.Fatalf("run %d: %v %dx%d", i, p.Image.Format, p.Image.Width, p.Image.Height)
		}
	}
}
