package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/trainer/fixture"
	"adainfilter/trainer/network"
)

// folderWithFine is the current folder of this test: a file fine is in it, of a small random network, and a photo.
func folderWithFine(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := network.Random(fixture.Tiny).Save("fine"); err != nil {
		t.Fatal(err)
	}
	writePicture(t, "photo.png", blobs(48, 40, 1))
}

// TestBuiltinNetworks: commands take built-in networks by their names, and a file of such a name by its path.
func TestBuiltinNetworks(t *testing.T) {
	folderWithFine(t)
	mine := fixture.Tiny.String()
	paint := func(weights, style string) []byte {
		t.Helper()
		mustRun(t, "stylize", "--weights", weights, "--style", style, "--content", "photo.png", "--out", "out.png", "--precision", "float32")
		return readPicture(t, "out.png").Planes[0].Data
	}
	for _, style := range []string{"woodcut", "photo.png"} {
		none, lite, fine := paint("", style), paint("lite", style), paint("fine", style)
		if !bytes.Equal(none, lite) || bytes.Equal(lite, fine) {
			t.Errorf("style %s: without --weights as with lite: %v; with fine as with lite: %v", style, bytes.Equal(none, lite), bytes.Equal(lite, fine))
		}
		if style == "photo.png" && bytes.Equal(paint("./fine", style), fine) {
			t.Error("--weights ./fine is the built-in network")
		}
	}
	for _, c := range []struct {
		args string
		want []string
	}{
		{"inspect", []string{"built-in network lite", "16,32,64,256"}},
		{"inspect fine", []string{"built-in network fine", "32,64,128,512"}},
		{"inspect ./fine", []string{"./fine", mine}},
		{"inspect lite fine", []string{"built-in network lite", "built-in network fine"}},
		{"styles --weights fine", []string{"woodcut\n", model.DefaultStyle + " (default)"}},
		{"bench --weights fine --size 32x32 --runs 1", []string{"32,64,128,512"}},
		{"style --weights fine --out wood.safetensors photo.png", nil},
		{"inspect wood.safetensors", []string{"fine", "512"}},
		{"stylize --weights fine --style wood.safetensors --content photo.png --out own.png", nil},
		{"export --format float16 --out half fine", []string{"network fine, widths 32,64,128,512"}},
		{"export --out onnx lite", []string{"network lite, widths 16,32,64,256"}},
		{"export --format float16 --out mine ./fine", []string{mine}},
	} {
		out, _ := mustRun(t, strings.Fields(c.args)...)
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("adain %s: %q is not in\n%s", c.args, want, out)
			}
		}
	}
	if _, _, err := run("stylize", "--style", "wood.safetensors", "--content", "photo.png", "--out", "x.png"); err == nil || !strings.Contains(err.Error(), `belongs to network "fine", the weights are of network "lite"`) {
		t.Errorf("lite takes a style of fine: %v", err)
	}
}

// TestMistypedNetwork: every command that takes weights says which networks are built in.
func TestMistypedNetwork(t *testing.T) {
	folderWithFine(t)
	write(t, "film.mp4", []byte("x"))
	files := strings.Join(trainingFiles(t, "training"), " ")
	for _, line := range []string{
		"stylize --weights fien --content photo.png --out x.png", "style --weights fien --out x.safetensors photo.png", "styles --weights fien", "bench --weights fien",
		"eval --weights fien --vgg training/vgg.safetensors --content photo.png --style photo.png --pairs 1", "transcode --weights fien --out x film.mp4", "live --weights fien --source test",
		"export --out x fien", "quantize --content photo.png --style photo.png fien x.safetensors",
		"train " + files + " --network lite --init fien --out run", "train " + files + " --init fien --out run",
	} {
		words := strings.Fields(line)
		_, _, err := run(words...)
		if words[0] == "train" {
			_, err = trainWith(t.Context(), tinySetup(), words[1:]...)
		}
		if err == nil || !strings.Contains(err.Error(), `weights "fien" are neither a file nor a built-in network, which are lite and fine; is fine meant?`) {
			t.Errorf("adain %s: error is %v", line, err)
		}
	}
}

// TestTranscodeNetworks: a built-in network needs no file, and a film that was begun with another network is begun anew.
func TestTranscodeNetworks(t *testing.T) {
	folderWithFine(t)
	write(t, "film.mp4", []byte("x"))
	settings := map[string]string{}
	for args, files := range map[string][]string{"": nil, "--weights fine": nil, "--weights lite": nil, "--weights ./fine": {"fine"}} {
		o := optionsOf(t, args, "film.mp4")
		if !slices.Equal(o.Files, files) {
			t.Errorf("%s: files are %q, wanted %q", args, o.Files, files)
		}
		if before, again := settings[o.Settings]; again {
			t.Errorf("%q and %q have the settings %s", before, args, o.Settings)
		}
		settings[o.Settings] = args
	}
}

// TestTrainInitBuiltin begins with a built-in network by its name, and goes on from another folder.
func TestTrainInitBuiltin(t *testing.T) {
	folderWithFine(t)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	args := append(trainingFiles(t, dir), "--network", "lite", "--init", "fine", "--lr", "0", "--max-iter", "2", "--out", filepath.Join(dir, "run"))
	ctx, s := interruptingSetup(1)
	if _, err := trainWith(ctx, s, args...); !errors.Is(err, errInterrupted) {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if init := readCheckpoint(t, filepath.Join(dir, "run")).Options["init"]; init != "fine" {
		t.Errorf("the checkpoint's --init is %q", init)
	}
	if _, err := trainWith(t.Context(), tinySetup(), "--resume", "--out", filepath.Join(dir, "run")); err != nil {
		t.Fatal(err)
	}
	fine, err := model.BuiltinNetwork("fine")
	if err != nil {
		t.Fatal(err)
	}
	trained := trainedWeights(t, filepath.Join(dir, "run"))
	sameWeights(t, "begun from fine", fine, trained)
	if !strings.Contains(trained.Metadata["parent"], "begun from fine") {
		t.Errorf("the parent is %q", trained.Metadata["parent"])
	}
}
