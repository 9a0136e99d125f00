package cuda

import "testing"

// TestMotionLevels demands that the memory for one shift is enough for all, that levels halve until their short side is below 32, and that the
// way back is searched wherever its vectors are wanted.
func TestMotionLevels(t *testing.T) {
	for _, frame := range []extent{{8, 8}, {64, 64}, {63, 200}, {640, 360}, {1921, 1081}, {3840, 2160}} {
		_, pictures, fields := motionLevels(frame, leastMotionShift)
		for shift := leastMotionShift; shift <= 8; shift++ {
			levels, p, f := motionLevels(frame, shift)
			if p > pictures || f > fields || p%16 != 0 || f%16 != 0 {
				t.Errorf("%v, shift %d: %d and %d bytes, wanted multiples of 16, at most %d and %d", frame, shift, p, f, pictures, fields)
			}
			for i, l := range levels {
				last := i == len(levels)-1
				if last == (min(l.width, l.height) >= shortestLevel) {
					t.Errorf("%v, shift %d: level %d is %dx%d", frame, shift, i, l.width, l.height)
				}
				if back := l.directions == 2; back != (i > 0 || last) {
					t.Errorf("%v, shift %d: level %d of %d has %d directions", frame, shift, i, len(levels), l.directions)
				}
				if i > 0 && (l.width != ceil(levels[i-1].width, 2) || l.height != ceil(levels[i-1].height, 2)) {
					t.Errorf("%v, shift %d: level %d is %dx%d, behind %dx%d", frame, shift, i, l.width, l.height, levels[i-1].width, levels[i-1].height)
				}
			}
		}
	}
}
