package transcode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/app"
)

// origin is the timestamp of the film's beginning inside the joining pipeline, as GStreamer's encoders have it: decoding times may lie
// before the beginning, timestamps may not be negative.
const origin = 1000 * time.Hour

// joined is the video of all segments, as it goes into the container.
type joined struct {
	paths  []string
	caps   string
	times  []time.Duration // of the frames, in the order of decoding
	dts    []time.Duration
	sorted []time.Duration // times in the order of showing
	end    time.Duration   // of the last frame
	last   time.Duration   // how long it is shown
}

// join puts the segments behind each other, without coding them again, adds the film's other streams, verifies the result, and
// gives it its name.
func (f *film) join(ctx context.Context) error {
	v, err := f.readSegments()
	if err != nil {
		return err
	}
	part := f.folder.file("joined.part")
	defer os.Remove(part)
	out := f.base + f.plan.End
	if same, err := sameFile(out, f.path); err != nil || same {
		return errors.Join(err, fmt.Errorf("the output %q would take the film's place", out))
	}
	m, err := f.mux(ctx, v, part)
	if err != nil {
		return err
	}
	if f.plan.Muxer == "mp4" || f.plan.Muxer == "mov" {
		if err := m.patch(part); err != nil {
			return err
		}
	}
	if err := f.verify(ctx, v, m, part); err != nil {
		return err
	}
	file, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(part, out); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(out)); err != nil {
		return err
	}
	f.result.Output, f.result.Frames, f.result.Length = out, len(v.times), v.end.Seconds()
	return f.folder.remove()
}

func sameFile(a, b string) (bool, error) {
	x, err := os.Stat(a)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y), err
}

// readSegments checks all segments and finds the times of their frames. A damaged segment is removed, so that the next run makes
// it anew.
func (f *film) readSegments() (*joined, error) {
	v := &joined{}
	delay := 0
	promised := 0
	for i, s := range f.plan.Segments {
		path := f.folder.file(segmentName(i))
		head, times, err := readTimes(path)
		if errors.Is(err, errDamaged) {
			os.Remove(path)
			return nil, fmt.Errorf("segment %d of %d is damaged and was removed: run again", i+1, len(f.plan.Segments))
		} else if err != nil {
			return nil, err
		}
		promised += s.Frames
		v.paths = append(v.paths, path)
		if len(times) == 0 {
			continue
		}
		if v.caps == "" {
			v.caps = head.Caps
		} else if field(v.caps, "codec_data") != field(head.Caps, "codec_data") {
			return nil, fmt.Errorf("segment %d of %d is coded otherwise than the first, so they cannot be joined: --overwrite or --segment 0", i+1, len(f.plan.Segments))
		}
		delay = max(delay, reordering(times))
		v.times = append(v.times, times...)
	}
	if len(v.times) == 0 {
		return nil, errors.New("none of its frames could be decoded")
	}
	if promised > len(v.times) && !f.plan.Facts.Interlaced {
		f.warn(fmt.Sprintf("%d of its %d frames could not be decoded and are missing", promised-len(v.times), promised))
	}
	for i := range v.times {
		v.times[i] -= f.plan.From.Begin
	}
	v.sorted = slices.Sorted(slices.Values(v.times))
	v.dts = decodingTimes(v.sorted, delay)
	n := len(v.sorted)
	v.last = f.plan.Last
	if v.last <= 0 && n > 1 {
		v.last = (v.sorted[n-1] - v.sorted[0]) / time.Duration(n-1)
	}
	v.last = max(v.last, time.Millisecond)
	v.end = v.sorted[n-1] + v.last
	return v, nil
}

// field is a field of caps as it is written there.
func field(caps, name string) string {
	_, after, ok := strings.Cut(caps, name+"=")
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(after, ",")
	return strings.TrimSuffix(value, ";")
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

// decodingTimes are the times of decoding: they rise and none lies behind the time of showing. They are made for the whole film, since
// those that encoders make for a segment may run into each other at the borders when the frame rate varies. The first lies as long before
// the first frame as the last before the last, so that all frames together take as long to decode as to show: MP4 has one length for both.
func decodingTimes(sorted []time.Duration, delay int) []time.Duration {
	n := len(sorted)
	ahead := time.Duration(delay) * 40 * time.Millisecond
	if delay < n {
		ahead = sorted[n-1] - sorted[n-1-delay]
	}
	dts := make([]time.Duration, n)
	for i := range dts {
		if i < delay {
			dts[i] = sorted[0] - ahead*time.Duration(delay-i)/time.Duration(delay)
		} else {
			dts[i] = sorted[i-delay]
		}
	}
	return dts
}

// duration is how long frame i is shown: until the next. MP4 takes that of the last in the order of decoding for the film's last.
func (v *joined) duration(i int) time.Duration {
	at, _ := slices.BinarySearch(v.sorted, v.times[i])
	if at+1 == len(v.sorted) || i+1 == len(v.times) {
		return v.last
	}
	return v.sorted[at+1] - v.sorted[at]
}

// muxing is the pipeline that writes the output.
type muxing struct {
	*graph
	film   *film
	video  *joined
	abort  chan error
	begin  chan struct{} // closed when all streams are there
	once   sync.Once
	lock   sync.Mutex
	copies []*copied
	number int // of the next stream of the film
	turned string
}

func (f *film) mux(ctx context.Context, v *joined, part string) (*muxing, error) {
	g, err := newPipeline(fmt.Sprintf("filesrc name=file ! parsebin name=streams  appsrc name=video format=time block=true max-bytes=16777216  "+
		"%s name=muxer ! filesink name=out", muxers[f.plan.Muxer]))
	if err != nil {
		return nil, err
	}
	m := &muxing{graph: g, film: f, video: v, abort: make(chan error, 4), begin: make(chan struct{})}
	defer m.stop()
	if f.plan.Facts.Damaged != "" {
		m.patience = 24 * time.Hour // reading fails early, writing goes on
	}
	if err := m.build(part); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		m.feed(ended)
	}()
	err = m.play(ctx, m.abort)
	close(ended)
	m.stop() // wakes the feeding goroutine
	<-fed
	if err != nil && f.plan.Facts.Damaged != "" && ctx.Err() == nil {
		err = nil // what was written is verified
	}
	return m, err
}

func (m *muxing) build(part string) error {
	if err := m.setFile(m.film.path); err != nil {
		return err
	}
	out, err := m.element("out")
	if err != nil {
		return err
	}
	if err := out.SetProperty("location", part); err != nil {
		return err
	}
	muxer, err := m.element("muxer")
	if err != nil {
		return err
	}
	video, err := m.element("video")
	if err != nil {
		return err
	}
	src, pad := video.GetStaticPad("src"), muxer.GetRequestPad("video_%u")
	if pad == nil {
		return fmt.Errorf("%s takes no video", m.film.plan.Muxer)
	}
	if m.film.plan.Facts.Variable && (m.film.plan.Muxer == "mp4" || m.film.plan.Muxer == "mov") {
		// The usual scale of film and of broadcasting; without a rate the muxer would take one that does not hold all times.
		if err := pad.SetProperty("trak-timescale", uint(90000)); err != nil {
			return err
		}
	}
	if r := src.Link(pad); r != gst.PadLinkOK {
		return fmt.Errorf("%s does not take the video: %v", m.film.plan.Muxer, r)
	}
	src.SetOffset(-int64(origin))
	caps := gst.NewCapsFromString(m.video.caps)
	app.SrcFromElement(video).SetCaps(caps)
	runtime.KeepAlive(caps)
	streams, err := m.element("streams")
	if err != nil {
		return err
	}
	_, err = streams.Connect("pad-added", func(_ *gst.Element, pad *gst.Pad) {
		if err := m.add(muxer, pad); err != nil {
			m.fail(err)
		}
	})
	return err
}

func (m *muxing) fail(err error) {
	select {
	case m.abort <- err:
	default:
	}
}

// feed gives the coded frames to the muxer.
func (m *muxing) feed(ended <-chan struct{}) {
	select {
	case <-m.begin:
	case <-ended:
		return
	case <-time.After(probeLimit):
		m.fail(fmt.Errorf("GStreamer has not found the film's streams within %v", probeLimit))
		return
	}
	e, err := m.element("video")
	if err != nil {
		m.fail(err)
		return
	}
	video := app.SrcFromElement(e)
	i := 0
	for _, path := range m.video.paths {
		r, err := openSegment(path)
		if err != nil {
			m.fail(err)
			return
		}
		for {
			p, err := r.next()
			if err == io.EOF {
				break
			}
			if err == nil && i >= len(m.video.dts) {
				err = errDamaged
			}
			if err != nil {
				r.close()
				m.fail(err)
				return
			}
			p.duration = m.video.duration(i)
			if push(video, p, m.video.times[i], m.video.dts[i]) != gst.FlowOK {
				r.close()
				return // the pipeline says why
			}
			m.moved.Add(1)
			i++
		}
		r.close()
	}
	video.EndStream()
}

// push gives one coded frame to the muxer. It is freed here: the garbage collector does not see how large it is.
func push(video *app.Source, p packet, pts, dts time.Duration) gst.FlowReturn {
	b := gst.NewBufferFromBytes(p.data)
	runtime.SetFinalizer(b, nil)
	defer b.Unref()
	b.SetPresentationTimestamp(gst.ClockTime(origin + pts))
	setDTS(b, origin+dts)
	b.SetDuration(gst.ClockTime(p.duration))
	if !p.key {
		b.SetFlags(gst.BufferFlagDeltaUnit)
	}
	return video.PushBuffer(b)
}

// setDTS sets the decoding timestamp, for which the bindings have no function: the field's place is that of C's own structure.
func setDTS(b *gst.Buffer, t time.Duration) {
	raw := b.Instance()
	field, _ := reflect.TypeOf(raw).Elem().FieldByName("dts")
	*(*uint64)(unsafe.Add(unsafe.Pointer(raw), field.Offset)) = uint64(t)
}
