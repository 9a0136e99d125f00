package cuda

import (
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// motionLevel is a level of model/motion.go on the GPU. Its cells are squares of 4x4 pixels.
type motionLevel struct {
	width, height int
	picture       int64 // bytes behind the first level's luminances
	field         int64 // bytes behind the first level's cells
	directions    int   // in which it is searched: to the frame before, and back
}

// cells is how many lie side by side and one above the other.
func (l motionLevel) cells() (across, down int) { return ceil(l.width, 4), ceil(l.height, 4) }

// count is how many cells there are.
func (l motionLevel) count() int {
	across, down := l.cells()
	return across * down
}

// fieldBytes is what a cell takes in each direction: struct Field of motion.cu.
const fieldBytes = 48

// shortestLevel is the short side from which on a level has a further one.
const shortestLevel = 32

// motionLevels are those of frames of a size that begin smaller by 2^shift, and the bytes of all luminances and cells. The way back is
// searched from the second level on, where there is one.
func motionLevels(frame extent, shift int) (levels []motionLevel, pictures, fields int64) {
	w, h := ceil(frame.width, 1<<shift), ceil(frame.height, 1<<shift)
	for {
		l := motionLevel{width: w, height: h, picture: pictures, field: fields, directions: 2}
		if len(levels) == 0 && min(w, h) >= shortestLevel {
			l.directions = 1
		}
		levels = append(levels, l)
		pictures += int64(w) * int64(h)
		fields += fieldBytes * int64(l.directions) * int64(l.count())
		if min(w, h) < shortestLevel {
			return levels, (pictures + 15) / 16 * 16, fields
		}
		w, h = ceil(w, 2), ceil(h, 2)
	}
}

// leastMotionShift is the least that model.MotionShift gives, with which levels and cells are largest.
const leastMotionShift = 1

// motion is what finds the motion between the frame and the one before, in memory of the temporal blend.
type motion struct {
	now, before uintptr // luminances of all levels
	fields      uintptr
	cells       uintptr // int32 (h,w,4): x, y, doubt, gain
	steps       uintptr // int32 (h,w,2)
}

// buffers are the memory for frames of a size, whatever the shift is.
func (m *motion) buffers(frame extent) []buffer {
	levels, pictures, fields := motionLevels(frame, leastMotionShift)
	cells := int64(levels[0].count())
	return []buffer{{&m.now, pictures}, {&m.before, pictures}, {&m.fields, fields}, {&m.cells, 16 * cells}, {&m.steps, 8 * cells}}
}

// addMotion lists what finds where the frame's cells were.
func (e *Engine) addMotion(s *schedule, l *launches) error {
	shift := model.MotionShift(s.frame.width, s.frame.height, s.width, s.height)
	levels, pictures, _ := motionLevels(s.frame, shift)
	if err := e.addLevels(s, l, levels, shift); err != nil {
		return err
	}
	for i := len(levels) - 1; i >= 0; i-- {
		if err := e.addSearch(l, levels, i); err != nil {
			return err
		}
	}
	if err := e.addCells(l, levels, shift); err != nil {
		return err
	}
	keep, pieces := find(e.library, kernels.MotionKeep), int(pictures/16)
	_, err := add(l, launch{layer: "motion", flop: float64(pieces), bytes: 2 * float64(pictures)}, keep, [3]int{keep.tiles(pieces, 1), 1, 1},
		kernels.MotionKeepArguments{Now: address(e.blend.motion.now), Before: address(e.blend.motion.before), Pieces: int32(pieces)})
	return err
}

// addLevels lists what makes the luminances of a frame.
func (e *Engine) addLevels(s *schedule, l *launches, levels []motionLevel, shift int) (err error) {
	m, first := &e.blend.motion, levels[0]
	light, pixels := find(e.library, kernels.MotionLight), s.frame.pixels()
	l.light, err = addVarying(l, launch{layer: "motion", flop: 6 * pixels, bytes: 3 * pixels}, light,
		[3]int{light.tiles(first.width*first.height, 1), 1, 1}, kernels.MotionLightArguments{
			Level: address(m.now), Width: int32(first.width), Height: int32(first.height), Shift: int32(shift)})
	if err != nil {
		return err
	}
	halve := find(e.library, kernels.MotionHalve)
	for i, next := range levels[1:] {
		from, few := levels[i], float64(next.width)*float64(next.height)
		_, err := add(l, launch{layer: "motion", flop: 5 * few, bytes: 5 * few}, halve, [3]int{halve.tiles(next.width*next.height, 1), 1, 1},
			kernels.MotionHalveArguments{Level: address(m.now + uintptr(from.picture)), Next: address(m.now + uintptr(next.picture)),
				Width: int32(from.width), Height: int32(from.height)})
		if err != nil {
			return err
		}
	}
	return nil
}

// addSearch lists what finds the vectors of level i.
func (e *Engine) addSearch(l *launches, levels []motionLevel, i int) error {
	m, level := &e.blend.motion, levels[i]
	now, before := address(m.now+uintptr(level.picture)), address(m.before+uintptr(level.picture))
	width, height, field := int32(level.width), int32(level.height), address(m.fields+uintptr(level.field))
	var coarse kernels.Address
	if i+1 < len(levels) {
		coarse = address(m.fields + uintptr(levels[i+1].field))
	}
	cells := level.count()
	matches := float64(level.directions) * float64(cells) * 64 * 20 // operations of one match of all cells
	few := float64(fieldBytes*level.directions) * float64(cells)
	search, settle, relax := find(e.library, kernels.MotionSearch), find(e.library, kernels.MotionSettle), find(e.library, kernels.MotionRelax)
	_, err := add(l, launch{layer: "motion", flop: 9 * matches, bytes: few}, search, [3]int{search.tiles(cells, 1), level.directions, 1},
		kernels.MotionSearchArguments{Now: now, Before: before, Width: width, Height: height, Field: field, Coarse: coarse})
	if err != nil {
		return err
	}
	arguments := kernels.MotionFieldArguments{Now: now, Before: before, Width: width, Height: height, Field: field}
	_, err = add(l, launch{layer: "motion", flop: 4 * matches, bytes: few}, settle, [3]int{settle.tiles(cells, 1), level.directions, 1}, arguments)
	if err != nil {
		return err
	}
	across, down := level.cells()
	_, err = add(l, launch{layer: "motion", flop: matches, bytes: few}, relax, [3]int{relax.tiles(across, down), level.directions, 1},
		kernels.MotionRelaxArguments{Width: width, Height: height, Field: field})
	if err != nil || i > 0 {
		return err
	}
	rest := find(e.library, kernels.MotionRest)
	_, err = add(l, launch{layer: "motion", flop: 2 * matches, bytes: few}, rest, [3]int{rest.tiles(cells, 1), level.directions, 1}, arguments)
	return err
}

// addCells lists what says where the cells were, and how doubtful that is.
func (e *Engine) addCells(l *launches, levels []motionLevel, shift int) (err error) {
	m, first, behind := &e.blend.motion, levels[0], min(1, len(levels)-1)
	k, count := find(e.library, kernels.MotionCells), float64(first.count())
	across, down := first.cells()
	l.cells, err = addVarying(l, launch{layer: "motion", flop: 60 * count, bytes: (16 + fieldBytes) * count}, k, [3]int{k.tiles(across, down), 1, 1},
		kernels.MotionCellsArguments{Width: int32(first.width), Height: int32(first.height), Shift: int32(shift), Field: address(m.fields),
			Back: address(m.fields + uintptr(levels[behind].field)), Behind: int32(behind), Cells: address(m.cells)})
	return err
}
