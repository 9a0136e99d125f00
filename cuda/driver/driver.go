// Package driver makes NVIDIA's driver optional and adds what gorgonia.org/cu lacks. It defines the functions of libcuda that cu refers
// to, as jumps through a table (functions.h, jump_*.S, table.c) that the first call fills from dlopen("libcuda.so.1"). So one program
// serves machines with and without a driver, nothing links to libcuda, and where there is no driver every function answers
// CUDA_ERROR_NO_DEVICE; one that the driver lacks answers CUDA_ERROR_NOT_FOUND. Every program that imports cu must import this package.
//
// As everywhere in CUDA, calls work in the context that is current in the calling operating system's thread: lock the goroutine to its
// thread (runtime.LockOSThread) from Push to Pop.
package driver

/*
#cgo CFLAGS: -O2 -Wall -Wextra -Wno-deprecated-declarations
// cu links with -lcuda, which must find something, and nothing that has a function: link/libcuda.a is an archive without members. This
// folder is named before those that cu names and before the linker's own, so that it also wins over a real libcuda.so, which would make
// the program need it. (The trial link of package cu alone fails, since the functions are here; Go then leaves the link to gcc.)
#cgo LDFLAGS: -L${SRCDIR}/link -ldl -lpthread
#include "table.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
)

// PTX of CUDA 12.8, which the kernels are, is understood from this version on: driver 570.
const neededMajor, neededMinor = 12, 8

// controlDevice exists where the kernel's half of NVIDIA's driver is loaded, in a container too.
var controlDevice = "/dev/nvidiactl"

// Available tells whether GPUs can be used: nil where the driver is there, new enough for the kernels, and finds a device. Else the error
// is a sentence that says what is missing. The first call loads the driver; the answer does not change while the program runs.
func Available() error {
	state := C.driver_load()
	if state.missing[0] != 0 {
		return missing(C.GoString(&state.missing[0]))
	}
	if state.init == C.CUDA_ERROR_NO_DEVICE {
		return errors.New("the NVIDIA driver finds no GPU (CUDA_ERROR_NO_DEVICE)")
	}
	if err := result("start of the NVIDIA driver", state.init); err != nil {
		return err
	}
	major, minor, err := Version()
	if err != nil {
		return err
	}
	if major < neededMajor || major == neededMajor && minor < neededMinor {
		return fmt.Errorf("the NVIDIA driver is too old: it supports CUDA %d.%d, the kernels need %d.%d, which is driver 570 or newer",
			major, minor, neededMajor, neededMinor)
	}
	var count C.int
	if err := result("count of the GPUs", C.cuDeviceGetCount(&count)); err != nil {
		return err
	}
	if count == 0 {
		return errors.New("the NVIDIA driver finds no GPU")
	}
	return nil
}

// missing is the sentence for a driver library that cannot be opened, why in the words of dlopen.
func missing(why string) error {
	if _, err := os.Stat(controlDevice); err == nil {
		return fmt.Errorf("no NVIDIA driver (%s), though %s exists; "+
			"a container must be started with NVIDIA_DRIVER_CAPABILITIES=compute,video,utility", why, controlDevice)
	}
	return fmt.Errorf("no NVIDIA driver (%s)", why)
}

// Version returns the newest version of CUDA that the driver supports, such as 12, 8.
func Version() (major, minor int, err error) {
	var v C.int
	if err := result("cuDriverGetVersion", C.cuDriverGetVersion(&v)); err != nil {
		return 0, 0, err
	}
	return int(v) / 1000, int(v) % 1000 / 10, nil
}

// Counts are the copies that succeeded since the program began, whatever thread and context ordered them, through cu or this package.
// Arrays count as device memory; copies from host to host are left out, and so are nodes of graphs.
type Counts struct {
	HostToDevice, DeviceToHost, DeviceToDevice Count
}

// Count is how many calls, and how many bytes they copied together.
type Count struct {
	Calls, Bytes uint64
}

// Copies returns the copies so far. It may be called from any thread and never loads the driver.
func Copies() Counts {
	var calls, bytes [C.DRIVER_DIRECTIONS]C.ulonglong
	C.driver_copies(&calls[0], &bytes[0])
	count := func(direction int) Count { return Count{uint64(calls[direction]), uint64(bytes[direction])} }
	return Counts{count(C.DRIVER_HTOD), count(C.DRIVER_DTOH), count(C.DRIVER_DTOD)}
}
