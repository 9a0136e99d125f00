package cuda

import (
	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
)

// orders are kernels one behind the other. The first error of those that were added stays in err.
type orders struct {
	library *library
	list    []order
	err     error
}

// order is a kernel and what sets its arguments anew before each launch; nil where they stay.
type order struct {
	kernel *driver.Kernel
	set    func()
}

// addOrder appends a kernel; set changes arguments before each launch, nil leaves them.
func addOrder[A any](o *orders, k kernels.Kernel[A], grid [3]int, args A, set func(*A)) {
	if o.err != nil {
		return
	}
	t, err := newTyped(find(o.library, k), grid, args)
	if err != nil {
		o.err = err
		return
	}
	next := order{kernel: t.kernel}
	if set != nil {
		next.set = func() {
			set(&t.args)
			t.bind()
		}
	}
	o.list = append(o.list, next)
}

// run orders all of them on a stream.
func (o *orders) run(stream cu.Stream) error {
	for _, k := range o.list {
		if k.set != nil {
			k.set()
		}
		if err := k.kernel.Launch(stream); err != nil {
			return err
		}
	}
	return nil
}

// close frees the arguments' memory on the host.
func (o *orders) close() {
	for _, k := range o.list {
		k.kernel.Close()
	}
	o.list = nil
}

// trainThreads is the threads of a block of most kernels here; each has one value, or one piece of 8 channels.
const trainThreads = 256

// pieces is a grid for 8 channels of each pixel of a plane, with or without its halo, in each of n pictures.
func pieces(pixels, channels, n int) [3]int {
	return [3]int{ceil(pixels*channels/8, trainThreads), n, 1}
}

// values is a grid for n values.
func values(n int) [3]int { return [3]int{ceil(n, trainThreads), 1, 1} }
