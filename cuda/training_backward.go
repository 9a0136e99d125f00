package cuda

import (
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// addBackward lists what makes losses and gradients of the results.
func (p *plan) addBackward() {
	if p.judged() {
		p.addJudgement()
	}
	p.addSeeds()
	decoder := p.decoderStages
	p.addWayBack(decoder, p.t.options.Encoder)
	if p.t.options.Encoder {
		p.addAdaINBack()
		p.addWayBack(p.encoderStages, false)
	}
	addOrder(&p.orders, kernels.TrainNorm, [3]int{ceil(p.t.count, 4096), 1, 1}, kernels.TrainNormArguments{
		Gradient: address(p.t.gradient), Partial: p.sums.address(p.sums.norm), Count: int32(p.t.count)}, nil)
}

// addJudgement is the content and style losses, and the way back through the loss network to its input, whose gradient stays in e.
func (p *plan) addJudgement() {
	stages, deepest := p.lossStages, p.contents
	addOrder(&p.orders, kernels.TrainStyle, [3]int{p.n, 1, 1}, kernels.TrainStyleArguments{
		Seen: address(p.seen.at), Looks: address(p.looked.at), Alpha: address(p.inputs.alpha), Taps: address(p.taps), Target: address(p.target),
		Loss: p.sums.address(p.sums.style), N: int32(p.n), M: int32(p.looks), H: int32(p.h), W: int32(p.w),
		C1: int32(p.t.real[0]), C2: int32(p.t.real[1]), C3: int32(p.t.real[2]), C4: int32(p.t.real[3]),
	}, func(a *kernels.TrainStyleArguments) {
		a.Factor, a.Floor = float32(p.update.Style*p.scale), -1
		if p.update.Balance {
			a.Floor = model.BalanceFloor
		}
	})
	seen := stages[len(stages)-1].relu
	if p.content {
		addOrder(&p.orders, kernels.TrainContent, [3]int{p.sums.contentBlocks, p.n, 1}, kernels.TrainContentArguments{
			Seen: address(seen.at), Content: address(deepest.at), Target: address(p.target), Partial: p.sums.address(p.sums.content),
			H: int32(seen.h), W: int32(seen.w), C: int32(seen.c)}, nil)
	}
	for i := len(stages) - 1; i >= 0; i-- {
		p.addBack(stages, i)
		p.addInputGradient(stages[i])
	}
}

// addBack is the gradient of a layer's sums: of what the next layer's input sends back, and of the losses that look at its features.
func (p *plan) addBack(stages []*stage, i int) {
	s := stages[i]
	args := kernels.TrainBackArguments{
		ReLU: address(s.relu.at), Gradient: address(p.g), H: int32(s.relu.h), W: int32(s.relu.w), C: int32(s.relu.c), Follows: s.follows(),
	}
	last := i == len(stages)-1
	if !last {
		args.Next = address(p.e)
	}
	var set func(*kernels.TrainBackArguments)
	if s.at < 0 { // of the loss network
		if s.level >= 0 && p.style {
			tap := p.seen
			tap.at = p.taps
			args.Tap = address(tap.of(s.level, 0))
		}
		if last && p.content {
			args.Content, args.Target = address(p.contents.at), address(p.target)
			terms := float64(p.n*p.t.real[3]) * float64(s.relu.h*s.relu.w)
			set = func(a *kernels.TrainBackArguments) { a.Weight = float32(2 * p.update.Content * p.scale / terms) }
		}
	}
	addOrder(&p.orders, kernels.TrainBack, pieces((s.relu.h+2)*(s.relu.w+2), s.relu.c, s.relu.n), args, set)
}

// addInputGradient is the gradient e of a layer's input, of that of its sums g.
func (p *plan) addInputGradient(s *stage) {
	g := s.relu
	g.at = p.g
	p.addConvolution(g, s.turned, 0, p.e, s.cin, kernels.TrainGradient)
}

// addSeeds is the gradient of all samples as that of the decoder's last sums.
func (p *plan) addSeeds() {
	args := kernels.TrainSeedsArguments{
		Results: address(p.samples), Content: address(p.inputs.content), Motion: address(p.inputs.motion), Gradient: address(p.g),
		Partial: p.sums.address(p.sums.seeds), Judged: pictureRange / decoderShare,
		N: int32(p.n), H: int32(p.h), W: int32(p.w), Moved: int32(p.moved), Same: int32(p.same),
	}
	if p.judged() {
		args.Next = address(p.e)
	}
	if p.lattice {
		args.Phases = address(p.phases)
		addOrder(&p.orders, kernels.TrainLattice, [3]int{3, p.n, 1}, kernels.TrainLatticeArguments{
			Results: address(p.samples), Phases: address(p.phases), Partial: p.sums.address(p.sums.lattice), H: int32(p.h), W: int32(p.w)}, nil)
	}
	grid := values((p.h + 2) * (p.w + 2))
	grid[1] = p.results
	addOrder(&p.orders, kernels.TrainSeeds, grid, args, func(a *kernels.TrainSeedsArguments) {
		scale := p.scale / decoderShare
		a.Identity = float32(2 * p.update.Identity / float64(p.n*3*p.h*p.w) * scale)
		a.Consistency = float32(p.consistencyFactor * scale)
		a.Lattice = float32(2 * p.update.Lattice / float64(p.n*3*p.h*p.w) * scale)
	})
}

// addWayBack is the gradients of all parameters of a network that is trained, the gradient of whose last sums is g; input says whether that of
// its input is wanted, in e.
func (p *plan) addWayBack(stages []*stage, input bool) {
	for i := len(stages) - 1; i >= 0; i-- {
		p.addWeightGradient(stages[i])
		if i > 0 || input {
			p.addInputGradient(stages[i])
		}
		if i > 0 {
			p.addBack(stages, i-1)
		}
	}
}

func (p *plan) addWeightGradient(s *stage) {
	tiles, splits, rows := s.splits()
	in := s.in
	addOrder(&p.orders, weightGradient(s.cin, s.cout), [3]int{tiles, 3, splits}, kernels.TrainWgradArguments{
		Src: address(in.at), Gradient: address(p.g), Partial: address(p.partial),
		N: int32(in.n), H: int32(in.h), W: int32(in.w), Cin: int32(s.cin), Cout: int32(s.cout), Rows: int32(rows),
	}, nil)
	to := p.t.gradient + uintptr(4*s.at)
	colours := s.level == 0
	if colours {
		to = p.t.folded[1]
	}
	addOrder(&p.orders, kernels.TrainReduce, values(s.MAC()+s.Out), kernels.TrainReduceArguments{
		Partial: address(p.partial), Gradient: address(to), Splits: int32(splits),
		Cin: int32(s.cin), Cout: int32(s.cout), In: int32(s.In), Out: int32(s.Out),
	}, func(a *kernels.TrainReduceArguments) {
		scale := decoderShare / p.scale
		a.WeightFactor, a.BiasFactor = float32(float64(s.factor)*scale), float32(scale)
	})
	if colours {
		addOrder(&p.orders, kernels.TrainUnfoldColour, values(s.MAC()+s.Out), kernels.TrainUnfoldArguments{
			Folded: address(to), Colour: address(p.t.colour), Gradient: address(p.t.gradient + uintptr(4*s.at)), Out: int32(s.Out)}, nil)
	}
}

// addAdaINBack is the gradient g of relu4_1's sums of all pictures, of that of the decoder's input e.
func (p *plan) addAdaINBack() {
	x := p.features
	styled := int32(-1)
	if p.styled() {
		styled = 0
		groups := 1
		if p.consistency {
			groups = 2
		}
		addOrder(&p.orders, kernels.TrainAdaINSums, [3]int{x.c / 16, p.n, groups}, kernels.TrainAdaINSumsArguments{
			Src: address(x.at), Stats: address(p.stats), Next: address(p.e), Sums: address(p.adainSums),
			N: int32(p.n), H: int32(x.h), W: int32(x.w), C: int32(x.c)}, nil)
	}
	addOrder(&p.orders, kernels.TrainAdaINBack, pieces((x.h+2)*(x.w+2), x.c, x.n), kernels.TrainAdaINBackArguments{
		Src: address(x.at), Stats: address(p.stats), Alpha: address(p.inputs.alpha), Next: address(p.e), Sums: address(p.adainSums),
		Gradient: address(p.g), N: int32(p.n), H: int32(x.h), W: int32(x.w), C: int32(x.c),
		Styled: styled, Moved: int32(p.moved), Same: int32(p.same),
	}, nil)
}
