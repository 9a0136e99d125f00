// Package style is the one way from the name of a style to its statistics, and from the name of a network to its weights: what a name stands
// for, lists of names, and loading. The element, the commands and the live page go it, so that a name means the same to all of them.
package style

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/picture/archive"
)

// maxPixels bounds a style picture as the encoder sees it, and with it the memory that the encoder takes.
const maxPixels = 4096 * 4096

// Kind is what the name of a style stands for.
type Kind int

// Kinds of styles.
const (
	Builtin Kind = iota // a name of model.BuiltinStyles, blanks around it do not count
	File                // a style file: the name ends in .safetensors, in capitals or not
	Picture             // a picture file: all other names
)

// KindOf says what a name stands for, by the name alone: whether a file is there and what it holds is seen when it is loaded.
func KindOf(name string) Kind {
	switch {
	case slices.Contains(model.BuiltinStyles(), strings.TrimSpace(name)):
		return Builtin
	case strings.EqualFold(filepath.Ext(name), ".safetensors"):
		return File
	}
	return Picture
}

// Encoder makes statistics of pictures for one network. Every model.Engine is one.
type Encoder interface {
	// Weights are those of the network; read only.
	Weights() *model.Weights
	// Statistics is that of model.Engine.
	Statistics(picture *model.Image) (model.Stats, error)
}

// UnfitError is a name or a style that cannot be used although nothing is wrong with a file: an empty name, or a style of another network.
type UnfitError struct{ Err error }

// Error is the sentence of Err.
func (e UnfitError) Error() string { return e.Err.Error() }

// Unwrap is Err.
func (e UnfitError) Unwrap() error { return e.Err }

// Load loads the style of a name for the network of an encoder, whose own styles (model.Weights.Style) come before all others, which is asked for the statistics of a picture only. A picture is scaled so
// that its short side has size pixels; 0 keeps its size. The style's memory is the caller's, and so is the thread.
//
// Errors: UnfitError for an empty name and for a style that model.Style.Fits refuses; one that wraps fs.ErrNotExist and lists the built-in
// styles where there is no such file; those of model.LoadStyle and FromPicture.
func Load(name string, size int, encoder Encoder) (*model.Style, error) {
	w := encoder.Weights()
	if own := w.Style(name); own != nil {
		return &model.Style{Name: own.Name, Network: own.Network, Encoder: own.Encoder,
			Stats: model.Stats{Mean: slices.Clone(own.Mean), Std: slices.Clone(own.Std)}}, nil
	}
	kind := KindOf(name)
	if kind != Builtin {
		if err := Stat(name); err != nil {
			return nil, err
		}
	}
	var loaded *model.Style
	var err error
	switch kind {
	case Builtin:
		loaded, err = model.BuiltinStyle(w.Network, strings.TrimSpace(name))
		if err != nil || loaded.Fits(w) != nil {
			return nil, UnfitError{notBuiltin(name, w)}
		}
		return loaded, nil
	case File:
		loaded, err = model.LoadStyle(name)
	default:
		return FromPicture(name, size, encoder)
	}
	if err != nil {
		return nil, err
	}
	if err := loaded.Fits(w); err != nil {
		return nil, UnfitError{err}
	}
	return loaded, nil
}

// notBuiltin says what can be done where a built-in style does not fit the weights.
func notBuiltin(name string, w *model.Weights) error {
	what := "they carry no style of their own: name a picture or a style file, as in style=PICTURE"
	if len(w.Styles) > 0 {
		what = fmt.Sprintf("they carry the styles %s: name one of these, a picture or a style file, as in style=%s or style=PICTURE",
			strings.Join(w.StyleNames(), ", "), w.Styles[0].Name)
	}
	return fmt.Errorf("style %q belongs to the built-in networks, and the weights are of another, network %q; %s", strings.TrimSpace(name), w.Network, what)
}

// Stat says whether the file of a style that is not built in is there. Errors are those of Load for an empty name and a missing file,
// and the system's.
func Stat(name string) error {
	if name == "" {
		return UnfitError{errors.New("style is empty, wanted a built-in name, a picture file or a style file")}
	}
	_, err := archive.Size(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		nearest := ""
		if near := Nearest(name, model.BuiltinStyles()); near != "" {
			nearest = fmt.Sprintf("; is %s meant?", near)
		}
		return missingError{fmt.Errorf("style %q is neither a file nor a built-in style, which are %s%s", name, strings.Join(model.BuiltinStyles(), ", "), nearest)}
	case err != nil:
		return fmt.Errorf("style %q: %w", name, err)
	}
	return nil
}

// missingError is a name that nothing has: fs.ErrNotExist in words of its own.
type missingError struct{ error }

func (missingError) Is(target error) bool { return target == fs.ErrNotExist }

// FromPicture extracts a style from a picture file, whatever its name ends in, and names it after the file without its end. size as for Load.
// Errors: those of picture.ReadStyle, a picture of more than 16 million pixels, the encoder's; each names the file.
func FromPicture(path string, size int, encoder Encoder) (*model.Style, error) {
	img, err := picture.ReadStyle(path, size, picture.Limit{Scaled: maxPixels})
	switch {
	case err == nil:
	case !errors.As(err, new(picture.ScaledError)):
		return nil, fmt.Errorf("style: %w", err)
	case size == 0:
		return nil, fmt.Errorf("style: %w: set style-size, to which its short side is scaled, to 512 for example", err)
	default:
		return nil, fmt.Errorf("style: %w: with style-size %d its short side becomes so long, choose a smaller one", err, size)
	}
	stats, err := encoder.Statistics(img)
	if err != nil {
		return nil, fmt.Errorf("style %q: %w", path, err)
	}
	w, name := encoder.Weights(), strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return &model.Style{Name: name, Network: w.Network, Encoder: w.EncoderID(), Stats: stats}, nil
}
