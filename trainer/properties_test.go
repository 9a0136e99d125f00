package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-gst/go-gst/gst"
	"github.com/urfave/cli/v2"

	"adainfilter/element"
)

// readPropertiesOf reads properties as a command would from its arguments.
func readPropertiesOf(args ...string) (ps *properties, err error) {
	app := &cli.App{Flags: propertyFlags(), DisableSliceFlagSeparator: true, ExitErrHandler: func(*cli.Context, error) {},
		Action: func(c *cli.Context) (err error) { ps, err = readProperties(c); return err }}
	return ps, app.Run(append([]string{"adain"}, args...))
}

func TestProperties(t *testing.T) {
	if err := registerFilter(); err != nil {
		t.Fatal(err)
	}
	filter, err := gst.NewElement(filterName)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name := filepath.Join(dir, `a, \"b".jpg`)
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ps, err := readPropertiesOf("--style", name, "--style", `woodcut,x\,y`, "--style-weights", "1,2,0.5", "--alpha", "0.25", "--smoothing", "0.5",
		"--transition", "500ms", "--style-size", "64", "--processing-size", "48", "--preserve-color", "--mask", `"m\,%`, "--weights", "w.safetensors", "--device", "cpu",
		"--device-id", "3", "--threads", "2", "--precision", "float32", "--lut", "a,b.cube", "--output-lut", "c.cube", "--hdr", "off")
	if err != nil {
		t.Fatal(err)
	}
	if err := ps.set(filter); err != nil {
		t.Fatal(err)
	}
	for property, want := range map[string]any{
		"style": dir + `/a\, \\"b".jpg,woodcut,x\,y`, "alpha": 0.25, "smoothing": 0.5, "transition": uint64(5e8), "style-size": 64,
		"processing-size": 48,
		"preserve-color":  true, "mask": `"m\,%`, "weights": "w.safetensors", "device": 2, "device-id": 3, "threads": 2, "precision": 1,
		"lut": "a,b.cube", "output-lut": "c.cube", "hdr": 1,
	} {
		got, err := filter.GetProperty(property)
		if err != nil || got != want {
			t.Errorf("%s is %v, %v, wanted %v", property, got, err, want)
		}
	}
	weights, err := filter.GetProperty("style-weights")
	if list, ok := weights.(*gst.ValueArrayValue); err != nil || !ok || list.Size() != 3 || list.ValueAt(2) != 0.5 {
		t.Errorf("style-weights is %v, %v, wanted 1, 2, 0.5", weights, err)
	}
	if names := element.GetStyles(filter.Unsafe()).Names; !slices.Equal(names, ps.styles) {
		t.Errorf("the element has the styles %q, wanted %q", names, ps.styles)
	}
}

func TestPropertiesDefault(t *testing.T) {
	ps, err := readPropertiesOf()
	if err != nil || len(ps.list) != 1 || ps.list[0].name != "style" {
		t.Errorf("properties without options are %v, %v, wanted the style only", ps, err)
	}
}

func TestPropertyErrors(t *testing.T) {
	for args, want := range map[string]string{
		"--style a,,b": "empty name", "--style-weights 1,two": "value 2 is \"two\"", "--style-weights 1,-1": "value 2 is -1",
		"--style-weights 1,+Inf": "value 2 is +Inf", "--alpha 1.5": "--alpha is 1.5", "--alpha NaN": "--alpha is NaN", "--smoothing -1": "--smoothing is -1",
		"--transition -1s": "--transition is -1s", "--style-size 3": "--style-size is 3", "--processing-size 5": "--processing-size is 5",
		"--device tpu": "--device is \"tpu\"", "--precision int4": "--precision is", "--threads -1": "--threads is -1", "--device-id -2": "--device-id is -2",
		"--hdr on": "--hdr is \"on\", wanted auto or off",
	} {
		if _, err := readPropertiesOf(strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, wanted one with %q", args, err, want)
		}
	}
}
