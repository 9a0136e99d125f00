package cuda

import (
	"errors"
	"fmt"
	"runtime"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

// Compute capabilities: the oldest that runs the kernels, and the one with kernels of its own.
const (
	oldest = 80
	hopper = 90
)

// device is a GPU and the context on it that an engine works in.
type device struct {
	number     int
	name       string
	capability int    // 10*major + minor
	processors int    // streaming multiprocessors
	wgmma      bool   // whether convolutions multiply by wgmma where there is such a kernel, else by mma.sync
	warning    string // why they do not though the GPU has it; "" where there is nothing to say
	context    uintptr
	primary    bool // the context is the shared one of the GPU and is to be given back
}

// openDevice finds the GPU and the context that o asks for. Errors: no driver, no such GPU, one that is too old.
func openDevice(o model.Options) (*device, error) {
	if err := driver.Available(); err != nil {
		return nil, err
	}
	if o.Context != 0 {
		number, err := driver.DeviceOf(o.Context)
		if err != nil {
			return nil, err
		}
		if o.DeviceID >= 0 && o.DeviceID != number {
			return nil, fmt.Errorf("GPU %d is wanted, but the frames are in a context of GPU %d", o.DeviceID, number)
		}
		d, err := query(number)
		if err == nil {
			d.context = o.Context
		}
		return d, err
	}
	d, err := choose(o.DeviceID)
	if err != nil {
		return nil, err
	}
	d.context, err = driver.RetainPrimary(d.number)
	d.primary = err == nil
	return d, err
}

// choose is the GPU of a number, or for -1 the first one that is new enough.
func choose(number int) (*device, error) {
	count, err := cu.NumDevices()
	if err != nil {
		return nil, driver.Wrap("count of the GPUs", err)
	}
	if number >= count {
		return nil, fmt.Errorf("there is no GPU %d, wanted 0 to %d", number, count-1)
	}
	if number >= 0 {
		return query(number)
	}
	err = errors.New("the NVIDIA driver finds no GPU")
	for i := range count {
		d, tooOld := query(i)
		if tooOld == nil {
			return d, nil
		}
		err = tooOld
	}
	return nil, err
}

// query asks a GPU what it is and refuses one that is too old for the kernels.
func query(number int) (*device, error) {
	d := &device{number: number}
	var major, minor int
	var err error
	if d.name, err = cu.Device(number).Name(); err != nil {
		return nil, driver.Wrap(fmt.Sprintf("name of GPU %d", number), err)
	}
	for _, a := range []struct {
		to   *int
		what cu.DeviceAttribute
	}{{&major, cu.ComputeCapabilityMajor}, {&minor, cu.ComputeCapabilityMinor}, {&d.processors, cu.MultiprocessorCount}} {
		if *a.to, err = cu.Device(number).Attribute(a.what); err != nil {
			return nil, driver.Wrap(fmt.Sprintf("properties of GPU %d", number), err)
		}
	}
	d.capability = 10*major + minor
	if d.capability < oldest {
		return nil, fmt.Errorf("GPU %d (%s) has compute capability %d.%d, wanted 8.0 or newer (Ampere, from 2020)", number, d.name, major, minor)
	}
	d.wgmma = d.capability == hopper
	return d, nil
}

// enter makes the context current in this goroutine's thread, which it keeps until leave.
func (d *device) enter() error {
	runtime.LockOSThread()
	if err := driver.Push(d.context); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("the context of GPU %d cannot be used: %w", d.number, err)
	}
	return nil
}

// leave gives the thread back the context that it had. Where that fails the context is lost, which the next enter reports.
func (d *device) leave() {
	_ = driver.Pop()
	runtime.UnlockOSThread()
}

// close gives the context back.
func (d *device) close() error {
	if !d.primary {
		return nil
	}
	d.primary = false
	return driver.ReleasePrimary(d.number)
}
