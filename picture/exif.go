package picture

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Tags of EXIF 2.3 and of TIFF 6.
const (
	tagOrientation = 0x0112
	tagThumbnail   = 0x0201 // offset of a JPEG
	tagThumbLength = 0x0202
	tagExif        = 0x8769 // offset of the EXIF directory
	tagProfile     = 0x8773
	tagColourSpace = 0xa001 // 1 is sRGB
	tagWidth       = 0xa002
	tagHeight      = 0xa003
)

// tiffData is a TIFF structure in memory: directories of entries of 12 bytes each, which are tag, type, count and value.
type tiffData struct {
	data  []byte
	bytes binary.ByteOrder
}

// order finds the order of bytes.
func (t *tiffData) order() bool {
	switch {
	case len(t.data) < 8:
		return false
	case bytes.HasPrefix(t.data, []byte("II*\x00")):
		t.bytes = binary.LittleEndian
	case bytes.HasPrefix(t.data, []byte("MM\x00*")):
		t.bytes = binary.BigEndian
	default:
		return false
	}
	return true
}

// directory are the entries of a directory and where the offset of the next one stands; nil where there is none.
func (t *tiffData) directory(at uint32) (entries []byte, next []byte) {
	if uint64(at)+2 > uint64(len(t.data)) {
		return nil, nil
	}
	n := 12 * int(t.bytes.Uint16(t.data[at:]))
	rest := t.data[at+2:]
	if n > len(rest) {
		return nil, nil
	}
	if len(rest) >= n+4 {
		next = rest[n : n+4]
	}
	return rest[:n], next
}

// entry finds a tag's entry.
func (t *tiffData) entry(entries []byte, tag uint16) []byte {
	for ; len(entries) >= 12; entries = entries[12:] {
		if t.bytes.Uint16(entries) == tag {
			return entries[:12]
		}
	}
	return nil
}

// number and setNumber are a whole number of 16 or 32 bits in an entry.
func (t *tiffData) number(entry []byte) uint32 {
	if entry == nil {
		return 0
	}
	if t.bytes.Uint16(entry[2:]) == 3 {
		return uint32(t.bytes.Uint16(entry[8:]))
	}
	return t.bytes.Uint32(entry[8:])
}

func (t *tiffData) setNumber(entry []byte, n uint32) {
	switch {
	case entry == nil:
	case t.bytes.Uint16(entry[2:]) == 3:
		t.bytes.PutUint16(entry[8:], uint16(n))
	case t.bytes.Uint16(entry[2:]) == 4:
		t.bytes.PutUint32(entry[8:], n)
	}
}

// orientation is the EXIF orientation, 1 (upright) to 8; what is missing or broken counts as upright.
func orientation(exif []byte) int {
	t := tiffData{data: exif}
	if !t.order() {
		return 1
	}
	entries, _ := t.directory(t.bytes.Uint32(exif[4:]))
	if e := t.entry(entries, tagOrientation); e != nil && t.bytes.Uint16(e[2:]) == 3 {
		if o := t.number(e); o >= 1 && o <= 8 {
			return int(o)
		}
	}
	return 1
}

// rewritten is EXIF data for an upright picture of width x height made from the one that it came with: its orientation is 1, its size
// that of the picture, and the small picture of the old one is gone. srgb says that the samples are sRGB. Broken data is nil.
func rewritten(exif []byte, width, height int, srgb bool) []byte {
	t := tiffData{data: slices.Clone(exif)}
	if !t.order() {
		return nil
	}
	entries, next := t.directory(t.bytes.Uint32(t.data[4:]))
	if entries == nil {
		return nil
	}
	t.setNumber(t.entry(entries, tagOrientation), 1)
	if next != nil {
		small, _ := t.directory(t.bytes.Uint32(next))
		at, n := uint64(t.number(t.entry(small, tagThumbnail))), uint64(t.number(t.entry(small, tagThumbLength)))
		if at+n <= uint64(len(t.data)) {
			clear(t.data[at : at+n])
			if at+n == uint64(len(t.data)) {
				t.data = t.data[:at]
			}
		}
		clear(next)
	}
	if pointer := t.entry(entries, tagExif); pointer != nil {
		inner, _ := t.directory(t.number(pointer))
		t.setNumber(t.entry(inner, tagWidth), uint32(width))
		t.setNumber(t.entry(inner, tagHeight), uint32(height))
		if srgb {
			t.setNumber(t.entry(inner, tagColourSpace), 1)
		}
	}
	return t.data
}
