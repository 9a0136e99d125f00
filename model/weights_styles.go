package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ownStyle is one style of a weights file, as its metadata entry "styles" holds a list of them in JSON.
type ownStyle struct {
	Name string    `json:"name"`
	Mean []float32 `json:"mean"`
	Std  []float32 `json:"std"`
}

func formatStyles(styles []*Style) (string, error) {
	var all []ownStyle
	for _, s := range styles {
		all = append(all, ownStyle{s.Name, s.Mean, s.Std})
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("styles of the weights: %w", err)
	}
	return string(text), nil
}

// parseStyles reads the styles that a weights file carries.
func (w *Weights) parseStyles(text string) ([]*Style, error) {
	var all []ownStyle
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, err
	}
	var styles []*Style
	encoder := w.EncoderID()
	for i, own := range all {
		s := &Style{Name: own.Name, Network: w.Network, Encoder: encoder, Stats: Stats{Mean: own.Mean, Std: own.Std}}
		if strings.TrimSpace(own.Name) == "" {
			return nil, fmt.Errorf("style %d has no name", i+1)
		}
		for _, before := range styles {
			if before.Name == own.Name {
				return nil, fmt.Errorf("the name %q occurs twice", own.Name)
			}
		}
		if len(own.Mean) != w.Widths[3] || len(own.Std) != w.Widths[3] {
			return nil, fmt.Errorf("style %q has %d means and %d deviations, wanted %d", own.Name, len(own.Mean), len(own.Std), w.Widths[3])
		}
		if err := s.Check(w.Widths[3]); err != nil {
			return nil, fmt.Errorf("style %q: %w", own.Name, err)
		}
		styles = append(styles, s)
	}
	if len(styles) == 0 {
		return nil, errors.New("is empty")
	}
	return styles, nil
}

// StyleNames are the names of the weights' own styles, in their order.
func (w *Weights) StyleNames() (names []string) {
	for _, s := range w.Styles {
		names = append(names, s.Name)
	}
	return names
}

// Style is the weights' own style of a name. The default style, where it belongs to another network, stands for the first of them. nil if
// there is none.
func (w *Weights) Style(name string) *Style {
	name = strings.TrimSpace(name)
	for _, s := range w.Styles {
		if s.Name == name {
			return s
		}
	}
	if name != DefaultStyle || len(w.Styles) == 0 {
		return nil
	}
	if builtin, err := BuiltinStyle(w.Network, name); err == nil && builtin.Fits(w) == nil {
		return nil
	}
	return w.Styles[0]
}
