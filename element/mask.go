package element

import (
	"errors"
	"fmt"
	"os"
	"time"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/picture/style"
)

// cachedMask is a mask as it was in a file. Its samples do not change: engines keep what they prepare from them.
type cachedMask struct {
	path     string
	modified time.Time
	bytes    int64
	mask     model.Mask // without Second
}

// masked is what s asks for with a mask: its two styles by region.
func (l *loader) masked(s settings, threads int) (*scene, error) {
	if s.statistics != nil {
		return nil, failure{settingsKind, errors.New(
			"style-statistics is one style and a mask needs two: remove the mask first, or set style to two names")}
	}
	names := style.Split(s.style)
	if len(names) != 2 {
		return nil, failure{settingsKind, fmt.Errorf("mask %q needs two styles, for white and for black, but style %q has %d: "+
			"separate two names by a comma, or remove the mask", s.mask, s.style, len(names))}
	}
	cached, err := l.mask.read(s.mask)
	if err != nil {
		return nil, fileFailure(fmt.Errorf("mask: %w", err))
	}
	styles, err := l.each(s, names, threads)
	if err != nil {
		return nil, err
	}
	l.mask = cached
	mask := cached.mask
	mask.Second = styles[1]
	return &scene{style: l.named(s.style, styles[0]), mask: &mask, transition: s.transition}, nil
}

// read is c where the file has not changed, else the mask in the file.
func (c cachedMask) read(path string) (cachedMask, error) {
	if info, err := os.Stat(path); err == nil { // what is wrong with a file is said when it is read
		if c.path == path && c.modified.Equal(info.ModTime()) && c.bytes == info.Size() {
			return c, nil
		}
		c = cachedMask{path: path, modified: info.ModTime(), bytes: info.Size()}
	}
	mask, err := picture.ReadMask(path, picture.Limit{})
	if err != nil {
		return c, err
	}
	c.mask = mask
	return c, nil
}
