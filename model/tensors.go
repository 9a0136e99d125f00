package model

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
	"strconv"
	"unicode/utf8"
)

// A .safetensors file is a little-endian uint64 with the length of a JSON header, the header and the tensors' bytes. The
// header maps a tensor's name to its dtype, shape and the range of its bytes, counted from the header's end; the entry
// __metadata__ maps strings to strings. The ranges cover the rest of the file without overlap and without holes.
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

// TensorFile is the content of a .safetensors file.
type TensorFile struct {
	Tensors  map[string]Tensor // by name
	Metadata map[string]string // nil if the file has none
}

// ParseTensors reads a .safetensors file from memory, which the tensors keep using. Every length, shape and offset is
// checked before it is believed, and nothing is allocated but the header's own content. file is the name for messages.
func ParseTensors(file string, data []byte) (*TensorFile, error) {
	f, err := parseTensors(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return f, nil
}

// ReadTensors reads a .safetensors file of at most 2 GiB.
func ReadTensors(path string) (*TensorFile, error) {
	data, err := readFile(path, maxWeightsFile)
	if err != nil {
		return nil, err
	}
	return ParseTensors(path, data)
}

// WriteTensors writes a .safetensors file under a temporary name beside path and renames it when it is complete.
func WriteTensors(path string, tensors []Tensor, metadata map[string]string) error {
	header, sorted, err := tensorHeader(tensors, metadata)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return writeFile(path, func(w io.Writer) error {
		if _, err := w.Write(header); err != nil {
			return err
		}
		for _, t := range sorted {
			if _, err := w.Write(t.Data); err != nil {
				return err
			}
		}
		return nil
	})
}

// Float32Tensor is a tensor with the values v; it has its own memory.
func Float32Tensor(name string, shape []int, v []float32) Tensor {
	data := make([]byte, 0, 4*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return Tensor{name, "F32", slices.Clone(shape), data}
}

// Float16Tensor is a tensor with the values v rounded to the nearest float16; it has its own memory.
func Float16Tensor(name string, shape []int, v []float32) Tensor {
	data := make([]byte, 0, 2*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint16(data, Float16(x))
	}
	return Tensor{name, "F16", slices.Clone(shape), data}
}

// Float32 is a copy of the values of an F32 or F16 tensor; another dtype is an error.
func (t Tensor) Float32() ([]float32, error) {
	size := dtypeSize[t.DType]
	if t.DType != "F32" && t.DType != "F16" {
		return nil, fmt.Errorf("tensor %q has dtype %s, wanted F32 or F16", t.Name, t.DType)
	}
	v := make([]float32, len(t.Data)/size)
	for i := range v {
		if size == 4 {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
		} else {
			v[i] = FromFloat16(binary.LittleEndian.Uint16(t.Data[2*i:]))
		}
	}
	return v, nil
}

// parseTensors is ParseTensors without the file's name.
func parseTensors(data []byte) (*TensorFile, error) {
	if len(data) < 8 {
		return nil, fmt.Errorf("has %d bytes, too few for a .safetensors file", len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	if n > uint64(len(data)-8) || n > maxHeader || n < 2 || data[8] != '{' {
		if kind := foreign(data); kind != "" {
			return nil, fmt.Errorf("is %s", kind)
		}
		return nil, fmt.Errorf("is not a .safetensors file or is cut off: its header would have %d bytes, the file has %d", n, len(data))
	}
	header, body := data[8:8+n], data[8+n:]
	if !utf8.Valid(header) {
		return nil, errors.New("header is not UTF-8 text")
	}
	f := &TensorFile{Tensors: map[string]Tensor{}}
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

// headerParser reads the JSON of a header token by token: the grammar has a fixed depth, and a duplicate key, a field
// that does not belong there or a number that is not a plain count is an error.
type headerParser struct{ *json.Decoder }

// object calls member for every key of the object that comes next.
func (p headerParser) object(member func(key string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.More() {
		key, err := p.text()
		if err != nil {
			return err
		}
		if len(key) > maxName {
			return fmt.Errorf("a name of %d bytes, wanted at most %d", len(key), maxName)
		}
		if seen[key] {
			return fmt.Errorf("%q occurs twice", key)
		}
		seen[key] = true
		if err := member(key); err != nil {
			return err
		}
	}
	return p.delim('}')
}

// tensor reads one tensor's description and checks that shape, dtype and byte range agree.
func (p headerParser) tensor(name string) (placed, error) {
	t := placed{Tensor: Tensor{Name: name}}
	var offsets []int
	fields := 0
	err := p.object(func(key string) (err error) {
		fields++
		switch key {
		case "dtype":
			t.DType, err = p.text()
		case "shape":
			t.Shape, err = p.counts(maxRank)
		case "data_offsets":
			offsets, err = p.counts(2)
		default:
			err = fmt.Errorf("unknown field %q, wanted dtype, shape and data_offsets", key)
		}
		return err
	})
	if err != nil {
		return t, err
	}
	size, known := dtypeSize[t.DType]
	if fields != 3 {
		return t, errors.New("a field is missing, wanted dtype, shape and data_offsets")
	}
	if !known {
		return t, fmt.Errorf("unknown dtype %.40q", t.DType)
	}
	if len(offsets) != 2 || offsets[0] > offsets[1] {
		return t, fmt.Errorf("data_offsets are %v, wanted the first and the last byte's end", offsets)
	}
	t.begin, t.end = offsets[0], offsets[1]
	if bytes, ok := product(size, t.Shape); !ok || bytes != t.end-t.begin {
		return t, fmt.Errorf("%s of shape %v does not fit the %d bytes of data_offsets %v", t.DType, t.Shape, t.end-t.begin, offsets)
	}
	return t, nil
}

// counts reads an array of at most limit numbers that are 0 or more.
func (p headerParser) counts(limit int) ([]int, error) {
	if err := p.delim('['); err != nil {
		return nil, err
	}
	v := []int{}
	for p.More() {
		token, err := p.Token()
		if err != nil {
			return nil, err
		}
		number, ok := token.(json.Number)
		if !ok {
			return nil, fmt.Errorf("found %.40v, wanted a number", token)
		}
		n, err := strconv.ParseUint(number.String(), 10, strconv.IntSize-1)
		if err != nil {
			return nil, fmt.Errorf("found %.40s, wanted a count", number)
		}
		if len(v) == limit {
			return nil, fmt.Errorf("more than %d numbers in an array", limit)
		}
		v = append(v, int(n))
	}
	return v, p.delim(']')
}

// text reads a string.
func (p headerParser) text() (string, error) {
	token, err := p.Token()
	if err != nil {
		return "", err
	}
	s, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("found %.40v, wanted a string", token)
	}
	return s, nil
}

// delim reads one bracket.
func (p headerParser) delim(want json.Delim) error {
	token, err := p.Token()
	if err == nil && token != want {
		return fmt.Errorf("found %.40v, wanted %v", token, want)
	}
	return err
}

// end reports anything but blanks behind the header's object.
func (p headerParser) end() error {
	if token, err := p.Token(); err != io.EOF {
		return fmt.Errorf("found %.40v behind the end, wanted blanks", token)
	}
	return nil
}

// product is size times all of shape, false where an int cannot hold it.
func product(size int, shape []int) (int, bool) {
	if slices.Contains(shape, 0) {
		return 0, true
	}
	for _, n := range shape {
		if size > math.MaxInt/n {
			return 0, false
		}
		size *= n
	}
	return size, true
}

// tensorHeader is the length and the JSON of a file with these tensors, and the tensors in the order of the file, which is
// that of their names. Blanks fill the header so that the tensors begin at a multiple of 8 bytes.
func tensorHeader(tensors []Tensor, metadata map[string]string) ([]byte, []Tensor, error) {
	sorted := slices.Clone(tensors)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].Name < sorted[j].Name })
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	entries := map[string]any{}
	if metadata != nil {
		entries["__metadata__"] = metadata
	}
	at := 0
	for _, t := range sorted {
		size, ok := product(dtypeSize[t.DType], t.Shape)
		if _, twice := entries[t.Name]; twice || !ok || size != len(t.Data) || len(t.Shape) > maxRank {
			return nil, nil, fmt.Errorf("tensor %q, %s of shape %v with %d bytes, cannot be written", t.Name, t.DType, t.Shape, len(t.Data))
		}
		entries[t.Name] = entry{t.DType, append([]int{}, t.Shape...), [2]int{at, at + size}}
		at += size
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return nil, nil, err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), sorted, nil
}
