package model

import "fmt"

// Device names the hardware an engine runs on.
type Device string

const (
	Auto Device = "auto" // CUDA where a usable GPU is, else the CPU
	CUDA Device = "cuda" // a GPU of NVIDIA's
	CPU  Device = "cpu"  // any processor
)

// Precision names the number format of features and weights inside an engine.
type Precision string

const (
	AutoPrecision Precision = "auto"    // half only where it is native and known to be harmless
	Float32       Precision = "float32" // exact to 8 bits
	Half          Precision = "half"    // bfloat16 on a CPU, float16 on CUDA
	Int8          Precision = "int8"    // on a CPU, integers of 8 bits in most layers, with weights that were calibrated for it (Weights.Int8)
)

// Engine runs one network with fixed weights. Calls on one engine must not overlap; different engines are independent.
// An engine takes its memory when it first sees a frame size and keeps it for that size.
type Engine interface {
	// Weights are those the engine was opened with; read only.
	Weights() *Weights

	// Statistics encodes a picture and returns mean and standard deviation of relu4_1. Both sides of the picture must be
	// at least 1 pixel; the picture is read during the call only. Errors: an image that Check refuses, a place the engine
	// cannot read, not enough memory.
	Statistics(picture *Image) (Stats, error)

	// Stylize writes to dst the content src in the stylization's style: encoder, AdaIN, decoder. Format, size and colorimetry of dst
	// must be those of src, both sides at least MinSize; strides may differ; dst and src must not overlap. Only the samples of
	// the picture are written, never the bytes between rows; alpha and padding samples are copied. Nothing is allocated for a
	// frame whose size, processing size, mask and use of smoothing were those of the frame before. Errors: as Statistics, and
	// ArgumentError for what CheckStylize refuses: sizes that differ, and a stylization with statistics of the wrong length, a mask of the
	// wrong length or values out of range.
	Stylize(dst, src *Image, s *Stylization) error

	// Describe says in a few words what computes, for logs: "CPU, oneDNN 2.6.3, AVX-512, float32, 2 threads".
	Describe() string

	// Close frees what the engine holds. Another call does nothing.
	Close() error
}

// Streams are the CUstreams, in the engine's context, on which neighbours order what they do with the pictures of a frame.
type Streams struct{ Content, Result uintptr }

// AheadEngine is an engine that can order work on a GPU behind that of its neighbours and theirs behind its own.
type AheadEngine interface {
	Engine

	// StylizeAhead is Stylize for pictures in GPU memory, but returns when the work is ordered, at most two frames before it is done: what
	// lies on the streams comes before it, what is ordered there afterwards comes behind it. Others must not touch the pictures otherwise.
	// An error may be that of a frame before.
	StylizeAhead(dst, src *Image, s *Stylization, streams Streams) error
}

// Warner is an engine that may have something to say against itself.
type Warner interface {
	// Warning is a sentence for users, or "".
	Warning() string
}

// Warning is what an engine has to say against itself, or "".
func Warning(e Engine) string {
	if w, ok := e.(Warner); ok {
		return w.Warning()
	}
	return ""
}

// Options say how an engine is to be opened.
type Options struct {
	Device    Device    // "" means Auto
	DeviceID  int       // which GPU; -1 lets the engine choose
	Context   uintptr   // CUcontext that a CUDA engine works in and whose frames it takes; 0 means the GPU's primary context
	Stream    uintptr   // CUstream of Context that a CUDA engine orders its work on, valid until it is closed; 0 means one of its own
	Threads   int       // of a CPU engine, up to MaxThreads; 0 means all cores this process may use
	Precision Precision // "" means AutoPrecision
}

// MaxThreads is the most threads that a CPU engine takes.
const MaxThreads = 1024

// Opener opens an engine; each engine's package has one.
type Opener func(*Weights, Options) (Engine, error)

// Engines are the openers that a program was built with.
type Engines map[Device]Opener

// Open opens the engine for o.Device. Auto takes CUDA where it opens and otherwise the CPU, whose Describe then also says why
// no GPU is used. A device that this program was not built with is an error, and so is whatever the opener reports.
func (e Engines) Open(w *Weights, o Options) (Engine, error) {
	if o.Device == "" {
		o.Device = Auto
	}
	if o.Precision == "" {
		o.Precision = AutoPrecision
	}
	if o.Device != Auto {
		open := e[o.Device]
		if open == nil {
			return nil, fmt.Errorf("device %q is not available in this build, wanted %q or %q", o.Device, Auto, CPU)
		}
		return open(w, o)
	}
	var noGPU error
	if open := e[CUDA]; open != nil {
		engine, err := open(w, o)
		if err == nil {
			return engine, nil
		}
		noGPU = err
	}
	open := e[CPU]
	if open == nil {
		return nil, fmt.Errorf("device %q: this build has no engine for the CPU (GPU: %v)", o.Device, noGPU)
	}
	engine, err := open(w, o)
	if err == nil && noGPU != nil {
		engine = fallback{engine, noGPU}
	}
	return engine, err
}

// fallback is an engine that was taken because another one could not be had.
type fallback struct {
	Engine
	because error
}

// Unwrap is the engine itself, for what only one kind has.
func (f fallback) Unwrap() Engine { return f.Engine }

func (f fallback) Describe() string {
	return fmt.Sprintf("%s (no GPU: %v)", f.Engine.Describe(), f.because)
}

// ArgumentError is the error of Engine.Stylize for arguments that every engine refuses: its caller is at fault, and the engine goes on.
type ArgumentError struct{ Err error }

// Error is the sentence of Err.
func (e ArgumentError) Error() string { return e.Err.Error() }

// Unwrap is Err.
func (e ArgumentError) Unwrap() error { return e.Err }

// CheckStylize is the one check of a frame on its way: every engine makes it first in Stylize, so that whoever calls an engine need not.
// Errors: ArgumentError.
func CheckStylize(w *Weights, dst, src *Image, s *Stylization) error {
	if err := checkStylize(w, dst, src, s); err != nil {
		return ArgumentError{err}
	}
	return nil
}

func checkStylize(w *Weights, dst, src *Image, s *Stylization) error {
	for _, m := range []*Image{src, dst} {
		if err := m.Check(); err != nil {
			return err
		}
	}
	if src.Width < MinSize || src.Height < MinSize {
		return fmt.Errorf("frame of %dx%d is too small, wanted at least %dx%d", src.Width, src.Height, MinSize, MinSize)
	}
	if dst.Format != src.Format || dst.Width != src.Width || dst.Height != src.Height || dst.Colorimetry != src.Colorimetry {
		return fmt.Errorf("result is %v %dx%d, wanted the content's %v %dx%d", dst.Format, dst.Width, dst.Height, src.Format, src.Width, src.Height)
	}
	return s.check(w.Widths[3])
}
