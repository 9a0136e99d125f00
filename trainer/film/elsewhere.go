package film

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/app"
)

// Elsewhere is a film that is no file.
type Elsewhere interface {
	// ReadRange gives up to length bytes from an offset on, fewer only at the end, io.EOF behind it, and waits as long as it must.
	ReadRange(ctx context.Context, offset int64, length int) ([]byte, error)
}

// OpenElsewhere is NewPipeline for a film that is read by range. The element called file is an appsrc, which demuxers read as they read
// files: from where they like. failed is told of an error of f, by a thread of the pipeline. Reading ends with ctx: cancel it before Close.
func OpenElsewhere(ctx context.Context, description, source string, f Elsewhere, size int64, failed func(error), limit time.Duration) (*Pipeline, error) {
	p, err := NewPipeline(description, source, limit)
	if err != nil {
		return nil, err
	}
	e, err := p.Element("file")
	if err != nil {
		return nil, err
	}
	src := app.SrcFromElement(e)
	if src == nil {
		return nil, fmt.Errorf("element file of the pipeline %s is no appsrc", description)
	}
	src.SetStreamType(app.AppStreamTypeRandomAccess)
	src.SetSize(size)
	var at atomic.Int64
	current := &atomic.Pointer[Pipeline]{} // the bindings hold callbacks for ever, which must not hold the pipeline
	current.Store(p)
	p.released(func() { current.Store(nil) })
	src.SetCallbacks(&app.SourceCallbacks{
		SeekDataFunc: func(_ *app.Source, offset uint64) bool {
			at.Store(int64(offset))
			return true
		},
		NeedDataFunc: func(src *app.Source, length uint) {
			p := current.Load()
			if p == nil {
				return
			}
			data, err := p.await(func() ([]byte, error) { return f.ReadRange(ctx, at.Load(), wanted(length)) })
			if err != nil {
				if err != io.EOF {
					failed(err)
				}
				src.EndStream()
				return
			}
			at.Add(int64(len(data)))
			b := gst.NewBufferFromBytes(data)
			runtime.SetFinalizer(b, nil)
			defer b.Unref()
			src.PushBuffer(b)
		},
	})
	return p, nil
}

// wanted is how much to read where an element asks for so much, which may be as much as there is.
func wanted(length uint) int {
	if length == 0 || length > 64<<20 {
		return 64 << 10
	}
	return int(length)
}

// await keeps Run from taking a network that is waited for for a pipeline that hangs.
func (p *Pipeline) await(read func() ([]byte, error)) ([]byte, error) {
	p.awaited.Add(1)
	defer p.awaited.Add(-1)
	defer p.Moved() // before, or Run might see neither
	return read()
}
