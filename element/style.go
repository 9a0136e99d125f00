package element

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"adainfilter/model"
	"adainfilter/picture"
)

// maxStylePixels bounds a style picture as the encoder sees it, and with it the memory that the encoder takes.
const maxStylePixels = 4096 * 4096

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
	style, err := l.style(s, threads)
	if err != nil {
		return nil, err
	}
	l.mask = cachedMask{}
	return &scene{style: style, transition: s.transition}, nil
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
	all, err := l.each(s, styleNames(s.style), threads)
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
			return nil, err
		}
		all = append(all, stats)
	}
	l.last = used
	return all, nil
}

// one is a single style: a built-in name first, then a file.
func (l *loader) one(name string, size int, e *encoder, used *[]loaded) (model.Stats, error) {
	if builtin := strings.TrimSpace(name); slices.Contains(model.BuiltinStyles(), builtin) {
		style, err := model.BuiltinStyle(builtin)
		return l.fitting(style, err)
	}
	if name == "" {
		return model.Stats{}, failure{settingsKind, errors.New("style is empty, wanted a built-in name, a picture file or a style file")}
	}
	info, err := os.Stat(name)
	if errors.Is(err, os.ErrNotExist) {
		return model.Stats{}, failure{notFoundKind, fmt.Errorf("style %q is neither a file nor a built-in style, which are %s: %w",
			name, strings.Join(model.BuiltinStyles(), ", "), err)}
	}
	if err != nil {
		return model.Stats{}, fileFailure(fmt.Errorf("style %q: %w", name, err))
	}
	if strings.EqualFold(filepath.Ext(name), ".safetensors") {
		style, err := model.LoadStyle(name)
		return l.fitting(style, err)
	}
	key := loaded{path: name, size: size, modified: info.ModTime(), bytes: info.Size()}
	for _, old := range slices.Concat(l.last, *used) {
		if old.path == key.path && old.size == key.size && old.modified.Equal(key.modified) && old.bytes == key.bytes {
			*used = append(*used, old)
			return old.stats, nil
		}
	}
	if key.stats, err = e.picture(name, size); err != nil {
		return model.Stats{}, fileFailure(err)
	}
	*used = append(*used, key)
	return key.stats, nil
}

func (l *loader) fitting(style *model.Style, err error) (model.Stats, error) {
	if err != nil {
		return model.Stats{}, fileFailure(err)
	}
	if err := style.Fits(l.weights); err != nil {
		return model.Stats{}, failure{settingsKind, err}
	}
	return style.Stats, nil
}

// encoder computes statistics of pictures with an engine of its own: the one that does the frames is busy with them. The
// engine is opened for the first picture and closed when the styles are loaded, so that it holds no memory in between.
type encoder struct {
	engines model.Engines
	weights *model.Weights
	options model.Options
	engine  model.Engine
}

// picture reads a picture file with its short side scaled to size pixels (0 keeps) and returns its statistics.
func (e *encoder) picture(path string, size int) (model.Stats, error) {
	img, err := picture.ReadStyle(path, size, picture.Limit{})
	if err != nil {
		return model.Stats{}, fmt.Errorf("style: %w", err)
	}
	if img.Width > maxStylePixels/img.Height {
		return model.Stats{}, fmt.Errorf("style: picture %q has %dx%d pixels with style-size %d, wanted at most %d million: choose a smaller style-size",
			path, img.Width, img.Height, size, maxStylePixels>>20)
	}
	if e.engine == nil {
		if e.options.Device == model.CPU {
			e.options.Precision = model.Float32 // a style must not depend on what the frames are computed with
		}
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

// styleNames are the names in the property style. A file whose whole name it is counts as one: shells and gst-launch take
// backslashes away.
func styleNames(list string) []string {
	if _, err := os.Stat(list); err == nil {
		return []string{list}
	}
	return splitStyles(list)
}

// splitStyles takes the property style apart at its commas; a backslash takes the meaning from a comma or backslash that
// follows and is an ordinary letter otherwise.
func splitStyles(list string) []string {
	var names []string
	var name strings.Builder
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '\\' && i+1 < len(list) && (list[i+1] == ',' || list[i+1] == '\\'):
			i++
			name.WriteByte(list[i])
		case c == ',':
			names = append(names, name.String())
			name.Reset()
		default:
			name.WriteByte(c)
		}
	}
	return append(names, name.String())
}
