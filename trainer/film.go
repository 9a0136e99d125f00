package main

import (
	"context"
	"errors"
	"fmt"
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
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("film: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("film %q is a folder, a pipe or a device, wanted a file", path)
	}
	initGStreamer()
	pipeline, err := gst.NewPipelineFromString(decodePipeline)
	if err != nil {
		return nil, fmt.Errorf("film %q: GStreamer lacks an element: %w", path, err)
	}
	defer pipeline.SetState(gst.StateNull)
	frames, err := pullFilm(ctx, pipeline, path, size, n)
	if err != nil {
		return nil, err
	}
	if len(frames) < 2 {
		return nil, fmt.Errorf("film %q has %d frames, wanted at least 2", path, len(frames))
	}
	return frames, nil
}

func pullFilm(ctx context.Context, pipeline *gst.Pipeline, path string, size, n int) ([]*model.Image, error) {
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
	appsink := app.SinkFromElement(sink)
	if err := pipeline.SetState(gst.StatePlaying); err != nil {
		return nil, filmError(pipeline, path)
	}
	var frames []*model.Image
	for len(frames) < n {
		if err := interrupted(ctx); err != nil {
			return nil, err
		}
		sample := appsink.TryPullSample(gst.ClockTime(100 * time.Millisecond))
		if sample != nil {
			frame, err := frameOf(sample)
			if err != nil {
				return nil, fmt.Errorf("film %q: %w", path, err)
			}
			frames = append(frames, picture.ShortSide(frame, size))
			continue
		}
		if appsink.IsEOS() {
			return frames, nil
		}
		if err := filmError(pipeline, path); err != nil {
			return nil, err
		}
	}
	return frames, nil
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
