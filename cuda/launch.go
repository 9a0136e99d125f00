package cuda

import (
	"fmt"
	"reflect"
	"unsafe"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
)

// launch is one kernel of a frame.
type launch struct {
	layer  string // what it is for
	name   string // of the kernel
	kernel *driver.Kernel
	flop   float64 // as the kernel computes, folded
	bytes  float64 // read from and written to the GPU's memory at least
}

// typed is a launch's arguments, a struct of package kernels. The driver sees a change when bind has been called, and a graph when it has
// been told, too.
type typed[A any] struct {
	args   A
	kernel *driver.Kernel
	fields []reflect.StructField
}

// bind gives the kernel its arguments as they are now. It allocates nothing.
func (t *typed[A]) bind() {
	for i := range t.fields {
		f := &t.fields[i]
		t.kernel.SetBytes(i, unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(&t.args), f.Offset)), f.Type.Size()))
	}
}

// newTyped makes a kernel's launch on a grid, with its arguments bound. Release with kernel.Close. Errors: the kernel is not loaded, no
// memory on the host.
func newTyped[A any](k function[A], grid [3]int, args A) (*typed[A], error) {
	if k.shape.Threads == 0 {
		return nil, fmt.Errorf("kernel %q is wanted, which was not loaded", k.name)
	}
	t := &typed[A]{args: args, fields: reflect.VisibleFields(reflect.TypeFor[A]())}
	sizes := make([]int, len(t.fields))
	for i, f := range t.fields {
		sizes[i] = int(f.Type.Size())
	}
	var err error
	if t.kernel, err = driver.NewKernel(k.name, k.handle, sizes...); err != nil {
		return nil, err
	}
	t.kernel.SetShape(grid, [3]int{int(k.shape.Threads), 1, 1}, int(k.shape.Shared))
	t.bind()
	return t, nil
}

// add appends a launch of a kernel, described by what, to those of a frame.
func add[A any](l *launches, what launch, k function[A], grid [3]int, args A) (*typed[A], error) {
	t, err := newTyped(k, grid, args)
	if err != nil {
		return nil, err
	}
	what.name, what.kernel = k.name, t.kernel
	l.list = append(l.list, what)
	return t, nil
}

// addVarying is add for a launch whose arguments change from frame to frame.
func addVarying[A any](l *launches, what launch, k function[A], grid [3]int, args A) (*typed[A], error) {
	t, err := add(l, what, k, grid, args)
	if err == nil {
		l.varying = append(l.varying, varying{len(l.list) - 1, t})
	}
	return t, err
}

// flag is a bool as kernels take it.
func flag(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// address is a place in GPU memory as kernels take it.
func address(p uintptr) kernels.Address { return kernels.Address(p) }
