package pth

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// File is what a weights file holds.
type File struct {
	Encoding string   // "pickle" or "zip"
	Names    []string // in the file's order
	Tensors  map[string]*Tensor
	Other    []string // names in the outermost dictionary of what is neither tensor nor dictionary, such as "epoch"
}

// Parse reads a weights file in memory, which the result keeps: a dictionary of tensors and of further such dictionaries. A tensor in an
// inner one has the names of all around it before its own: "state_dict.module.0.weight". file is the name for messages. Errors name it and
// say what was found instead.
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
		err = fmt.Errorf("is no PyTorch file: %s; wanted what torch.save wrote, .safetensors or .onnx", describe(file, data))
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
	if kind, ok := strings.CutPrefix(http.DetectContentType(data), "image/"); ok {
		return fmt.Sprintf("this is a picture (%s)", strings.ToUpper(kind))
	}
	return fmt.Sprintf("it begins with % x", data[:min(8, len(data))])
}

// Bounds on dictionaries in dictionaries: far more than training scripts make, and little enough to walk.
const (
	maxDepth   = 8
	maxEntries = 1 << 20
	maxName    = 4096    // bytes
	minNames   = 1 << 16 // bytes of names that the smallest file may have
)

// collect takes the tensors of the dictionary and of all dictionaries in it.
func (f *File) collect(root any, fileLength int) error {
	d, ok := root.(*dict)
	if !ok {
		return fmt.Errorf("holds a %s, wanted a dictionary of tensors", what(root))
	}
	w := walk{file: f, limit: 4 * int64(fileLength)}
	if err := w.dictionary(d, "", 0); err != nil {
		return err
	}
	if len(f.Names) == 0 {
		return fmt.Errorf("holds a dictionary without tensors, with the keys %.300q", d.keys)
	}
	return nil
}

// walk is one way through dictionaries in dictionaries. They may hold each other, and one may lie in many places.
type walk struct {
	file    *File
	entries int
	total   int64 // bytes that the tensors would have if none shared its storage
	names   int64 // bytes of all names, with what a list needs for each
	limit   int64
}

func (w *walk) dictionary(d *dict, prefix string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("has dictionaries in dictionaries more than %d deep", maxDepth)
	}
	for _, key := range d.keys {
		if w.entries++; w.entries > maxEntries || len(prefix)+len(key) > maxName {
			return fmt.Errorf("has more than %d entries or a name of more than %d bytes in its dictionaries", maxEntries, maxName)
		}
		// One dictionary in many places has as many names. Without this bound a small file could stand for gigabytes of them.
		const each = 64
		if w.names += int64(len(prefix)+len(key)) + each; w.names > w.limit+minNames {
			return fmt.Errorf("has dictionaries in so many places that the names in them are longer than 4 times the file's %d bytes", w.limit/4)
		}
		name := prefix + key
		switch v := d.values[key].(type) {
		case *dict:
			if err := w.dictionary(v, name+".", depth+1); err != nil {
				return err
			}
		case *Tensor:
			if err := w.tensor(name, v); err != nil {
				return err
			}
		default:
			if depth == 0 {
				w.file.Other = append(w.file.Other, name)
			}
		}
	}
	return nil
}

func (w *walk) tensor(name string, t *Tensor) error {
	// Tensors may share a storage. Without this bound a few bytes each could stand for gigabytes together.
	if w.total += int64(t.Len()) * int64(t.storage.size); w.total > w.limit {
		return fmt.Errorf("has tensors that share storages so much that they hold more than 4 times the file's %d bytes", w.limit/4)
	}
	if _, twice := w.file.Tensors[name]; twice {
		return fmt.Errorf("has the tensor %q twice", name)
	}
	w.file.Tensors[name] = t
	w.file.Names = append(w.file.Names, name)
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
	case opaque:
		return "Python object"
	}
	return "value without tensors"
}
