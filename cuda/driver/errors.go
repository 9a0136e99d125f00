package driver

/*
#include "table.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"reflect"

	"gorgonia.org/cu"
)

// Error is a call of the driver that failed.
type Error struct {
	Operation string // such as "cuMemAlloc of 1.2 GB"
	Code      int    // CUresult
	Name      string // such as "CUDA_ERROR_OUT_OF_MEMORY"
	Text      string // such as "out of memory"
}

func (e *Error) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("%s: %s (%d)", e.Operation, e.Name, e.Code)
	}
	return fmt.Sprintf("%s: %s (%d): %s", e.Operation, e.Name, e.Code, e.Text)
}

// Wrap turns an error of cu, bare or wrapped, into an Error with the driver's name and text for it. Other errors are wrapped as they
// are, with the operation in front; nil stays nil.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		// cu's type of errors has no exported name; every value of it is a CUresult.
		if t := reflect.TypeOf(e); t == resultType {
			return result(op, C.CUresult(reflect.ValueOf(e).Int()))
		}
	}
	return fmt.Errorf("%s: %w", op, err)
}

var resultType = reflect.TypeOf(cu.OutOfMemory)

// IsOutOfMemory tells whether the device's memory did not suffice, be it an Error or an error of cu.
func IsOutOfMemory(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Code == C.CUDA_ERROR_OUT_OF_MEMORY
	}
	return errors.Is(err, cu.OutOfMemory)
}

// IsContextLost tells whether a call failed because its context has been destroyed.
func IsContextLost(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == C.CUDA_ERROR_CONTEXT_IS_DESTROYED || e.Code == C.CUDA_ERROR_INVALID_CONTEXT)
}

// result is nil for success, else an Error.
func result(op string, r C.CUresult) error {
	if r == C.CUDA_SUCCESS {
		return nil
	}
	e := &Error{Operation: op, Code: int(r)}
	var text *C.char
	if C.cuGetErrorName(r, &text) == C.CUDA_SUCCESS && text != nil {
		e.Name = C.GoString(text)
	}
	if C.cuGetErrorString(r, &text) == C.CUDA_SUCCESS && text != nil {
		e.Text = C.GoString(text)
	}
	if e.Name == "" {
		e.Name, e.Text = ownName(r)
	}
	return e
}

// ownName is for the errors that come without a driver that could name them.
func ownName(r C.CUresult) (name, text string) {
	switch r {
	case C.CUDA_ERROR_NO_DEVICE:
		return "CUDA_ERROR_NO_DEVICE", "no NVIDIA driver"
	case C.CUDA_ERROR_NOT_FOUND:
		return "CUDA_ERROR_NOT_FOUND", "the driver lacks this function"
	}
	return "CUresult", ""
}
