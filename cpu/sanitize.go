//go:build sanitize

package cpu

/*
#cgo CXXFLAGS: -O1 -fsanitize=address,undefined
#cgo LDFLAGS: -fsanitize=address,undefined
#include <stdlib.h>
*/
import "C"

import "unsafe"

// allocate is memory that the sanitizer knows the ends of, for tests; free gives it back.
func allocate(bytes int) []byte {
	return unsafe.Slice((*byte)(C.malloc(C.size_t(bytes))), bytes)
}

func free(memory []byte) { C.free(unsafe.Pointer(unsafe.SliceData(memory))) }
