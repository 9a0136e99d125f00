package pth

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"adainfilter/trainer/pth/pthtest"
)

// views are tensors of every kind: whole, at an offset of a shared storage, transposed, a single number, empty.
func views() ([]pthtest.Entry, map[string][]byte) {
	bits := func(values ...uint16) (b []byte) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
		return b
	}
	return []pthtest.Entry{
			pthtest.View("module.a", "FloatStorage", "10", 6, 0, []int{2, 3}, []int{3, 1}),
			pthtest.View("offset", "FloatStorage", "10", 6, 4, []int{2}, []int{1}),
			pthtest.View("transposed", "FloatStorage", "10", 6, 0, []int{3, 2}, []int{1, 3}),
			pthtest.View("half", "HalfStorage", "h", 2, 0, []int{2}, []int{1}),
			pthtest.View("bfloat", "BFloat16Storage", "b", 2, 0, []int{2}, []int{1}),
			pthtest.View("number", "LongStorage", "n", 1, 0, nil, nil),
			pthtest.View("empty", "FloatStorage", "e", 0, 0, []int{0}, []int{1}),
		}, map[string][]byte{
			"10": pthtest.Floats(6), "h": bits(0x3c00, 0xc000), "b": bits(0x3f80, 0xc040),
			"n": {7, 0, 0, 0, 0, 0, 0, 0}, "e": {},
		}
}

func TestParseBothEncodings(t *testing.T) {
	entries, storages := views()
	want := map[string][]float32{
		"module.a": {0, 1, 2, 3, 4, 5}, "offset": {4, 5}, "transposed": {0, 3, 1, 4, 2, 5}, "half": {1, -2}, "bfloat": {1, -3}, "empty": {},
	}
	for prefix, wrap := range map[string]func(*pthtest.Program, func()){
		"": nil,
		"state_dict.": func(p *pthtest.Program, inner func()) {
			p.Op("}(").Text("epoch").Integer(3).Text("state_dict")
			inner()
			p.Op("u")
		},
		"model.net.": func(p *pthtest.Program, inner func()) {
			p.Op("}").Text("model").Op("}").Text("net")
			inner()
			p.Op("ss")
		},
		"weights.": besidesWeights,
	} {
		for encoding, data := range pthtest.BothEncodings(t, entries, storages, wrap) {
			f, err := Parse("x.pth", data)
			if err != nil {
				t.Errorf("%q, %s: %v", prefix, encoding, err)
				continue
			}
			if f.Encoding != encoding || len(f.Names) != len(entries) {
				t.Errorf("%q: encoding %q, tensors %q", prefix, f.Encoding, f.Names)
			}
			for name, values := range want {
				tensor := f.Tensors[prefix+name]
				if tensor == nil {
					t.Errorf("%q, %s: there is no %q among %q", prefix, encoding, prefix+name, f.Names)
					continue
				}
				got, err := tensor.Float32()
				if err != nil || !slices.Equal(got, values) {
					t.Errorf("%q, %s: %s is %v (%v), wanted %v", prefix, encoding, name, got, err, values)
				}
			}
			if _, err := f.Tensors[prefix+"number"].Float32(); err == nil || !strings.Contains(err.Error(), "I64") {
				t.Errorf("an integer became floating point: %v", err)
			}
			if prefix == "state_dict." && !slices.Contains(f.Other, "epoch") {
				t.Errorf("%s: what lies beside the state dictionary is %q", encoding, f.Other)
			}
		}
	}
}

// besidesWeights puts what training scripts leave in a checkpoint around the weights: options, a loss of numpy, an optimizer's state.
func besidesWeights(p *pthtest.Program, inner func()) {
	p.Op("}(").Text("args").Op("cargparse\nNamespace\n)\x81}").Text("lr").Op("G\x3f\x50\x62\x4d\xd2\xf1\xa9\xfcsb")
	p.Text("loss").Op("cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\x00\x00\x00f8\x89\x88\x87R(K\x03NtbC\x01x\x86R")
	p.Text("optimizer").Op("ccollections\ndefaultdict\nc__builtin__\ndict\n\x85R(K\x00}u")
	p.Text("weights")
	inner()
	p.Op("u")
}

// TestParseDictionariesInDictionaries has small files that would be walked for ever.
func TestParseDictionariesInDictionaries(t *testing.T) {
	// Each dictionary holds the one before under many names.
	wide := "}q\x00"
	for range 7 {
		wide += "}q\x01("
		for i := range 64 {
			wide += string([]byte{'X', 2, 0, 0, 0, 'a' + byte(i/8), 'a' + byte(i%8)}) + "h\x00"
		}
		wide += "uq\x00"
	}
	for name, c := range map[string]struct{ object, want string }{
		"in itself": {"}q\x00X\x01\x00\x00\x00ah\x00s", "more than 8 deep"},
		"wide":      {wide, "in so many places"},
		"long name": {"}X\x00\x20\x00\x00" + strings.Repeat("x", 0x2000) + "K\x01s", "4096 bytes"},
	} {
		if _, err := Parse("some file.pth", pthtest.Pickle([]byte(c.object), nil, nil, nil)); !matches(err, c.want) {
			t.Errorf("%s: error is %v, wanted one with %q", name, err, c.want)
		}
	}
}

func TestParseRefusesTensors(t *testing.T) {
	good := pthtest.View("w", "FloatStorage", "0", 4, 0, []int{4}, []int{1})
	for name, c := range map[string]struct {
		change func(*pthtest.Entry)
		want   string
	}{
		"longer than its storage":   {func(e *pthtest.Entry) { e.Shape = []int{5} }, "storage of 4 elements"},
		"offset behind the storage": {func(e *pthtest.Entry) { e.Offset = 5 }, "storage of 4 elements"},
		"offset and shape":          {func(e *pthtest.Entry) { e.Offset = 1 }, "storage of 4 elements"},
		"negative offset":           {func(e *pthtest.Entry) { e.Offset = -1 }, "storage of 4 elements"},
		"negative side":             {func(e *pthtest.Entry) { e.Shape = []int{-4} }, "storage of 4 elements"},
		"negative stride":           {func(e *pthtest.Entry) { e.Strides = []int{-1} }, "storage of 4 elements"},
		"stride beyond":             {func(e *pthtest.Entry) { e.Strides = []int{2} }, "storage of 4 elements"},
		"repeated by stride 0":      {func(e *pthtest.Entry) { e.Shape, e.Strides = []int{4, 4, 4}, []int{0, 0, 1} }, "storage of 4 elements"},
		"product overflows":         {func(e *pthtest.Entry) { e.Shape, e.Strides = slices.Repeat([]int{4}, 8), slices.Repeat([]int{1}, 8) }, "storage of 4 elements"},
		"too many sides":            {func(e *pthtest.Entry) { e.Shape, e.Strides = slices.Repeat([]int{1}, 9), slices.Repeat([]int{1}, 9) }, "damaged"},
		"strides missing":           {func(e *pthtest.Entry) { e.Strides = nil }, "damaged"},
		"negative storage":          {func(e *pthtest.Entry) { e.Count = -1 }, "damaged"},
		"unknown storage class":     {func(e *pthtest.Entry) { e.Class = "QUInt8Storage" }, "torch.QUInt8Storage"},
		"huge storage":              {func(e *pthtest.Entry) { e.Count = 1 << 30 }, "wanted|more than"},
	} {
		e := good
		c.change(&e)
		for encoding, data := range pthtest.BothEncodings(t, []pthtest.Entry{e}, map[string][]byte{"0": pthtest.Floats(4)}, nil) {
			_, err := Parse("some file.pth", data)
			if !matches(err, c.want) {
				t.Errorf("%s, %s: error is %v, wanted one with %q and the name", name, encoding, err, c.want)
			}
		}
	}
}

// matches says whether an error has the file's name and one of the texts separated by |.
func matches(err error, want string) bool {
	return err != nil && strings.Contains(err.Error(), "some file.pth") &&
		slices.ContainsFunc(strings.Split(want, "|"), func(w string) bool { return strings.Contains(err.Error(), w) })
}

func TestParseRefusesPickles(t *testing.T) {
	cyclic := "]q\x00h\x00a" // a list that holds itself
	// Each tuple holds the one before twice: written out, it would have 2^60 items.
	doubling := ")" + strings.Repeat("q\x00h\x00\x86", 60)
	for name, c := range map[string]struct{ object, want string }{
		"call of a program":      {"cposix\nsystem\n(X\x02\x00\x00\x00lst R", "posix.system"},
		"call of eval":           {"c__builtin__\neval\n(tR", "__builtin__.eval"},
		"a whole module":         {"ctorch.nn.modules.container\nSequential\n)\x81", "torch.nn.modules.container.Sequential"},
		"unknown opcode":         {"\xff", "opcode 0xff"},
		"INST":                   {"(iposix\nsystem\n", "opcode 0x69"},
		"text longer than file":  {"X\xff\xff\xff\x7fabc", "cut short"},
		"text of 2^63 bytes":     {"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f", "cut short"},
		"long integer":           {"\x8a\xff" + strings.Repeat("\x01", 255), "255 bytes"},
		"empty stack":            {"0", "more from its stack"},
		"no mark":                {"t", "lacks a mark"},
		"mark as a value":        {"(a", "mark"},
		"unset memo":             {"h\x07", "memo 7"},
		"items of a number":      {"K\x01K\x02a", "adds items"},
		"key without value":      {"}(K\x01u", "no value"},
		"attributes of a number": {"K\x01}b", "sets attributes"},
		"call of a number":       {"K\x01)R", "calls"},
		"tensor of nothing":      {"ctorch._utils\n_rebuild_tensor_v2\n(NNNNtR", "damaged"},
		"tensor of doubling":     {"ctorch._utils\n_rebuild_tensor_v2\n(" + doubling + "h\x00h\x00h\x00tR", "damaged"},
		"storage of doubling":    {doubling + "Q", "not a storage"},
		"name without end":       {"c" + strings.Repeat("x", 1000), "does not end"},
		"cyclic list":            {cyclic, "holds a list"},
		"doubling tuple":         {doubling, "holds a list"},
		"number":                 {"K\x01", "holds a number"},
		"empty dictionary":       {"}", "without tensors"},
		"protocol 9":             {"\x80\x09N", "protocol 9"},
	} {
		for encoding, data := range map[string][]byte{
			"zip": pthtest.Zip(t, []byte(c.object), nil, zip.Store), "pickle": pthtest.Pickle([]byte(c.object), nil, nil, nil),
		} {
			if _, err := Parse("some file.pth", data); !matches(err, c.want) {
				t.Errorf("%s, %s: error is %v, wanted one with %q and the name", name, encoding, err, c.want)
			}
		}
	}
}

func TestParseRefusesFiles(t *testing.T) {
	entries, storages := views()
	whole := pthtest.BothEncodings(t, entries, storages, nil)
	var p pthtest.Program
	p.Dictionary(entries, false)
	bomb := pthtest.Zip(t, append(bytes.Repeat([]byte("N0"), 1<<20), p.Bytes()...), storages, zip.Deflate)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":          {nil, "empty"},
		"web page":       {[]byte("<!DOCTYPE html>"), "web page"},
		"Lua Torch":      {[]byte{4, 0, 0, 0, 1, 0, 0, 0, 3}, "Lua Torch"},
		"LFS":            {[]byte("version https://git-lfs.github.com/spec/v1"), "Git LFS"},
		"other pickle":   {[]byte("\x80\x04N."), "torch.save"},
		"noise":          {[]byte("abcdefghij"), "begins with"},
		"picture":        {[]byte("\x89PNG\r\n\x1a\n"), "picture (PNG)"},
		"compressed ZIP": {bomb, "compressed"},
		"other ZIP":      {zipWith(t, "a.txt"), "without data.pkl"},
		"TorchScript":    {zipWith(t, "m/data.pkl", "m/constants.pkl"), "TorchScript"},
	} {
		if _, err := Parse("some file.pth", c.data); !matches(err, c.want) {
			t.Errorf("%s: error is %v, wanted one with %q and the name", name, err, c.want)
		}
	}
	for encoding, data := range whole {
		for n := range data {
			// The ZIP directory is at the end, and the last storage of the other encoding is empty but for its count.
			if _, err := Parse("some file.pth", data[:n]); err == nil || !strings.Contains(err.Error(), "some file.pth") {
				t.Errorf("%s cut to %d of %d bytes: error is %v", encoding, n, len(data), err)
			}
		}
	}
}

func zipWith(t *testing.T, names ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, n := range names {
		if _, err := w.Create(n); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	return b.Bytes()
}

// TestParseMemory lets many tensors share one storage: a small file that would fill the memory if each were copied.
func TestParseMemory(t *testing.T) {
	entries := make([]pthtest.Entry, 2000)
	for i := range entries {
		entries[i] = pthtest.View(strings.Repeat("x", i+1), "FloatStorage", "0", 1<<18, 0, []int{1 << 18}, []int{1})
	}
	for encoding, data := range pthtest.BothEncodings(t, entries, map[string][]byte{"0": pthtest.Floats(1 << 18)}, nil) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Parse("some file.pth", data)
		runtime.ReadMemStats(&after)
		if !matches(err, "share storages") {
			t.Errorf("%s: error is %v", encoding, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 8*uint64(len(data)) {
			t.Errorf("%s: %d bytes were allocated for a file of %d", encoding, used, len(data))
		}
	}
}

// TestParseNames lets one dictionary lie in many places, each of which gives its entries other names.
func TestParseNames(t *testing.T) {
	entries := []pthtest.Entry{pthtest.View("x", "FloatStorage", "0", 1, 0, []int{1}, []int{1})}
	data := pthtest.BothEncodings(t, entries, map[string][]byte{"0": pthtest.Floats(1)}, func(p *pthtest.Program, inner func()) {
		// The memo from 200 on has dictionaries, each eight times in the next.
		p.Op("}").Text("t")
		inner()
		p.Op("sr\xc8\x00\x00\x000")
		for i := range 6 {
			p.Op("}(")
			for k := range 8 {
				p.Text(strings.Repeat(string(rune('a'+k)), 400)).Op("j" + string([]byte{byte(200 + i), 0, 0, 0}))
			}
			p.Op("ur" + string([]byte{byte(201 + i), 0, 0, 0}))
			if i < 5 {
				p.Op("0")
			}
		}
	})
	for encoding, data := range data {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Parse("some file.pth", data)
		runtime.ReadMemStats(&after)
		if !matches(err, "in so many places") {
			t.Errorf("%s: error is %v", encoding, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s: %d bytes were allocated for a file of %d", encoding, used, len(data))
		}
	}
}

func FuzzPTH(f *testing.F) {
	entries, storages := views()
	for _, data := range pthtest.BothEncodings(f, entries, storages, nil) {
		f.Add(data)
	}
	f.Add(pthtest.Pickle([]byte("cposix\nsystem\n(X\x02\x00\x00\x00lst R"), nil, nil, nil))
	f.Add(pthtest.Zip(f, []byte("}(K\x01K\x02u"), nil, zip.Store))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("fuzz.pth", data)
		if err != nil {
			if len(err.Error()) > 4000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		for name, tensor := range file.Tensors {
			v, err := tensor.Float32()
			if err == nil && len(v) != tensor.Len() {
				t.Errorf("%q has %d values, wanted %d", name, len(v), tensor.Len())
			}
		}
	})
}

func ExampleParse() {
	entries := []pthtest.Entry{pthtest.View("1.bias", "FloatStorage", "0", 3, 0, []int{3}, []int{1})}
	var p pthtest.Program
	p.Dictionary(entries, true)
	f, err := Parse("decoder.pth", pthtest.Pickle(p.Bytes(), []string{"0"}, map[string][]byte{"0": pthtest.Floats(3)}, map[string]int{"0": 3}))
	if err != nil {
		fmt.Println(err)
		return
	}
	v, _ := f.Tensors["1.bias"].Float32()
	fmt.Println(f.Names, f.Tensors["1.bias"].Shape, v)
	// Output: [1.bias] [3] [0 1 2]
}
