package documents

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"adainfilter/model"
	"adainfilter/picture"
)

// notHere are lines that no test of this folder can run, and why. Their spelling is checked all the same.
var notHere = []struct{ begins, reason string }{
	{"podman ", "needs a container engine and an image"},
	{"docker ", "needs a container engine and an image"},
	{"kubectl ", "needs a cluster; TestKubernetes in pipelines runs what the file says"},
	{"pipelines/slurm.sh ", "needs a cluster; TestSlurm in pipelines runs it on one of one machine"},
	{"curl -LO https://", "needs the network"},
	{"curl -O http://", "needs the network"},
	{"gst-launch-1.0 filesrc location=film.mp4 ! qtdemux ! h264parse ! nvh264dec ", "needs an NVIDIA GPU"},
	{"gst-launch-1.0 videotestsrc ! cudaupload ", "needs an NVIDIA GPU"},
	{"gpu-bundle/run", "needs a host with an NVIDIA GPU"},
	{"tar xzf gpu-bundle.tar.gz", "needs the bundle on another host"},
	{"go test ./cuda/...", "make test runs it"},
}

// instead replaces what only a reader's machine has, or what would take long; make is asked what it would do.
var instead = []struct {
	what   *regexp.Regexp
	by     string
	reason string
}{
	{regexp.MustCompile(`^make `), "make -C $$REPOSITORY --dry-run ", "takes minutes"},
	{regexp.MustCompile(`\b(autovideosink|ximagesink)\b`), "fakesink", "no display"},
	{regexp.MustCompile(`\bvideotestsrc( num-buffers=\d+)?`), "videotestsrc num-buffers=3", "never ends"},
	{regexp.MustCompile(` --window\b`), "", "no display"},
	{regexp.MustCompile(`--source screen\b`), "--source test", "no display"},
	{regexp.MustCompile(`^((?:\w+=\S+ )?\S*adain live)(.*)`), "timeout --foreground --signal INT --preserve-status 3 $1 --source test --listen 127.0.0.1:0$2", "no camera; never ends"},
	{regexp.MustCompile(`--listen 127.0.0.1:0 (.*)--listen \S+`), "--listen 127.0.0.1:0 $1", "the address may be taken"},
	{regexp.MustCompile(`--source test (.*--source )`), "$1", "given twice"},
	{regexp.MustCompile(`^curl (.*)http://127\.0\.0\.1:8080/`), "curl --fail-with-body --silent --show-error $1$${PAGE}", "the address may be taken"},
	{regexp.MustCompile(`--start 1m --duration 10s`), "--start 300ms --duration 400ms", "the test's film lasts a second"},
	{regexp.MustCompile(`--skip 100 --frames 200\b`), "--skip 1 --frames 3", "the test's film lasts a second"},
	{regexp.MustCompile(`--size 720\b`), "--size 48", "takes long"},
	{regexp.MustCompile(`eval --video film.mp4`), "eval --size 48 --frames 3 --video film.mp4", "takes long"},
	{regexp.MustCompile(`--max-iter \d+`), "--max-iter 2", "takes hours"},
	{regexp.MustCompile(`(adain train .*--network lite --content .*)`), "$1 --max-iter 2 --crop 32 --batch-size 2", "takes days"},
	{regexp.MustCompile(`--crop 128 --batch-size 4\b`), "--crop 32 --batch-size 2", "takes long"},
	{regexp.MustCompile(`--warmup \d+`), "--warmup 1", "takes hours"},
	{regexp.MustCompile(`--pairs 20\b`), "--pairs 2", "takes long"},
	{regexp.MustCompile(`(adain transcode --shard )0/4(.*)`), "for i in 0 1 2 3; do $1$$i/4$2; done", "four machines"},
	{regexp.MustCompile(` /shared/`), " shared/", "not of this machine"},
	{regexp.MustCompile(`(documents/paintings.py .*)--number 2000`), "$1 --number 20 --pause 0 --tables file://$$PWD/tables/", "needs the network"},
}

// Elements and programs without which a line that has the word is left out.
var wants = map[string]string{
	"h265": "element x265enc", "ffv1": "element avenc_ffv1", "compare.sh": "element compositor", "transcode": "element x264enc", "file.sh": "element x264enc",
	"curl": "program curl", "lscpu": "program lscpu", "film.mp4": "element avdec_h264", "timeline.py": "module gi",
}

// cheap are the lines that a short run has; the others take a second or more each, or a whole VGG-19.
var cheap = regexp.MustCompile(`^(make|export|cat|mkdir|(build/)?adain (stylize|style|--version)) ?`)

// missing says what a line needs and this machine does not have.
func missing(text string) string {
	for word, what := range wants {
		if !strings.Contains(text, word) {
			continue
		}
		kind, name, _ := strings.Cut(what, " ")
		var err error
		switch kind {
		case "element":
			err = exec.Command("gst-inspect-1.0", "--exists", name).Run()
		case "program":
			_, err = exec.LookPath(name)
		case "module":
			err = exec.Command("/usr/bin/python3", "-c", "import gi; gi.require_version('Gst', '1.0')").Run()
		}
		if err != nil {
			return what
		}
	}
	return ""
}

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
	for _, name := range []string{"photo.jpg", "painting.jpg", "my painting.jpg", "woodcut.jpg", "mask.png"} {
		write(name)
	}
	if page != "documents/train.md" {
		for _, name := range []string{"photos/train/1.jpg", "photos/train/2.jpg", "photos/val/1.jpg", "paintings/train/1.jpg", "paintings/train/2.jpg", "paintings/val/1.jpg"} {
			write(name)
		}
		if err := s.run("mkdir mine && cp model/builtin/lite.safetensors mine/weights.safetensors"); err != nil {
			t.Fatal(err)
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
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
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

// TestLines runs every line of every page.
func TestLines(t *testing.T) {
	command(t)
	if out, err := exec.Command("gst-inspect-1.0", "--exists", "videotestsrc").CombinedOutput(); err != nil {
		t.Skipf("GStreamer's tools are not installed: %v %s", err, out)
	}
	t.Setenv("GST_REGISTRY", filepath.Join(t.TempDir(), "registry.bin"))
	vgg := ""
	if !testing.Short() {
		vgg = randomVGG(t)
	}
	left, replaced := make([]bool, len(notHere)), make([]bool, len(instead))
	texts := pages(t)
	for _, page := range slices.Sorted(maps.Keys(texts)) {
		lines := linesOf(page, texts[page])
		if len(lines) == 0 {
			continue
		}
		t.Run(strings.ReplaceAll(page, "/", "-"), func(t *testing.T) {
			s := newSandbox(t, page, vgg)
			if !testing.Short() && missing("transcode") == "" {
				s.films(t)
			}
			for _, l := range lines {
				runLine(t, s, l, left, replaced)
			}
		})
	}
	for i, used := range left {
		if !used {
			t.Errorf("no page has a line that begins with %q", notHere[i].begins)
		}
	}
	for i, used := range replaced {
		if !used && !testing.Short() {
			t.Errorf("no page has a line with %s", instead[i].what)
		}
	}
}

// runLine runs one, or says why not; it marks the rules that it used.
func runLine(t *testing.T, s *sandbox, l line, left, replaced []bool) {
	for i, n := range notHere {
		if strings.HasPrefix(l.text, n.begins) {
			left[i] = true
			t.Logf("not run, %s: %s", n.reason, l)
			return
		}
	}
	if testing.Short() && !cheap.MatchString(l.text) {
		t.Logf("not run, the run is short: %s", l)
		return
	}
	if what := missing(l.text); what != "" {
		t.Logf("not run, there is no %s: %s", what, l)
		return
	}
	if strings.HasPrefix(l.text, "export ") {
		s.exports += l.text + "\n"
	}
	text := l.text
	for i, r := range instead {
		if r.what.MatchString(text) {
			replaced[i] = true
			text = r.what.ReplaceAllString(text, r.by)
		}
	}
	if strings.Contains(text, "${PAGE}") && s.live == nil {
		s.startPage(t)
	}
	start := time.Now()
	if err := s.run(text); err != nil {
		t.Errorf("%s\nwas run as %v", l, err)
	}
	t.Logf("%.1f s: %s", time.Since(start).Seconds(), text)
}

// TestPython runs the program of the page on the element, with the fade that the page adds to it.
func TestPython(t *testing.T) {
	command(t)
	if testing.Short() {
		t.Skip("takes seconds")
	}
	if what := missing("timeline.py"); what != "" {
		t.Skip("there is no ", what)
	}
	t.Setenv("GST_REGISTRY", filepath.Join(t.TempDir(), "registry.bin"))
	page := pages(t)["documents/element.md"]
	programs := blocks(page, "python")
	if len(programs) != 2 {
		t.Fatalf("documents/element.md has %d programs, wanted 2", len(programs))
	}
	before, after, ok := strings.Cut(programs[0].text, "pipeline.set_state")
	if !ok {
		t.Fatal("the program does not set the pipeline's state")
	}
	imports := regexp.MustCompile("`(gi\\.require_version[^`]*)` and\n?.*`(from gi[^`]*)`").FindStringSubmatch(strings.ReplaceAll(page, "\n", " "))
	if imports == nil {
		t.Fatal("the page does not say what the fade imports")
	}
	program := before + imports[1] + "\n" + imports[2] + "\n" + programs[1].text + "pipeline.set_state" + after
	for what, by := range map[string]string{
		"autovideosink": "fakesink sync=true", "adainfilter name": "video/x-raw,width=64,height=48 ! adainfilter name",
		"GLib.MainLoop().run()": "loop = GLib.MainLoop()\nGLib.timeout_add_seconds(5, loop.quit)\nloop.run()\nprint('alpha', paint.props.alpha)\npipeline.set_state(Gst.State.NULL)",
	} {
		if !strings.Contains(program, what) {
			t.Fatalf("the program has no %s", what)
		}
		program = strings.Replace(program, what, by, 1)
	}
	s := newSandbox(t, "documents/element.md", "")
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-u", "-c", program)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "woodcut,my painting.jpg is in force") || !strings.Contains(string(out), "alpha 1.0") {
		t.Errorf("%v, wanted the style in force and an alpha of 1 at the end of the fade:\n%s\n%s", err, out, program)
	}
}
