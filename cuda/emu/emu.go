// Package emu lets tests run CUDA programs without a GPU: it builds a libcuda.so.1 that runs the kernels on the CPU (libcuda/libcuda.h,
// runtime/launch.h) and steers it. Only tests import it.
//
// A package whose tests want the driver calls Main from TestMain and Need in each such test. GStreamer finds the same driver.
package emu

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
#include "libcuda/control.h"

// The driver is opened when the first test asks, not linked: it must be the one that the program under test opens.
static void *control(const char *name) {
  static void *library;
  if (!library) library = dlopen("libcuda.so.1", RTLD_NOW);
  return library ? dlsym(library, name) : NULL;
}

#define CONTROL(type, name) ((type)control(#name))
static int present(void) { return control("emu_fail") != NULL; }
static void fail(const char *f, long n, int code) { CONTROL(void (*)(const char *, long, int), emu_fail)(f, n, code); }
static long failed(void) { return CONTROL(long (*)(void), emu_failed)(); }
static long calls(const char *f) { return CONTROL(long (*)(const char *), emu_calls)(f); }
static size_t list(char *p, size_t n) { return CONTROL(size_t (*)(char *, size_t), emu_call_list)(p, n); }
static void copies(unsigned long long *n, unsigned long long *bytes) {
  CONTROL(void (*)(unsigned long long *, unsigned long long *), emu_copies)(n, bytes);
}
static void reset(void) { CONTROL(void (*)(void), emu_reset)(); }
static emu_objects live(void) {
  emu_objects o;
  CONTROL(void (*)(emu_objects *), emu_live)(&o);
  return o;
}
static int destroy(size_t context) { return CONTROL(int (*)(void *), emu_destroy_context)((void *)context); }
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

// folderVariable is set in a process that Main started anew, to the emulated driver's folder.
const folderVariable = "EMU_FOLDER"

var reason string // why there is no emulated driver

// Main is for TestMain: os.Exit(emu.Main(m)). It builds the driver if need be and starts the test program anew, with the same process
// number, arguments and environment, but the driver's folder first in LD_LIBRARY_PATH, which is read when a program starts. Where the
// driver cannot be built (ErrMissing) the tests run without, and those that Need it are skipped. A driver that does not compile is a
// failure.
func Main(m interface{ Run() int }) int {
	if os.Getenv(folderVariable) != "" {
		return m.Run()
	}
	folder, err := Folder()
	if errors.Is(err, ErrMissing) {
		reason = err.Error()
		return m.Run()
	}
	if err == nil {
		err = again(folder)
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// again replaces the process; it returns only if that fails.
func again(folder string) error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	libraries := folder
	if before := os.Getenv("LD_LIBRARY_PATH"); before != "" {
		libraries += ":" + before
	}
	environment := []string{folderVariable + "=" + folder, "LD_LIBRARY_PATH=" + libraries}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "LD_LIBRARY_PATH=") {
			environment = append(environment, e)
		}
	}
	return fmt.Errorf("start %s anew: %w", path, syscall.Exec(path, os.Args, environment))
}

// Need skips a test if the emulated driver is not there.
func Need(t interface {
	Helper()
	Skip(...any)
}) {
	t.Helper()
	if !Present() {
		if reason == "" {
			reason = "this test steers the emulated CUDA driver, which is not loaded: a real one is used, or TestMain does not call emu.Main"
		}
		t.Skip(reason)
	}
}

// Present tells whether libcuda.so.1 is the emulated one. The other functions here may be called only then.
func Present() bool { return C.present() != 0 }

// FailCall lets the n-th call of the driver from now on answer code instead of working; 1 is the next. Functions that release something
// release it nevertheless. There is one such order at a time, and n = 0 takes it back.
func FailCall(n, code int) { FailFunction("", n, code) }

// FailFunction is FailCall for the calls of one function, by its exported name, such as "cuMemAlloc_v2".
func FailFunction(name string, n, code int) {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	C.fail(text, C.long(n), C.int(code))
}

// Failed returns how many calls failed by order since Reset.
func Failed() int { return int(C.failed()) }

// CallCount returns how many calls there were since Reset, of all functions.
func CallCount() int { return int(C.calls(nil)) }

// Calls returns how often each function was called since Reset.
func Calls() map[string]int {
	room := C.list(nil, 0) + 4096 // other threads may call meanwhile
	text := (*C.char)(C.malloc(room))
	defer C.free(unsafe.Pointer(text))
	C.list(text, room)
	calls := map[string]int{}
	for _, line := range strings.Split(C.GoString(text), "\n") {
		var name string
		var n int
		if _, err := fmt.Sscan(line, &name, &n); err == nil {
			calls[name] = n
		}
	}
	return calls
}

// Counts are copies since Reset, by direction, whoever ordered them.
type Counts struct {
	HostToDevice, DeviceToHost, DeviceToDevice Count
}

// Count is how many copies, and how many bytes together.
type Count struct {
	Calls, Bytes uint64
}

// Copies returns the copies that succeeded since Reset.
func Copies() Counts {
	var n, bytes [3]C.ulonglong
	C.copies(&n[0], &bytes[0])
	count := func(i int) Count { return Count{uint64(n[i]), uint64(bytes[i])} }
	return Counts{count(0), count(1), count(2)}
}

// Reset sets all counts to zero and takes back what FailCall ordered. Objects stay.
func Reset() { C.reset() }

// Objects is what exists in the driver: Allocations and Bytes in device memory, Pinned in the host's. Contexts includes primary ones,
// Streams leaves out the contexts' default streams.
type Objects struct {
	Contexts, Modules, Streams, Events, Allocations, Pinned, Graphs, Executables int
	Bytes                                                                        uint64
}

// Live returns what exists now.
func Live() Objects {
	o := C.live()
	return Objects{int(o.contexts), int(o.modules), int(o.streams), int(o.events), int(o.allocations), int(o.pinned), int(o.graphs), int(o.executables), uint64(o.bytes)}
}

// DestroyContext destroys a CUcontext under its users.
func DestroyContext(ctx uintptr) error {
	if r := C.destroy(C.size_t(ctx)); r != 0 {
		return fmt.Errorf("destroy context %#x: CUresult %d", ctx, r)
	}
	return nil
}
