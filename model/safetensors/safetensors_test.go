package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// raw is a .safetensors file of a header and a body that need not fit.
func raw(header string, body int) []byte {
	data := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(data, header...), make([]byte, body)...)
}

// hostile are files that must be refused, each with a part of the sentence that says why.
var hostile = []struct {
	name string
	data []byte
	says string
}{
	{"empty", nil, "0 bytes"},
	{"seven bytes", make([]byte, 7), "7 bytes"},
	{"length 0", make([]byte, 16), "0 bytes"},
	{"length of everything", bytes.Repeat([]byte{0xff}, 64), "18446744073709551615 bytes"},
	{"length beyond the file", raw(`{}`, 0)[:9], "cut off"},
	{"no object", raw(`[]`, 0), "not a .safetensors"},
	{"header cut off", raw(`{"a":{"dtype":"U8",`, 0), "header"},
	{"not UTF-8", raw("{\"a\xff\":{}}", 0), "UTF-8"},
	{"long name", raw(`{"`+strings.Repeat("a", 1001)+`":{}}`, 0), "1001 bytes"},
	{"something behind", raw(`{} {}`, 0), "behind the end"},
	{"deep", raw(`{"a":`+strings.Repeat("[", 100000), 0), "wanted {"},
	{"deep shape", raw(`{"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}}`, 1), "wanted a number"},
	{"name twice", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), "occurs twice"},
	{"field twice", raw(`{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1), "occurs twice"},
	{"metadata twice", raw(`{"__metadata__":{},"__metadata__":{}}`, 0), "occurs twice"},
	{"metadata entry twice", raw(`{"__metadata__":{"a":"","a":""}}`, 0), "occurs twice"},
	{"metadata not text", raw(`{"__metadata__":{"a":1}}`, 0), "wanted a string"},
	{"metadata nested", raw(`{"__metadata__":{"a":{}}}`, 0), "wanted a string"},
	{"unknown field", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}`, 1), `unknown field "x"`},
	{"missing field", raw(`{"a":{"dtype":"U8","shape":[1]}}`, 1), "missing"},
	{"unknown dtype", raw(`{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,1]}}`, 1), `"F31"`},
	{"negative shape", raw(`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}`, 1), "wanted a count"},
	{"broken shape", raw(`{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}`, 1), "wanted a count"},
	{"exponent", raw(`{"a":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}}`, 1), "wanted a count"},
	{"number too large", raw(`{"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]}}`, 1), "wanted a count"},
	{"product overflows", raw(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0), "does not fit"},
	{"product wraps to the size", raw(`{"a":{"dtype":"U8","shape":[9223372036854775807,2,2],"data_offsets":[0,4]}}`, 4), "does not fit"},
	{"too many dimensions", raw(`{"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}`, 1), "more than 8"},
	{"three offsets", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}`, 2), "more than 2"},
	{"one offset", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}`, 1), "data_offsets are [0]"},
	{"offsets reversed", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, 1), "data_offsets are [1 0]"},
	{"shape too small", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}`, 8), "does not fit the 8 bytes"},
	{"cut off", raw(`{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}`, 8), "cut off"},
	{"too long", raw(`{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}`, 9), "the file has 9 bytes"},
	{"hole", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3), `wanted 1, the end of "a"`},
	{"hole at the start", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), "wanted 0"},
	{"overlap", raw(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3), `inside tensor "a"`},
	{"same bytes", raw(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 2), `inside tensor "a"`},
}

func TestParseRefuses(t *testing.T) {
	for _, c := range hostile {
		f, err := Parse(c.data)
		if err == nil {
			t.Errorf("%s: accepted %v", c.name, f)
		} else if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q, wanted %q", c.name, err, c.says)
		}
	}
}

func TestParseAccepts(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want []string
	}{
		{"nothing", raw(`{}`, 0), nil},
		{"blanks", raw(`{}      `, 0), nil},
		{"not sorted", raw(`{"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 3), []string{"a", "b"}},
		{"scalar", raw(`{"a":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}`, 8), []string{"a"}},
		{"no elements", raw(`{"a":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1), []string{"a", "b"}},
		{"metadata", raw(`{"__metadata__":{"ä":"\u0041"}}`, 0), nil},
	} {
		f, err := Parse(c.data)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var names []string
		for name := range f.Tensors {
			names = append(names, name)
		}
		slices.Sort(names)
		if !slices.Equal(names, c.want) {
			t.Errorf("%s: tensors %v, wanted %v", c.name, names, c.want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	want := []Tensor{
		Float32("z", []int{2, 1}, []float32{1.5, float32(math.Inf(-1))}),
		Float16("a<&>", []int{3}, []float32{1, -2, 0.5}),
		{"m", "U8", []int{0}, []byte{}},
	}
	metadata := map[string]string{"name": "<a> \"b\" ü"}
	var file bytes.Buffer
	if err := Write(&file, want, metadata); err != nil {
		t.Fatal(err)
	}
	if n := binary.LittleEndian.Uint64(file.Bytes()); n%8 != 0 {
		t.Errorf("the header has %d bytes, wanted a multiple of 8", n)
	}
	f, err := Parse(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(f.Metadata, metadata) || len(f.Tensors) != len(want) {
		t.Errorf("read %v with metadata %v", f.Tensors, f.Metadata)
	}
	for _, tensor := range want {
		got := f.Tensors[tensor.Name]
		if got.DType != tensor.DType || !slices.Equal(got.Shape, tensor.Shape) || !bytes.Equal(got.Data, tensor.Data) {
			t.Errorf("read %v, wrote %v", got, tensor)
		}
	}
	if v, err := f.Tensors["a<&>"].Float32(); err != nil || !slices.Equal(v, []float32{1, -2, 0.5}) {
		t.Errorf("float16 values are %v, %v", v, err)
	}
	if _, err := f.Tensors["m"].Float32(); err == nil {
		t.Error("U8 was taken for float32")
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, c := range [][]Tensor{
		{{"a", "F32", []int{2}, make([]byte, 4)}},
		{{"a", "F99", []int{1}, make([]byte, 4)}},
		{{"__metadata__", "U8", []int{1}, make([]byte, 1)}},
		{{"a", "U8", []int{1}, make([]byte, 1)}, {"a", "U8", []int{1}, make([]byte, 1)}},
	} {
		var file bytes.Buffer
		if err := Write(&file, c, map[string]string{}); err == nil || file.Len() > 0 {
			t.Errorf("wrote %d bytes for %v", file.Len(), c)
		}
	}
	// With metadata of its own a file cannot have a second __metadata__.
	if err := Write(io.Discard, []Tensor{{"__metadata__", "U8", []int{1}, make([]byte, 1)}}, nil); err == nil {
		t.Error("wrote a tensor __metadata__")
	}
}

// What a header makes us allocate must stay near the file's size, whatever it claims.
func TestParseMemory(t *testing.T) {
	var many strings.Builder
	for i := range 90000 {
		fmt.Fprintf(&many, `,"%x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`, i)
	}
	for name, header := range map[string]string{
		"many tensors": "{" + many.String()[1:] + "}",
		"long name":    `{"` + strings.Repeat("a", 4000000) + `":{}}`,
		"deep":         strings.Repeat(`{"a":`, 800000),
		"many numbers": `{"a":{"shape":[` + strings.Repeat("1,", 2000000) + `1]}}`,
	} {
		data := raw(header, 0)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Parse(data)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 8*uint64(len(data)) {
			t.Errorf("%s: %d bytes allocated in all for a file of %d, wanted at most 8 times as many", name, used, len(data))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range hostile {
		if len(c.data) < 1000 { // the fuzzer is slow with long ones
			f.Add(c.data)
		}
	}
	f.Add(raw(`{"__metadata__":{"a":"b"},"a":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]}}`, 4))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data)
		if err != nil {
			return
		}
		total := 0
		var tensors []Tensor
		for _, tensor := range file.Tensors {
			total += len(tensor.Data)
			tensors = append(tensors, tensor)
			if n, ok := product(dtypeSize[tensor.DType], tensor.Shape); !ok || n != len(tensor.Data) {
				t.Fatalf("tensor %q of shape %v has %d bytes", tensor.Name, tensor.Shape, len(tensor.Data))
			}
		}
		if total > len(data) {
			t.Fatalf("%d bytes of tensors in a file of %d", total, len(data))
		}
		var written bytes.Buffer
		if err := Write(&written, tensors, file.Metadata); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := Parse(written.Bytes())
		if err != nil || len(again.Tensors) != len(file.Tensors) {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}
