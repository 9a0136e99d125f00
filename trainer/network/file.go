package network

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"adainfilter/model"
	"adainfilter/trainer/onnx"
	"adainfilter/trainer/pth"
)

// MaxFile is the longest file that Open accepts, in bytes; torchvision's VGG-19 has 0.55 GB.
const MaxFile = 2 << 30

// File is a file of tensors, of whatever kind.
type File struct {
	Path    string
	Kind    string // "PyTorch, encoding zip", "safetensors", "ONNX"
	Tensors []Tensor
	Other   []string // names of what a PyTorch file holds beside tensors
	Own     bool     // says that it is a weights file or a style file of this program

	convs      []convolution
	upsampling string // as model.Weights.WithUpsamplings takes it, "" where the file does not say
}

// Tensor is one named array of a file.
type Tensor struct {
	Name   string
	DType  string // as safetensors writes it
	Shape  []int
	Values func() ([]float32, error) // a copy, row-major; an error unless the dtype is of floating point
}

// convolution is a weight of four dimensions, and its bias if there is one.
type convolution struct {
	name         string // that of the weight without ".weight"
	weight, bias *Tensor
	normalised   bool // by batch, behind it
}

// Open reads a file of tensors: PyTorch's, safetensors or ONNX, which its first bytes tell apart. Nothing in it is executed. The memory
// taken is about the file's length. Errors name the file: one that cannot be read, is longer than MaxFile, does not fit into memory or is
// something else.
func Open(path string) (*File, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parse(path, data)
}

// parse is Open for what has been read.
func parse(path string, data []byte) (f *File, err error) {
	f = &File{Path: path}
	switch {
	case len(data) > 8 && data[8] == '{':
		err = f.safetensors(data)
	case strings.EqualFold(filepath.Ext(path), ".onnx") || isONNX(data):
		err = f.onnx(data)
	default:
		err = f.pyTorch(data)
	}
	return f, err
}

// readFile reads a regular file.
func readFile(path string) ([]byte, error) {
	// O_NONBLOCK: opening a named pipe must not wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("weights %q are a folder, a pipe or a device, wanted a file", path)
	case info.Size() > MaxFile:
		return nil, fmt.Errorf("weights %q have %d bytes, wanted at most %d", path, info.Size(), int64(MaxFile))
	}
	if err := model.CheckMemory(info.Size()); err != nil {
		return nil, fmt.Errorf("weights %q: %w", path, err)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("weights %q cannot be read: %w", path, err)
	}
	return data, nil
}

// isONNX says whether data begins like a ModelProto of a known IR version and the name of a producer.
func isONNX(data []byte) bool {
	return len(data) > 4 && data[0] == 0x08 && data[1] > 0 && data[1] < 32 && (data[2] == 0x12 || data[2] == 0x3a)
}

// IsTensors says whether a file that begins with head, and is called path, is one for Open rather than a picture.
func IsTensors(path string, head []byte) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".safetensors", ".pth", ".pt", ".ckpt", ".onnx", ".t7", ".tar", ".bin":
		return true
	}
	return pth.Is(head) || isONNX(head) || len(head) > 8 && head[8] == '{'
}

func (f *File) pyTorch(data []byte) error {
	file, err := pth.Parse(f.Path, data)
	if err != nil {
		return err
	}
	f.Kind, f.Other = "PyTorch, encoding "+file.Encoding, file.Other
	for _, name := range file.Names {
		t := file.Tensors[name]
		f.Tensors = append(f.Tensors, Tensor{name, t.DType, t.Shape, t.Float32})
	}
	f.pair()
	return nil
}

func (f *File) safetensors(data []byte) error {
	file, err := model.ParseTensors(f.Path, data)
	if err != nil {
		return fmt.Errorf("weights: %w", err)
	}
	f.Kind = "safetensors"
	f.Own = strings.HasPrefix(file.Metadata["format"], "adain-")
	f.upsampling = file.Metadata[model.UpsamplingKey]
	// The format does not keep an order. That of the numbers in the names is how modules count.
	for _, name := range slices.SortedFunc(maps.Keys(file.Tensors), natural) {
		t := file.Tensors[name]
		f.Tensors = append(f.Tensors, Tensor{name, t.DType, t.Shape, t.Float32})
	}
	f.pair()
	return nil
}

func (f *File) onnx(data []byte) error {
	graph, err := onnx.Read(data)
	if err != nil {
		return fmt.Errorf("weights: %s: %w", f.Path, err)
	}
	f.Kind = "ONNX"
	f.upsampling = graph.Metadata[model.UpsamplingKey]
	wrap := func(t *onnx.Tensor) *Tensor { return &Tensor{t.Name, t.DType, t.Shape, t.Float32} }
	for _, t := range graph.Tensors {
		f.Tensors = append(f.Tensors, *wrap(t))
	}
	for _, c := range graph.Convolutions {
		conv := convolution{name: strings.TrimSuffix(c.Name, ".weight"), weight: wrap(c.Weight), normalised: graph.Normalised}
		if c.Bias != nil {
			conv.bias = wrap(c.Bias)
		}
		if len(conv.weight.Shape) == 4 {
			f.convs = append(f.convs, conv)
		}
	}
	return nil
}

// pair finds the convolutions among the tensors by their names.
func (f *File) pair() {
	byName := make(map[string]*Tensor, len(f.Tensors))
	for i := range f.Tensors {
		byName[f.Tensors[i].Name] = &f.Tensors[i]
	}
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if name, ok := strings.CutSuffix(t.Name, "weight"); ok && len(t.Shape) == 4 {
			f.convs = append(f.convs, convolution{name: strings.TrimSuffix(name, "."), weight: t, bias: byName[name+"bias"]})
		}
		if strings.HasSuffix(t.Name, "running_mean") && len(f.convs) > 0 {
			f.convs[len(f.convs)-1].normalised = true
		}
	}
}

// natural compares names so that numbers in them count by their value.
func natural(a, b string) int {
	digits := func(s string) int {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		return n
	}
	for a != "" && b != "" {
		m, n := digits(a), digits(b)
		if m > 0 && n > 0 {
			x, y := strings.TrimLeft(a[:m], "0"), strings.TrimLeft(b[:n], "0")
			if len(x) != len(y) {
				return len(x) - len(y)
			}
			if c := strings.Compare(x, y); c != 0 {
				return c
			}
			a, b = a[m:], b[n:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}
