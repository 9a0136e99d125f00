package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"strconv"
)

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

// header is the length and the JSON of a file with these tensors, and the tensors in the order of the file, which is
// that of their names. Blanks fill the header so that the tensors begin at a multiple of 8 bytes.
func header(tensors []Tensor, metadata map[string]string) ([]byte, []Tensor, error) {
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
		if _, twice := entries[t.Name]; twice || t.Name == "__metadata__" || !ok || size != len(t.Data) || len(t.Shape) > maxRank {
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
