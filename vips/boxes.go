package vips

import (
	"bytes"
	"encoding/binary"
)

// withExif adds EXIF data to a finished JPEG XL or JPEG 2000 file, whose savers in libvips leave it out: as the box Exif of ISO/IEC 18181-2,
// or as the box uuid in which exiftool and others keep it in JP2. Other kinds, and a file that is not made of boxes, come back as they are.
func withExif(end string, file, exif []byte) []byte {
	var kind string
	switch end {
	case ".jxl":
		kind, exif = "Exif", append(make([]byte, 4), exif...) // the TIFF header begins at once
		if bytes.HasPrefix(file, []byte{0xff, 0x0a}) {        // a codestream without boxes
			brand := []byte("jxl \x00\x00\x00\x00jxl ")
			return append(append(append(box("JXL ", []byte("\r\n\x87\n")), box("ftyp", brand)...), box(kind, exif)...), box("jxlc", file)...)
		}
	case ".jp2":
		kind, exif = "uuid", append([]byte("JpgTiffExif->JP2"), exif...)
	default:
		return file
	}
	for at := 0; at < len(file); {
		if len(file)-at < 8 {
			return file
		}
		size := int(binary.BigEndian.Uint32(file[at:]))
		if size == 0 { // to the end of the file, which is not the end any more
			size = len(file) - at
			binary.BigEndian.PutUint32(file[at:], uint32(size))
		}
		if size < 8 || size > len(file)-at {
			return file
		}
		at += size
	}
	return append(file, box(kind, exif)...)
}

// hasExif says whether a file holds EXIF data already, as newer savers may write it.
func hasExif(file []byte) bool {
	return bytes.Contains(file, []byte("Exif\x00\x00\x00\x00")) || bytes.Contains(file, []byte("JpgTiffExif->JP2"))
}

// box is one of ISO base media's.
func box(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(data)))
	return append(append(b, kind...), data...)
}
