package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-gst/go-gst/gst"
	"github.com/urfave/cli/v2"

	"adainfilter/element"
	"adainfilter/model"
	"adainfilter/picture/style"
	"adainfilter/trainer/film"
)

const filterName = "adainfilter"

// registerFilter makes the element adainfilter, with this program's engines, part of this process.
var registerFilter = sync.OnceValue(func() error {
	film.Init()
	if !element.Register(nil, engines) {
		return fmt.Errorf("GStreamer refused the element %s", filterName)
	}
	return nil
})

// propertyFlags are the properties of adainfilter that say how a film looks and what computes it; readProperties reads them.
func propertyFlags() []cli.Flag {
	flags := []cli.Flag{
		weightsFlag(),
		&cli.StringSliceFlag{Name: "style", Value: cli.NewStringSlice(model.DefaultStyle),
			Usage: "built-in `STYLE`, style file or picture; several, separated by commas (\\, in a name) or repeated, are mixed"},
		&cli.StringFlag{Name: "style-weights", Usage: "shares of the styles in the mix, `NUMBERS` as 1,2: one for each"},
		&cli.Float64Flag{Name: "alpha", Value: 1, Usage: "`STRENGTH` of the style, 0 to 1"},
		&cli.DurationFlag{Name: "transition", Usage: "`TIME` in which one style goes over into the next, as 500ms"},
		&cli.IntFlag{Name: "style-size", Value: 512,
			Usage: "scale style pictures so that their short side has `PIXELS`, which sets the size of the strokes; 0 keeps their size"},
		&cli.IntFlag{Name: "processing-size", Usage: "short side in `PIXELS` at which the network sees frames; 0 is the frame's own"},
		&cli.BoolFlag{Name: "preserve-color", Usage: "take only the luminance from the style and the colours from the film"},
		&cli.StringFlag{Name: "mask", Usage: "`PICTURE` that divides frames between two styles: the first where it is white, the second where it is black"},
		&cli.StringFlag{Name: "hdr", Value: hdrModes[0], Usage: "`MODE` auto tone-maps films in PQ or HLG for the network and maps the result back; off does not"},
		&cli.Float64Flag{Name: "smoothing", Value: element.DefaultSmoothing,
			Usage: "`SHARE` that statistics, and the result where it can be followed, take over from the frame before, against flicker; 0 to 1, 0 is off"},
		&cli.BoolFlag{Name: "motion", Value: true, Usage: "let smoothing follow the film's motion on a CPU, not only act where the film rests"},
	}
	return slices.Concat(flags, tableFlags(), engineFlags())
}

// tableFlags are the look-up tables around the network.
func tableFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "lut", Usage: "look-up table `FILE` (.cube) that makes what the network sees of the picture's colours, as for footage in log"},
		&cli.StringFlag{Name: "output-lut", Usage: "look-up table `FILE` (.cube) that makes the picture's colours of the network's result"},
	}
}

// hdrModes are the values of the element's property hdr.
var hdrModes = []string{"auto", "off"}

// autoSize is the value of processing-size that keeps up with the frames, for what plays: a film that is made must not depend on it.
const autoSize = -1

// property is one of the element.
type property struct {
	name string
	// A string, float64, int, uint64 or bool is the value itself, an argument is the value as gst-launch-1.0 reads it.
	value any
}

type argument string

// properties are those that the user has chosen; all others keep the element's own defaults.
type properties struct {
	list   []property
	styles []string // the names in the property style
}

func (ps *properties) add(name string, value any) {
	ps.list = append(ps.list, property{name, value})
}

// readProperties reads propertyFlags and checks what can be checked without loading a file.
func readProperties(c *cli.Context) (*properties, error) {
	ps := &properties{}
	for _, list := range c.StringSlice("style") {
		names := style.Split(list)
		if slices.Contains(names, "") {
			return nil, fmt.Errorf("--style %q has an empty name in it", list)
		}
		ps.styles = append(ps.styles, names...)
	}
	ps.add("style", style.Join(ps.styles))
	for _, flag := range []string{"alpha", "smoothing"} {
		if !c.IsSet(flag) {
			continue
		}
		share := c.Float64(flag)
		if !(share >= 0 && share <= 1) {
			return nil, fmt.Errorf("--%s is %v, wanted 0 to 1", flag, share)
		}
		ps.add(flag, share)
	}
	if c.IsSet("motion") {
		ps.add("motion", c.Bool("motion"))
	}
	if err := ps.readStyle(c); err != nil {
		return nil, err
	}
	if err := ps.readColours(c); err != nil {
		return nil, err
	}
	return ps, ps.readEngine(c)
}

func (ps *properties) readStyle(c *cli.Context) error {
	if c.IsSet("style-weights") {
		weights, err := style.ParseWeights(c.String("style-weights"))
		if err != nil {
			return fmt.Errorf("--style-weights: %w", err)
		}
		text := make([]string, len(weights))
		for i, w := range weights {
			text[i] = "(double)" + strconv.FormatFloat(w, 'g', -1, 64)
		}
		ps.add("style-weights", argument("< "+strings.Join(text, ", ")+" >"))
	}
	if c.IsSet("transition") {
		t := c.Duration("transition")
		if t < 0 {
			return fmt.Errorf("--transition is %v, wanted 0 or more", t)
		}
		ps.add("transition", uint64(t/time.Nanosecond))
	}
	for _, flag := range []string{"style-size", "processing-size"} {
		if !c.IsSet(flag) {
			continue
		}
		auto := flag == "processing-size" && c.Int(flag) == autoSize && c.Command.Name == "live"
		if err := checkSide(flag, c.Int(flag)); err != nil && !auto {
			return err
		}
		ps.add(flag, c.Int(flag))
	}
	if c.Bool("preserve-color") {
		ps.add("preserve-color", true)
	}
	if c.IsSet("mask") {
		ps.add("mask", c.String("mask"))
	}
	return nil
}

func (ps *properties) readColours(c *cli.Context) error {
	for _, flag := range []string{"lut", "output-lut"} {
		if c.IsSet(flag) {
			ps.add(flag, c.String(flag))
		}
	}
	if !c.IsSet("hdr") {
		return nil
	}
	if !slices.Contains(hdrModes, c.String("hdr")) {
		return fmt.Errorf("--hdr is %q, wanted %s", c.String("hdr"), strings.Join(hdrModes, " or "))
	}
	ps.add("hdr", argument(c.String("hdr")))
	return nil
}

func (ps *properties) readEngine(c *cli.Context) error {
	o, err := engineOptions(c)
	if err != nil {
		return err
	}
	if c.IsSet("weights") {
		ps.add("weights", c.String("weights"))
	}
	if c.IsSet("device") {
		ps.add("device", argument(o.Device))
	}
	if c.IsSet("precision") {
		ps.add("precision", argument(o.Precision))
	}
	if c.IsSet("device-id") {
		ps.add("device-id", o.DeviceID)
	}
	if c.IsSet("threads") {
		ps.add("threads", o.Threads)
	}
	return nil
}

// set sets the properties on an element adainfilter that has not been started.
func (ps *properties) set(e *gst.Element) error {
	for _, p := range ps.list {
		kind, err := e.GetPropertyType(p.name)
		if err != nil {
			return fmt.Errorf("this %s has no property %s", filterName, p.name)
		}
		if text, ok := p.value.(argument); ok {
			e.SetArg(p.name, string(text))
			continue
		}
		if err := e.SetProperty(p.name, p.value); err != nil {
			return fmt.Errorf("property %s of %s, a %s: %w", p.name, filterName, kind.Name(), err)
		}
	}
	return nil
}

// value is what the user chose for a property, nil for the default.
func (ps *properties) value(name string) any {
	for _, p := range ps.list {
		if p.name == name {
			return p.value
		}
	}
	return nil
}

// files are the files that the properties name. Errors: one that is not there.
func (ps *properties) files() ([]string, error) {
	var found []string
	for _, name := range ps.styles {
		if style.KindOf(name) == style.Builtin {
			continue
		}
		if err := style.Stat(name); err != nil {
			return nil, fmt.Errorf("--%w", err) // the sentence begins with "style"
		}
		found = append(found, filepath.Clean(name))
	}
	for _, flag := range []string{"mask", "lut", "output-lut"} {
		name, _ := ps.value(flag).(string)
		if name == "" {
			continue
		}
		if _, err := os.Stat(name); err != nil {
			return nil, fmt.Errorf("--%s %q: %w", flag, name, errors.Unwrap(err))
		}
		found = append(found, filepath.Clean(name))
	}
	if name, _ := ps.value("weights").(string); !style.IsBuiltinNetwork(name) {
		if err := style.StatNetwork(name); err != nil {
			return nil, fmt.Errorf("--%w", err) // the sentence begins with "weights"
		}
		found = append(found, filepath.Clean(name))
	}
	return found, nil
}
