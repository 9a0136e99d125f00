package cuda

import (
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
	"adainfilter/model"
	"adainfilter/model/float16"
)

// trial is a layer that is computed by wgmma and by mma.sync, whose results must be equal to the bit: its features and weights are small
// integers, so that no order of sums rounds.
type trial struct {
	kernel  kernels.Kernel[kernels.Conv90Arguments]
	in, out int
	pool    bool
	phases  int
}

// trials are all kernels of conv90.cu, with rings that go round more than once.
var trials = []trial{
	{kernels.Conv90C64, 64, 64, false, 1}, {kernels.Conv90C64, 64, 128, false, 1}, {kernels.Conv90C64Pool, 64, 64, true, 1},
	{kernels.Conv90C64Up, 64, 64, false, 4}, {kernels.Conv90C128To64, 128, 64, false, 1}, {kernels.Conv90C128, 128, 128, false, 1},
	{kernels.Conv90C128Pool, 128, 128, true, 1}, {kernels.Conv90C128Small, 128, 128, false, 1}, {kernels.Conv90C128Up, 128, 128, false, 4},
}

// Sides of the plane that a trial reads, which hangs over tiles on both sides, and the most channels.
const (
	trialHeight, trialWidth = 17, 18
	trialChannels           = 128
)

func (t trial) layer() packed {
	p := packed{in: t.in, out: t.out, phases: t.phases, taps: 9}
	p.Layer = model.Layer{Name: t.kernel.Name(), Pool: t.pool}
	if t.phases == 4 {
		p.taps = 4
	}
	return p
}

// proof runs trials on a GPU.
type proof struct {
	memory
	engine Engine // as much of it as lists kernels of layers
	plane  uintptr
	middle uintptr // behind the first layer
	result uintptr
	weight uintptr
	bias   uintptr
}

// proveLayers is a check for each trial. Its kernels are those of l, which has both modules of convolutions.
func proveLayers(d *device, l *library) (checks []Check, err error) {
	few := *d
	few.processors = 2 // each takes several tiles, as on large planes
	p := &proof{engine: Engine{device: &few, library: l}}
	defer func() {
		if freed := p.free(); err == nil {
			err = freed
		}
	}()
	if err := p.prepare(); err != nil {
		return nil, err
	}
	for _, t := range trials {
		wrong, err := p.compare(t)
		if err != nil {
			return checks, fmt.Errorf("kernel %s: %w", t.kernel.Name(), err)
		}
		checks = append(checks, Check{Name: fmt.Sprintf("%s, %d to %d channels", t.kernel.Name(), t.in, t.out), Wrong: wrong})
	}
	wrong, err := p.compareFirst()
	if err != nil {
		return checks, fmt.Errorf("kernel %s: %w", kernels.Conv90FirstPool.Name(), err)
	}
	return append(checks, Check{Name: kernels.Conv90FirstPool.Name(), Wrong: wrong}), nil
}

// prepare takes the memory and fills features, weights and biases.
func (p *proof) prepare() error {
	features := (trialHeight + 2) * (trialWidth + 2) * trialChannels
	weights := 16 * trialChannels * trialChannels
	half := make([]uint16, max(features, weights))
	for i := range half {
		half[i] = float16.Round(testValue(uint32(i), uint32(i>>7)) / 2) // halves of -3..4: sums of 1,152 products stay exact
	}
	bias := make([]float32, trialChannels)
	for i := range bias {
		bias[i] = testValue(uint32(i), 5)
	}
	var err error
	if p.plane, err = uploadNow(&p.memory, half[:features]); err != nil {
		return err
	}
	if p.weight, err = uploadNow(&p.memory, half[:weights]); err != nil {
		return err
	}
	if p.bias, err = uploadNow(&p.memory, bias); err != nil {
		return err
	}
	if p.middle, err = p.allocate(plane{trialHeight, trialWidth, 64}.bytes()); err != nil {
		return err
	}
	p.result, err = p.allocate(plane{2 * trialHeight, 2 * trialWidth, trialChannels}.bytes())
	return err
}

// compare is how many halves of the plane behind a layer differ, borders included.
func (p *proof) compare(t trial) (wrong int, err error) {
	layer := t.layer()
	n := &network{layers: []packed{{}, layer, {phases: 1}}, weight: []uintptr{0, p.weight, 0}, bias: []uintptr{0, p.bias, 0}, join: -1}
	in := plane{trialHeight, trialWidth, t.in}
	out := layer.output(in)
	s := &schedule{layout: layout{planes: []plane{in, out}}, buffer: [2]uintptr{p.plane, p.result}}
	e := p.engine
	e.network = n
	return p.differ(out, func(l *launches) error {
		return e.addPlain(s, l, 1, launch{}, find(e.library, layer.convolution()), 0)
	}, func(l *launches) error {
		return e.addTensorMapped(s, l, 1, launch{}, find(e.library, t.kernel), 0)
	})
}

// compareFirst is compare for the kernel that computes the first two layers, against one for each.
func (p *proof) compareFirst() (wrong int, err error) {
	picture := model.NewImage(model.RGB, trialWidth, trialHeight)
	for i := range picture.Planes[0].Data {
		picture.Planes[0].Data[i] = byte(i*i+i/7) & 3 // small, so that the second layer's sums stay exact too
	}
	pixels := make([]uint16, len(picture.Planes[0].Data)/2+1)
	copy(unsafe.Slice((*byte)(pointerTo(pixels)), 2*len(pixels)), picture.Planes[0].Data)
	at, err := uploadNow(&p.memory, pixels)
	if err != nil {
		return 0, err
	}
	picture.Planes[0] = model.Plane{Device: at, Stride: picture.Planes[0].Stride}
	second := trial{kernel: kernels.Conv90C64Pool, in: 64, out: 64, pool: true, phases: 1}.layer()
	first := packed{in: 3, out: 64, phases: 1, taps: 9}
	e := p.engine
	e.network = &network{layers: []packed{first, second, {phases: 1}}, weight: []uintptr{p.weight, p.weight, 0}, bias: []uintptr{p.bias, p.bias, 0}, join: -1}
	in := plane{trialHeight, trialWidth, 64}
	out := second.output(in)
	s := &schedule{layout: layout{extent: extent{trialWidth, trialHeight}, planes: []plane{in, out}}, buffer: [2]uintptr{p.middle, p.result}}
	of := func(l *launches, err error) error {
		if err == nil {
			*l.first.frame = onDevice(picture)
			l.first.bind()
		}
		return err
	}
	return p.differ(out, func(l *launches) error {
		if err := of(l, e.addFirst(s, l, 0)); err != nil {
			return err
		}
		return e.addPlain(s, l, 1, launch{}, find(e.library, second.convolution()), 0)
	}, func(l *launches) error { return of(l, e.addFirstTwo(s, l, 0)) })
}

// differ is how many halves of a plane two ways to compute it make different.
func (p *proof) differ(out plane, one, other func(*launches) error) (wrong int, err error) {
	want, err := p.run(out, one)
	if err != nil {
		return 0, err
	}
	got, err := p.run(out, other)
	for i := range want {
		if got != nil && got[i] != want[i] {
			wrong++
		}
	}
	return wrong, err
}

// run clears the result, launches the kernels that add lists, and returns the plane.
func (p *proof) run(out plane, add func(*launches) error) ([]uint16, error) {
	l := &launches{}
	defer func() { _ = l.release((*driver.Graph).Close) }() // there is no graph, which alone can fail
	if err := add(l); err != nil {
		return nil, err
	}
	if err := driver.Wrap("cuMemsetD8", cu.MemsetD8(cu.DevicePtr(p.result), 0xff, out.bytes())); err != nil {
		return nil, err
	}
	for _, k := range l.list {
		if err := k.kernel.Launch(cu.NoStream); err != nil {
			return nil, err
		}
	}
	host := make([]uint16, out.bytes()/2)
	err := cu.MemcpyDtoH(pointerTo(host), cu.DevicePtr(p.result), out.bytes())
	return host, driver.Wrap("result", err)
}
