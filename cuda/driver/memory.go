package driver

/*
#include "table.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// HostAlloc returns n bytes of host memory that the device copies from and to at full speed, in any context (pinned, portable). It is C
// memory, not cleared. Release with HostFree.
func HostAlloc(n int) (unsafe.Pointer, error) {
	var p unsafe.Pointer
	if err := result(fmt.Sprintf("cuMemHostAlloc of %d bytes", n), C.cuMemHostAlloc(&p, C.size_t(n), C.CU_MEMHOSTALLOC_PORTABLE)); err != nil {
		return nil, err
	}
	return p, nil
}

// HostFree releases memory of HostAlloc; nil is fine.
func HostFree(p unsafe.Pointer) error {
	if p == nil {
		return nil
	}
	return result("cuMemFreeHost", C.cuMemFreeHost(p))
}
