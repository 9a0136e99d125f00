package transcode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/app"

	"adainfilter/trainer/container"
	"adainfilter/trainer/film"
)

// origin is the timestamp of the film's beginning inside the joining pipeline, as GStreamer's encoders have it: decoding
// times may lie before the beginning, timestamps may not be negative.
const origin = 1000 * time.Hour

// join puts the segments behind each other, without coding them again, adds the film's other streams, verifies the result, and
// leaves it as the job's base, on the disk; a folder of pictures takes its place at once.
func (j *job) join(ctx context.Context) error {
	v, err := j.wholeSegments(ctx)
	if err != nil {
		return err
	}
	part := j.folder.file("joined.part")
	defer os.Remove(part)
	out := j.base + j.plan.End
	if j.target != "" && j.input.Numbers == nil {
		switch same, err := sameFile(j.target+j.plan.End, j.original()); {
		case err != nil:
			return fmt.Errorf("is the output %q the film? %w", j.target+j.plan.End, err)
		case same:
			return fmt.Errorf("the output %q would take the film's place", j.target+j.plan.End)
		}
	}
	if _, picture := pictureKinds[j.plan.Muxer]; picture {
		if isFolder(j.plan.Muxer) {
			out = j.target
		}
		if err := j.joinPictures(ctx, v, out); err != nil {
			return err
		}
		j.done(v, out)
		return nil
	}
	m, err := j.mux(ctx, v, part)
	if err != nil {
		return err
	}
	j.rest()
	if editable(j.plan.Muxer) {
		if err := m.patch(part); err != nil {
			return err
		}
	}
	if j.plan.Carry {
		if err := j.carry(v, part); err != nil {
			return err
		}
	}
	if err := j.complete(v, m, part); err != nil {
		return err
	}
	if editable(j.plan.Muxer) { // the film's, so that its bits do not depend on when it was joined
		if err := container.SetCreated(part, container.Created(j.original()), !j.plan.Carry); err != nil {
			return err
		}
	}
	j.rest()
	if err := j.verify(ctx, v, m, part); err != nil {
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
	j.done(v, out)
	return nil
}

// done notes a result that is whole.
func (j *job) done(v *joined, out string) {
	j.result.Output, j.result.Frames, j.result.Length = out, len(v.sorted), v.end.Seconds()
}

// sameFile says whether two paths lead to one file; where the first leads to none they do not.
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

// muxing is the pipeline that writes the output.
type muxing struct {
	*film.Pipeline
	job    *job
	video  *joined
	abort  chan error
	begin  chan struct{} // closed when all streams are there
	once   sync.Once
	fed    atomic.Int64 // the time to which the muxer has been given the video, in nanoseconds; forever in the end
	seen   atomic.Int64 // what fed was when pace has looked
	stood  atomic.Int64 // where fed stood still, so that nothing waits for it
	flows  atomic.Bool  // the film's video, whose tags are there then
	wanted atomic.Int32 // streams that are still to come
	lock   sync.Mutex
	copies []*copied
	number int // of the next stream of the film
	turned string
	late   time.Duration // as plan.lateness
}

func (j *job) mux(ctx context.Context, v *joined, part string) (*muxing, error) {
	parts := "appsrc name=video format=time block=true max-bytes=16777216 max-buffers=512  " + muxers[j.plan.Muxer] + " name=muxer ! filesink name=out"
	open := film.NewPipeline
	if !j.plan.Carry && j.plan.Facts.Pictures == "" {
		parts, open = "filesrc name=file ! parsebin name=streams  "+parts, film.Open
	}
	path := j.film()
	if j.plan.edited() {
		path = j.folder.file("plain.part")
		defer os.Remove(path)
		if err := container.Plain(j.film(), path); err != nil {
			return nil, err
		}
	}
	g, err := open(parts, path, stall)
	if err != nil {
		return nil, err
	}
	m := &muxing{Pipeline: g, job: j, video: v, abort: make(chan error, 4), begin: make(chan struct{}), late: j.plan.lateness()}
	m.stood.Store(-1)
	for _, o := range j.plan.Facts.Others {
		if j.plan.copies(o) {
			m.wanted.Add(1)
		}
	}
	defer m.Close()
	if j.plan.Facts.Damaged != "" {
		m.Patience = 24 * time.Hour // reading fails early, writing goes on
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
	err = m.Run(ctx, m.abort)
	close(ended)
	if m.Close() { // which wakes the feeding goroutine
		<-fed
	}
	if err != nil && j.plan.Facts.Damaged != "" && ctx.Err() == nil && !errors.Is(err, film.ErrWriting) {
		err = nil // what was written is verified
	}
	return m, err
}

func (m *muxing) build(part string) error {
	out, err := m.Element("out")
	if err != nil {
		return err
	}
	if err := out.SetProperty("location", part); err != nil {
		return err
	}
	muxer, err := m.Element("muxer")
	if err != nil {
		return err
	}
	video, err := m.Element("video")
	if err != nil {
		return err
	}
	src, pad := video.GetStaticPad("src"), muxer.GetRequestPad("video_%u")
	if pad == nil {
		return fmt.Errorf("%s takes no video", m.job.plan.Muxer)
	}
	if m.job.plan.Facts.Variable && editable(m.job.plan.Muxer) {
		// The usual scale of film and of broadcasting; without a rate the muxer would take one that does not hold all times.
		if err := pad.SetProperty("trak-timescale", uint(90000)); err != nil {
			return err
		}
	}
	if r := src.Link(pad); r != gst.PadLinkOK {
		return fmt.Errorf("%s does not take the video: %v", m.job.plan.Muxer, r)
	}
	src.SetOffset(int64(m.late) - int64(origin))
	caps := gst.NewCapsFromString(m.video.head.Caps)
	app.SrcFromElement(video).SetCaps(caps)
	runtime.KeepAlive(caps)
	if m.job.plan.Carry {
		return m.alone(muxer)
	}
	if m.job.plan.Facts.Pictures != "" {
		m.once.Do(func() { close(m.begin) })
		return nil
	}
	streams, err := m.Element("streams")
	if err != nil {
		return err
	}
	return m.PadAdded(streams, func(pad *gst.Pad) {
		if err := m.add(muxer, pad); err != nil {
			m.fail(err)
		}
	})
}

// ready lets the joined video begin when the film's flows and all other streams have come. Demuxers of programme streams find one after
// the other; a muxer that has ended takes none any more.
func (m *muxing) ready() {
	if m.flows.Load() && m.wanted.Load() <= 0 {
		m.once.Do(func() { close(m.begin) })
	}
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
	e, err := m.Element("video")
	if err != nil {
		m.fail(err)
		return
	}
	video := app.SrcFromElement(e)
	err = m.video.each(func(i int, p packet) error {
		p.duration = m.video.duration(i, p.time)
		m.Moved()
		at := m.video.decoding(i)
		defer m.fed.Store(int64(at))
		return push(video, p, at)
	})
	m.fed.Store(int64(forever - ahead))
	switch {
	case err == nil:
		video.EndStream()
	case err != film.ErrStopped:
		m.fail(err)
	}
}

// push gives one coded frame to the muxer. It is freed here: the garbage collector does not see how large it is. ErrStopped says
// that the muxer takes no more.
func push(video *app.Source, p packet, dts time.Duration) error {
	b := gst.NewBufferFromBytes(p.data)
	runtime.SetFinalizer(b, nil)
	defer b.Unref()
	b.SetPresentationTimestamp(gst.ClockTime(origin + p.time))
	if err := setDTS(b, gst.ClockTime(origin+dts)); err != nil {
		return err
	}
	b.SetDuration(gst.ClockTime(p.duration))
	if !p.key {
		b.SetFlags(gst.BufferFlagDeltaUnit)
	}
	if video.PushBuffer(b) != gst.FlowOK {
		return film.ErrStopped // the pipeline says why
	}
	return nil
}
