package pth

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
)

// legacyMagic is the pickle of the number 0x1950a86a20f9469cfc6c that every file of the older encoding begins with.
var legacyMagic = []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.")

// newStorage checks a persistent identity: ("storage", class, key, location, count) and, in the older encoding, a view. Where
// the storage was when it was saved ("cpu", "cuda:0") does not matter.
func newStorage(id tuple) (*storage, error) {
	if len(id) < 5 || id[0] != "storage" {
		return nil, errors.New("refers to something outside of its pickle that is not a storage")
	}
	class, _ := id[1].(global)
	key, ok := id[2].(string)
	count, ok2 := id[4].(int64)
	dtype, known := dtypes[class]
	switch {
	case !ok || !ok2 || !known || count < 0 || count > math.MaxInt64/8:
		return nil, errors.New("has a storage whose description is damaged")
	case len(id) > 5 && id[5] != nil:
		return nil, fmt.Errorf("has a storage %q that is a view of another one, which is not supported; save it with a PyTorch from 1.6 on", key)
	}
	return &storage{key: key, dtype: dtype.name, size: dtype.size, count: count}, nil
}

// shared resolves identities so that equal keys are one storage; open gives a new one its bytes.
func shared(open func(*storage) error) func(tuple) (any, error) {
	known := map[string]*storage{}
	return func(id tuple) (any, error) {
		s, err := newStorage(id)
		if err != nil {
			return nil, err
		}
		if old := known[s.key]; old != nil {
			if old.dtype != s.dtype || old.count != s.count {
				return nil, fmt.Errorf("has the storage %q as %d x %s and as %d x %s", s.key, old.count, old.dtype, s.count, s.dtype)
			}
			return old, nil
		}
		known[s.key] = s
		return s, open(s)
	}
}

// readLegacy reads the older encoding: the pickles of a magic number, a version, facts about the machine, the object and
// the list of storage keys; then each storage in the order of that list, its count as int64 and its elements.
func readLegacy(data []byte) (any, error) {
	storages := map[string]*storage{}
	length := int64(len(data))
	resolve := shared(func(s *storage) error {
		if s.count > length/int64(s.size) {
			return fmt.Errorf("has a storage %q of %d x %s, more than the whole file of %d bytes", s.key, s.count, s.dtype, length)
		}
		storages[s.key] = s
		return nil
	})
	rest := data[len(legacyMagic):]
	var values [4]any // version, machine, object, keys
	for i := range values {
		m := machine{data: rest, storage: resolve}
		var err error
		if values[i], rest, err = m.run(); err != nil {
			return nil, err
		}
	}
	if values[0] != int64(1001) {
		return nil, errors.New("has an unknown format version, wanted 1001")
	}
	if facts, ok := values[1].(*dict); ok && facts.values["little_endian"] == false {
		return nil, errors.New("was written on a big-endian machine, which is not supported")
	}
	keys, ok := values[3].(*list)
	if !ok || len(keys.items) != len(storages) {
		return nil, fmt.Errorf("has a damaged list of storages, wanted the %d of its tensors", len(storages))
	}
	for _, k := range keys.items {
		key, _ := k.(string)
		s := storages[key]
		if s == nil || s.data != nil {
			return nil, fmt.Errorf("lists the storage %q, which no tensor has or which was there already", key)
		}
		if len(rest) < 8 {
			return nil, errors.New("is cut short: storages are missing")
		}
		if n := int64(binary.LittleEndian.Uint64(rest)); n != s.count {
			return nil, fmt.Errorf("has a storage %q of %d elements, wanted %d", key, n, s.count)
		}
		rest = rest[8:]
		n := s.count * int64(s.size)
		if n > int64(len(rest)) {
			return nil, fmt.Errorf("is cut short: storage %q has %d bytes, wanted %d", key, len(rest), n)
		}
		s.data, rest = rest[:n:n], rest[n:]
	}
	return values[2], nil
}

// readZip reads the ZIP encoding: NAME/data.pkl is the object, NAME/data/KEY each storage, all stored uncompressed.
func readZip(data []byte) (any, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("is a ZIP archive that is damaged or cut short: %w", err)
	}
	entries := make(map[string]*zip.File, len(archive.File))
	folder := ""
	for _, e := range archive.File {
		entries[e.Name] = e
		if name, ok := strings.CutSuffix(e.Name, "data.pkl"); ok && strings.Count(name, "/") <= 1 {
			folder = name
		}
	}
	if entries[folder+"data.pkl"] == nil {
		return nil, errors.New("is a ZIP archive without data.pkl, wanted what torch.save writes")
	}
	if entries[folder+"constants.pkl"] != nil {
		return nil, errors.New("is a TorchScript program, wanted a state dictionary (torch.save(net.state_dict(), ...))")
	}
	if e := entries[folder+"byteorder"]; e != nil {
		order, err := stored(data, e)
		if err != nil {
			return nil, err
		}
		if string(order) != "little" {
			return nil, fmt.Errorf("has byte order %.20q, wanted \"little\"", order)
		}
	}
	program, err := stored(data, entries[folder+"data.pkl"])
	if err != nil {
		return nil, err
	}
	m := machine{data: program, storage: shared(func(s *storage) error {
		e := entries[folder+"data/"+s.key]
		if e == nil {
			return fmt.Errorf("lacks the storage %q", s.key)
		}
		b, err := stored(data, e)
		if err != nil {
			return err
		}
		if int64(len(b))/int64(s.size) < s.count {
			return fmt.Errorf("has a storage %q of %d bytes, wanted %d x %s", s.key, len(b), s.count, s.dtype)
		}
		s.data = b
		return nil
	})}
	value, _, err := m.run()
	return value, err
}

// stored is the content of an entry, which must not be compressed: then it is part of the file and nothing can swell.
func stored(data []byte, e *zip.File) ([]byte, error) {
	start, err := e.DataOffset()
	switch {
	case err != nil:
		return nil, fmt.Errorf("has a damaged ZIP entry %.100q: %w", e.Name, err)
	case e.Method != zip.Store || e.CompressedSize64 != e.UncompressedSize64:
		return nil, fmt.Errorf("has a compressed ZIP entry %.100q, wanted it stored as torch.save does", e.Name)
	case start < 0 || start > int64(len(data)) || e.CompressedSize64 > uint64(int64(len(data))-start):
		return nil, fmt.Errorf("is cut short: ZIP entry %.100q ends behind the file", e.Name)
	}
	end := start + int64(e.CompressedSize64)
	return data[start:end:end], nil
}
