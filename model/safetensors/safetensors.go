// Package safetensors reads and writes the bytes of .safetensors files: named arrays and some text, which cannot execute anything. Files are
// taken to be hostile. Nothing here touches the disk.
//
// A file is a little-endian uint64 with the length of a JSON header, the header and the tensors' bytes. The header maps a tensor's name to
// its dtype, shape and the range of its bytes, counted from the header's end; the entry __metadata__ maps strings to strings. The ranges
// cover the rest of the file without overlap and without holes.
package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"unicode/utf8"

	"adainfilter/model/float16"
)

// Limits on what is believed.
const (
	maxHeader  = 4 << 20 // bytes; a bundle's header has about 4,000
	maxTensors = 10000   // a bundle has 38
	maxRank    = 8
	maxName    = 1000 // bytes
)

// dtypeSize is the number of bytes of one element.
var dtypeSize = map[string]int{
	"BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2, "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}

// Tensor is one named array of a .safetensors file, row-major and little-endian.
type Tensor struct {
	Name  string
	DType string // as the format writes it: "F32", "F16", "U8", "I64", ...
	Shape []int
	Data  []byte // product of Shape times the size of DType; after reading it shares the file's memory
}

// File is the content of a .safetensors file.
type File struct {
	Tensors  map[string]Tensor // by name
	Metadata map[string]string // nil if the file has none
}

// Write writes a .safetensors file, the tensors in the order of their names. Errors: those of w, and before anything is written a name that
// occurs twice or is __metadata__, more than 8 dimensions, an unknown dtype, and data that do not have the size of their shape.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	start, sorted, err := header(tensors, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(start); err != nil {
		return err
	}
	for _, t := range sorted {
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}

// Float32 is a tensor with the values v; it has its own memory.
func Float32(name string, shape []int, v []float32) Tensor {
	data := make([]byte, 0, 4*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return Tensor{name, "F32", slices.Clone(shape), data}
}

// Float16 is a tensor with the values v rounded to the nearest float16; it has its own memory.
func Float16(name string, shape []int, v []float32) Tensor {
	data := make([]byte, 0, 2*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint16(data, float16.Round(x))
	}
	return Tensor{name, "F16", slices.Clone(shape), data}
}

// Float32 is a copy of the values of an F32, F16, BF16 or F64 tensor, the last rounded; another dtype is an error.
func (t Tensor) Float32() ([]float32, error) {
	size := dtypeSize[t.DType]
	var element func([]byte) float32
	switch t.DType {
	case "F32":
		element = func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
	case "F16":
		element = func(b []byte) float32 { return float16.Value(binary.LittleEndian.Uint16(b)) }
	case "BF16":
		element = func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) }
	case "F64":
		element = func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }
	default:
		return nil, fmt.Errorf("tensor %q has dtype %s, wanted F32, F16, BF16 or F64", t.Name, t.DType)
	}
	v := make([]float32, len(t.Data)/size)
	for i := range v {
		v[i] = element(t.Data[size*i:])
	}
	return v, nil
}

// NoHeaderError is the error of Parse for bytes that do not begin like a .safetensors file, or are cut off in the header. What they are
// instead is for the caller to say.
type NoHeaderError struct {
	Header uint64 // bytes that the header would have
	Size   int    // bytes that there are
}

// Error is the sentence.
func (e NoHeaderError) Error() string {
	if e.Size < 8 {
		return fmt.Sprintf("has %d bytes, too few for a .safetensors file", e.Size)
	}
	return fmt.Sprintf("is not a .safetensors file or is cut off: its header would have %d bytes, the file has %d", e.Header, e.Size)
}

// Parse reads a .safetensors file from memory, which the tensors keep using. Every length, shape and offset is checked before it is
// believed, and nothing is allocated but the header's own content. Errors are the second half of a sentence about the file: NoHeaderError,
// and everything in a header that the format forbids, that occurs twice or that has no meaning here: more than 10,000 tensors, 8
// dimensions, 4 MiB of header or 1,000 bytes of a name.
func Parse(data []byte) (*File, error) {
	if len(data) < 8 {
		return nil, NoHeaderError{Size: len(data)}
	}
	n := binary.LittleEndian.Uint64(data)
	if n > uint64(len(data)-8) || n > maxHeader || n < 2 || data[8] != '{' {
		return nil, NoHeaderError{n, len(data)}
	}
	header, body := data[8:8+n], data[8+n:]
	if !utf8.Valid(header) {
		return nil, errors.New("header is not UTF-8 text")
	}
	f := &File{Tensors: map[string]Tensor{}}
	p := headerParser{json.NewDecoder(bytes.NewReader(header))}
	p.UseNumber()
	var all []placed
	err := p.object(func(key string) error {
		if key == "__metadata__" {
			f.Metadata = map[string]string{}
			return p.object(func(key string) (err error) {
				f.Metadata[key], err = p.text()
				return err
			})
		}
		if len(all) == maxTensors {
			return fmt.Errorf("more than %d tensors", maxTensors)
		}
		t, err := p.tensor(key)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", key, err)
		}
		all = append(all, t)
		return nil
	})
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if err := checkPlaces(all, len(body)); err != nil {
		return nil, err
	}
	for _, t := range all {
		t.Data = body[t.begin:t.end:t.end]
		f.Tensors[t.Name] = t.Tensor
	}
	return f, nil
}

// placed is a tensor and the range of its bytes.
type placed struct {
	Tensor
	begin, end int
}

// checkPlaces reports ranges that overlap, leave holes or do not end with the file.
func checkPlaces(all []placed, size int) error {
	s := slices.Clone(all)
	sort.Slice(s, func(i, j int) bool {
		return s[i].begin < s[j].begin || s[i].begin == s[j].begin && s[i].end < s[j].end
	})
	at, before := 0, "the header"
	for _, t := range s {
		switch {
		case t.end > size:
			return fmt.Errorf("tensor %q ends at byte %d, the file has %d bytes after its header: it is cut off or damaged", t.Name, t.end, size)
		case t.begin < at:
			return fmt.Errorf("tensor %q begins at byte %d, inside tensor %q, wanted %d", t.Name, t.begin, before, at)
		case t.begin > at:
			return fmt.Errorf("tensor %q begins at byte %d, wanted %d, the end of %q", t.Name, t.begin, at, before)
		}
		at, before = t.end, t.Name
	}
	if at != size {
		return fmt.Errorf("the tensors end at byte %d, the file has %d bytes after its header", at, size)
	}
	return nil
}
