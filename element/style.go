package element

import (
	"errors"
	"os"
	"slices"
	"time"

	"adainfilter/model"
	"adainfilter/picture/style"
)

// loader turns settings into statistics. It is used by one thread at a time.
type loader struct {
	engines model.Engines
	weights *model.Weights
	device  model.Device // that of the engine for the frames
	last    []loaded     // what the last load needed, so that a change of style-weights reads no picture
	mask    cachedMask   // that of the last load, so that a change of style keeps the regions
}

// loaded are the statistics of a file at a style-size.
type loaded struct {
	path     string
	size     int
	modified time.Time
	bytes    int64
	stats    model.Stats
}

// load is what s asks for. threads are those of the engine that encodes pictures.
func (l *loader) load(s settings, threads int) (*scene, error) {
	if s.mask != "" {
		return l.masked(s, threads)
	}
	whole, err := l.style(s, threads)
	if err != nil {
		return nil, err
	}
	l.mask = cachedMask{}
	return &scene{style: whole, transition: s.transition}, nil
}

// style is the one of a frame without mask.
func (l *loader) style(s settings, threads int) (*model.Style, error) {
	if s.statistics != nil {
		if s.statistics.Network == "" {
			s.statistics.Network = l.weights.Network
		}
		if err := s.statistics.Fits(l.weights); err != nil {
			return nil, failure{settingsKind, err}
		}
		return s.statistics, nil
	}
	all, err := l.each(s, style.Split(s.style), threads)
	if err != nil {
		return nil, err
	}
	mixed, err := model.Mix(all, s.styleWeights)
	if err != nil {
		return nil, failure{settingsKind, err}
	}
	return l.named(s.style, mixed), nil
}

func (l *loader) named(name string, stats model.Stats) *model.Style {
	return &model.Style{Name: name, Network: l.weights.Network, Encoder: l.weights.EncoderID(), Stats: stats}
}

// each are the statistics of styles.
func (l *loader) each(s settings, names []string, threads int) ([]model.Stats, error) {
	s.options.Device, s.options.Threads = l.device, threads
	encoder := &encoder{engines: l.engines, weights: l.weights, options: s.options}
	defer encoder.close()
	var used []loaded
	var all []model.Stats
	for _, name := range names {
		stats, err := l.one(name, s.styleSize, encoder, &used)
		if err != nil {
			return nil, styleFailure(err)
		}
		all = append(all, stats)
	}
	l.last = used
	return all, nil
}

// one is a single style. A picture that has not changed since it was last needed is not read again.
func (l *loader) one(name string, size int, e *encoder, used *[]loaded) (model.Stats, error) {
	key := loaded{path: name, size: size}
	info, err := os.Stat(name)
	cached := err == nil && style.KindOf(name) == style.Picture // what is wrong with a file is said when it is loaded
	if cached {
		key.modified, key.bytes = info.ModTime(), info.Size()
		for _, old := range slices.Concat(l.last, *used) {
			if old.path == key.path && old.size == key.size && old.modified.Equal(key.modified) && old.bytes == key.bytes {
				*used = append(*used, old)
				return old.stats, nil
			}
		}
	}
	s, err := style.Load(name, size, e)
	if err != nil {
		return model.Stats{}, err
	}
	if key.stats = s.Stats; cached {
		*used = append(*used, key)
	}
	return s.Stats, nil
}

// styleFailure is err, met while a style was loaded, with the kind that fits it.
func styleFailure(err error) error {
	var unfit style.UnfitError
	if errors.As(err, &unfit) {
		return failure{settingsKind, err}
	}
	return fileFailure(err)
}

// encoder computes statistics of pictures with an engine of its own: the one that does the frames is busy with them. The
// engine is opened for the first picture and closed when the styles are loaded, so that it holds no memory in between.
type encoder struct {
	engines model.Engines
	weights *model.Weights
	options model.Options
	engine  model.Engine
}

// Weights are those of the frames' engine.
func (e *encoder) Weights() *model.Weights { return e.weights }

// Statistics are those of an RGB picture.
func (e *encoder) Statistics(img *model.Image) (model.Stats, error) {
	if e.engine == nil {
		if e.options.Device == model.CPU {
			e.options.Precision = model.Float32 // a style must not depend on what the frames are computed with
		}
		var err error
		if e.engine, err = e.engines.Open(e.weights, e.options); err != nil {
			return model.Stats{}, failure{initKind, err}
		}
	}
	return e.engine.Statistics(img)
}

func (e *encoder) close() {
	if e.engine != nil {
		e.engine.Close()
	}
}
