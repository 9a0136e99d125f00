package documents

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color/palette"
	"image/gif"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"

	"adainfilter/model"
	"adainfilter/picture"
)

// sandbox is a folder with what readers have: the checkout's folders, films, pictures, a VGG-19 (of random weights) and a page that
// runs. Lines run in it one after the other, with what the lines `export` of the page have set.
type sandbox struct {
	dir     string
	exports string
	env     []string
	live    *exec.Cmd
}

func link(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Symlink(from, to); err != nil {
		t.Fatal(err)
	}
}

// newSandbox makes one. vgg is a folder with the files of randomVGG, or "".
func newSandbox(t *testing.T, page, vgg string) *sandbox {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	s := &sandbox{dir: t.TempDir()}
	for _, name := range []string{"build", "pipelines", "documents", "model"} {
		link(t, filepath.Join(root, name), filepath.Join(s.dir, name))
	}
	for _, name := range []string{"bin", "films", "shared/films", "tables"} {
		if err := os.MkdirAll(filepath.Join(s.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	link(t, filepath.Join(root, "build/adain"), filepath.Join(s.dir, "bin/adain"))
	if vgg != "" {
		link(t, filepath.Join(vgg, "encoder.pth"), filepath.Join(s.dir, "vgg_normalised.pth"))
		link(t, filepath.Join(vgg, "decoder.pth"), filepath.Join(s.dir, "decoder.pth"))
	}
	s.env = append(os.Environ(), "PATH="+s.dir+"/bin:"+os.Getenv("PATH"), "GST_PLUGIN_PATH="+root+"/build/gstreamer-1.0", "REPOSITORY="+root,
		"SOURCE=videotestsrc num-buffers=3", "SINK=fakesink", "LC_ALL=C.UTF-8", "NO_COLOR=1")
	s.pictures(t, page)
	return s
}

// pictures writes the pictures that lines name. The page on training gets them by its own lines, out of an archive and of tables.
func (s *sandbox) pictures(t *testing.T, page string) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 1))
	write := func(name string) {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		img := model.NewImage(model.RGB, 96, 80)
		base := random.IntN(128)
		for i := range img.Planes[0].Data {
			img.Planes[0].Data[i] = byte(base + i%97 + random.IntN(32))
		}
		if err := picture.Write(path, img); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, "look.cube"), []byte("LUT_1D_SIZE 2\n0 0 0\n1 0.9 0.8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"photo.jpg", "painting.jpg", "my painting.jpg", "woodcut.jpg", "mask.png", "shot.0001.png", "shot.0002.png", "frames/1001.png", "frames/1002.png"} {
		write(name)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "cat.gif"), twoFrames(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if page != "documents/train.md" {
		for _, name := range []string{"photos/train/1.jpg", "photos/train/2.jpg", "photos/val/1.jpg", "paintings/train/1.jpg", "paintings/train/2.jpg", "paintings/val/1.jpg"} {
			write(name)
		}
		if slices.Contains([]string{"documents/evaluate.md", "documents/weights.md", "documents/lite.md"}, page) { // as the page on training leaves it
			if err := s.run("mkdir -p mine && cp model/builtin/lite.safetensors mine/weights.safetensors"); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	objects, images := "objectid,title,classification\n1,A bust,Sculpture\n", "uuid,iiifurl,viewtype,openaccess,depictstmsobjectid\n"
	for i := range 20 {
		write(fmt.Sprintf("tables/%d/full/!512,512/0/default.jpg", i))
		write(fmt.Sprintf("val2017/%012d.jpg", 100+i))
		objects += fmt.Sprintf("%d,\"A painting, of\ntwo lines\",Painting\n", 100+i)
		images += fmt.Sprintf("u,file://%s/tables/%d,primary,1,%d\n", s.dir, i, 100+i)
	}
	images += "u,file:///none,primary,1,1\nu,file:///none,primary,0,101\nu,file:///none,alternate,1,101\n"
	for name, text := range map[string]string{"objects.csv": objects, "published_images.csv": images} {
		if err := os.WriteFile(filepath.Join(s.dir, "tables", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.run("python3 -m zipfile -c val2017.zip val2017 && rm -r val2017"); err != nil {
		t.Fatal(err)
	}
}

// films makes one of a second and gives it all the names that lines have.
// twoFrames is an animated GIF.
func twoFrames(t *testing.T) []byte {
	t.Helper()
	film := &gif.GIF{Delay: []int{10, 20}}
	for i := range 2 {
		img := image.NewPaletted(image.Rect(0, 0, 96, 80), palette.Plan9)
		for k := range img.Pix {
			img.Pix[k] = byte(k + 40*i)
		}
		film.Image = append(film.Image, img)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, film); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (s *sandbox) films(t *testing.T) {
	t.Helper()
	if err := s.run("gst-launch-1.0 videotestsrc num-buffers=10 ! video/x-raw,format=I420,width=96,height=64,framerate=10/1 ! x264enc speed-preset=ultrafast " +
		"key-int-max=3 ! h264parse ! mp4mux name=m ! filesink location=film.mp4 audiotestsrc num-buffers=10 samplesperbuffer=4410 ! " +
		"audio/x-raw,rate=44100,channels=1 ! avenc_aac ! aacparse ! m. && gst-launch-1.0 filesrc location=film.mp4 ! qtdemux ! h264parse ! " +
		"matroskamux ! filesink location=film.mkv && for f in film.mov one.mp4 two.mp4 films/a.mp4 shared/films/a.mp4 shared/films/b.mp4; do ln film.mp4 $f; done"); err != nil {
		t.Fatal(err)
	}
}

// run gives a shell a line; the error has what was printed.
func (s *sandbox) run(text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euc", s.exports+text)
	cmd.Dir, cmd.Env, cmd.WaitDelay = s.dir, s.env, time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", text, err, out)
	}
	return nil
}

// startPage runs `adain live` for the lines that speak with it, and sets PAGE to its address.
func (s *sandbox) startPage(t *testing.T) {
	t.Helper()
	s.live = exec.Command("bin/adain", "live", "--source", "test", "--height", "48", "--listen", "127.0.0.1:0")
	var said bytes.Buffer
	out := make(chan string, 1)
	s.live.Dir, s.live.Env, s.live.Stderr = s.dir, s.env, &said
	stdout, err := s.live.StdoutPipe()
	if err == nil {
		err = s.live.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.live.Process.Signal(syscall.SIGINT); s.live.Wait() })
	go func() {
		data := make([]byte, 500)
		n, _ := stdout.Read(data)
		out <- string(data[:n])
	}()
	select {
	case text := <-out:
		address := regexp.MustCompile(`http://\S+/`).FindString(text)
		if address == "" {
			t.Fatalf("adain live named no page: %q", text)
		}
		s.env = append(s.env, "PAGE="+address)
	case <-time.After(time.Minute):
		t.Fatal("adain live named no page for a minute")
	}
}

// randomVGG makes encoder.pth and decoder.pth with random weights of VGG-19's widths, by which lines run though losses mean nothing.
func randomVGG(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	w := &model.Weights{Network: "vgg19", Widths: model.VGG19}
	for _, l := range model.VGG19.Layers() {
		c := model.Conv{Layer: l, Weight: make([]float32, l.Out*l.In*l.Kernel*l.Kernel), Bias: make([]float32, l.Out)}
		limit := 2 * 1.7 / float32(l.In*l.Kernel*l.Kernel) // keeps values from growing from layer to layer
		for i := range c.Weight {
			c.Weight[i] = (random.Float32() - 0.4) * limit
		}
		w.Layers = append(w.Layers, c)
	}
	file := filepath.Join(dir, "vgg19.safetensors")
	if err := w.Save(file); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("../build/adain", "export", "--format", "pth", "--out", dir, file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}
