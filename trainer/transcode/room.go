package transcode

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// freeBytes is the room on the disk of a folder, for those who are not its administrator; false where that is not known. A variable, so that
// tests have other disks.
var freeBytes = func(folder string) (int64, bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}

// checkRoom compares what the rest of the film is going to need with the room on the disk, by the size of the segments that are finished: a disk
// that fills is met before hours are spent. It refuses where twice the room would not be enough, since segments differ, and warns where
// the room itself is not.
func (f *shared) checkRoom(v *view) error {
	j := f.job
	var coded int64
	frames, left := 0, 0
	for i, s := range j.plan.Segments {
		if v.has(i) {
			coded, frames = coded+v.sizes[segmentName(i)], frames+s.Frames
		} else {
			left += s.Frames
		}
	}
	free, known := freeBytes(f.local.Path(f.prefix))
	if frames == 0 || left == 0 || !known {
		return nil
	}
	perFrame := float64(coded) / float64(frames)
	copies := 1.0 // the result stands beside the segments until it is verified
	if j.plan.Carry {
		copies = 2 // and so does the video alone
	}
	need := perFrame * (float64(left) + copies*float64(frames+left))
	switch {
	case need > 2*float64(free):
		return fmt.Errorf("the disk of the result has %s free and the rest of the film needs about %s: make room and give the same line again, "+
			"finished segments are kept", megabytes(float64(free)), megabytes(need))
	case need > float64(free):
		j.warn("the disk of the result may not have room for the rest of the film; what is finished is kept if it fills")
	}
	return nil
}

func megabytes(n float64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", n/1e9)
	case n >= 1e7:
		return fmt.Sprintf("%.0f MB", n/1e6)
	}
	return fmt.Sprintf("%.2f MB", n/1e6)
}
