package driver

/*
#include "kernel.h"
*/
import "C"

import (
	"fmt"

	"gorgonia.org/cu"
)

// Graph is a chain of kernels, each behind the one before, that the device runs for one call. It belongs to the context that was current
// when it was made, and to one thread at a time.
type Graph struct {
	c      *C.driver_graph
	kernel []*Kernel
}

// NewGraph makes a graph of kernels as they are shaped now and with the arguments they have now. The kernels must live as long as
// SetArguments is called for them. Release with Close.
func NewGraph(kernels []*Kernel) (*Graph, error) {
	list := make([]*C.driver_kernel, len(kernels)+1)
	for i, k := range kernels {
		if k.err != nil {
			return nil, k.err
		}
		list[i] = k.c
	}
	g := &Graph{kernel: append([]*Kernel(nil), kernels...)}
	if r := C.driver_graph_new(&g.c, C.int(len(kernels)), &list[0]); r != C.CUDA_SUCCESS {
		return nil, result(fmt.Sprintf("graph of %d kernels", len(kernels)), r)
	}
	return g, nil
}

// SetArguments gives the graph kernel i's present arguments and shape, for launches from now on.
func (g *Graph) SetArguments(i int) error {
	if i < 0 || i >= len(g.kernel) {
		return fmt.Errorf("the graph has %d kernels and no kernel %d", len(g.kernel), i)
	}
	k := g.kernel[i]
	if k.err != nil {
		return k.err
	}
	if r := C.driver_graph_set(g.c, C.int(i), k.c); r != C.CUDA_SUCCESS {
		return k.failure("arguments in a graph", r)
	}
	return nil
}

// Launch orders all kernels on a stream and returns at once.
func (g *Graph) Launch(s cu.Stream) error {
	return result("cuGraphLaunch", C.cuGraphLaunch(g.c.exec, stream(s)))
}

// Close releases the graph, not the kernels. The stream must have finished with it.
func (g *Graph) Close() error {
	if g.c == nil {
		return nil
	}
	r := C.driver_graph_free(g.c)
	g.c, g.kernel = nil, nil
	return result("cuGraphExecDestroy", r)
}

// Abandon is Close after the context has been destroyed, and the executable graph with it.
func (g *Graph) Abandon() error {
	if g.c == nil {
		return nil
	}
	g.c.exec = nil
	return g.Close()
}
