package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/app"

	"adainfilter/model"
	"adainfilter/picture"
)

var initGStreamer = sync.OnceFunc(func() { gst.Init(nil) })

// decodePipeline makes RGB frames with square pixels of what "source" names, no faster than they are taken.
const decodePipeline = "filesrc name=source ! decodebin ! videoconvert ! videoscale ! " +
	"video/x-raw,format=RGB,pixel-aspect-ratio=1/1 ! appsink name=frames sync=false max-buffers=2"

// readFilm decodes the first frames of a film, at most n, each scaled so that its short side has size pixels.
func readFilm(ctx context.Context, path string, size, n int) ([]*model.Image, error) {
	var frames []*model.Image
	for frame, err := range filmFrames(ctx, path, size) {
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

// filmFrames decodes a film frame by frame while they are taken, each scaled so that its short side has size pixels, or as it is with
// size 0. The frames belong to the caller. An error is the last that comes.
func filmFrames(ctx context.Context, path string, size int) iter.Seq2[*model.Image, error] {
	return func(yield func(*model.Image, error) bool) {
		pipeline, sink, err := openFilm(path)
		if err != nil {
			yield(nil, err)
			return
		}
		defer pipeline.SetState(gst.StateNull)
		for {
			frame, err := nextFrame(ctx, pipeline, sink, path)
			if err == io.EOF {
				return
			}
			if err == nil && size > 0 {
				frame = picture.ShortSide(frame, size)
			}
			if !yield(frame, err) || err != nil {
				return
			}
		}
	}
}

// checkFilm reports a path at which there is no file.
func checkFilm(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("film: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("film %q is a folder, a pipe or a device, wanted a file", path)
	}
	return nil
}

// openFilm starts to decode. The pipeline must be set to NULL in the end.
func openFilm(path string) (*gst.Pipeline, *app.Sink, error) {
	if err := checkFilm(path); err != nil {
		return nil, nil, err
	}
	initGStreamer()
	pipeline, err := gst.NewPipelineFromString(decodePipeline)
	if err != nil {
		return nil, nil, fmt.Errorf("film %q: GStreamer lacks an element: %w", path, err)
	}
	sink, err := startFilm(pipeline, path)
	if err != nil {
		pipeline.SetState(gst.StateNull)
		return nil, nil, err
	}
	return pipeline, sink, nil
}

func startFilm(pipeline *gst.Pipeline, path string) (*app.Sink, error) {
	source, err := pipeline.GetElementByName("source")
	if err != nil {
		return nil, err
	}
	if err := source.SetProperty("location", path); err != nil {
		return nil, err
	}
	sink, err := pipeline.GetElementByName("frames")
	if err != nil {
		return nil, err
	}
	if err := pipeline.SetState(gst.StatePlaying); err != nil {
		return nil, cmp.Or(filmError(pipeline, path), fmt.Errorf("film %q cannot be decoded: %w", path, err))
	}
	return app.SinkFromElement(sink), nil
}

// nextFrame waits for a frame; io.EOF is the film's end.
func nextFrame(ctx context.Context, pipeline *gst.Pipeline, sink *app.Sink, path string) (*model.Image, error) {
	for {
		if err := interrupted(ctx); err != nil {
			return nil, err
		}
		if sample := sink.TryPullSample(gst.ClockTime(100 * time.Millisecond)); sample != nil {
			frame, err := frameOf(sample)
			if err != nil {
				return nil, fmt.Errorf("film %q: %w", path, err)
			}
			return frame, nil
		}
		// A demuxer that fails may end the stream too.
		ended := sink.IsEOS()
		if err := filmError(pipeline, path); err != nil {
			return nil, err
		}
		if ended {
			return nil, io.EOF
		}
	}
}

// filmError is the error that the pipeline has posted, nil if there is none.
func filmError(pipeline *gst.Pipeline, path string) error {
	message := pipeline.GetPipelineBus().PopFiltered(gst.MessageError)
	if message == nil {
		return nil
	}
	return fmt.Errorf("film %q cannot be decoded: %s", path, message.ParseError().Error())
}

// frameOf copies the RGB frame of a sample.
func frameOf(sample *gst.Sample) (*model.Image, error) {
	caps := sample.GetCaps()
	if caps == nil || caps.GetSize() == 0 {
		return nil, errors.New("a frame without a format")
	}
	width, err := caps.GetStructureAt(0).GetValue("width")
	if err != nil {
		return nil, err
	}
	height, err := caps.GetStructureAt(0).GetValue("height")
	if err != nil {
		return nil, err
	}
	w, _ := width.(int)
	h, _ := height.(int)
	data := sample.GetBuffer().Bytes()
	runtime.KeepAlive(sample) // whose finalizer would free the buffer
	// GStreamer's layout of RGB without further notice: rows begin at multiples of 4 bytes.
	stride := (3*w + 3) &^ 3
	if w < 1 || h < 1 || len(data) < stride*(h-1)+3*w {
		return nil, fmt.Errorf("a frame of %dx%d has %d bytes, wanted %d", w, h, len(data), stride*h)
	}
	frame := &model.Image{Format: model.RGB, Width: w, Height: h}
	frame.Planes[0] = model.Plane{Data: data, Stride: stride}
	return frame, nil
}
