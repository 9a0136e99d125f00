package driver

/*
#include <stdlib.h>
#include "table.h"

static CUresult load_module(CUmodule *module, const void *image, char *log, size_t room) {
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, (void *)room};
  return cuModuleLoadDataEx(module, image, 2, options, values);
}
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"gorgonia.org/cu"
)

// cu keeps its handles to itself: each is a struct of one pointer, read and written here as the pointer that it is.
func function(fn cu.Function) C.CUfunction { return *(*C.CUfunction)(unsafe.Pointer(&fn)) }
func stream(s cu.Stream) C.CUstream        { return *(*C.CUstream)(unsafe.Pointer(&s)) }
func module(m C.CUmodule) cu.Module        { return *(*cu.Module)(unsafe.Pointer(&m)) }

// Stream is somebody else's CUstream.
func Stream(s uintptr) cu.Stream { return *(*cu.Stream)(unsafe.Pointer(&s)) }

// Handle is the CUstream of s.
func Handle(s cu.Stream) uintptr { return *(*uintptr)(unsafe.Pointer(&s)) }

// The conversions above do not compile into anything else if cu's structs ever grow.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(cu.Function{})-unsafe.Sizeof(C.CUfunction(nil))]
	_ = [1]struct{}{}[unsafe.Sizeof(cu.Stream{})-unsafe.Sizeof(C.CUstream(nil))]
	_ = [1]struct{}{}[unsafe.Sizeof(cu.Module{})-unsafe.Sizeof(C.CUmodule(nil))]
)

// LoadModule compiles PTX text for the current context's device and loads it. The error holds what the driver's compiler wrote and, where
// the driver is too old for the PTX or the device for the code, says so. Release with Module.Unload.
func LoadModule(ptx string) (cu.Module, error) {
	text := C.CString(ptx)
	defer C.free(unsafe.Pointer(text))
	return load(unsafe.Pointer(text))
}

// LoadCubin loads what was assembled for the current context's device, or for one of the same major capability and a smaller minor one.
// Errors and release as LoadModule.
func LoadCubin(cubin []byte) (cu.Module, error) { return load(unsafe.Pointer(&cubin[0])) }

func load(image unsafe.Pointer) (cu.Module, error) {
	const room = 8192
	log := (*C.char)(C.calloc(1, room))
	defer C.free(unsafe.Pointer(log))
	var m C.CUmodule
	r := C.load_module(&m, image, log, room)
	err := result("cuModuleLoadDataEx", r)
	if err == nil {
		return module(m), nil
	}
	if written := strings.TrimSpace(C.GoString(log)); written != "" {
		err = fmt.Errorf("%w; the driver's compiler says: %s", err, written)
	}
	if r == C.CUDA_ERROR_UNSUPPORTED_PTX_VERSION || r == C.CUDA_ERROR_INVALID_PTX || r == C.CUDA_ERROR_NO_BINARY_FOR_GPU {
		err = fmt.Errorf("%s cannot compile the kernels, which need CUDA %d.%d (driver 570 or newer): %w", supports(), neededMajor, neededMinor, err)
	}
	return cu.Module{}, err
}

func supports() string {
	major, minor, err := Version()
	if err != nil {
		return "the NVIDIA driver"
	}
	return fmt.Sprintf("the NVIDIA driver, which supports CUDA %d.%d,", major, minor)
}

// SharedMemory allows a function up to so many bytes of dynamic shared memory per block. Without it the limit is 48 KiB.
func SharedMemory(fn cu.Function, bytes int) error {
	return result(fmt.Sprintf("cuFuncSetAttribute for %d bytes of shared memory", bytes),
		C.cuFuncSetAttribute(function(fn), C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(bytes)))
}
