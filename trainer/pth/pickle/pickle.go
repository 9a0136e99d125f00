// Package pickle writes the pickles of PyTorch's weights files, opcode by opcode as torch.save does with protocol 2.
package pickle

import (
	"bytes"
	"encoding/binary"
)

// Entry is one tensor of a file: a view of a storage.
type Entry struct {
	Name           string
	Class, Key     string // "FloatStorage", "0"
	Location       string // where the storage was: "cpu", "cuda:0"
	Count          int    // elements of the storage
	Offset         int
	Shape, Strides []int // in elements
}

// Program collects opcodes. PROTO and STOP are the caller's.
type Program struct{ bytes.Buffer }

// Op appends opcodes.
func (p *Program) Op(s string) *Program { p.WriteString(s); return p }

// Text pushes a string.
func (p *Program) Text(s string) *Program {
	p.Op("X")
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	return p.Op(s)
}

// Integer pushes a number of 32 bits.
func (p *Program) Integer(n int) *Program {
	p.Op("J")
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
	return p
}

// Integers pushes a tuple of numbers.
func (p *Program) Integers(ns []int) *Program {
	p.Op("(")
	for _, n := range ns {
		p.Integer(n)
	}
	return p.Op("t")
}

// Tensor pushes _rebuild_tensor_v2(storage, offset, shape, strides, False, OrderedDict()). A storage of the older encoding is said
// to be no view.
func (p *Program) Tensor(e Entry, legacy bool) *Program {
	p.Op("ctorch._utils\n_rebuild_tensor_v2\n((").Text("storage").Op("ctorch\n" + e.Class + "\n").Text(e.Key).Text(e.Location).Integer(e.Count)
	if legacy {
		p.Op("N")
	}
	return p.Op("tQ").Integer(e.Offset).Integers(e.Shape).Integers(e.Strides).Op("\x89ccollections\nOrderedDict\n)RtR")
}

// Dictionary pushes an OrderedDict of the tensors with the _metadata attribute that PyTorch's modules add.
func (p *Program) Dictionary(entries []Entry, legacy bool) *Program {
	p.Op("ccollections\nOrderedDict\nq\x00)Rq\x01(")
	for _, e := range entries {
		p.Text(e.Name).Tensor(e, legacy)
	}
	return p.Op("u}").Text("_metadata").Op("ccollections\nOrderedDict\n)Rsb")
}
