package pth

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strconv"

	"adainfilter/trainer/pth/pickle"
)

// Named is one tensor to write.
type Named struct {
	Name   string
	Shape  []int
	Values []float32 // row-major
}

// alignment of storages in bytes, PyTorch's own, so that torch.load(mmap=True) can use them in place.
const alignment = 64

// Write writes a state dictionary of float32 tensors in the ZIP encoding, as torch.save does since PyTorch 1.6. torch.load reads it
// with weights_only too. Errors: values that do not fill a shape, and those of out.
func Write(out io.Writer, tensors []Named) error {
	entries := make([]pickle.Entry, len(tensors))
	for i, t := range tensors {
		e := pickle.Entry{Name: t.Name, Class: "FloatStorage", Key: strconv.Itoa(i), Location: "cpu", Shape: t.Shape, Strides: make([]int, len(t.Shape)), Count: 1}
		for d := len(t.Shape) - 1; d >= 0; d-- {
			e.Strides[d] = e.Count
			e.Count *= t.Shape[d]
		}
		if e.Count != len(t.Values) || e.Count > math.MaxInt32 {
			return fmt.Errorf("tensor %q has shape %v and %d values", t.Name, t.Shape, len(t.Values))
		}
		entries[i] = e
	}
	var program pickle.Program
	program.Op("\x80\x02").Dictionary(entries, false).Op(".")
	a := archive{out: zip.NewWriter(out)}
	a.add("data.pkl", program.Bytes())
	a.add("byteorder", []byte("little"))
	for i, t := range tensors {
		data := make([]byte, 0, 4*len(t.Values))
		for _, v := range t.Values {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		a.add("data/"+entries[i].Key, data)
	}
	a.add("version", []byte("3\n"))
	if a.err != nil {
		return a.err
	}
	return a.out.Close()
}

// archive is a ZIP archive of stored entries whose sizes stand before them, as PyTorch writes it.
type archive struct {
	out *zip.Writer
	at  int // bytes so far
	err error
}

func (a *archive) add(name string, data []byte) {
	if a.err != nil {
		return
	}
	h := zip.FileHeader{
		Name: "archive/" + name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(data),
		CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data)),
	}
	const header, field = 30, 4 // bytes of an entry's fixed part and of an extra field's
	start := a.at + header + len(h.Name) + field
	padding := (alignment - start%alignment) % alignment
	h.Extra = binary.LittleEndian.AppendUint16([]byte("FB"), uint16(padding))
	h.Extra = append(h.Extra, bytes.Repeat([]byte("Z"), padding)...)
	w, err := a.out.CreateRaw(&h)
	if err == nil {
		_, err = w.Write(data)
	}
	a.at, a.err = start+padding+len(data), err
}
