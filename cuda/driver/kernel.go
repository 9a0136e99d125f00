package driver

/*
#include <stdlib.h>
#include "kernel.h"
*/
import "C"

import (
	"fmt"
	"unsafe"

	"gorgonia.org/cu"
)

// Kernel is one launch of a function: its shape and its arguments, in C memory, so that setting and launching allocate nothing. It belongs
// to one thread at a time. A wrong index or size of an argument is kept and returned by the next Launch, NewGraph or SetArguments.
type Kernel struct {
	name     string
	c        *C.driver_kernel
	argument []argument
	err      error
}

type argument struct {
	at   unsafe.Pointer
	size int
}

// NewKernel takes memory for arguments of these sizes in bytes, in the function's order, all zero. The name is for errors. Number and sizes
// must be those of the function's parameters: a launch copies as much as the function declares, whatever lies there. Release with Close,
// after graphs made of it are no longer told arguments.
func NewKernel(name string, fn cu.Function, sizes ...int) (*Kernel, error) {
	c := make([]C.int, len(sizes)+1)
	for i, n := range sizes {
		if n <= 0 || n > 4096 {
			return nil, fmt.Errorf("argument %d of kernel %s has %d bytes; 1 to 4096 are possible", i, name, n)
		}
		c[i] = C.int(n)
	}
	if err := checkParameters(name, fn, sizes); err != nil {
		return nil, err
	}
	k := &Kernel{name: name, c: C.driver_kernel_new(function(fn), C.int(len(sizes)), &c[0])}
	if k.c == nil {
		return nil, fmt.Errorf("no host memory for the arguments of kernel %s", name)
	}
	places := unsafe.Slice((*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(k.c), unsafe.Sizeof(*k.c))), len(sizes))
	for i, n := range sizes {
		k.argument = append(k.argument, argument{places[i], n})
	}
	return k, nil
}

// checkParameters holds sizes of arguments against the function's parameters.
func checkParameters(name string, fn cu.Function, sizes []int) error {
	for i := 0; ; i++ {
		p := C.driver_parameter_of(function(fn), C.size_t(i))
		if p.result == C.CUDA_ERROR_INVALID_VALUE {
			if i != len(sizes) {
				return fmt.Errorf("kernel %s has %d parameters; %d arguments are given", name, i, len(sizes))
			}
			return nil
		}
		if p.result != C.CUDA_SUCCESS {
			return result(fmt.Sprintf("cuFuncGetParamInfo of parameter %d of kernel %s", i, name), p.result)
		}
		if i < len(sizes) && int(p.bytes) != sizes[i] {
			return fmt.Errorf("parameter %d of kernel %s has %d bytes; an argument of %d is given", i, name, int(p.bytes), sizes[i])
		}
	}
}

// SetShape sets blocks per grid and threads per block along x, y, z, and bytes of dynamic shared memory per block.
func (k *Kernel) SetShape(grid, block [3]int, shared int) {
	l := &k.c.launch
	l.gridDimX, l.gridDimY, l.gridDimZ = C.uint(grid[0]), C.uint(grid[1]), C.uint(grid[2])
	l.blockDimX, l.blockDimY, l.blockDimZ = C.uint(block[0]), C.uint(block[1]), C.uint(block[2])
	l.sharedMemBytes = C.uint(shared)
}

// Argument returns the memory of argument i, C memory at a multiple of 64 bytes that lives until Close; nil where there is no such
// argument of this size.
func (k *Kernel) Argument(i, size int) unsafe.Pointer {
	if i < 0 || i >= len(k.argument) || k.argument[i].size != size {
		k.err = fmt.Errorf("kernel %s has no argument %d of %d bytes", k.name, i, size)
		return nil
	}
	return k.argument[i].at
}

// SetBytes sets argument i, a struct passed by value, to b, which must have its size.
func (k *Kernel) SetBytes(i int, b []byte) {
	if at := k.Argument(i, len(b)); at != nil {
		copy(unsafe.Slice((*byte)(at), len(b)), b)
	}
}

// Launch orders the kernel on a stream of the current context and returns at once.
func (k *Kernel) Launch(s cu.Stream) error {
	if k.err != nil {
		return k.err
	}
	if r := C.driver_kernel_launch(k.c, stream(s)); r != C.CUDA_SUCCESS {
		return k.failure("launch", r)
	}
	return nil
}

// failure names the kernel and its shape, which is what a launch mostly fails on.
func (k *Kernel) failure(what string, r C.CUresult) error {
	l := &k.c.launch
	return result(fmt.Sprintf("%s of kernel %s (grid %dx%dx%d, block %dx%dx%d, %d bytes of shared memory)", what, k.name,
		l.gridDimX, l.gridDimY, l.gridDimZ, l.blockDimX, l.blockDimY, l.blockDimZ, l.sharedMemBytes), r)
}

// Close releases the arguments' memory. The kernel cannot be used any more.
func (k *Kernel) Close() {
	C.free(unsafe.Pointer(k.c))
	k.c, k.argument = nil, nil
	k.err = fmt.Errorf("kernel %s is closed", k.name)
}
