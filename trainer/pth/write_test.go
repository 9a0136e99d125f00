package pth

import (
	"archive/zip"
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestWriteAndParse(t *testing.T) {
	tensors := []Named{
		{"0.weight", []int{2, 3, 1, 1}, []float32{1, -2, 3, 0.5, 1e-30, 6}}, {"0.bias", []int{2}, []float32{7, 8}},
		{"module.x", []int{1}, []float32{9}}, {"scalar", nil, []float32{10}}, {"empty", []int{0}, nil},
	}
	var file bytes.Buffer
	if err := Write(&file, tensors); err != nil {
		t.Fatal(err)
	}
	f, err := Parse("written.pth", file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if f.Encoding != "zip" || strings.Join(f.Names, " ") != "0.weight 0.bias module.x scalar empty" {
		t.Errorf("encoding %s, names %v", f.Encoding, f.Names)
	}
	for i, want := range tensors {
		got := f.Tensors[f.Names[i]]
		v, err := got.Float32()
		if err != nil || got.DType != "F32" || !slices.Equal(got.Shape, want.Shape) || !slices.Equal(v, want.Values) {
			t.Errorf("%s: %s %v %v %v", want.Name, got.DType, got.Shape, v, err)
		}
	}
	archive, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range archive.File {
		start, err := e.DataOffset()
		if err != nil || start%alignment != 0 || e.Flags != 0 {
			t.Errorf("%s begins at %d (%v) with flags %x, wanted a multiple of %d and none", e.Name, start, err, e.Flags, alignment)
		}
		r, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bytes.NewBuffer(nil).ReadFrom(r); err != nil { // compares the check sum
			t.Errorf("%s: %v", e.Name, err)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteFails(t *testing.T) {
	if err := Write(&bytes.Buffer{}, []Named{{"a", []int{2, 2}, make([]float32, 5)}}); err == nil || !strings.Contains(err.Error(), `"a" has shape [2 2] and 5 values`) {
		t.Errorf("error is %v", err)
	}
	if err := Write(full{}, []Named{{"a", []int{1 << 16}, make([]float32, 1<<16)}}); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error is %v", err)
	}
}
