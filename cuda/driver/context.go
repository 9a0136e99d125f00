package driver

/*
#include "table.h"

// Results come back beside the error, since a Go variable whose address C is given would be allocated.
typedef struct { CUresult result; CUcontext context; } popped;

static popped pop(void) {
  popped p = {0};
  p.result = cuCtxPopCurrent(&p.context);
  return p;
}

static popped current(void) {
  popped p = {0};
  p.result = cuCtxGetCurrent(&p.context);
  return p;
}

// Device and count of devices in one call: between push and pop the thread must not change.
static CUresult device_of(CUcontext context, CUdevice *device) {
  CUcontext same;
  CUresult r = cuCtxPushCurrent(context);
  if (r != CUDA_SUCCESS) return r;
  r = cuCtxGetDevice(device);
  CUresult p = cuCtxPopCurrent(&same);
  return r != CUDA_SUCCESS ? r : p;
}

// Of a new context that is current nowhere.
static popped create(CUdevice device) {
  popped p = {0};
  CUcontext same;
  p.result = cuCtxCreate_v2(&p.context, 0, device);
  if (p.result != CUDA_SUCCESS) return p;
  p.result = cuCtxPopCurrent(&same);
  if (p.result != CUDA_SUCCESS) cuCtxDestroy_v2(p.context);
  return p;
}

static CUcontext context(uintptr_t p) { return (CUcontext)p; }
static uintptr_t address(CUcontext c) { return (uintptr_t)c; }
*/
import "C"

import "fmt"

// Push makes ctx, a CUcontext, current in the calling thread until the next Pop.
func Push(ctx uintptr) error {
	return result("cuCtxPushCurrent", C.cuCtxPushCurrent(C.context(C.uintptr_t(ctx))))
}

// Pop makes the context current that was so before Push.
func Pop() error {
	return result("cuCtxPopCurrent", C.pop().result)
}

// Current returns the calling thread's context, 0 where it has none.
func Current() (uintptr, error) {
	p := C.current()
	return uintptr(C.address(p.context)), result("cuCtxGetCurrent", p.result)
}

// RetainPrimary returns the context that programs on CUDA's runtime interface share on a device, creating it where nobody has yet.
// ReleasePrimary gives it back.
func RetainPrimary(device int) (uintptr, error) {
	var ctx C.CUcontext
	if r := C.cuDevicePrimaryCtxRetain(&ctx, C.CUdevice(device)); r != C.CUDA_SUCCESS {
		return 0, result(fmt.Sprintf("cuDevicePrimaryCtxRetain of device %d", device), r)
	}
	return uintptr(C.address(ctx)), nil
}

// ReleasePrimary gives back what RetainPrimary took; with its last user the context goes.
func ReleasePrimary(device int) error {
	return result(fmt.Sprintf("cuDevicePrimaryCtxRelease of device %d", device), C.cuDevicePrimaryCtxRelease(C.CUdevice(device)))
}

// DeviceOf returns the number of the device that ctx belongs to. The calling thread's current context stays.
func DeviceOf(ctx uintptr) (int, error) {
	var device C.CUdevice
	if err := result("device of a context", C.device_of(C.context(C.uintptr_t(ctx)), &device)); err != nil {
		return 0, err
	}
	return int(device), nil
}

// NewContext makes a context on a device, current in no thread. DestroyContext frees it.
func NewContext(device int) (uintptr, error) {
	p := C.create(C.CUdevice(device))
	if p.result != C.CUDA_SUCCESS {
		return 0, result(fmt.Sprintf("cuCtxCreate on device %d", device), p.result)
	}
	return uintptr(C.address(p.context)), nil
}

// DestroyContext frees a context of NewContext and all that is in it.
func DestroyContext(ctx uintptr) error {
	return result("cuCtxDestroy", C.cuCtxDestroy_v2(C.context(C.uintptr_t(ctx))))
}
