package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-gst/go-gst/gst"
	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/trainer/film"
	"adainfilter/trainer/film/filmtest"
	"adainfilter/trainer/transcode"
)

func TestTranscode(t *testing.T) {
	film.Init()
	for _, e := range []string{"x264enc", "matroskamux", "avimux"} {
		if gst.Find(e) == nil {
			t.Skipf("GStreamer's element %s is missing", e)
		}
	}
	dir := t.TempDir()
	films, out := filepath.Join(dir, "films"), filepath.Join(dir, "films", "out") // below the films
	for _, name := range []string{"a.avi", "below/b.avi"} {
		path := filepath.Join(films, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		filmtest.Bars(t, path)
	}
	broken := filepath.Join(films, "below", "c.mp4")
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	style := filepath.Join(dir, "style.png")
	writePicture(t, style, noise(model.RGB, 16, 16, 1))
	args := []string{"transcode", "--weights", tinyWeights(t, dir), "--style", style, "--style-size", "16", "--container", "mkv", "--json", "--out", out, films}
	text, progress, err := run(args...)
	if err == nil || err.Error() != "1 of 3 films failed" {
		t.Errorf("error is %v\n%s", err, progress)
	}
	var report transcode.Report
	if err := json.Unmarshal([]byte(text), &report); err != nil || len(report.Films) != 3 {
		t.Fatalf("%v\n%s", err, text)
	}
	if names := tree(t, out); names != "a.mkv below/b.mkv" {
		t.Errorf("results are %s", names)
	}
	for _, r := range report.Films {
		if strings.HasSuffix(r.Input, "c.mp4") {
			if r.Status != transcode.Failed || !strings.Contains(r.Error, "it is empty") || !strings.Contains(progress, broken) {
				t.Errorf("the broken film: %+v", r)
			}
		} else if r.Status != transcode.Done || r.Frames != 5 || r.Encoder == "" {
			t.Errorf("%+v", r)
		}
	}
	if !strings.Contains(progress, "3 films in") || !strings.Contains(progress, "2 done, 1 failed") {
		t.Errorf("no summary:\n%s", progress)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	_, progress = mustRun(t, args...)
	if !strings.Contains(progress, "2 skipped") {
		t.Errorf("finished films are not skipped:\n%s", progress)
	}
	_, progress = mustRun(t, append([]string{args[0], "--overwrite"}, args[1:]...)...)
	if !strings.Contains(progress, "2 done") {
		t.Errorf("with --overwrite:\n%s", progress)
	}
	args[len(args)-2] = dir // in which the films lie, and not the other way round: the results are films like others now
	if _, progress = mustRun(t, args...); !strings.Contains(progress, "4 done") {
		t.Errorf("into the folder above the films:\n%s", progress)
	}
}

// optionsOf is what the command makes of a line.
func optionsOf(t *testing.T, args, film string) (o *transcode.Options) {
	t.Helper()
	command := transcodeCommand()
	command.Action = func(c *cli.Context) (err error) { o, err = transcodeOptions(c); return err }
	app := &cli.App{Commands: []*cli.Command{command}, DisableSliceFlagSeparator: true}
	line := append([]string{"adain", "transcode"}, strings.Fields(args)...)
	if err := app.Run(append(line, "--out", t.TempDir(), film)); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestTranscodeJoin tells options that the shards must have been made with from those that change nothing in a film.
func TestTranscodeJoin(t *testing.T) {
	if err := registerFilter(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "film.mkv")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, compares := range map[string]bool{
		"": false, "--style woodcut": false, "--join": false, "--join --json --jobs 1": false,
		"--join --style woodcut": true, "--join --alpha 0.5": true, "--join --codec h265": true, "--join --smoothing 0.8": true,
	} {
		if o := optionsOf(t, args, path); o.Compare != compares {
			t.Errorf("%q: compares with the shards' options: %v, wanted %v", args, o.Compare, compares)
		}
	}
}

// The element smooths by itself, so the frames before a segment must be seen without --smoothing too.
func TestTranscodeSmoothing(t *testing.T) {
	if err := registerFilter(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "film.mkv")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"", "--smoothing 0", "--smoothing 0.5"} {
		o := optionsOf(t, args, path)
		filter, err := gst.NewElement(filterName)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Set(filter); err != nil {
			t.Fatal(err)
		}
		if s, err := filter.GetProperty("smoothing"); err != nil || s != o.Smoothing {
			t.Errorf("%q: segments are warmed up for smoothing %v, the element has %v, %v", args, o.Smoothing, s, err)
		}
	}
}

func TestTranscodeUsage(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "out", "a.mp4"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"": "a film and --out are both needed", "--out O": "a film and --out are both needed", "x.mp4 --out O": "options go first",
		"--out O --codec mp3 x.mp4": "codec is \"mp3\"", "--out O --container avi x.mp4": "container is \"avi\"", "--out O --quality 0 x.mp4": "--quality is 0",
		"--out O --jobs 0 x.mp4": "--jobs is 0", "--out O --shard 4/4 x.mp4": "wanted 0 to 3", "--out O --shard 0/2 --join x.mp4": "leave the shard out",
		"--out O --start -1s x.mp4": "times of 0 or more", "--out O --alpha 2 x.mp4": "--alpha is 2", "--out O --codec ffv1 --container mp4 x.mp4": "ffv1 does not go into mp4",
		"--out O none.mp4": "no such file", "--out O --style none.jpg x.mp4": "--style \"none.jpg\" is neither", "--out O help": "no such file",
		"--out O --mask none.png x.mp4": "--mask \"none.png\": no such file", "--out O --segment 1ns x.mp4": "at least 100ms", "--out O O": "all films lie in --out", "--out O --join none.mp4": "no such file",
	} {
		_, _, err := run(append([]string{"transcode"}, strings.Fields(strings.ReplaceAll(args, "O", filepath.Join(dir, "out")))...)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("adain transcode %s: error is %v, wanted one with %q", args, err, want)
		}
	}
}
