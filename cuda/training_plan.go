package cuda

import (
	"errors"
	"math"
	"sync"
	"unsafe"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// plan is everything for steps with some losses: memory, and the kernels in order.
//
// Pictures are contents, styles and moved contents, N each as far as there are any; results are the stylised pictures, those of moved contents
// and those that shall be the contents themselves, N each as well.
type plan struct {
	t *Training
	terms
	memory
	orders  orders
	n, h, w int

	pictures, looks, results int // pictures of the encoder, those of them that the loss network sees, and results
	moved, same              int // the first result of moved contents and the first that is to be its content; -1: there are none
	lossStages               []*stage
	encoderStages            []*stage // of a trained encoder
	decoderStages            []*stage
	features, contents       halfPlane  // relu4_1 of the pictures by the encoder, and of the contents by the loss network
	looked, seen             levelStats // by the loss network: of the pictures and of the results
	stats                    uintptr    // of features, float32 [pictures][2][C]

	g, e                     uintptr // gradients of a layer's sums and of its input
	partial, bands           uintptr // sums of weights' gradients, statistics of bands
	taps, target, adainSums  uintptr // of train_style and train_adain_sums
	samples, phases          uintptr // results, float32 [results][3][h][w], and what of them repeats
	inputs                   inputs
	sums                     sums
	update                   model.Update
	scale, consistencyFactor float64 // of this step's gradients, and of the consistency's
}

// levelStats are statistics of four levels one behind the other, float32 [pictures][2][C] each.
type levelStats struct {
	at       uintptr
	pictures int
	channels [4]int // in memory
}

func (s levelStats) of(level, picture int) uintptr {
	at := s.at
	for _, c := range s.channels[:level] {
		at += uintptr(8 * s.pictures * c)
	}
	return at + uintptr(8*picture*s.channels[level])
}

func (s levelStats) bytes() int64 { return int64(s.of(3, s.pictures) - s.at) }

// inputs are what a step takes, on the GPU as in pinned memory: alphas, motions, contents, styles and moved contents.
type inputs struct {
	pinned                                 []byte
	alpha, motion, content, style, moved   uintptr
	alphaAt, motionAt, contentAt, samplesN int // offsets in bytes; samples of N pictures
}

// sums are what a step gives back: float64 sums of blocks, of style, content, samples and gradient.
type sums struct {
	pinned                               []byte
	at                                   uintptr
	style, content, seeds, lattice, norm int // where each begins
	contentBlocks, seedBlocks, all       int
}

func (s sums) address(i int) kernels.Address { return address(s.at + uintptr(8*i)) }

// prepare takes memory and lists the kernels. After an error the plan must be closed.
func (p *plan) prepare() error {
	p.orders.library = p.t.library
	if err := p.take(); err != nil {
		return err
	}
	p.addForward()
	p.addBackward()
	return p.orders.err
}

// count says how many pictures and results there are.
func (p *plan) count() {
	o := p.t.options
	p.n, p.h, p.w = o.Batch, o.Height, o.Width
	p.pictures, p.moved, p.same = p.n, -1, -1
	if p.styled() {
		p.pictures, p.results = 2*p.n, p.n
	}
	if p.consistency {
		p.moved = p.results
		p.pictures, p.results = 3*p.n, p.results+p.n
	}
	if p.identity {
		p.same = p.results
		p.results += p.n
	}
	switch {
	case !p.t.options.Encoder:
		p.looks = p.pictures
	case p.judged():
		p.looks = 2 * p.n
	}
}

// upload brings a batch to the GPU, by way of pinned memory.
func (p *plan) upload(b *model.Batch) error {
	in := &p.inputs
	all := floats(in.pinned)
	copy(all[in.alphaAt/4:], b.Alpha)
	clear(all[in.motionAt/4 : in.contentAt/4])
	bytes := in.contentAt + 8*in.samplesN
	if p.consistency {
		for i, m := range b.Motion {
			copy(all[in.motionAt/4+len(m)*i:], m[:])
		}
		bytes += 4 * in.samplesN
	}
	var wait sync.WaitGroup
	for i, samples := range [][]float32{b.Content, b.Style, b.Moved} { // at once: one core is slower than the bus
		wait.Add(1)
		go func() {
			defer wait.Done()
			copy(all[in.contentAt/4+i*in.samplesN:], samples)
		}()
	}
	wait.Wait()
	return driver.Wrap("copy of a batch to the GPU", cu.MemcpyHtoDAsync(cu.DevicePtr(in.alpha), pointer(in.pinned), int64(bytes), p.t.stream))
}

// set is what differs from step to step.
func (p *plan) set(b *model.Batch, u model.Update, scale float64) {
	p.update, p.scale, p.consistencyFactor = u, scale, 0
	if p.consistency {
		p.consistencyFactor = 2 * u.Consistency / consistencyTerms(b, p.h, p.w)
	}
}

// run computes losses and gradients; these stay on the GPU. Losses may be anything but finite.
func (p *plan) run(u model.Update) (l model.Losses, err error) {
	if err := p.orders.run(p.t.stream); err != nil {
		return l, err
	}
	s := p.sums
	err = cu.MemcpyDtoHAsync(pointer(s.pinned), cu.DevicePtr(s.at), int64(8*s.all), p.t.stream)
	if err = errors.Join(driver.Wrap("copy of losses from the GPU", err), p.t.wait()); err != nil {
		return l, err
	}
	v := unsafe.Slice((*float64)(pointer(s.pinned)), s.all)
	samples := float64(p.n * 3 * p.h * p.w)
	if p.style {
		l.Style = sum(v[s.style:s.content])
	}
	if p.content {
		l.Content = sum(v[s.content:s.seeds]) / (float64(p.n*p.t.real[3]) * float64(p.h/8*(p.w/8)))
	}
	if p.consistency {
		l.Consistency = sum(v[s.seeds+p.moved*s.seedBlocks:][:p.n*s.seedBlocks]) * p.consistencyFactor / (2 * u.Consistency)
	}
	if p.identity {
		l.Identity = sum(v[s.seeds+p.same*s.seedBlocks:][:p.n*s.seedBlocks]) / samples
	}
	if p.lattice {
		l.Lattice = sum(v[s.lattice:s.norm]) / float64(64*3*p.n)
	}
	l.Total = u.Content*l.Content + u.Style*l.Style + u.Identity*l.Identity + u.Consistency*l.Consistency + u.Lattice*l.Lattice
	l.Gradient = math.Sqrt(sum(v[s.norm:s.all]))
	return l, nil
}

func sum(v []float64) (sum float64) {
	for _, x := range v {
		sum += x
	}
	return sum
}

// consistencyTerms is how many samples moved contents and contents have in common.
func consistencyTerms(b *model.Batch, h, w int) (terms float64) {
	for _, m := range b.Motion {
		terms += float64(3 * m.Shown(w, h))
	}
	return terms
}

// close frees everything; the stream must be through with it.
func (p *plan) close() error {
	p.orders.close()
	return p.free()
}
