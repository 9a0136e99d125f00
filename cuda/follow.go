package cuda

import (
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// follow is the launches of a temporal blend along the motion.
type follow struct {
	changes *typed[kernels.FollowChangesArguments]
	blend   *typed[kernels.FollowBlendArguments]
	steps   *typed[kernels.FollowStepsArguments]
	show    *typed[kernels.FollowShowArguments]
}

// addFollow lets the result follow that of the frame before along the motion.
func (e *Engine) addFollow(s *schedule, l *launches) error {
	if err := e.addMotion(s, l); err != nil {
		return err
	}
	f := &follow{}
	if err := e.addFollowing(s, l, f); err != nil {
		return err
	}
	if err := e.addSharpening(s, l, f); err != nil {
		return err
	}
	l.follow = f
	return nil
}

// followCells is where the cells lie, how many there are, and the power of two of their side in pixels.
func (e *Engine) followCells(s *schedule) (cells kernels.Address, across, down, log int32) {
	shift := model.MotionShift(s.frame.width, s.frame.height, s.width, s.height)
	return address(e.blend.motion.cells), int32(ceil(s.frame.width, 4<<shift)), int32(ceil(s.frame.height, 4<<shift)), int32(2 + shift)
}

// addFollowing lists comparison and blend.
func (e *Engine) addFollowing(s *schedule, l *launches, f *follow) (err error) {
	cells, across, down, log := e.followCells(s)
	pitch, pixels := int32(changesPitch(s.frame)), s.frame.pixels()
	changes, still := address(e.blend.changes), address(e.blend.still)
	compare, blend, count := find(e.library, kernels.FollowChanges), find(e.library, kernels.FollowBlend), int32(1)
	if l.masked {
		count = regions
	}
	f.changes, err = addVarying(l, launch{layer: "temporal blend", flop: 90 * pixels, bytes: 11 * pixels}, compare,
		[3]int{compare.tiles(s.frame.width, s.frame.height), 1, 1}, kernels.FollowChangesArguments{
			Cells: cells, CellsW: across, CellsH: down, Log: log, Changes: changes, Still: still, Pitch: pitch})
	if err != nil {
		return err
	}
	f.blend, err = addVarying(l, launch{layer: "temporal blend", flop: 250 * pixels, bytes: 11 * pixels}, blend,
		[3]int{blend.tiles(s.frame.width, s.frame.height), 1, 1}, kernels.FollowBlendArguments{
			Cells: cells, CellsW: across, CellsH: down, Log: log, Changes: changes, Still: still, Pitch: pitch,
			Continues: address(e.network.continues), Regions: count})
	return err
}

// addSharpening lists what shows the blended result.
func (e *Engine) addSharpening(s *schedule, l *launches, f *follow) (err error) {
	cells, across, down, log := e.followCells(s)
	steps, gains, show := find(e.library, kernels.FollowSteps), find(e.library, kernels.FollowGains), find(e.library, kernels.FollowShow)
	pixels, few := s.frame.pixels(), float64(across)*float64(down)
	f.steps, err = addVarying(l, launch{layer: "temporal blend", flop: 8 * pixels, bytes: 6 * pixels}, steps,
		[3]int{steps.tiles(int(across*down), 1), 1, 1}, kernels.FollowStepsArguments{Steps: address(e.blend.motion.steps), CellsW: across, CellsH: down, Log: log})
	if err != nil {
		return err
	}
	_, err = add(l, launch{layer: "temporal blend", flop: 30 * few, bytes: 24 * few}, gains, [3]int{gains.tiles(int(across*down), 1), 1, 1},
		kernels.FollowGainsArguments{Steps: address(e.blend.motion.steps), Cells: cells, CellsW: across, CellsH: down})
	if err != nil {
		return err
	}
	f.show, err = addVarying(l, launch{layer: "temporal blend", flop: 60 * pixels, bytes: 7 * pixels}, show,
		[3]int{show.tiles(s.frame.width, s.frame.height), 1, 1}, kernels.FollowShowArguments{Cells: cells, CellsW: across, CellsH: down, Log: log})
	return err
}

// bindFrame sets what is the frame's own in these launches.
func (f *follow) bindFrame(b *temporalBlend, to, from kernels.Frame, src *model.Image, preserve int32) {
	f.changes.args.Src, f.changes.args.Before = from, internal(src, b.frame, b.before[b.latest])
	f.changes.args.Kept = internal(src, b.frame, b.before[1-b.latest])
	result := internal(src, b.frame, b.result[1-b.latest])
	f.blend.args.Dst, f.blend.args.Before, f.blend.args.Result = to, internal(src, b.frame, b.result[b.latest]), result
	f.steps.args.Dst, f.steps.args.Result = to, result
	f.show.args.Dst, f.show.args.Src, f.show.args.Result, f.show.args.PreserveColor = to, from, result, preserve
}
