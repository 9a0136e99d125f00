package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/cuda/driver"
	"adainfilter/model"
	"adainfilter/trainer/film"
	"adainfilter/trainer/network"
)

// goWords are what a user should not have to read.
var goWords = regexp.MustCompile(`goroutine|panic|<nil>|%!|strconv|\b(open|stat|mkdir|listen tcp) \S+: |runtime error|0x`)

// TestFirstHour makes the errors that somebody makes who has just installed the program. Each ends with a sentence that says what to do.
func TestFirstHour(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	photo, clip := at("photo.png"), at("film.mp4")
	writePicture(t, photo, blobs(32, 24, 1))
	write(t, clip, []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom\x00\x00\x00\x08mdat"))
	other := network.Random(model.Widths{4, 8, 16, 24})
	other.Network = "other"
	if err := other.Save(at("other.safetensors")); err != nil {
		t.Fatal(err)
	}
	weights := tinyWeights(t, dir)
	mustRun(t, "style", "--weights", weights, "--out", at("style.safetensors"), photo)
	mustRun(t, "style", "--weights", at("other.safetensors"), "--out", at("other style.safetensors"), photo)
	write(t, at("decoder.pth"), []byte("PK\x03\x04 and so on"))
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	cameras, _ := filepath.Glob("/dev/video*")

	const wrongName = "; look at how the name is written"
	for _, c := range []struct {
		args   string // separated by |, with D for the folder of files
		what   string // is wrong
		advice string
	}{
		// A wrong path.
		{"stylize|--content|D/none.jpg|--out|D/x.png", `picture "D/none.jpg" cannot be opened`, wrongName},
		{"stylize|--content|D/none/|--out|D/x/", "D/none", wrongName},
		{"stylize|--content|D/photo.png|--weights|D/none.safetensors|--out|D/x.png", "D/none.safetensors", wrongName},
		{"stylize|--content|D/photo.png|--style|none.jpg|--out|D/x.png", `style "none.jpg" is neither a file nor a built-in style`, wrongName},
		{"stylize|--content|D/photo.png|--style|wodcut|--out|D/x.png", `style "wodcut"`, "; is woodcut meant?"},
		{"transcode|--out|D/x/|D/none.mp4", "D/none.mp4", wrongName},
		{"transcode|--out|D/x/|--style|none.jpg|D/film.mp4", `style "none.jpg"`, wrongName},
		{"live|--source|D/none.mp4", "D/none.mp4", "look at how"},
		{"train|--content|D/none|--style|D|--vgg|D/v.pth|--out|D/run", "D/none", wrongName},
		{"train|--resume|--out|D/none", "D/none", "; "},
		{"inspect|D/none", "D/none", wrongName},
		{"import|--out|D/x.safetensors|D/none.pth|D/none.pth", "D/none.pth", wrongName},
		{"stylize|--content|D/photo.png|--out|D/none/x.png", "D/none", "; make the folder first"},
		// A film where a picture is wanted.
		{"stylize|--content|D/film.mp4|--out|D/x.png", "found a film", "; films are for adain transcode"},
		{"stylize|--content|D/photo.png|--style|D/film.mp4|--out|D/x.png", "found a film", "a still of one will do"},
		{"style|--out|D/x.safetensors|D/film.mp4", "found a film", "a still of one will do"},
		{"inspect|D/film.mp4", "found a film", "; films are for adain transcode"},
		// A picture where a film is wanted.
		{"transcode|--out|D/x/|D/photo.png", "it is a still picture", "adain stylize is for those"},
		{"live|--source|D/photo.png|--listen|127.0.0.1:0", "D/photo.png", "; adain stylize is for pictures"},
		{"eval|--video|D/photo.png", "is a picture", "; adain stylize is for pictures"},
		// Files of another kind, or of another network.
		{"stylize|--content|D/photo.png|--weights|D/style.safetensors|--out|D/x.png", "is a style file", "; "},
		{"stylize|--content|D/photo.png|--style|D/other.safetensors|--out|D/x.png", "is a weights file, wanted a style file", "; adain style extracts one"},
		{"stylize|--content|D/photo.png|--weights|D/other.safetensors|--style|D/style.safetensors|--out|D/x.png", "belongs to", "; extract it from its picture again"},
		{"stylize|--content|D/photo.png|--weights|D/other.safetensors|--out|D/x.png", "belongs to the built-in network", "; they carry no style of their own: name a picture"},
		{"stylize|--content|D/photo.png|--style|D/other style.safetensors|--out|D/x.png", "belongs to", "; extract it from its picture again"},
		{"stylize|--content|D/photo.png|--weights|D/decoder.pth|--out|D/x.png", "PyTorch", "; import it first"},
		{"stylize|--content|D/photo.png|--weights|D/photo.png|--out|D/x.png", "PNG picture", "; "},
		{"import|--out|D/x.safetensors|D/photo.png|D/photo.png", "is no PyTorch file", "; wanted what torch.save wrote"},
		// Nothing may be written there.
		{"stylize|--content|D/photo.png|--out|/sys/x.png", "/sys", "; name "},
		{"style|--out|/sys/x.safetensors|D/photo.png", "/sys", "; name "},
		{"export|--out|/sys/x", "/sys", ": name another place"},
		{"train|--content|D|--style|D|--vgg|D/v.pth|--out|/sys/x", "/sys", ": name another place"},
		// What the machine lacks.
		{"live|--source|webcam", "there is no camera", "; --source takes a film too"},
		{"live|--source|screen", "DISPLAY is not set", "; start adain in a session"},
		{"live|--source|test|--window|--listen|127.0.0.1:0", "there is no screen for a window", "over ssh: ssh -X"},
		{"live|--source|test|--listen|" + busy.Addr().String(), "address already in use", "; another program listens there"},
		{"stylize|--device|cuda|--content|D/photo.png|--out|D/x.png", "cuda: ", "--device cpu takes the processor"},
	} {
		if strings.Contains(c.what, "no camera") && len(cameras) > 0 || strings.Contains(c.args, "cuda") && driver.Available() == nil {
			t.Logf("%s: this machine has what is missing: %q", c.args, cameras)
			continue
		}
		refused(t, strings.Split(strings.ReplaceAll(c.args, "D/", dir+"/"), "|"), nil, strings.ReplaceAll(c.what, "D/", dir+"/"), c.advice)
	}
}

// steps are lines of progress.
var steps = regexp.MustCompile(`(?m)^\d+/\d+ .*\n`)

// refused runs a line that ends with an error, alone in its one line.
func refused(t *testing.T, args, environment []string, what, advice string) {
	t.Helper()
	c := command(t, args...)
	c.Env = append(append(c.Env, "DISPLAY=", "WAYLAND_DISPLAY=", "SINK="), environment...)
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	err := c.Run()
	text := steps.ReplaceAllString(errOut.String(), "")
	announced := strings.HasPrefix(out.String(), "The page is at")
	if code := c.ProcessState.ExitCode(); code != failed || out.Len() > 0 && !announced {
		t.Errorf("adain %s: %v, printed %q", strings.Join(args, " "), err, out.String())
	}
	if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "adain: ") || !strings.Contains(text, what) || !strings.Contains(text, advice) ||
		goWords.MatchString(text) {
		t.Errorf("adain %s says\n%swanted one line with %q and %q", strings.Join(args, " "), text, what, advice)
	}
}

// TestMissingPlugin hides all plug-ins but those of GStreamer's core.
func TestMissingPlugin(t *testing.T) {
	film.Init()
	plugin, err := gst.GetRegistry().FindPlugin("coreelements")
	if err != nil || plugin == nil {
		t.Skip("GStreamer's core elements have no file of their own: ", err)
	}
	dir := t.TempDir()
	core := plugin.Filename()
	if err := os.Symlink(core, filepath.Join(dir, filepath.Base(core))); err != nil {
		t.Fatal(err)
	}
	refused(t, []string{"live", "--source", "test", "--listen", "127.0.0.1:0"},
		[]string{"GST_PLUGIN_SYSTEM_PATH_1_0=" + dir, "GST_PLUGIN_PATH=", "GST_REGISTRY=" + filepath.Join(dir, "registry")},
		"GStreamer lacks the element ", "sudo apt install gstreamer1.0-plugins-base")
}
