package pth

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
)

// MaxFile is the longest file that Read accepts, in bytes; torchvision's VGG-19 has 0.55 GB.
const MaxFile = 2 << 30

// File is what a weights file holds.
type File struct {
	Encoding string // "pickle" or "zip"
	Names    []string
	Tensors  map[string]*Tensor
	Other    []string // names beside the state dictionary, such as "epoch"
}

// Read reads the weights file at path. Tensors may lie in a dictionary under "state_dict", "model" or "net", and the prefix
// "module." of their names is dropped. The memory taken is about the file's length. Errors name the file and say what was
// found instead.
func Read(path string) (*File, error) {
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
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("weights %q cannot be read: %w", path, err)
	}
	return Parse(path, data)
}

// Parse is Read for a file in memory, which the result keeps; file is the name for messages.
func Parse(file string, data []byte) (*File, error) {
	f := &File{Tensors: map[string]*Tensor{}}
	var root any
	var err error
	switch {
	case bytes.HasPrefix(data, []byte("PK")):
		f.Encoding = "zip"
		root, err = readZip(data)
	case bytes.HasPrefix(data, legacyMagic):
		f.Encoding = "pickle"
		root, err = readLegacy(data)
	default:
		err = fmt.Errorf("is no PyTorch file: %s", describe(file, data))
	}
	if err == nil {
		err = f.collect(root, len(data))
	}
	if err != nil {
		return nil, fmt.Errorf("weights: %s: %w", file, err)
	}
	return f, nil
}

// Is says whether data begins like a PyTorch file.
func Is(data []byte) bool {
	return bytes.HasPrefix(data, []byte("PK")) || bytes.HasPrefix(data, legacyMagic)
}

func describe(file string, data []byte) string {
	switch {
	case len(data) == 0:
		return "the file is empty"
	case strings.HasSuffix(strings.ToLower(file), ".t7") || bytes.HasPrefix(data, []byte{4, 0, 0, 0, 1, 0, 0, 0}):
		return "this is a file of Lua Torch (.t7), which is not supported; the same networks exist as .pth (vgg_normalised.pth, decoder.pth)"
	case bytes.HasPrefix(data, []byte("version https://git-lfs")):
		return "this is a pointer of Git LFS; fetch the file itself with `git lfs pull`"
	case bytes.HasPrefix(data, []byte("<")):
		return "this is a web page; the download went wrong"
	case data[0] == 0x80:
		return "this is a Python pickle that torch.save has not written"
	}
	return fmt.Sprintf("it begins with % x", data[:min(8, len(data))])
}

// wrappers are the names under which training scripts keep a state dictionary among other things.
var wrappers = []string{"state_dict", "model", "net"}

// collect finds the state dictionary and takes its tensors.
func (f *File) collect(root any, fileLength int) error {
	d, ok := root.(*dict)
	if !ok {
		return fmt.Errorf("holds a %s, wanted a dictionary of tensors", what(root))
	}
	for range 2 { // a wrapper in a wrapper exists, a deeper one does not
		for _, name := range wrappers {
			if inner, ok := d.values[name].(*dict); ok {
				f.Other = append(f.Other, slices.DeleteFunc(slices.Clone(d.keys), func(k string) bool { return k == name })...)
				d = inner
				break
			}
		}
	}
	var total int64
	for _, key := range d.keys {
		t, ok := d.values[key].(*Tensor)
		if !ok {
			f.Other = append(f.Other, key)
			continue
		}
		// Tensors may share a storage. Without this bound a few bytes each could stand for gigabytes together.
		if total += int64(t.Len()) * int64(t.storage.size); total > 4*int64(fileLength) {
			return fmt.Errorf("has tensors that share storages so much that they hold more than 4 times the file's %d bytes", fileLength)
		}
		name := strings.TrimPrefix(key, "module.")
		if _, twice := f.Tensors[name]; twice {
			return fmt.Errorf("has the tensor %q twice", name)
		}
		f.Tensors[name] = t
		f.Names = append(f.Names, name)
	}
	if len(f.Names) == 0 {
		return fmt.Errorf("holds a dictionary without tensors, with the keys %.300q", d.keys)
	}
	return nil
}

// what names a value for messages.
func what(v any) string {
	switch v.(type) {
	case *Tensor:
		return "single tensor"
	case *list, tuple:
		return "list"
	case string:
		return "text"
	case int64, float64, bool:
		return "number"
	case *dict:
		return "dictionary"
	}
	return "value without tensors"
}
