package emu

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// lookedUp are the functions that GStreamer's CUDA library looks up when it loads the driver. It does without the driver if one is missing.
var lookedUp = map[string][]string{
	"1.22": strings.Fields(`
	cuCtxCreate_v2 cuCtxDestroy_v2 cuCtxDisablePeerAccess cuCtxEnablePeerAccess cuCtxPopCurrent_v2 cuCtxPushCurrent_v2
	cuDeviceCanAccessPeer cuDeviceGet cuDeviceGetAttribute cuDeviceGetCount cuDeviceGetName cuDriverGetVersion cuGLGetDevices_v2
	cuGetErrorName cuGetErrorString cuGraphicsGLRegisterBuffer cuGraphicsGLRegisterImage cuGraphicsMapResources
	cuGraphicsResourceGetMappedPointer_v2 cuGraphicsResourceSetMapFlags_v2 cuGraphicsSubResourceGetMappedArray
	cuGraphicsUnmapResources cuGraphicsUnregisterResource cuLaunchKernel cuMemAllocHost_v2 cuMemAllocPitch_v2 cuMemAlloc_v2
	cuMemFreeHost cuMemFree_v2 cuMemcpy2DAsync_v2 cuMemcpy2D_v2 cuModuleGetFunction cuModuleLoadData cuModuleUnload cuStreamCreate
	cuStreamDestroy cuStreamSynchronize cuTexObjectCreate cuTexObjectDestroy
	`),
	"1.26": strings.Fields(`
	cuCtxCreate_v2 cuCtxDestroy_v2 cuCtxDisablePeerAccess cuCtxEnablePeerAccess cuCtxGetLimit cuCtxPopCurrent_v2 cuCtxPushCurrent_v2
	cuCtxSetLimit cuCtxSynchronize cuDestroyExternalMemory cuDestroyExternalSemaphore cuDeviceCanAccessPeer cuDeviceGet
	cuDeviceGetAttribute cuDeviceGetCount cuDeviceGetName cuDriverGetVersion cuEventCreate cuEventDestroy_v2 cuEventRecord
	cuEventSynchronize cuExternalMemoryGetMappedBuffer cuExternalMemoryGetMappedMipmappedArray cuGLGetDevices_v2 cuGetErrorName
	cuGetErrorString cuGraphicsGLRegisterBuffer cuGraphicsGLRegisterImage cuGraphicsMapResources cuGraphicsResourceGetMappedPointer_v2
	cuGraphicsResourceSetMapFlags_v2 cuGraphicsSubResourceGetMappedArray cuGraphicsUnmapResources cuGraphicsUnregisterResource
	cuImportExternalMemory cuImportExternalSemaphore cuIpcCloseMemHandle cuIpcGetEventHandle cuIpcGetMemHandle cuIpcOpenEventHandle
	cuIpcOpenMemHandle cuLaunchKernel cuMemAddressFree cuMemAddressReserve cuMemAllocAsync cuMemAllocFromPoolAsync cuMemAllocHost_v2
	cuMemAllocPitch_v2 cuMemAlloc_v2 cuMemCreate cuMemExportToShareableHandle cuMemFreeAsync cuMemFreeHost cuMemFree_v2 cuMemGetAccess
	cuMemGetAllocationGranularity cuMemGetAllocationPropertiesFromHandle cuMemImportFromShareableHandle cuMemMap cuMemPoolCreate
	cuMemPoolDestroy cuMemPoolGetAttribute cuMemPoolSetAttribute cuMemRelease cuMemRetainAllocationHandle cuMemSetAccess cuMemUnmap
	cuMemcpy2DAsync_v2 cuMemcpy2D_v2 cuMemcpyDtoDAsync_v2 cuMemcpyDtoD_v2 cuMemcpyDtoHAsync_v2 cuMemcpyDtoH_v2 cuMemcpyHtoDAsync_v2
	cuMemcpyHtoD_v2 cuMemsetD2D16Async cuMemsetD2D16_v2 cuMemsetD2D32Async cuMemsetD2D32_v2 cuMemsetD2D8Async cuMemsetD2D8_v2
	cuModuleGetFunction cuModuleLoadData cuModuleUnload cuSignalExternalSemaphoresAsync cuStreamCreate cuStreamDestroy_v2
	cuStreamSynchronize cuTexObjectCreate cuTexObjectDestroy cuWaitExternalSemaphoresAsync
	`),
}

// callsProgram is a program that makes calls of the emulated driver, and its folder.
func callsProgram(t *testing.T) (program, folder string) {
	t.Helper()
	folder, err := Folder()
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := compilers()
	if err != nil {
		t.Fatal(err)
	}
	include, err := cudaHeaders(c.root)
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.object("cuda/emu/tests/libcuda/memory.cpp", []string{"-O1", "-Wno-deprecated-declarations", "-isystem", include}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if program, err = c.program([]*part{o}, []string{"-ldl"}); err != nil {
		t.Fatal(err)
	}
	return program, folder
}

func TestGStreamerFindsEveryFunction(t *testing.T) {
	program, folder := callsProgram(t)
	for release, names := range lookedUp {
		run := exec.Command(program, names...)
		run.Env = append(os.Environ(), "LD_LIBRARY_PATH="+folder)
		if out, err := run.CombinedOutput(); err != nil {
			t.Errorf("GStreamer %s does not find, of %d functions (%v):\n%s", release, len(names), err, out)
		}
	}
}

// What GStreamer's elements use of those, whenever a stream's work is done.
func TestStreamOrderedMemory(t *testing.T) {
	program, folder := callsProgram(t)
	for _, lazy := range []string{"0", "1"} {
		run := exec.Command(program)
		run.Env = append(os.Environ(), "LD_LIBRARY_PATH="+folder, "EMU_LAZY="+lazy)
		if out, err := run.CombinedOutput(); err != nil {
			t.Errorf("EMU_LAZY=%s: %v\n%s", lazy, err, out)
		}
	}
}
