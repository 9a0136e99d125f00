package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
)

// memory is what was allocated on the GPU, and of the host's pinned memory, and is freed together.
type memory struct {
	device []cu.DevicePtr
	pinned []unsafe.Pointer
	bytes  int64 // on the GPU

	counting bool // take nothing, only count: addresses are of nothing
}

// buffer is so many bytes on the GPU, and where their address goes.
type buffer struct {
	at    *uintptr
	bytes int64
}

// allocate is memory on the GPU, at a multiple of 256, not cleared.
func (m *memory) allocate(bytes int64) (uintptr, error) {
	if m.counting {
		m.bytes += bytes
		return 0, nil
	}
	p, err := cu.MemAlloc(bytes)
	if err != nil {
		return 0, driver.Wrap("cuMemAlloc of "+size(bytes), err)
	}
	m.device = append(m.device, p)
	m.bytes += bytes
	return uintptr(p), nil
}

// allocateAll is allocate for each buffer.
func (m *memory) allocateAll(buffers []buffer) (err error) {
	for _, b := range buffers {
		if *b.at, err = m.allocate(b.bytes); err != nil {
			return err
		}
	}
	return nil
}

// pin is host memory that the GPU reads and writes directly.
func (m *memory) pin(bytes int) ([]byte, error) {
	if m.counting {
		return nil, nil
	}
	p, err := driver.HostAlloc(bytes)
	if err != nil {
		return nil, err
	}
	m.pinned = append(m.pinned, p)
	return unsafe.Slice((*byte)(p), bytes), nil
}

// free gives everything back.
func (m *memory) free() error {
	var failed []error
	for _, p := range m.device {
		failed = append(failed, driver.Wrap("cuMemFree", cu.MemFree(p)))
	}
	for _, p := range m.pinned {
		failed = append(failed, driver.HostFree(p))
	}
	*m = memory{}
	return errors.Join(failed...)
}

// upload allocates memory for values and orders their copy on a stream; the caller holds them until the stream is through.
func upload[T float32 | uint16](m *memory, s cu.Stream, values []T) (uintptr, error) {
	bytes := int64(len(values)) * int64(unsafe.Sizeof(values[0]))
	p, err := m.allocate(bytes)
	if err != nil {
		return 0, err
	}
	return p, driver.Wrap("copy to the GPU of "+size(bytes), cu.MemcpyHtoDAsync(cu.DevicePtr(p), unsafe.Pointer(&values[0]), bytes, s))
}

// uploadNow is upload on the default stream, and waits for the copy.
func uploadNow[T float32 | uint16](m *memory, values []T) (uintptr, error) {
	at, err := upload(m, cu.NoStream, values)
	if err == nil {
		err = driver.Wrap("cuStreamSynchronize", cu.NoStream.Synchronize())
	}
	runtime.KeepAlive(values)
	return at, err
}

func pointerTo[T any](values []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(values)) }

func pointer(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

// floats is pinned memory as float32 values.
func floats(b []byte) []float32 { return unsafe.Slice((*float32)(pointer(b)), len(b)/4) }

// size is a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
	case bytes >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%d bytes", bytes)
}
