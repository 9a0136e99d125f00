package cuda

import "adainfilter/cuda/kernels"

// addForward lists what makes results of a batch.
func (p *plan) addForward() {
	in := &p.inputs
	for i := range p.looks / p.n {
		last := p.contents
		switch {
		case !p.t.options.Encoder:
			last = p.features.picture(i * p.n)
		case i > 0: // of the styles only the statistics are needed
			last = p.lossStages[len(p.lossStages)-1].relu
		}
		p.addPictures(in.content+uintptr(4*i*in.samplesN), p.lossStages[0].in)
		p.addStages(p.lossStages, last, p.looked, i*p.n)
	}
	if p.t.options.Encoder {
		p.addPictures(in.content, p.encoderStages[0].in)
		p.addStages(p.encoderStages, p.features, levelStats{}, 0)
		p.addStatistics(p.features, p.stats)
	}
	p.addAdaIN()
	p.addStages(p.decoderStages, halfPlane{}, levelStats{}, 0)
	if p.judged() {
		last := p.lossStages[len(p.lossStages)-1].relu
		first := p.lossStages[0].in
		p.addPictures(p.samples, first)
		p.addStages(p.lossStages, last, p.seen, 0)
	}
}

// addPictures turns samples, float32 [n][3][h][w], into a network's input.
func (p *plan) addPictures(samples uintptr, to halfPlane) {
	grid := values(to.h * to.w)
	grid[1] = to.n
	addOrder(&p.orders, kernels.TrainPicture, grid, kernels.TrainPictureArguments{Src: address(samples), Dst: address(to.at), H: int32(to.h), W: int32(to.w)}, nil)
}

// addStages lists a network's layers, the last of which writes into a plane, or samples if it has no ReLU. The levels' statistics go to stats,
// if there are any, from picture `first` on.
func (p *plan) addStages(stages []*stage, last halfPlane, stats levelStats, first int) {
	for i, s := range stages {
		to, kind := s.relu, kernels.TrainReflected
		switch {
		case !s.ReLU:
			to.at, kind = p.samples, kernels.TrainToPicture
		case i == len(stages)-1:
			to = last
		}
		p.addConvolution(s.in, s.weight, s.bias, to.at, s.cout, kind)
		if s.level >= 0 && stats.at != 0 {
			p.addStatistics(halfPlane{to.at, s.relu.n, s.relu.h, s.relu.w, s.relu.c}, stats.of(s.level, first))
		}
		from, behind := s.relu, s.out
		switch follows := s.follows(); follows {
		case kernels.TrainPooled:
			addOrder(&p.orders, kernels.TrainPool, pieces(behind.h*behind.w, behind.c, behind.n), kernels.TrainPoolArguments{
				Src: address(from.at), Dst: address(behind.at), H: int32(from.h), W: int32(from.w), C: int32(from.c)}, nil)
		case kernels.TrainNearest, kernels.TrainBilinear:
			addOrder(&p.orders, kernels.TrainUpsample, pieces(behind.h*behind.w, behind.c, behind.n), kernels.TrainUpsampleArguments{
				Src: address(from.at), Dst: address(behind.at), H: int32(from.h), W: int32(from.w), C: int32(from.c),
				Bilinear: flag(follows == kernels.TrainBilinear)}, nil)
		}
	}
}

// addConvolution is one convolution of a batch, forward or, with turned weights, back.
func (p *plan) addConvolution(in halfPlane, weight, bias, to uintptr, channels int, kind int32) {
	tile := min(channels&-channels, 64)
	addOrder(&p.orders, trainConvolution(channels), [3]int{ceil(in.pixels(), 256), channels / tile, 1}, kernels.TrainConvArguments{
		Src: address(in.at), Weight: address(weight), Bias: address(bias), Dst: address(to),
		N: int32(in.n), H: int32(in.h), W: int32(in.w), Cin: int32(in.c), Cout: int32(channels), Kind: kind,
	}, nil)
}

// addStatistics is mean and deviation of each channel of each picture.
func (p *plan) addStatistics(x halfPlane, to uintptr) {
	bands := ceil(x.h, 8)
	addOrder(&p.orders, kernels.StatisticsPartial, [3]int{bands, x.c / 16, x.n}, kernels.StatisticsPartialArguments{
		Src: address(x.at), Partial: address(p.bands), H: int32(x.h), W: int32(x.w), C: int32(x.c)}, nil)
	addOrder(&p.orders, kernels.StatisticsMerge, [3]int{ceil(x.c, 64), 1, x.n}, kernels.StatisticsMergeArguments{
		Partial: address(p.bands), Content: address(to), H: int32(x.h), W: int32(x.w), C: int32(x.c)}, nil)
}

// addAdaIN makes the decoder's input: of contents and of moved contents with the styles' statistics, and of contents as they are.
func (p *plan) addAdaIN() {
	to := p.decoderStages[0].in
	stats := func(picture int) kernels.Address { return address(p.stats + uintptr(8*picture*to.c)) }
	add := func(picture, result int, styled bool) {
		args := kernels.TrainAdaINArguments{
			Src: address(p.features.picture(picture).at), Dst: address(to.picture(result).at), H: int32(to.h), W: int32(to.w), C: int32(to.c)}
		if styled {
			args.Content, args.Style, args.Alpha = stats(picture), stats(p.n), address(p.inputs.alpha)
		}
		addOrder(&p.orders, kernels.TrainAdaIN, pieces(to.h*to.w, to.c, p.n), args, nil)
	}
	if p.styled() {
		add(0, 0, true)
	}
	if p.consistency {
		add(2*p.n, p.moved, true)
	}
	if p.identity {
		add(0, p.same, false)
	}
}
