package pth

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"adainfilter/model/float16"
)

// storage is a row of elements that tensors are views of.
type storage struct {
	key   string
	dtype string
	size  int    // bytes per element
	count int64  // elements
	data  []byte // count*size bytes, part of the file; the older encoding has them behind the pickles
}

// Tensor is a view of a storage. It shares the memory of the file.
type Tensor struct {
	DType   string // safetensors name: "F32", "F16", "BF16", "F64", "I64", ...
	Shape   []int
	storage *storage
	offset  int64
	strides []int64 // in elements
}

// newTensor checks the arguments of _rebuild_tensor_v2: storage, offset, shape, strides.
func newTensor(args tuple) (*Tensor, error) {
	s, ok := args[0].(*storage)
	offset, ok1 := args[1].(int64)
	shape, ok2 := integers(args[2])
	strides, ok3 := integers(args[3])
	if !ok || !ok1 || !ok2 || !ok3 || len(shape) != len(strides) || len(shape) > 8 {
		return nil, errors.New("has a tensor whose description is damaged")
	}
	t := &Tensor{DType: s.dtype, storage: s, offset: offset, strides: strides}
	count, last := int64(1), offset
	for i, n := range shape {
		if n < 0 || n > s.count || n > 1 && (strides[i] < 0 || strides[i] > s.count) {
			return nil, fmt.Errorf("has a tensor of shape %v and strides %v in a storage of %d elements", shape, strides, s.count)
		}
		t.Shape = append(t.Shape, int(n))
		// Both stay below the file's length times 2 in every round, so neither overflows.
		if count *= n; count > s.count {
			break
		}
		last += max(0, n-1) * strides[i]
		if last > s.count {
			break
		}
	}
	if offset < 0 || offset > s.count || count > s.count || count > 0 && last >= s.count {
		return nil, fmt.Errorf("has a tensor of shape %v, strides %v and offset %d in a storage of %d elements", shape, strides, offset, s.count)
	}
	return t, nil
}

func integers(v any) ([]int64, bool) {
	t, ok := v.(tuple)
	out := make([]int64, len(t))
	for i, x := range t {
		n, isInt := x.(int64)
		out[i], ok = n, ok && isInt
	}
	return out, ok
}

// Len is the number of elements.
func (t *Tensor) Len() int {
	n := 1
	for _, s := range t.Shape {
		n *= s
	}
	return n
}

// Float32 copies the values in row-major order. The dtype must be one of floating point.
func (t *Tensor) Float32() ([]float32, error) {
	var element func([]byte) float32
	switch t.DType {
	case "F32":
		element = func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
	case "F64":
		element = func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }
	case "F16":
		element = func(b []byte) float32 { return float16.Value(binary.LittleEndian.Uint16(b)) }
	case "BF16":
		element = func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) }
	default:
		return nil, fmt.Errorf("dtype %s, wanted floating point", t.DType)
	}
	out := make([]float32, t.Len())
	at, index := t.offset, make([]int, len(t.Shape))
	for i := range out {
		out[i] = element(t.storage.data[at*int64(t.storage.size):])
		for d := len(index) - 1; d >= 0; d-- {
			index[d]++
			at += t.strides[d]
			if index[d] < t.Shape[d] {
				break
			}
			at -= int64(t.Shape[d]) * t.strides[d]
			index[d] = 0
		}
	}
	return out, nil
}
