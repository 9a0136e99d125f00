package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a protocol buffer as it grows. The numbers of the fields are those of onnx.proto3 of ONNX 1.8 and later.
type message []byte

func (m message) text(field protowire.Number, s string) message {
	return protowire.AppendString(protowire.AppendTag(m, field, protowire.BytesType), s)
}

func (m message) number(field protowire.Number, n int) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), uint64(n))
}

func (m message) inner(field protowire.Number, in message) message {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), in)
}

// Element types of TensorProto and kinds of AttributeProto.
const (
	float32Type = 1
	int64Type   = 7

	kindInt    = 2
	kindString = 3
	kindInts   = 7
)

// entry is a StringStringEntryProto.
func entry(key, value string) message { return message(nil).text(1, key).text(2, value) }

// tensor is a TensorProto with raw data.
func tensor(name string, elements int, shape []int, data []byte) message {
	var m message
	for _, n := range shape {
		m = m.number(1, n)
	}
	return m.number(2, elements).text(8, name).inner(9, data)
}

func floats(name string, shape []int, v []float32) message {
	data := make([]byte, 0, 4*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return tensor(name, float32Type, shape, data)
}

func integers(name string, v []int) message {
	var data []byte
	for _, n := range v {
		data = binary.LittleEndian.AppendUint64(data, uint64(n))
	}
	return tensor(name, int64Type, []int{len(v)}, data)
}

// value is a ValueInfoProto of float32; a dimension is a number or, where the graph leaves it open, a name.
func value(name string, dimensions ...any) message {
	var shape message
	for _, d := range dimensions {
		var dimension message
		switch d := d.(type) {
		case int:
			dimension = dimension.number(1, d)
		case string:
			dimension = dimension.text(2, d)
		}
		shape = shape.inner(1, dimension)
	}
	kind := message(nil).number(1, float32Type).inner(2, shape)
	return message(nil).text(1, name).inner(2, message(nil).inner(1, kind))
}

// node is a NodeProto that computes one value; its name is that value's.
func node(operator string, inputs []string, output string, attributes ...message) message {
	var m message
	for _, in := range inputs {
		m = m.text(1, in)
	}
	m = m.text(2, output).text(3, output).text(4, operator)
	for _, a := range attributes {
		m = m.inner(5, a)
	}
	return m
}

func attributeInt(name string, n int) message {
	return message(nil).text(1, name).number(3, n).number(20, kindInt)
}

func attributeString(name, s string) message {
	return message(nil).text(1, name).text(4, s).number(20, kindString)
}

func attributeInts(name string, v ...int) message {
	m := message(nil).text(1, name)
	for _, n := range v {
		m = m.number(8, n)
	}
	return m.number(20, kindInts)
}
