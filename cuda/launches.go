package cuda

import (
	"errors"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// launches are all kernels of a frame, in order.
type launches struct {
	masked  bool // two regions: AdaIN is applied to the plane, not to the weights of the layer behind it
	list    []launch
	encoder int       // where nothing is before the network, so many launches give the statistics of a plain frame
	varying []varying // those that take arguments of the frame

	// The arguments of those; nil where there is no such launch.
	reduce  *typed[kernels.ReduceArguments]
	first   source
	smooth  *typed[kernels.SmoothArguments]
	adapt   *typed[kernels.AdaptArguments]
	apply   *typed[kernels.RegionsApplyArguments]
	last    sink
	fit     *typed[kernels.EnlargeFitArguments]
	enlarge *typed[kernels.EnlargeArguments]
	changes *typed[kernels.BlendChangesArguments]
	blend   *typed[kernels.BlendArguments]
	light   *typed[kernels.MotionLightArguments]
	cells   *typed[kernels.MotionCellsArguments]
	follow  *follow

	graph *driver.Graph
}

// source is what the first layer takes of a frame, whichever kernel computes it.
type source struct {
	frame *kernels.Frame
	table *kernels.Lookup
	bind  func() // tells the kernel
}

// sink is what the last layer takes of a frame.
type sink struct {
	dst, src *kernels.Frame
	table    *kernels.Lookup
	preserve *int32
}

// varying is the arguments of a launch of the list.
type varying struct {
	index int
	args  interface{ bind() }
}

// newLaunches makes the kernels of a frame and their graph. What memory it takes is the schedule's, which must be closed after an error.
func (e *Engine) newLaunches(s *schedule, masked bool, how following) (*launches, error) {
	l := &launches{masked: masked}
	err := e.addAll(s, l, how)
	if err == nil {
		l.graph, err = driver.NewGraph(l.kernels(len(l.list)))
	}
	if err != nil {
		return nil, errors.Join(err, l.release((*driver.Graph).Close))
	}
	return l, nil
}

// kernels is the first n kernels alone.
func (l *launches) kernels(n int) []*driver.Kernel {
	list := make([]*driver.Kernel, n)
	for i := range list {
		list[i] = l.list[i].kernel
	}
	return list
}

// addAll lists the kernels: what reduces the frame, the network, what enlarges its result, what blends that with the one before.
func (e *Engine) addAll(s *schedule, l *launches, how following) error {
	parts := []func(*schedule, *launches) error{e.addNetwork}
	if s.frame != s.extent {
		parts = []func(*schedule, *launches) error{e.addReduce, e.addNetwork, e.addEnlarge}
	}
	switch how {
	case inPlace:
		parts = append(parts, e.addBlend)
	case alongMotion:
		parts = append(parts, e.addFollow)
	}
	for _, part := range parts {
		if err := part(s, l); err != nil {
			return err
		}
	}
	return nil
}

// addNetwork lists layers one to join-1, statistics, smoothing, AdaIN on the plane or folded into the next layer, the other layers.
func (e *Engine) addNetwork(s *schedule, l *launches) error {
	n := e.network
	end := len(n.layers) - 1
	for i := range n.layers {
		if i == 1 && e.fusesFirst() || i == end && e.fusesLast() {
			continue
		}
		if i == n.join {
			if err := e.addAdaIN(s, l); err != nil {
				return err
			}
		}
		layer := e.addConvolution
		switch {
		case i == 0 && e.fusesFirst():
			layer = e.addFirstTwo
		case i == 0:
			layer = e.addFirst
		case i == end-1 && e.fusesLast():
			layer = e.addLastTwo
		case i == end:
			layer = e.addLast
		}
		if err := layer(s, l, i); err != nil {
			return err
		}
	}
	return nil
}

// addAdaIN is all between encoder and decoder.
func (e *Engine) addAdaIN(s *schedule, l *launches) error {
	if l.masked {
		return e.addRegions(s, l)
	}
	if err := e.addStatistics(s, l); err != nil {
		return err
	}
	l.encoder = len(l.list)
	if err := e.addSmooth(s, l); err != nil {
		return err
	}
	return e.addAdapt(l)
}

// bindFrame sets what is the frame's own: src, which lies at from, and where its result is to go.
func (l *launches) bindFrame(s *schedule, b *temporalBlend, to, from kernels.Frame, src *model.Image, stylization *model.Stylization) {
	content, result, preserve := from, to, stylization.PreserveColor
	switch {
	case l.blend != nil:
		b.bindFrame(l, to, from, src, flag(preserve))
		preserve = false // of what is blended
	case l.follow != nil:
		l.light.args.Src = from
		l.follow.bindFrame(b, to, from, src, flag(preserve))
		preserve = false
	}
	if l.reduce != nil {
		content, result = s.reduced.frames(src, s.extent)
		l.reduce.args = kernels.ReduceArguments{Dst: content, Src: from}
		l.fit.args.Small, l.fit.args.Result = content, result
		l.enlarge.args.Dst, l.enlarge.args.Src, l.enlarge.args.Result = to, from, result
		l.enlarge.args.PreserveColor = flag(preserve)
		preserve = false // of what is enlarged
	}
	*l.first.frame = content
	*l.last.dst, *l.last.src, *l.last.preserve = result, content, flag(preserve)
}

// bind gives the arguments of the frame to the kernels and to the graph.
func (l *launches) bind() error {
	for _, v := range l.varying {
		v.args.bind()
		if err := l.graph.SetArguments(v.index); err != nil {
			return err
		}
	}
	return nil
}

func (l *launches) release(free func(*driver.Graph) error) (err error) {
	if l.graph != nil {
		err = free(l.graph)
	}
	for _, k := range l.list {
		k.kernel.Close()
	}
	l.graph, l.list = nil, nil
	return err
}
