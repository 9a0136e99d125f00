package cuda

import (
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

// KernelTime is what one kernel of a frame took and could have taken.
type KernelTime struct {
	Layer        string  `json:"layer"` // of the network, "statistics", "AdaIN", "processing size", "motion" or "temporal blend"
	Kernel       string  `json:"kernel"`
	Milliseconds float64 `json:"ms"`       // median
	FLOP         float64 `json:"flop"`     // as computed, with all foldings
	Bytes        float64 `json:"bytes"`    // of GPU memory, read and written once
	Bound        float64 `json:"bound_ms"` // the larger of FLOP / Limits.FLOPS and Bytes / Limits.Bandwidth
}

// Limits are what a GPU could do at best.
type Limits struct {
	FLOPS     float64 // float16 products with float32 sums, each product and each sum counts; per second
	Bandwidth float64 // of the GPU's memory in bytes per second
}

// rates are floating point operations of one processor in one clock, by compute capability (NVIDIA's architecture white papers). GeForce
// cards of 8.6, 8.9 and 12.0 reach half when they sum in float32.
var rates = map[int]float64{80: 2048, 86: 1024, 87: 1024, 89: 1024, 90: 4096, 100: 8192, 103: 8192, 120: 1024}

// hopperClock is that of the data sheet's 989 TFLOP/s; the driver names a clock that no GPU keeps under such load.
const hopperClock = 1.83e9

// Limits asks the GPU for its clocks and its memory's width.
func (e *Engine) Limits() (Limits, error) {
	var kHz [3]int // of processors and memory; the third is bits
	for i, a := range []cu.DeviceAttribute{cu.ClockRate, cu.MemoryClockRate, cu.GlobalMemoryBusWidth} {
		v, err := cu.Device(e.device.number).Attribute(a)
		if err != nil {
			return Limits{}, fmt.Errorf("cuda: %w", driver.Wrap("properties of the GPU", err))
		}
		kHz[i] = v
	}
	clock, rate := float64(kHz[0])*1e3, rates[e.device.capability]
	if e.device.capability == hopper {
		clock = min(clock, hopperClock)
	}
	if rate == 0 {
		rate = 1024
	}
	return Limits{FLOPS: rate * clock * float64(e.device.processors), Bandwidth: 2 * float64(kHz[1]) * 1e3 * float64(kHz[2]) / 8}, nil
}

// seconds are what a launch takes at least. A driver that does not tell the memory's clock leaves the computation.
func (l Limits) seconds(s launch) float64 {
	if l.Bandwidth == 0 {
		return s.flop / l.FLOPS
	}
	return max(s.flop/l.FLOPS, s.bytes/l.Bandwidth)
}

// Profile stylises a frame runs times, kernel by kernel with the time taken between them, which a graph does not allow, and returns the
// kernels in order. Arguments and errors as for Stylize; runs is at least 1.
func (e *Engine) Profile(dst, src *model.Image, stylization *model.Stylization, runs int) ([]KernelTime, error) {
	if err := e.Stylize(dst, src, stylization); err != nil { // checks, and takes the memory
		return nil, err
	}
	limits, err := e.Limits()
	if err != nil {
		return nil, err
	}
	if err := e.device.enter(); err != nil {
		return nil, e.fail("profile", src, err)
	}
	defer e.device.leave()
	_, l, err := e.prepare(dst, src, stylization)
	if err != nil {
		return nil, e.fail("profile", src, err)
	}
	times := make([][]float64, len(l.list))
	for range max(runs, 1) {
		if err := e.timeLaunches(l, times); err != nil {
			return nil, e.fail("profile", src, err)
		}
	}
	var out []KernelTime
	for i, s := range l.list {
		slices.Sort(times[i])
		out = append(out, KernelTime{Layer: s.layer, Kernel: s.name, Milliseconds: times[i][len(times[i])/2], FLOP: s.flop, Bytes: s.bytes,
			Bound: 1e3 * limits.seconds(s)})
	}
	return out, nil
}

// timeLaunches runs the kernels of a frame once and appends the milliseconds that each took.
func (e *Engine) timeLaunches(l *launches, times [][]float64) (err error) {
	marks := make([]cu.Event, 0, len(l.list)+1)
	defer func() {
		failed := []error{err, e.wait()}
		for i := range marks {
			failed = append(failed, driver.Wrap("cuEventDestroy", cu.DestroyEvent(&marks[i])))
		}
		err = errors.Join(failed...)
	}()
	for i := range len(l.list) + 1 {
		m, err := cu.MakeEvent(cu.DefaultEvent)
		if err != nil {
			return driver.Wrap("cuEventCreate", err)
		}
		marks = append(marks, m)
		if err := m.Record(e.stream); err != nil {
			return driver.Wrap("cuEventRecord", err)
		}
		if i == len(l.list) {
			break
		}
		if err := l.list[i].kernel.Launch(e.stream); err != nil {
			return err
		}
	}
	if err := e.wait(); err != nil {
		return err
	}
	for i := range l.list {
		ms, err := marks[i].Elapsed(marks[i+1])
		if err != nil {
			return driver.Wrap("cuEventElapsedTime", err)
		}
		times[i] = append(times[i], ms)
	}
	return nil
}

// NewImage takes memory on the GPU for a picture, its rows as a GStreamer pool would lay them out, and returns with it the function that
// frees it. For measuring; the samples are undefined until src, a picture in host memory of the same format and size, is copied in.
func (e *Engine) NewImage(src *model.Image) (m *model.Image, free func() error, err error) {
	if err := check(src); err != nil {
		return nil, nil, fmt.Errorf("cuda: %w", err)
	}
	if err := e.device.enter(); err != nil {
		return nil, nil, e.fail("picture", src, err)
	}
	defer e.device.leave()
	var own memory
	_, bytes := placed(src, 0)
	device, err := own.allocate(int64(bytes))
	if err == nil {
		var pinned []byte
		if pinned, err = own.pin(bytes); err == nil {
			packRows(pinned, src)
			err = driver.Wrap("copy of a picture to the GPU", cu.MemcpyHtoD(cu.DevicePtr(device), pointer(pinned), int64(bytes)))
		}
	}
	if err != nil {
		return nil, nil, e.fail("picture", src, errors.Join(err, own.free()))
	}
	p, _ := placed(src, device)
	return &p, func() error {
		if err := e.device.enter(); err != nil {
			return err
		}
		defer e.device.leave()
		return own.free()
	}, nil
}
