package transcode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// joined is the video of all segments, as it goes into the container.
type joined struct {
	paths  []string
	head   segmentHead
	begin  time.Duration   // of the part that was asked for, from which all times here count
	sorted []time.Duration // times of the frames, in the order of showing
	delay  int             // by how many places frames come later in the order of decoding, at most
	end    time.Duration   // of the last frame
	last   time.Duration   // how long it is shown
}

// each gives all coded frames to a function in the order of decoding, with the number and the time of each, until that returns an error. They are read
// from the segments, as there may be hundreds of thousands.
func (v *joined) each(f func(i int, p packet) error) error {
	i := 0
	for _, path := range v.paths {
		r, err := openSegment(path)
		if err != nil {
			return err
		}
		for {
			p, err := r.next()
			if err == io.EOF {
				break
			}
			if p.time -= v.begin; err == nil && i >= len(v.sorted) {
				err = fmt.Errorf("segment %q %w", path, errDamaged)
			}
			if err == nil {
				err = f(i, p)
			}
			if err != nil {
				r.close()
				return err
			}
			i++
		}
		r.close()
	}
	return nil
}

// damagedSegment says which segment cannot be used. Its file is removed.
type damagedSegment struct{ number, of int }

// Error is for joins: a run that has the film makes the segment anew.
func (d *damagedSegment) Error() string {
	return fmt.Sprintf("segment %d of %d is damaged and was removed: run the shard again that makes it", d.number+1, d.of)
}

// wholeSegments is readSegments after segments that are damaged have been made anew.
func (j *job) wholeSegments(ctx context.Context) (*joined, error) {
	for range j.plan.Segments {
		v, err := j.readSegments()
		var d *damagedSegment
		if !errors.As(err, &d) || j.options.Join {
			return v, err
		}
		j.warn(fmt.Sprintf("segment %d of %d was damaged on the disk and is made anew", d.number+1, d.of))
		if err := j.code(ctx, d.number); err != nil {
			return nil, err
		}
	}
	return j.readSegments()
}

// readSegments checks all segments and finds the times of their frames. A damaged segment is removed: *damagedSegment says which.
func (j *job) readSegments() (*joined, error) {
	v := &joined{begin: j.plan.From.Begin}
	promised := 0
	for _, s := range j.plan.Segments {
		promised += s.Frames
	}
	v.sorted = make([]time.Duration, 0, promised)
	for i := range j.plan.Segments {
		path := j.folder.file(segmentName(i))
		head, times, err := readTimes(path)
		if errors.Is(err, errDamaged) {
			os.Remove(path)
			return nil, &damagedSegment{i, len(j.plan.Segments)}
		} else if err != nil {
			return nil, err
		}
		v.paths = append(v.paths, path)
		if len(times) == 0 {
			continue
		}
		if v.head.Caps == "" {
			v.head = head
		} else if v.head.CodecData != head.CodecData {
			return nil, fmt.Errorf("segment %d of %d is coded otherwise than the first, so they cannot be joined: try --segment 0", i+1,
				len(j.plan.Segments))
		}
		v.delay = max(v.delay, reordering(times))
		for _, t := range times {
			v.sorted = append(v.sorted, t-v.begin)
		}
	}
	n := len(v.sorted)
	if n == 0 {
		return nil, errors.New("none of its frames could be decoded")
	}
	if promised > n && !j.plan.Facts.Interlaced {
		j.warn(fmt.Sprintf("%d of its %d frames could not be decoded and are missing", promised-n, promised))
	}
	slices.Sort(v.sorted)
	v.last = j.plan.Last
	if v.last <= 0 && n > 1 {
		v.last = (v.sorted[n-1] - v.sorted[0]) / time.Duration(n-1)
	}
	v.last = max(v.last, time.Millisecond)
	v.end = v.sorted[n-1] + v.last
	return v, nil
}

func readTimes(path string) (head segmentHead, times []time.Duration, err error) {
	r, err := openSegment(path)
	if err != nil {
		return head, nil, err
	}
	defer r.close()
	for {
		p, err := r.next()
		if err == io.EOF {
			return r.head, times, nil
		}
		if err != nil {
			return head, nil, err
		}
		times = append(times, p.time)
	}
}

// reordering is by how many places frames come later in the order of decoding than in that of showing, at most.
func reordering(times []time.Duration) (delay int) {
	sorted := slices.Sorted(slices.Values(times))
	for i, t := range times {
		rank, _ := slices.BinarySearch(sorted, t)
		delay = max(delay, i-rank)
	}
	return delay
}

// decoding is when frame i is decoded: these times rise and none lies behind the time of showing. They are made for the whole
// film, since those that encoders make for a segment may run into each other at the borders when the frame rate varies. The
// first lies as long before the first frame as the last before the last, so that all frames together take as long to decode
// as to show: MP4 has one length for both.
func (v *joined) decoding(i int) time.Duration {
	if i >= v.delay {
		return v.sorted[i-v.delay]
	}
	n, ahead := len(v.sorted), time.Duration(v.delay)*40*time.Millisecond
	if v.delay < n {
		ahead = v.sorted[n-1] - v.sorted[n-1-v.delay]
	}
	return v.sorted[0] - ahead*time.Duration(v.delay-i)/time.Duration(v.delay)
}

// duration is how long frame i, of a time, is shown: until the next. MP4 takes that of the last in the order of decoding for the film's last.
func (v *joined) duration(i int, t time.Duration) time.Duration {
	at, _ := slices.BinarySearch(v.sorted, t)
	if at+1 == len(v.sorted) || i+1 == len(v.sorted) {
		return v.last
	}
	return v.sorted[at+1] - v.sorted[at]
}
