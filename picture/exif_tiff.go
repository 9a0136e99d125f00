package picture

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"slices"
)

// In TIFF files EXIF data is no block of its own: its first directory is the picture's, and the others hang on it.

// described are the tags of a picture's directory that say where it comes from; the others describe the samples of one file.
var described = []uint16{0x010e, 0x010f, 0x0110, tagOrientation, 0x0131, 0x0132, 0x013b, 0x8298, tagExif, tagGPS}

const (
	tagGPS     = 0x8825 // offset of the directory of places
	tagInterop = 0xa005 // offset of a directory in that of EXIF
)

// Limits on what is taken from a file.
const (
	maxFields      = 500
	maxFieldBytes  = 1 << 20 // of all values together: makers' notes may be large
	maxDirectories = 3       // one in the other
)

// field is an entry of a directory.
type field struct {
	tag, kind uint16
	count     uint32
	value     []byte  // little-endian
	inner     []field // of a directory that the entry points to
}

// widths are the bytes of a value's numbers by the entry's type, and how many numbers there are in one.
var widths = map[uint16][2]int{1: {1, 1}, 2: {1, 1}, 3: {2, 1}, 4: {4, 1}, 5: {4, 2}, 6: {1, 1}, 7: {1, 1}, 8: {2, 1}, 9: {4, 1}, 10: {4, 2}, 11: {4, 1}, 12: {8, 1}}

// fieldReader takes directories from a file.
type fieldReader struct {
	fetch         func(at, n int64) ([]byte, error)
	order         binary.ByteOrder
	fields, bytes int // taken so far
}

// directory are the fields of a directory; a damaged one and a damaged field are passed over. wanted is nil for all tags.
func (r *fieldReader) directory(at uint32, depth int, wanted []uint16) []field {
	if depth > maxDirectories {
		return nil
	}
	count, err := r.fetch(int64(at), 2)
	if err != nil {
		return nil
	}
	entries, err := r.fetch(int64(at)+2, 12*int64(r.order.Uint16(count)))
	if err != nil {
		return nil
	}
	var all []field
	for ; len(entries) > 0; entries = entries[12:] {
		f := field{tag: r.order.Uint16(entries), kind: r.order.Uint16(entries[2:]), count: r.order.Uint32(entries[4:])}
		if wanted != nil && !slices.Contains(wanted, f.tag) {
			continue
		}
		if r.fields++; r.fields > maxFields {
			break
		}
		switch f.tag {
		case tagExif, tagGPS, tagInterop:
			f.inner = r.directory(r.order.Uint32(entries[8:]), depth+1, nil)
			f.kind, f.count = 4, 1
			if f.inner == nil {
				continue
			}
		default:
			if !r.value(&f, entries[8:12]) {
				continue
			}
		}
		all = append(all, f)
	}
	return all
}

// value takes a field's value, which lies in the last four bytes of its entry or where they point to.
func (r *fieldReader) value(f *field, entry []byte) bool {
	width, known := widths[f.kind]
	n := int64(width[0]*width[1]) * int64(f.count)
	if !known || n > maxFieldBytes-int64(r.bytes) {
		return false
	}
	r.bytes += int(n)
	if f.value = entry[:min(n, 4)]; n > 4 {
		var err error
		if f.value, err = r.fetch(int64(r.order.Uint32(entry)), n); err != nil {
			return false
		}
	}
	f.value = slices.Clone(f.value)
	if r.order == binary.ByteOrder(binary.BigEndian) {
		for part := range slices.Chunk(f.value, width[0]) {
			slices.Reverse(part)
		}
	}
	return true
}

// encodeDirectory is a directory that lies at an offset of a little-endian file, and behind it what its entries point to; next is the offset of
// the one after it. entries are ready-made ones among the fields.
func encodeDirectory(fields []field, entries []byte, at int, next uint32) []byte {
	order := binary.LittleEndian
	all := slices.Collect(slices.Chunk(entries, 12))
	start := at + 2 + 12*(len(all)+len(fields)) + 4
	var behind []byte
	for _, f := range fields {
		e := order.AppendUint32(order.AppendUint16(order.AppendUint16(nil, f.tag), f.kind), f.count)
		value := f.value
		if f.inner != nil {
			value = encodeDirectory(f.inner, nil, start+len(behind), 0)
		}
		if f.inner != nil || len(value) > 4 {
			e = order.AppendUint32(e, uint32(start+len(behind)))
			behind = append(behind, value...)
			if len(behind)%2 != 0 { // TIFF wants even offsets
				behind = append(behind, 0)
			}
		} else {
			e = append(e, append(slices.Clone(value), 0, 0, 0, 0)[:4]...)
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b []byte) int { return cmp.Compare(order.Uint16(a), order.Uint16(b)) })
	out := order.AppendUint16(nil, uint16(len(all)))
	out = order.AppendUint32(append(out, bytes.Join(all, nil)...), next)
	return append(out, behind...)
}

// fromTIFF is EXIF data of what a TIFF file's directory says of the picture besides its samples; nil if that is nothing.
func fromTIFF(r *fieldReader, at uint32) []byte {
	fields := r.directory(at, 1, described)
	if len(fields) == 0 {
		return nil
	}
	return append([]byte("II*\x00\x08\x00\x00\x00"), encodeDirectory(fields, nil, 8, 0)...)
}

// IntoTIFF adds EXIF data to a finished little-endian TIFF file of one picture, where its directory does not say the same already. A file
// or data of another kind changes nothing. The result may share memory with file.
func IntoTIFF(file, exif []byte) []byte {
	t, from := tiffData{data: file}, tiffData{data: exif}
	if !t.order() || !from.order() || t.bytes != binary.ByteOrder(binary.LittleEndian) || len(file) > 1<<32-1<<22 {
		return file
	}
	entries, next := t.directory(t.bytes.Uint32(file[4:]))
	if next == nil {
		return file
	}
	r := fieldReader{order: from.bytes, fetch: func(at, n int64) ([]byte, error) {
		if at+n > int64(len(exif)) {
			return nil, io.ErrUnexpectedEOF
		}
		return exif[at : at+n], nil
	}}
	fields := r.directory(from.bytes.Uint32(exif[4:]), 1, described)
	fields = slices.DeleteFunc(fields, func(f field) bool { return t.entry(entries, f.tag) != nil })
	if len(fields) == 0 {
		return file
	}
	if len(file)%2 != 0 {
		file = append(file, 0)
	}
	at := len(file)
	out := append(file, encodeDirectory(fields, entries, at, t.bytes.Uint32(next))...)
	binary.LittleEndian.PutUint32(out[4:], uint32(at))
	return out
}
