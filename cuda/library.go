package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
)

// kernel is a function on the GPU and what it takes to launch it.
type kernel struct {
	name   string
	handle cu.Function
	shape  kernels.Launch // zero where it is not loaded
}

// function is a kernel whose arguments are A.
type function[A any] struct{ kernel }

// tiles is how many of the kernel's tiles cover w x h pixels.
func (k kernel) tiles(w, h int) int { return tiles(k.shape, w, h) }

// library holds the kernels that a GPU has loaded.
type library struct {
	modules []cu.Module
	kernels map[string]kernel
}

// find is a kernel of the library, or one that is not loaded, which cannot be launched.
func find[A any](l *library, k kernels.Kernel[A]) function[A] {
	f := function[A]{l.kernels[k.Name()]}
	f.name = k.Name()
	return f
}

// loadKernels loads the modules that wanted picks for a GPU of compute capability/10, in its context, which is current. Errors: what the
// driver says of a module, a kernel that a module lacks.
func loadKernels(capability int, wanted func(kernels.Module) bool) (l *library, err error) {
	l = &library{kernels: map[string]kernel{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.unload())
		}
	}()
	for _, m := range kernels.Modules {
		if !wanted(m) {
			continue
		}
		module, err := loadModule(m.Name, capability)
		if err != nil {
			return l, fmt.Errorf("kernels %q: %w", m.Name, err)
		}
		l.modules = append(l.modules, module)
		for _, k := range m.Kernels {
			name := k.Name()
			if l.kernels[name], err = loadKernel(module, name); err != nil {
				return l, fmt.Errorf("kernel %q: %w", name, err)
			}
		}
	}
	return l, nil
}

// loadModule loads a module as it was assembled, or where there is nothing for this GPU, or its driver refuses that, lets the driver compile
// the PTX, which takes seconds the first time.
func loadModule(name string, capability int) (m cu.Module, err error) {
	if cubin := kernels.Cubin(name, capability); cubin != nil {
		if m, err = driver.LoadCubin(cubin); err == nil {
			return m, nil
		}
	}
	ptx, err := kernels.PTX(name)
	if err != nil {
		return m, err
	}
	return driver.LoadModule(ptx)
}

// loadKernel finds one kernel of a module, allowed the shared memory that it needs.
func loadKernel(m cu.Module, name string) (k kernel, err error) {
	k.name = name
	if k.handle, err = m.Function(name); err != nil {
		return k, driver.Wrap("cuModuleGetFunction", err)
	}
	at, size, err := m.Global(name + "_launch")
	if err != nil {
		return k, driver.Wrap("cuModuleGetGlobal", err)
	}
	if size != int64(unsafe.Sizeof(k.shape)) {
		return k, fmt.Errorf("its launch description has %d bytes, wanted %d", size, unsafe.Sizeof(k.shape))
	}
	var host [unsafe.Sizeof(k.shape)]byte
	if err := cu.MemcpyDtoH(unsafe.Pointer(&host), at, size); err != nil {
		return k, driver.Wrap("cuMemcpyDtoH", err)
	}
	k.shape = *(*kernels.Launch)(unsafe.Pointer(&host))
	return k, driver.SharedMemory(k.handle, int(k.shape.Shared))
}

// unload frees the modules.
func (l *library) unload() error {
	var failed []error
	for _, m := range l.modules {
		failed = append(failed, driver.Wrap("cuModuleUnload", m.Unload()))
	}
	l.modules = nil
	return errors.Join(failed...)
}

// needed is the choice of modules for computing a network.
func (d *device) needed(m kernels.Module) bool {
	selftest := m.Name == "selftest" || m.Name == "selftest90"
	return !selftest && !m.Training && (!m.Hopper || d.wgmma)
}
