// Package pthtest writes PyTorch files for tests, opcode by opcode, without Python.
package pthtest

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"adainfilter/trainer/pth/pickle"
)

// Entry is one tensor of a file; Program writes it.
type (
	Entry   = pickle.Entry
	Program = pickle.Program
)

// View is the entry with these fields, from a GPU.
func View(name, class, key string, count, offset int, shape, strides []int) Entry {
	return Entry{Name: name, Class: class, Key: key, Location: "cuda:0", Count: count, Offset: offset, Shape: shape, Strides: strides}
}

// Pickle is a file of the older encoding: object is the pickle between PROTO and STOP, storages are written in the order of
// keys, each with its count of elements.
func Pickle(object []byte, keys []string, storages map[string][]byte, counts map[string]int) []byte {
	var p Program
	p.Op("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.")
	p.Op("\x80\x02M\xe9\x03.") // 1001
	p.Op("\x80\x02}").Text("little_endian").Op("\x88s.")
	p.Op("\x80\x02").Write(object)
	p.Op(".\x80\x02](")
	for _, k := range keys {
		p.Text(k)
	}
	p.Op("e.")
	for _, k := range keys {
		p.Write(binary.LittleEndian.AppendUint64(nil, uint64(counts[k])))
		p.Write(storages[k])
	}
	return p.Bytes()
}

// Zip is a file of the ZIP encoding; method is that of its entries, zip.Store in what PyTorch writes.
func Zip(t testing.TB, object []byte, storages map[string][]byte, method uint16) []byte {
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

// Floats are the bytes of n float32 values 0, 1, 2, ...
func Floats(n int) []byte {
	var b []byte
	for i := range n {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(i)))
	}
	return b
}

// BothEncodings writes the same object as either kind of file. wrap may put something around the dictionary.
func BothEncodings(t testing.TB, entries []Entry, storages map[string][]byte, wrap func(p *Program, inner func())) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, encoding := range []string{"pickle", "zip"} {
		var p Program
		inner := func() { p.Dictionary(entries, encoding == "pickle") }
		if wrap == nil {
			inner()
		} else {
			wrap(&p, inner)
		}
		if encoding == "zip" {
			files[encoding] = Zip(t, p.Bytes(), storages, zip.Store)
			continue
		}
		var keys []string
		counts := map[string]int{}
		for _, e := range entries {
			if _, seen := counts[e.Key]; !seen {
				keys = append(keys, e.Key)
			}
			counts[e.Key] = e.Count
		}
		files[encoding] = Pickle(p.Bytes(), keys, storages, counts)
	}
	return files
}
