package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// decode reads a body of JSON into v, a pointer to a struct, strictly: one object with the names of fields, each at most once and none null.
func decode(r *http.Request, v any) error {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(strings.ToLower(kind)) != "application/json" {
		return refuse(http.StatusUnsupportedMediaType,
			"the body is of the type %q, wanted application/json", r.Header.Get("Content-Type"))
	}
	data, err := body(r, maxJSON)
	if err != nil {
		return err
	}
	if err := object(data); err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err = d.Decode(v)
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind):
		return refuse(http.StatusBadRequest, "%s is a %s, which it cannot be", where(strings.Split(kind.Field, ".")), words[kind.Value])
	case strings.Contains(err.Error(), "unknown field"):
		_, name, _ := strings.Cut(err.Error(), "unknown field ")
		return refuse(http.StatusBadRequest, "there is nothing called %s here", name)
	}
	return refuse(http.StatusBadRequest, "the body is not what is wanted here")
}

// words are those for what JSON holds.
var words = map[string]string{"string": "text", "number": "number", "bool": "true or false", "array": "list", "object": "object"}

const maxDepth = 8

// object checks that data is one object of JSON, with names in small letters that occur once, and without null.
func object(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := value(d, nil); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("the body goes on behind its JSON object")
	}
	return nil
}

// value reads a value; path is where it stands.
func value(d *json.Decoder, path []string) error {
	token, err := d.Token()
	if err != nil {
		return syntax(d, err)
	}
	switch {
	case token == nil:
		return fmt.Errorf("%s is null, wanted a value, or nothing at all where it is to stay", where(path))
	case len(path) == 0 && token != json.Delim('{'):
		return errors.New("the body is no JSON object, wanted one such as {\"alpha\": 0.5}")
	case len(path) > maxDepth:
		return errors.New("the body has lists in lists, deeper than anything here")
	case token != json.Delim('{') && token != json.Delim('['):
		return nil
	}
	var names []string
	for i := 1; d.More(); i++ {
		name := fmt.Sprintf("entry %d", i)
		if token == json.Delim('{') {
			key, err := d.Token()
			if err != nil {
				return syntax(d, err)
			}
			name = key.(string) // what stands there is checked by the decoder
			if slices.Contains(names, name) {
				return fmt.Errorf("%s is given twice", where(append(path, name)))
			}
			if name != strings.ToLower(name) {
				return fmt.Errorf("there is nothing called %q here; names have small letters", name)
			}
			names = append(names, name)
		}
		if err := value(d, append(slices.Clone(path), name)); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return syntax(d, err)
	}
	return nil
}

func where(path []string) string {
	if len(path) == 0 || path[0] == "" {
		return "the body"
	}
	return strings.Join(path, ", ")
}

func syntax(d *json.Decoder, err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the body ends before its JSON object does")
	}
	return fmt.Errorf("the body is no JSON from byte %d on", d.InputOffset()+1)
}
