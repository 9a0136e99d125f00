package stylize

import (
	"fmt"
	"slices"

	"adainfilter/model"
	"adainfilter/picture"
)

// sets are the styles of each result of a content: all together, or each alone.
func (j *Job) sets(styles []Style) [][]Style {
	switch {
	case !j.Together:
		return slices.Collect(slices.Chunk(styles, 1))
	case len(styles) < len(j.Styles): // what failed has been reported
		return nil
	}
	return [][]Style{styles}
}

// Results is how many results there are in all.
func (j *Job) Results() int {
	if j.Together {
		return len(j.Contents)
	}
	return len(j.Contents) * len(j.Styles)
}

// stats are the statistics of a set of styles for one content.
func (j *Job) stats(set []Style, content *model.Image) ([]model.Stats, error) {
	all := make([]model.Stats, len(set))
	for i, s := range set {
		all[i] = s.Stats
		if j.PreserveColor != Coral {
			continue
		}
		img, err := picture.ReadStyle(s.Path, j.StyleSize, picture.Limit{})
		if err != nil {
			return nil, err
		}
		if all[i], err = j.engine.Statistics(picture.MatchColors(img, picture.OnWhite(content))); err != nil {
			return nil, fmt.Errorf("style %q: %w", s.Path, err)
		}
	}
	return all, nil
}

// controls are a stylization without its styles.
func (j *Job) controls() *model.Stylization {
	return &model.Stylization{
		Alpha: j.Alpha, PreserveColor: j.PreserveColor == Luma, ProcessingSize: j.network, Before: j.Before, After: j.After,
	}
}

// stylization is what the statistics of a set make of a content.
func (j *Job) stylization(stats []model.Stats) (*model.Stylization, error) {
	s := j.controls()
	if j.Mask != nil {
		mask := *j.Mask
		mask.Second = stats[1]
		s.Style, s.Mask = stats[0], &mask
		return s, nil
	}
	var err error
	s.Style, err = model.Mix(stats, j.Weights)
	return s, err
}

// draw makes one result: a picture, a strip or a sheet. dst is room for a picture like src.
func (j *Job) draw(dst, src *model.Image, set []Style) (*model.Image, error) {
	stats, err := j.stats(set, src)
	if err != nil {
		return nil, err
	}
	if j.Corners > 0 {
		return j.drawSheet(dst, src, stats)
	}
	s, err := j.stylization(stats)
	if err != nil {
		return nil, err
	}
	if !j.Alphas {
		return dst, j.engine.Stylize(dst, src, s)
	}
	return j.drawStrip(dst, src, s, set)
}
