package cuda

import (
	"os"
	"strings"
	"testing"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/emu"
	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// kept is a picture in GPU memory until the test ends.
func kept(t *testing.T, e *Engine, m *model.Image) *model.Image {
	t.Helper()
	p, free := onGPU(t, e, m)
	t.Cleanup(free)
	return p
}

// neighbours are what stands on both sides of an engine: streams on which contents are brought and results are taken away.
type neighbours struct {
	t       *testing.T
	e       *Engine
	streams [2]cu.Stream
}

func newNeighbours(t *testing.T, e *Engine, own bool) *neighbours {
	n := &neighbours{t: t, e: e, streams: [2]cu.Stream{e.stream, e.stream}}
	if own {
		return n
	}
	n.do(func() error {
		for i := range n.streams {
			var err error
			if n.streams[i], err = cu.MakeStream(cu.NonBlocking); err != nil {
				return err
			}
		}
		return nil
	})
	t.Cleanup(func() {
		for _, s := range n.streams {
			n.do(s.Destroy)
		}
	})
	return n
}

func (n *neighbours) do(f func() error) {
	n.t.Helper()
	if err := n.e.device.enter(); err != nil {
		n.t.Fatal(err)
	}
	defer n.e.device.leave()
	if err := f(); err != nil {
		n.t.Fatal(err)
	}
}

// copy orders a copy of a whole picture.
func (n *neighbours) copy(to, from *model.Image, stream int) {
	n.t.Helper()
	_, bytes := placed(to, 0)
	n.do(func() error {
		return cu.MemcpyDtoDAsync(cu.DevicePtr(to.Planes[0].Device), cu.DevicePtr(from.Planes[0].Device), int64(bytes), n.streams[stream])
	})
}

func (n *neighbours) handles() model.Streams {
	return model.Streams{Content: driver.Handle(n.streams[0]), Result: driver.Handle(n.streams[1])}
}

// TestAhead orders frames between neighbours that use the same two buffers for each of them and wait for nothing, on a GPU that does nothing
// before it must. Each result must be what Stylize gives, though styles, masks and sizes change on the way.
func TestAhead(t *testing.T) {
	emulated(t, func(t *testing.T) {
		for _, own := range []bool{true, false} {
			e := open(t, modeltest.Widths, model.Options{DeviceID: -1})
			n := newNeighbours(t, e, own)
			channels := modeltest.Widths[3]
			src, dst := pair(model.NV12, 24, 16)
			content, result := kept(t, e, src), kept(t, e, src)
			type frame struct {
				s                    model.Stylization
				want, content, saved *model.Image
			}
			var frames []frame
			for i := range 6 {
				s := model.Stylization{Style: modeltest.RandomStats(uint64(2+i), channels), Alpha: 1, Smoothing: 0.5}
				if i == 4 {
					s.Mask = halves(channels)
				}
				modeltest.Fill(src, uint64(i))
				if err := e.Stylize(dst, src, &s); err != nil {
					t.Fatal(err)
				}
				frames = append(frames, frame{s: s, want: model.NewImage(model.NV12, 24, 16)})
				for k := range dst.Planes {
					copy(frames[i].want.Planes[k].Data, dst.Planes[k].Data)
				}
			}
			frames[0].s.Discontinuity = true
			// Memory for all frames, before the GPU becomes lazy.
			for i := range frames {
				modeltest.Fill(src, uint64(i))
				frames[i].content, frames[i].saved = kept(t, e, src), kept(t, e, src)
			}
			t.Setenv("EMU_LAZY", "1")
			for i := range frames {
				n.copy(content, frames[i].content, 0)
				if err := e.StylizeAhead(result, content, &frames[i].s, n.handles()); err != nil {
					t.Fatal(err)
				}
				n.copy(frames[i].saved, result, 1)
			}
			n.do(n.streams[1].Synchronize)
			n.do(n.streams[0].Synchronize)
			os.Setenv("EMU_LAZY", "0")
			for i, f := range frames {
				if err := modeltest.CheckPicture(toHost(t, e, f.saved), f.want, modeltest.Tolerance{}); err != nil {
					t.Errorf("own stream %v, frame %d: %v", own, i, err)
				}
			}
		}
	})
}

// TestNoHostWait demands that frames that go on as before wait for nothing but the last but one of them.
func TestNoHostWait(t *testing.T) {
	emulated(t, func(t *testing.T) {
		t.Setenv("EMU_IDLE", "1")
		e := open(t, modeltest.Widths, model.Options{DeviceID: -1})
		src, _ := pair(model.NV12, 24, 16)
		content, result := kept(t, e, src), kept(t, e, src)
		n := newNeighbours(t, e, false)
		s := model.Stylization{Style: modeltest.RandomStats(2, modeltest.Widths[3]), Alpha: 1}
		for i := range 6 {
			if i == 1 {
				emu.Reset()
			}
			if err := e.StylizeAhead(result, content, &s, n.handles()); err != nil {
				t.Fatal(err)
			}
		}
		calls := emu.Calls()
		if calls["cuStreamSynchronize"] != 0 || calls["cuEventSynchronize"] != 4 || calls["cuGraphLaunch"] != 5 {
			t.Errorf("calls for five frames: %v", calls)
		}
		if err := e.StylizeAhead(src, content, &s, n.handles()); err == nil || !strings.Contains(err.Error(), "host's memory") {
			t.Errorf("a result in host memory: %v", err)
		}
	})
}

// TestStreamOfOptions demands that an engine works on the stream that it is given, and leaves it.
func TestStreamOfOptions(t *testing.T) {
	emulated(t, func(t *testing.T) {
		context := newContext(t, 0)
		t.Cleanup(func() { _ = emu.DestroyContext(context) })
		first := open(t, modeltest.Widths, model.Options{DeviceID: -1, Context: context})
		n := newNeighbours(t, first, false)
		streams := emu.Live().Streams
		e, err := Open(first.Weights(), model.Options{DeviceID: -1, Context: context, Stream: n.handles().Content})
		if err != nil {
			t.Fatal(err)
		}
		src, dst := pair(model.RGB, 16, 16)
		if err := e.Stylize(dst, src, &model.Stylization{Style: modeltest.RandomStats(2, modeltest.Widths[3]), Alpha: 1}); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if now := emu.Live().Streams; now != streams {
			t.Errorf("%d streams, wanted %d as before", now, streams)
		}
	})
}
