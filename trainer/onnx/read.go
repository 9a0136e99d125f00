package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"adainfilter/model/float16"
)

// Tensor is a constant of a model.
type Tensor struct {
	Name  string
	DType string // as safetensors writes it: "F32", "F16", "BF16", "F64", "I64", or "type N" for others
	Shape []int

	kind int
	raw  []byte // little-endian, or
	list []byte // of float_data, double_data or int32_data, as protocol buffers pack them
	away bool   // the values lie in another file
}

// Convolution is a Conv node whose parameters are constants.
type Convolution struct {
	Name   string // of the weights, or of the node where an exporter has only numbered the weights
	Weight *Tensor
	Bias   *Tensor // nil if there is none
}

// Graph is what Read finds.
type Graph struct {
	Tensors      []*Tensor
	Convolutions []Convolution // in the order of computation
	Normalised   bool          // a node normalises by batch
	Metadata     map[string]string
}

// Read takes the constants out of an ONNX model, initialisers and Constant nodes, and keeps using data. Nothing is allocated but what the
// bytes explain. Errors are the second half of a sentence about the file: damaged protocol buffers, no graph, a shape that the values do
// not have.
func Read(data []byte) (*Graph, error) {
	g := &Graph{Metadata: map[string]string{}}
	known := map[string]*Tensor{}
	add := func(name string, b []byte) error {
		t, err := readTensor(b)
		if err != nil {
			return err
		}
		if name != "" {
			t.Name = name
		}
		known[t.Name] = t
		g.Tensors = append(g.Tensors, t)
		return nil
	}
	var nodes []nodeProto
	found := false
	err := each(data, func(field protowire.Number, _ uint64, b []byte) error {
		switch {
		case field == 14:
			return readEntry(b, g.Metadata)
		case field != 7 || b == nil:
			return nil
		}
		found = true
		return each(b, func(field protowire.Number, _ uint64, b []byte) error {
			switch field {
			case 1:
				n, err := readNode(b)
				if err == nil && n.operator == "Constant" && n.value != nil && len(n.outputs) == 1 {
					return add(n.outputs[0], n.value)
				}
				nodes = append(nodes, n)
				return err
			case 5:
				return add("", b)
			}
			return nil
		})
	})
	if err == nil && !found {
		err = errors.New("holds no graph")
	}
	if err != nil {
		return nil, fmt.Errorf("is no ONNX model or a damaged one: %w", err)
	}
	for _, n := range nodes {
		g.Normalised = g.Normalised || n.operator == "BatchNormalization"
		if n.operator == "Conv" && len(n.inputs) >= 2 && known[n.inputs[1]] != nil {
			c := Convolution{Name: n.inputs[1], Weight: known[n.inputs[1]]}
			if len(n.inputs) >= 3 {
				c.Bias = known[n.inputs[2]]
			}
			if n.name != "" && len(c.Name) > 6 && c.Name[:6] == "onnx::" {
				c.Name = n.name
			}
			g.Convolutions = append(g.Convolutions, c)
		}
	}
	return g, nil
}

func readEntry(b []byte, to map[string]string) error {
	var entry [3]string // by field: key and value
	err := each(b, func(field protowire.Number, _ uint64, b []byte) error {
		if int(field) < len(entry) {
			entry[field] = string(b)
		}
		return nil
	})
	to[entry[1]] = entry[2]
	return err
}

// each calls what for every field of a message: with a number, or with the bytes of a string, message or packed list.
func each(data []byte, what func(field protowire.Number, number uint64, b []byte) error) error {
	for len(data) > 0 {
		field, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = data[n:]
		var number uint64
		var b []byte
		switch kind {
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(data)
		case protowire.BytesType:
			b, n = protowire.ConsumeBytes(data)
		case protowire.Fixed32Type, protowire.Fixed64Type:
			// A list that is not packed: its values one by one.
			if n = 4; kind == protowire.Fixed64Type {
				n = 8
			}
			if len(data) >= n {
				b = data[:n:n]
			}
		default:
			n = protowire.ConsumeFieldValue(field, kind, data)
		}
		if n < 0 || n > len(data) {
			return errors.New("a field of it is cut short")
		}
		if err := what(field, number, b); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

type nodeProto struct {
	name, operator  string
	inputs, outputs []string
	value           []byte // TensorProto of a Constant
}

func readNode(b []byte) (n nodeProto, err error) {
	err = each(b, func(field protowire.Number, _ uint64, b []byte) error {
		switch field {
		case 1:
			n.inputs = append(n.inputs, string(b))
		case 2:
			n.outputs = append(n.outputs, string(b))
		case 3:
			n.name = string(b)
		case 4:
			n.operator = string(b)
		case 5:
			return each(b, func(field protowire.Number, _ uint64, b []byte) error {
				if field == 5 && b != nil {
					n.value = b
				}
				return nil
			})
		}
		return nil
	})
	return n, err
}

// elements gives each element type its safetensors name and its bytes in raw data.
var elements = map[int]struct {
	name string
	size int
}{
	float32Type: {"F32", 4}, 2: {"U8", 1}, 3: {"I8", 1}, 4: {"U16", 2}, 5: {"I16", 2}, 6: {"I32", 4}, int64Type: {"I64", 8}, 9: {"BOOL", 1},
	10: {"F16", 2}, 11: {"F64", 8}, 16: {"BF16", 2},
}

func readTensor(b []byte) (*Tensor, error) {
	t := &Tensor{}
	dimension := func(n uint64) error {
		if n > math.MaxInt32 || len(t.Shape) == 8 {
			return errors.New("a tensor has more than 8 dimensions or one that no file holds")
		}
		t.Shape = append(t.Shape, int(n))
		return nil
	}
	err := each(b, func(field protowire.Number, n uint64, b []byte) error {
		switch field {
		case 1:
			if b == nil {
				return dimension(n)
			}
			for len(b) > 0 {
				v, m := protowire.ConsumeVarint(b)
				if m < 0 {
					return protowire.ParseError(m)
				}
				if err := dimension(v); err != nil {
					return err
				}
				b = b[m:]
			}
		case 2:
			t.kind = int(min(n, 1000))
		case 4, 5, 10:
			t.list = append(t.list, b...)
		case 8:
			t.Name = string(b)
		case 9:
			t.raw = b
		case 14:
			t.away = n == 1
		}
		return nil
	})
	t.DType = elements[t.kind].name
	if t.DType == "" {
		t.DType = fmt.Sprintf("type %d", t.kind)
	}
	return t, err
}

// Len is the number of elements that the shape states, -1 where it is more than a file holds.
func (t *Tensor) Len() int {
	n := 1
	for _, side := range t.Shape {
		if side > 0 && n > math.MaxInt32/side {
			return -1
		}
		n *= side
	}
	return n
}

// Float32 is a copy of the values in row-major order. Errors: a dtype that is not floating point, values that are in another file, values
// that do not fill the shape.
func (t *Tensor) Float32() ([]float32, error) {
	n := t.Len()
	if t.away {
		return nil, errors.New("its values lie in another file, wanted them in the model (onnx.save without external data)")
	}
	var size int
	var element func([]byte) float32
	data := t.raw
	switch {
	case t.DType == "F32":
		size, element = 4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
		if data == nil {
			data = t.list
		}
	case t.DType == "F64":
		size, element = 8, func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }
		if data == nil {
			data = t.list
		}
	case t.DType == "F16":
		size, element = 2, func(b []byte) float32 { return float16.Value(binary.LittleEndian.Uint16(b)) }
	case t.DType == "BF16":
		size, element = 2, func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) }
	default:
		return nil, fmt.Errorf("dtype %s, wanted floating point", t.DType)
	}
	if size == 2 && data == nil { // packed as int32_data
		for list := t.list; len(list) > 0; {
			v, m := protowire.ConsumeVarint(list)
			if m < 0 {
				return nil, protowire.ParseError(m)
			}
			data = binary.LittleEndian.AppendUint16(data, uint16(v))
			list = list[m:]
		}
	}
	if n < 0 || len(data) != n*size {
		return nil, fmt.Errorf("%d bytes do not fill the shape %v of %s", len(data), t.Shape, t.DType)
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = element(data[size*i:])
	}
	return v, nil
}
