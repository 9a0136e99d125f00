package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/trainer/fixture"
	"adainfilter/trainer/network"
)

// What tests work on.
var (
	tiny         = fixture.Tiny
	lossWidths   = fixture.Loss
	noise        = fixture.Noise
	blobs        = fixture.Blobs
	write        = fixture.Write
	writePicture = fixture.WritePicture
	readPicture  = fixture.ReadPicture
	tree         = fixture.Tree
	sides        = fixture.PyTorch
	same         = fixture.Same
)

// run calls the command in this process and returns what it printed and the error that would go to stderr.
func run(args ...string) (out, progress string, err error) {
	var o, e bytes.Buffer
	err = newApp(&o, &e).RunContext(context.Background(), append([]string{"adain"}, args...))
	return o.String(), e.String(), err
}

func mustRun(t *testing.T, args ...string) (out, progress string) {
	t.Helper()
	out, progress, err := run(args...)
	if err != nil {
		t.Fatalf("adain %s: %v\n%s", strings.Join(args, " "), err, progress)
	}
	return out, progress
}

// tinyWeights writes a weights file of a small random network.
func tinyWeights(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "tiny, weights.safetensors")
	if err := network.Random(tiny).Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUsage(t *testing.T) {
	out, _ := mustRun(t, "--help")
	for _, command := range []string{"stylize", "style", "styles", "train", "import", "inspect", "export", "eval", "transcode", "bench", "live", "doctor"} {
		if !strings.Contains(out, command) {
			t.Errorf("--help does not name %s:\n%s", command, out)
		}
		if out, _ := mustRun(t, command, "--help"); !strings.Contains(out, "Example") {
			t.Errorf("%s --help has no example:\n%s", command, out)
		}
	}
	if out, _ := mustRun(t, "--version"); !strings.Contains(out, model.Version) {
		t.Errorf("--version prints %q", out)
	}
}

func TestUsageErrors(t *testing.T) {
	dir := t.TempDir()
	weights := tinyWeights(t, dir)
	photo := filepath.Join(dir, "photo.png")
	writePicture(t, photo, noise(model.RGB, 16, 12, 1))
	out := filepath.Join(dir, "out.png")
	for _, c := range []struct {
		args string // separated by spaces; P, W and O stand for the files
		want string
	}{
		{"nonsense", "no command \"nonsense\""},
		{"stylize --nonsense", "nonsense"},
		{"stylize", "--content and --out are both needed"},
		{"stylize --content P --out O --alpha 1.5", "--alpha is 1.5"},
		{"stylize --content P --out O --alpha NaN", "--alpha is NaN"},
		{"stylize --content P --out O --size 4", "--size is 4"},
		{"stylize --content P --out O --style-size -1", "--style-size is -1"},
		{"stylize --content P --out O --threads -1", "--threads is -1"},
		{"bench --threads 1025", "--threads is 1025, wanted 0 to 1024"},
		{"stylize --content P --out O --device tpu", "--device is \"tpu\""},
		{"stylize --content P --out O --device cuda", "cuda"},
		{"stylize --content P --out O --precision int4", "--precision is \"int4\""},
		{"stylize --content P --out O extra", "\"extra\" is not an option"},
		{"stylize --content P --content P --out O", "one picture for 2 results"},
		{"stylize --content P --out O.gif", "ends in \".gif\""},
		{"stylize --content P --out O/ --format gif", "--format is \"gif\""},
		{"stylize --content P --out O --style a,,b", "empty name"},
		{"stylize --content P --out O --weights P", "PNG picture"},
		{"stylize --content P --out O --weights none.safetensors", "none.safetensors"},
		{"stylize --content P --out O --style P --style-weights 1,2", "--style-weights has 2 values for 1 styles"},
		{"stylize --content P --out O --style P,P --style-weights 1,-1", "value 2 is -1"},
		{"stylize --content P --out O --style P,P --style-weights 1,NaN", "value 2 is NaN"},
		{"stylize --content P --out O --style P,P --style-weights 1,two", "value 2 is \"two\""},
		{"stylize --content P --out O --style P,P --style-weights 0,0", "--style-weights sum to 0"},
		{"stylize --content P --out O --style P,P --style-weights=", "value 1 is \"\""},
		{"stylize --content P --out O --style P --mask P", "--mask wants two styles"},
		{"stylize --content P --out O --style P,P,P --mask P", "and there are 3"},
		{"stylize --content P --out O --style P,P --mask none.png", "--mask: picture \"none.png\""},
		{"stylize --content P --out O --style P,P --mask W", "is not a picture"},
		{"stylize --content P --out O --style P,P --mask P --style-weights 1,1", "--mask and --style-weights exclude each other"},
		{"stylize --content P --out O --style P --preserve-color hue", "--preserve-color is \"hue\""},
		{"stylize --content P --out O --style woodcut --preserve-color coral", "style \"woodcut\" is none"},
		{"stylize --content P --out O --style P,s.safetensors --preserve-color coral", "style \"s.safetensors\" is none"},
		{"stylize --content P --out O --style P --alpha-strip --alpha 0.5", "--alpha-strip and --alpha exclude each other"},
		{"stylize --content P --out O --style P,P,P,P --interpolate 1", "--interpolate is 1"},
		{"stylize --content P --out O --style P,P,P,P --interpolate 0", "--interpolate is 0"},
		{"stylize --content P --out O --style P,P,P,P --interpolate 9", "--interpolate is 9"},
		{"stylize --content P --out O --processing-size 7", "--processing-size is 7"},
		{"stylize --content P --out O --style P,P,P --interpolate 4", "--interpolate wants four styles"},
		{"stylize --content P --out O --style P,P,P,P --interpolate 4 --mask P", "--interpolate and --mask exclude"},
		{"stylize --content P --out O --style P,P,P,P --interpolate 4 --style-weights 1,1,1,1", "--interpolate and --style-weights exclude"},
		{"stylize --content P --out O --style P,P,P,P --interpolate 4 --alpha-strip", "--interpolate and --alpha-strip exclude"},
		{"stylize --content P --content P --out O --style P,P --style-weights 1,1", "one picture for 2 results"},
		{"style P", "--out is missing"},
		{"style --out x.safetensors", "no picture was named"},
		{"style --out x.png P", "wanted .safetensors"},
		{"style P --out x.safetensors", "options go first"},
		{"style --out O.safetensors none.jpg", "none.jpg"},
		{"import --out O a.pth b.pth c.pth", "3 files were named, wanted one"},
		{"import --out O a.pth b.pth", "ends in .safetensors"},
		{"import --out O.safetensors none.pth b.pth", "none.pth"},
		{"inspect none", "none"},
		{"inspect .", "folder"},
		{"bench --size 7x8", "--size is \"7x8\""},
		{"bench --size 640", "--size is \"640\""},
		{"bench --runs 0", "--runs is 0"},
		{"bench --format P010", "P010"},
		{"bench --device-id -2", "--device-id is -2"},
		{"bench --kernels --device cpu --size 16x16 --runs 1", "--kernels wants an engine on a GPU"},
		{"bench --random huge", "--random is \"huge\""},
		{"bench --random lite --weights W", "exclude each other"},
	} {
		var args []string
		for _, a := range strings.Fields(c.args) {
			switch {
			case a == "P" || strings.HasPrefix(a, "P,"):
				a = strings.ReplaceAll(a, "P", photo)
			case a == "W":
				a = weights
			case strings.HasPrefix(a, "O"):
				a = out + a[1:]
			}
			args = append(args, a)
		}
		_, _, err := run(args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("adain %s: error is %v, wanted one with %q", c.args, err, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Fatalf("adain %s wrote a file", c.args)
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errInterrupted)
	dir := t.TempDir()
	photo := filepath.Join(dir, "photo.png")
	writePicture(t, photo, noise(model.RGB, 16, 12, 1))
	var o, e bytes.Buffer
	err := newApp(&o, &e).RunContext(ctx, []string{"adain", "stylize", "--weights", tinyWeights(t, dir), "--content", photo, "--style", photo, "--out", filepath.Join(dir, "out.png")})
	if !errors.Is(err, errInterrupted) {
		t.Errorf("error is %v, wanted %v", err, errInterrupted)
	}
}
