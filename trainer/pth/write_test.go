package pth

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"testing"
)

// entry is one tensor of a test file: a view of a storage.
type entry struct {
	name           string
	class, key     string // "FloatStorage", "0"
	count          int    // elements of the storage
	offset         int
	shape, strides []int
}

// program collects opcodes of a pickle, as torch.save writes them with protocol 2.
type program struct{ bytes.Buffer }

func (p *program) op(s string) *program { p.WriteString(s); return p }

func (p *program) text(s string) *program {
	p.op("X")
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	return p.op(s)
}

func (p *program) integer(n int) *program {
	p.op("J")
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
	return p
}

func (p *program) integers(ns []int) *program {
	p.op("(")
	for _, n := range ns {
		p.integer(n)
	}
	return p.op("t")
}

// tensor pushes _rebuild_tensor_v2(storage, offset, shape, strides, False, OrderedDict()).
func (p *program) tensor(e entry, legacy bool) *program {
	p.op("ctorch._utils\n_rebuild_tensor_v2\n((").text("storage").op("ctorch\n" + e.class + "\n").text(e.key).text("cuda:0").integer(e.count)
	if legacy {
		p.op("N")
	}
	return p.op("tQ").integer(e.offset).integers(e.shape).integers(e.strides).op("\x89ccollections\nOrderedDict\n)RtR")
}

// dictionary pushes an OrderedDict of the tensors with the _metadata attribute that PyTorch's modules add.
func (p *program) dictionary(entries []entry, legacy bool) *program {
	p.op("ccollections\nOrderedDict\nq\x00)Rq\x01(")
	for _, e := range entries {
		p.text(e.name).tensor(e, legacy)
	}
	return p.op("u}").text("_metadata").op("ccollections\nOrderedDict\n)Rsb")
}

// legacyFile is a file of the older encoding; storages hold the values of f.
func legacyFile(object []byte, keys []string, storages map[string][]byte, counts map[string]int) []byte {
	var p program
	p.Write(legacyMagic)
	p.op("\x80\x02M\xe9\x03.") // 1001
	p.op("\x80\x02}").text("little_endian").op("\x88s.")
	p.op("\x80\x02").Write(object)
	p.op(".\x80\x02](")
	for _, k := range keys {
		p.text(k)
	}
	p.op("e.")
	for _, k := range keys {
		p.Write(binary.LittleEndian.AppendUint64(nil, uint64(counts[k])))
		p.Write(storages[k])
	}
	return p.Bytes()
}

// zipFile is a file of the ZIP encoding.
func zipFile(t testing.TB, object []byte, storages map[string][]byte, method uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name string, data []byte) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: method})
		if err == nil {
			_, err = f.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add("data.pkl", append(append([]byte("\x80\x02"), object...), '.'))
	add("byteorder", []byte("little"))
	for k, data := range storages {
		add("data/"+k, data)
	}
	add("version", []byte("3\n"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// floats are n float32 values 0, 1, 2, ...
func floats(n int) []byte {
	var b []byte
	for i := range n {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(i)))
	}
	return b
}

// bothEncodings writes the same object as either kind of file. wrap may put something around the dictionary.
func bothEncodings(t testing.TB, entries []entry, storages map[string][]byte, wrap func(p *program, inner func())) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, encoding := range []string{"pickle", "zip"} {
		var p program
		inner := func() { p.dictionary(entries, encoding == "pickle") }
		if wrap == nil {
			inner()
		} else {
			wrap(&p, inner)
		}
		if encoding == "zip" {
			files[encoding] = zipFile(t, p.Bytes(), storages, zip.Store)
			continue
		}
		var keys []string
		counts := map[string]int{}
		for _, e := range entries {
			if _, seen := counts[e.key]; !seen {
				keys = append(keys, e.key)
			}
			counts[e.key] = e.count
		}
		files[encoding] = legacyFile(p.Bytes(), keys, storages, counts)
	}
	return files
}

func ExampleParse() {
	entries := []entry{{"1.bias", "FloatStorage", "0", 3, 0, []int{3}, []int{1}}}
	var p program
	p.dictionary(entries, true)
	f, err := Parse("decoder.pth", legacyFile(p.Bytes(), []string{"0"}, map[string][]byte{"0": floats(3)}, map[string]int{"0": 3}))
	if err != nil {
		fmt.Println(err)
		return
	}
	v, _ := f.Tensors["1.bias"].Float32()
	fmt.Println(f.Names, f.Tensors["1.bias"].Shape, v)
	// Output: [1.bias] [3] [0 1 2]
}
