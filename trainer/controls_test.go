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

// readControlsOf reads controls as a command would from its arguments.
func readControlsOf(args ...string) (cs *controls, err error) {
	app := &cli.App{Flags: controlFlags(), DisableSliceFlagSeparator: true, ExitErrHandler: func(*cli.Context, error) {},
		Action: func(c *cli.Context) (err error) { cs, err = readControls(c); return err }}
	return cs, app.Run(append([]string{"adain"}, args...))
}

func TestControls(t *testing.T) {
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
	cs, err := readControlsOf("--style", name, "--style", `woodcut,x\,y`, "--style-weights", "1,2,0.5", "--alpha", "0.25", "--smoothing", "0.5",
		"--transition", "500ms", "--style-size", "64", "--preserve-color", "--mask", `"m\,%`, "--weights", "w.safetensors", "--device", "cpu",
		"--device-id", "3", "--threads", "2", "--precision", "float32")
	if err != nil {
		t.Fatal(err)
	}
	if err := cs.set(filter); err != nil {
		t.Fatal(err)
	}
	for property, want := range map[string]any{
		"style": dir + `/a\, \\"b".jpg,woodcut,x\,y`, "alpha": 0.25, "smoothing": 0.5, "transition": uint64(5e8), "style-size": 64,
		"preserve-color": true, "mask": `"m\,%`, "weights": "w.safetensors", "device": 2, "device-id": 3, "threads": 2, "precision": 1,
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
	if names := element.GetStyles(filter.Unsafe()).Names; !slices.Equal(names, cs.styles) {
		t.Errorf("the element has the styles %q, wanted %q", names, cs.styles)
	}
}

func TestControlsDefault(t *testing.T) {
	cs, err := readControlsOf()
	if err != nil || len(cs.properties) != 1 || cs.properties[0].property != "style" {
		t.Errorf("controls without options are %v, %v, wanted the style only", cs, err)
	}
}

func TestControlErrors(t *testing.T) {
	for args, want := range map[string]string{
		"--style a,,b": "empty name", "--style-weights 1,two": "value 2 is \"two\"", "--style-weights 1,-1": "value 2 is -1",
		"--style-weights 1,+Inf": "value 2 is +Inf", "--alpha 1.5": "--alpha is 1.5", "--alpha NaN": "--alpha is NaN", "--smoothing -1": "--smoothing is -1",
		"--transition -1s": "--transition is -1s", "--style-size 3": "--style-size is 3", "--processing-size 5": "--processing-size is 5",
		"--device tpu": "--device is \"tpu\"", "--precision int8": "--precision is", "--threads -1": "--threads is -1", "--device-id -2": "--device-id is -2",
	} {
		if _, err := readControlsOf(strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, wanted one with %q", args, err, want)
		}
	}
}
