package film

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/app"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/film/stills"
)

// decode makes RGB frames with square pixels of what file names, no faster than they are taken.
const decode = "filesrc name=file ! decodebin ! videoconvert ! videoscale ! " +
	"video/x-raw,format=RGB,pixel-aspect-ratio=1/1 ! appsink name=frames sync=false enable-last-sample=false max-buffers=2"

// Read decodes the first frames of a film, at most n, each as Frames gives it. Errors: those of Frames, and
// a film of fewer than 2 frames.
func Read(ctx context.Context, path string, size, n int) ([]*model.Image, error) {
	var frames []*model.Image
	for frame, err := range Frames(ctx, path, size) {
		if err != nil {
			return nil, err
		}
		if frames = append(frames, frame); len(frames) == n {
			break
		}
	}
	if len(frames) < 2 {
		return nil, fmt.Errorf("film %q has %d frames, wanted at least 2", path, len(frames))
	}
	return frames, nil
}

// Frames decodes a film frame by frame while they are taken, each in RGB and reduced so that its short side has size pixels, or as it is
// where it is no longer, and with size 0. The frames belong to the caller. An error is the last that comes: ctx's cause, what Check says, a sentence of
// GStreamer's, or ErrStalled where the decoder gives nothing for DecodeLimit.
func Frames(ctx context.Context, path string, size int) iter.Seq2[*model.Image, error] {
	return func(yield func(*model.Image, error) bool) {
		if f, err := stills.Open(path); err == nil && len(f.Times) > 1 { // GStreamer's readers of these do not end
			animated(ctx, f, size, yield)
			return
		}
		r, err := open(decode, path, DecodeLimit)
		if err != nil {
			yield(nil, err)
			return
		}
		defer r.Close()
		for {
			frame, err := r.next(ctx)
			if err == io.EOF {
				return
			}
			if err == nil && size > 0 && min(frame.Width, frame.Height) > size {
				frame = picture.ShortSide(frame, size)
			}
			if !yield(frame, err) || err != nil {
				return
			}
		}
	}
}

// animated gives the frames of an animated picture, on white where it is transparent.
func animated(ctx context.Context, f *stills.Film, size int, yield func(*model.Image, error) bool) {
	r, err := f.Open(0)
	if err != nil {
		yield(nil, fmt.Errorf("film %w", err))
		return
	}
	defer r.Close()
	for {
		data, err := r.Next()
		switch {
		case err == io.EOF:
			return
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		frame := &model.Image{Format: model.RGBA, Width: f.Width, Height: f.Height}
		frame.Planes[0] = model.Plane{Data: data, Stride: 4 * f.Width}
		frame = picture.OnWhite(frame)
		if size > 0 && min(frame.Width, frame.Height) > size {
			frame = picture.ShortSide(frame, size)
		}
		if !yield(frame, nil) {
			return
		}
	}
}

// reader is a film that is being decoded.
type reader struct {
	*Pipeline
	sink *app.Sink
	path string
}

// open starts a description like decode.
func open(description, path string, limit time.Duration) (*reader, error) {
	if err := Check(path); err != nil {
		return nil, err
	}
	p, err := Open(description, path, limit)
	if err != nil {
		return nil, fmt.Errorf("film %q: %w", path, err)
	}
	sink, err := p.Element("frames")
	if err == nil {
		err = p.Start()
	}
	r := &reader{Pipeline: p, sink: app.SinkFromElement(sink), path: path}
	if err != nil {
		p.Close()
		return nil, r.failed(err)
	}
	return r, nil
}

// next waits for a frame; io.EOF is the film's end.
func (r *reader) next(ctx context.Context) (*model.Image, error) {
	for begun := time.Now(); ; {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if sample := r.sink.TryPullSample(gst.ClockTime(100 * time.Millisecond)); sample != nil {
			frame, err := takeFrame(sample)
			if err != nil {
				return nil, fmt.Errorf("film %q: %w", r.path, err)
			}
			return frame, nil
		}
		// A demuxer that fails may end the stream too.
		ended := r.sink.IsEOS()
		if err := r.Posted(); err != nil {
			return nil, r.failed(err)
		}
		if ended {
			return nil, io.EOF
		}
		if err := r.Stalled(begun); err != nil {
			return nil, fmt.Errorf("film %w", err)
		}
	}
}

// failed is the sentence for an error of the pipeline.
func (r *reader) failed(err error) error {
	return fmt.Errorf("film %q cannot be decoded: %w", r.path, Plain(err))
}
