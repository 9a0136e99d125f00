package cuda

// take is all memory of a plan.
func (p *plan) take() error {
	p.count()
	t := p.t
	p.decoderStages = newStages(t.decoder, p.results, p.h/8, p.w/8)
	stacks := [][]*stage{p.decoderStages}
	if p.looks > 0 {
		p.lossStages = newStages(t.loss, p.n, p.h, p.w)
		stacks = append(stacks, p.lossStages)
	}
	if t.options.Encoder {
		p.encoderStages = newStages(t.encoder, p.pictures, p.h, p.w)
		stacks = append(stacks, p.encoderStages)
	}
	var sumsBytes, inputBytes, partial int64
	for _, s := range stacks {
		if err := p.allocateStages(s); err != nil {
			return err
		}
		a, b := largestGradients(s)
		sumsBytes, inputBytes = max(sumsBytes, a), max(inputBytes, b)
		for _, l := range s {
			if l.at >= 0 {
				_, splits, _ := l.splits()
				partial = max(partial, partialBytes(splits, l.cin, l.cout))
			}
		}
	}
	if err := p.allocateAll([]buffer{{&p.g, sumsBytes}, {&p.e, inputBytes}, {&p.partial, partial}}); err != nil {
		return err
	}
	if err := p.takeFeatures(); err != nil {
		return err
	}
	if err := p.takeInputs(); err != nil {
		return err
	}
	return p.takeSums()
}

// splits says how the gradient of the stage's weight is divided: the kernel's tiles of channels, ranges of pixels, pixels of each.
func (s *stage) splits() (tiles, splits, rows int) {
	tile := 16
	for _, c := range []int{64, 32} {
		if s.cin%c == 0 && s.cout%c == 0 {
			tile = c
			break
		}
	}
	tiles = s.cin / tile * (s.cout / tile)
	splits, rows = split(s.relu.pixels(), tiles)
	return tiles, splits, rows
}

// takeFeatures is memory for what is seen of pictures and results, beside the planes of the stages.
func (p *plan) takeFeatures() (err error) {
	var bands int64
	for _, stages := range [][]*stage{p.lossStages, p.encoderStages} {
		for _, s := range stages {
			if s.level >= 0 {
				bands = max(bands, 8*int64(s.relu.n)*int64(ceil(s.relu.h, 8))*int64(s.cout))
			}
		}
	}
	deepest := p.decoderStages[0].in
	buffers := []buffer{{&p.bands, bands}, {&p.samples, 4 * int64(p.results) * 3 * int64(p.h) * int64(p.w)}, {&p.phases, 4 * 3 * 64 * int64(p.n)}}
	if p.looks > 0 {
		for _, s := range []*levelStats{&p.looked, &p.seen} {
			s.pictures = p.looks
			for _, stage := range p.lossStages {
				if stage.level >= 0 {
					s.channels[stage.level] = stage.cout
				}
			}
		}
		p.seen.pictures = p.n
		last := p.lossStages[len(p.lossStages)-1].relu
		buffers = append(buffers, buffer{&p.looked.at, p.looked.bytes()}, buffer{&p.seen.at, p.seen.bytes()}, buffer{&p.taps, p.seen.bytes()},
			buffer{&p.target, 8 * int64(p.n) * int64(last.c)})
		p.contents = last
	}
	p.features = deepest
	p.features.n = p.pictures
	if p.t.options.Encoder {
		p.features = p.encoderStages[len(p.encoderStages)-1].relu
		buffers = append(buffers, buffer{&p.stats, 8 * int64(p.pictures) * int64(deepest.c)}, buffer{&p.adainSums, 16 * int64(p.n) * int64(deepest.c)})
		if p.looks > 0 {
			buffers = append(buffers, buffer{&p.contents.at, p.contents.bytes()})
		}
	} else {
		buffers = append(buffers, buffer{&p.features.at, p.features.bytes()})
	}
	if err := p.allocateAll(buffers); err != nil {
		return err
	}
	if !p.t.options.Encoder {
		p.contents.at, p.stats = p.features.at, p.looked.of(3, 0)
	}
	return nil
}

// takeInputs is memory for batches.
func (p *plan) takeInputs() (err error) {
	in := &p.inputs
	in.samplesN = p.n * 3 * p.h * p.w
	in.motionAt, in.contentAt = 4*p.n, 32*p.n // 28 would do, but leave samples across 16 bytes
	bytes := in.contentAt + 12*in.samplesN
	if in.alpha, err = p.allocate(int64(bytes)); err != nil {
		return err
	}
	in.motion, in.content = in.alpha+uintptr(in.motionAt), in.alpha+uintptr(in.contentAt)
	in.style, in.moved = in.content+uintptr(4*in.samplesN), in.content+uintptr(8*in.samplesN)
	in.pinned, err = p.pin(bytes)
	return err
}

// takeSums is memory for losses and the gradient's length.
func (p *plan) takeSums() (err error) {
	s := &p.sums
	s.contentBlocks = pieces(p.h/8*(p.w/8), p.contents.c, 1)[0]
	s.seedBlocks = values((p.h + 2) * (p.w + 2))[0]
	s.content = s.style + p.n
	s.seeds = s.content + p.n*s.contentBlocks
	s.lattice = s.seeds + p.results*s.seedBlocks
	s.norm = s.lattice + 3*p.n
	s.all = s.norm + ceil(p.t.count, 4096)
	if s.at, err = p.allocate(int64(8 * s.all)); err != nil {
		return err
	}
	s.pinned, err = p.pin(8 * s.all)
	return err
}
