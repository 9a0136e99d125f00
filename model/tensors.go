package model

import (
	"errors"
	"fmt"
	"io"

	"adainfilter/model/safetensors"
)

// ParseTensors reads a .safetensors file from memory, which the tensors keep using; see safetensors.Parse. file is the name for messages.
func ParseTensors(file string, data []byte) (*safetensors.File, error) {
	f, err := parseTensors(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return f, nil
}

// parseTensors is ParseTensors without the file's name.
func parseTensors(data []byte) (*safetensors.File, error) {
	f, err := safetensors.Parse(data)
	if errors.As(err, new(safetensors.NoHeaderError)) {
		if kind := foreign(data); kind != "" {
			return nil, fmt.Errorf("is %s", kind)
		}
	}
	return f, err
}

// ReadTensors reads a .safetensors file of at most 2 GiB. Errors name the file.
func ReadTensors(path string) (*safetensors.File, error) {
	data, err := readFile(path, maxWeightsFile)
	if err != nil {
		return nil, err
	}
	return ParseTensors(path, data)
}

// WriteTensors writes a .safetensors file under a temporary name beside path and renames it when it is complete. Errors name the file.
func WriteTensors(path string, tensors []safetensors.Tensor, metadata map[string]string) error {
	err := WriteFile(path, func(w io.Writer) error { return safetensors.Write(w, tensors, metadata) })
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
