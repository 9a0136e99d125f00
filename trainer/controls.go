package main

import (
	"errors"
	"fmt"
	"math"
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

// controlFlags are the properties of adainfilter that say how a film looks and what computes it; readControls reads them.
func controlFlags() []cli.Flag {
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
		&cli.Float64Flag{Name: "smoothing", Value: element.DefaultSmoothing,
			Usage: "`SHARE` that statistics, and the result where the film rests, take over from the frame before, against flicker; 0 to 1, 0 is off"},
	}
	return append(flags, engineFlags()...)
}

// control is one property of the element.
type control struct {
	property string
	// A string, float64, int, uint64 or bool is the value itself, an argument is the value as gst-launch-1.0 reads it.
	value any
}

type argument string

// controls are the properties that the user has chosen; all others keep the element's own defaults.
type controls struct {
	properties []control
	styles     []string // the names in the property style
}

func (cs *controls) add(property string, value any) {
	cs.properties = append(cs.properties, control{property, value})
}

// readControls reads controlFlags and checks what can be checked without loading a file.
func readControls(c *cli.Context) (*controls, error) {
	cs := &controls{}
	for _, list := range c.StringSlice("style") {
		names := splitList(list)
		if slices.Contains(names, "") {
			return nil, fmt.Errorf("--style %q has an empty name in it", list)
		}
		cs.styles = append(cs.styles, names...)
	}
	cs.add("style", joinStyles(cs.styles))
	for _, flag := range []string{"alpha", "smoothing"} {
		if !c.IsSet(flag) {
			continue
		}
		share := c.Float64(flag)
		if !(share >= 0 && share <= 1) {
			return nil, fmt.Errorf("--%s is %v, wanted 0 to 1", flag, share)
		}
		cs.add(flag, share)
	}
	if err := cs.readStyle(c); err != nil {
		return nil, err
	}
	return cs, cs.readEngine(c)
}

// joinStyles makes one value of the property style.
func joinStyles(names []string) string {
	escape := strings.NewReplacer(`\`, `\\`, `,`, `\,`)
	var parts []string
	for _, name := range names {
		parts = append(parts, escape.Replace(name))
	}
	return strings.Join(parts, ",")
}

func (cs *controls) readStyle(c *cli.Context) error {
	if c.IsSet("style-weights") {
		weights, err := numbers(c.String("style-weights"))
		if err != nil {
			return fmt.Errorf("--style-weights: %w", err)
		}
		text := make([]string, len(weights))
		for i, w := range weights {
			if !(w >= 0) || math.IsInf(w, 0) {
				return fmt.Errorf("--style-weights: value %d is %v, wanted 0 or more", i+1, w)
			}
			text[i] = "(double)" + strconv.FormatFloat(w, 'g', -1, 64)
		}
		cs.add("style-weights", argument("< "+strings.Join(text, ", ")+" >"))
	}
	if c.IsSet("transition") {
		t := c.Duration("transition")
		if t < 0 {
			return fmt.Errorf("--transition is %v, wanted 0 or more", t)
		}
		cs.add("transition", uint64(t/time.Nanosecond))
	}
	for _, flag := range []string{"style-size", "processing-size"} {
		if !c.IsSet(flag) {
			continue
		}
		if err := checkSide(flag, c.Int(flag)); err != nil {
			return err
		}
		cs.add(flag, c.Int(flag))
	}
	if c.Bool("preserve-color") {
		cs.add("preserve-color", true)
	}
	if c.IsSet("mask") {
		cs.add("mask", c.String("mask"))
	}
	return nil
}

func (cs *controls) readEngine(c *cli.Context) error {
	o, err := engineOptions(c)
	if err != nil {
		return err
	}
	if o.Threads < 0 || o.Threads > 1024 {
		return fmt.Errorf("--threads is %d, wanted 0 to 1024", o.Threads)
	}
	if c.IsSet("weights") {
		cs.add("weights", c.String("weights"))
	}
	if c.IsSet("device") {
		cs.add("device", argument(o.Device))
	}
	if c.IsSet("precision") {
		cs.add("precision", argument(o.Precision))
	}
	if c.IsSet("device-id") {
		cs.add("device-id", o.DeviceID)
	}
	if c.IsSet("threads") {
		cs.add("threads", o.Threads)
	}
	return nil
}

// set sets the properties on an element adainfilter that has not been started.
func (cs *controls) set(e *gst.Element) error {
	for _, c := range cs.properties {
		kind, err := e.GetPropertyType(c.property)
		if err != nil {
			return fmt.Errorf("this %s has no property %s", filterName, c.property)
		}
		if text, ok := c.value.(argument); ok {
			e.SetArg(c.property, string(text))
			continue
		}
		if err := e.SetProperty(c.property, c.value); err != nil {
			return fmt.Errorf("property %s of %s, a %s: %w", c.property, filterName, kind.Name(), err)
		}
	}
	return nil
}

// value is what the user chose for a property, nil for the default.
func (cs *controls) value(property string) any {
	for _, c := range cs.properties {
		if c.property == property {
			return c.value
		}
	}
	return nil
}

// files are the files that the properties name. Errors: one that is not there.
func (cs *controls) files() ([]string, error) {
	var found []string
	for _, name := range cs.styles {
		_, err := os.Stat(name)
		switch builtin := model.BuiltinStyles(); {
		case err == nil:
			found = append(found, filepath.Clean(name))
		case !slices.Contains(builtin, name):
			return nil, fmt.Errorf("--style %q is neither a built-in style, which are %s, nor a file: %w", name, strings.Join(builtin, ", "), errors.Unwrap(err))
		}
	}
	for _, flag := range []string{"mask", "weights"} {
		name, _ := cs.value(flag).(string)
		if name == "" {
			continue
		}
		if _, err := os.Stat(name); err != nil {
			return nil, fmt.Errorf("--%s %q: %w", flag, name, errors.Unwrap(err))
		}
		found = append(found, filepath.Clean(name))
	}
	return found, nil
}
