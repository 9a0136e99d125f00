package live

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/go-gst/go-gst/gst"

	"adainfilter/model"
	"adainfilter/picture"
)

var update = flag.Bool("update", false, "write the screenshot documents/live.jpg")

// pan writes a film in which the view wanders over the original frame of documents/styles.jpg and back.
func pan(t *testing.T) string {
	t.Helper()
	sheet, err := picture.Read("../../documents/styles.jpg", picture.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const width, height, steps = 432, 243, 24 // of the original's 480x270
	for i := range 2 * steps {
		place := min(i, 2*steps-i)
		x, y := place*(480-width)/steps, place*(270-height)/steps
		view := &model.Image{Format: model.RGB, Width: width, Height: height}
		view.Planes[0] = model.Plane{Data: sheet.Planes[0].Data[y*sheet.Planes[0].Stride+3*x:], Stride: sheet.Planes[0].Stride}
		if err := picture.Write(filepath.Join(dir, fmt.Sprintf("%03d.jpg", i)), view); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "meadow.avi")
	line, err := gst.NewPipelineFromString("multifilesrc name=pictures ! image/jpeg,framerate=15/1 ! jpegparse ! avimux ! filesink name=film")
	if err != nil {
		t.Skip("GStreamer's elements for a test film are missing: ", err)
	}
	defer line.SetState(gst.StateNull)
	for name, location := range map[string]string{"pictures": filepath.Join(dir, "%03d.jpg"), "film": path} {
		e, err := line.GetElementByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.SetProperty("location", location); err != nil {
			t.Fatal(err)
		}
	}
	line.SetState(gst.StatePlaying)
	if m := line.GetPipelineBus().TimedPopFiltered(gst.ClockTime(20*time.Second), gst.MessageEOS|gst.MessageError); m == nil || m.Type() != gst.MessageEOS {
		t.Fatalf("the test film was not written: %v", m)
	}
	return path
}

// complaints are what the browser's console shows as errors, and exceptions that nobody caught.
type complaints struct {
	sync.Mutex
	all []string
}

func (c *complaints) hear(event any) {
	c.Lock()
	defer c.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning {
			c.all = append(c.all, e.Entry.Text+" "+e.Entry.URL)
		}
	case *cdpruntime.EventConsoleAPICalled:
		c.all = append(c.all, fmt.Sprintf("console.%s", e.Type))
	case *cdpruntime.EventExceptionThrown:
		c.all = append(c.all, e.ExceptionDetails.Error())
	}
}

// chromium is where one is installed; the test is skipped where none is.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no Chromium (Debian: apt install chromium)")
	return ""
}

// browse starts a browser; it ends before what was started before it.
func browse(t *testing.T, program string) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("enable-blink-features", "ComputedAccessibilityInfo"), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancelTime := context.WithTimeout(context.Background(), 90*time.Second)
	ctx, cancelProgram := chromedp.NewExecAllocator(ctx, options...)
	ctx, _ = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		chromedp.Cancel(ctx) // waits until its files are gone
		cancelProgram()
		cancelTime()
	})
	return ctx
}

// Functions for the page: look averages the picture's colours, warmth is red less blue of that.
const looking = `
window.look = () => {
	const picture = document.getElementById("picture");
	const canvas = window.canvas ??= new OffscreenCanvas(32, 18);
	const pen = canvas.getContext("2d", { willReadFrequently: true });
	pen.drawImage(picture, 0, 0, 32, 18);
	return pen.getImageData(0, 0, 32, 18).data;
};
window.warmth = () => {
	const data = window.look();
	let sum = 0;
	for (let i = 0; i < data.length; i += 4) sum += data[i] - data[i + 2];
	return sum / (data.length / 4);
};
window.sleep = (ms) => new Promise((done) => setTimeout(done, ms));
// settled is the range of warmth over a second.
window.settled = async () => {
	const all = [];
	for (let i = 0; i < 20; i++) { all.push(window.warmth()); await window.sleep(50); }
	return [Math.min(...all), Math.max(...all)];
};
// until waits for a warmth on the other side of limit and gives the milliseconds since the slider moved.
window.until = async (limit, above) => {
	const end = performance.now() + 5000;
	while ((window.warmth() > limit) !== above && performance.now() < end) await window.sleep(4);
	return performance.now() - window.moved;
};
document.getElementById("alpha").addEventListener("input", () => { window.moved = performance.now(); }, true);
`

// evaluate awaits a promise of the page.
func evaluate(script string, to any) chromedp.Action {
	return chromedp.Evaluate(script, to, func(p *cdpruntime.EvaluateParams) *cdpruntime.EvaluateParams { return p.WithAwaitPromise(true) })
}

func TestPage(t *testing.T) {
	program := chromium(t)
	height := 120
	if *update {
		height = 243 // which is for looks, not for speed
	}
	r := start(t, Config{Source: pan(t), Height: height})
	ctx := browse(t, program)
	var said complaints
	chromedp.ListenTarget(ctx, said.hear)
	must := func(what string, actions ...chromedp.Action) {
		t.Helper()
		if err := chromedp.Run(ctx, actions...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	var version string
	must("open the page", chromedp.ActionFunc(func(ctx context.Context) (err error) {
		_, version, _, _, _, err = browser.GetVersion().Do(ctx)
		return err
	}), chromedp.EmulateViewport(1280, 950), chromedp.Navigate(r.address), evaluate(looking, nil),
		chromedp.Poll(`document.querySelectorAll(".style img").length === 12 && document.images.length > 12 &&
			[...document.images].every((i) => i.naturalWidth > 0)`, nil, chromedp.WithPollingTimeout(20*time.Second)))
	t.Log(version)

	var moves int
	must("see the picture move", evaluate(`(async () => {
		let last = "", seen = 0;
		for (let i = 0; i < 40; i++) {
			const now = window.look().join();
			if (now !== last) seen++;
			last = now;
			await window.sleep(50);
		}
		return seen;
	})()`, &moves))
	if moves < 5 {
		t.Errorf("in two seconds the picture changes %d times, wanted 5 or more", moves)
	}
	if !*update {
		alphaInTime(t, must)
	}
	uploadByHand(t, must)

	var title string
	var source string
	must("read the source", chromedp.Text("#source", &source))
	if source != "meadow.avi" {
		t.Errorf("the source is %q", source)
	}
	must("take the picture", chromedp.Click(`//button[.="palette-knife"]`), chromedp.Title(&title),
		chromedp.Poll(`document.querySelector("[aria-pressed=true] span").textContent === "palette-knife"`, nil), chromedp.Sleep(time.Second))
	if title != "adain live" {
		t.Errorf("the title is %q", title)
	}
	shot := screenshot(t, must, "light")
	if dark := screenshot(t, must, "dark"); bytes.Equal(shot, dark) {
		t.Error("the page is not dark where it should be")
	}
	if len(shot) > 200<<10 {
		t.Errorf("the screenshot has %d bytes, wanted at most 200 KiB", len(shot))
	}
	if *update {
		if err := os.WriteFile("../../documents/live.jpg", shot, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if shape := wide(t, must); shape != "" {
		t.Error(shape)
	}
	said.Lock()
	defer said.Unlock()
	if len(said.all) > 0 {
		t.Errorf("the console says: %s", strings.Join(said.all, "; "))
	}
}

func TestLoginByHand(t *testing.T) {
	program := chromium(t)
	r := start(t, Config{Source: "test", Height: 64, Token: testToken})
	ctx := browse(t, program)
	if err := chromedp.Run(ctx, chromedp.Navigate(r.address)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		token, look, want string
		status            int64
	}{{"not the token at all", ".hint", "That is not the token that adain live was started with.", 401}, {testToken, "#source", "test picture", 200}} {
		var text string
		answer, err := chromedp.RunResponse(ctx, chromedp.SendKeys("#token", c.token+kb.Enter))
		if err != nil || answer.Status != c.status {
			t.Fatalf("the form with %q: %+v, %v, wanted status %d", c.token, answer, err, c.status)
		}
		if err := chromedp.Run(ctx, chromedp.Poll(fmt.Sprintf(`document.querySelector(%q)?.textContent === %q`, c.look, c.want), nil,
			chromedp.WithPollingTimeout(10*time.Second)), chromedp.Text(c.look, &text)); err != nil {
			t.Errorf("the form with %q: %v, %s is %q", c.token, err, c.look, text)
		}
	}
}

// alphaInTime moves the slider by keys and measures when the picture shows it.
func alphaInTime(t *testing.T, must func(string, ...chromedp.Action)) {
	t.Helper()
	var plain, styled [2]float64
	must("move the slider", chromedp.Focus("#alpha"), chromedp.KeyEvent(kb.Home), chromedp.Sleep(time.Second), evaluate("window.settled()", &plain),
		chromedp.KeyEvent(kb.End), chromedp.Sleep(time.Second), evaluate("window.settled()", &styled))
	limit, above := (plain[1]+styled[0])/2, true
	if styled[0] < plain[0] {
		limit, above = (styled[1]+plain[0])/2, false
	}
	if (styled[0]-plain[1] < 4) == above {
		t.Fatalf("the warmth is %.1f plain and %.1f styled, which cannot be told apart", plain, styled)
	}
	// A busy machine may stop for a moment; what the page could not do by itself it cannot do in any round.
	best := [2]float64{1e9, 1e9}
	for round := 0; round < 8 && max(best[0], best[1]) > 300; round++ {
		var off, on float64
		must("measure the slider", chromedp.KeyEvent(kb.Home), evaluate(fmt.Sprintf("window.until(%v, %v)", limit, !above), &off), chromedp.Sleep(300*time.Millisecond),
			chromedp.KeyEvent(kb.End), evaluate(fmt.Sprintf("window.until(%v, %v)", limit, above), &on), chromedp.Sleep(300*time.Millisecond))
		t.Logf("the picture follows the slider after %.0f and %.0f ms", off, on)
		best = [2]float64{min(best[0], off), min(best[1], on)}
	}
	// What the network takes for a frame is no fault of the page's: two frames are under way when the slider moves.
	var latency float64
	must("read the latency", chromedp.Evaluate(`state.latency_ms`, &latency))
	if limit := max(300, 150+3*latency); max(best[0], best[1]) > limit {
		t.Errorf("the picture follows the slider after %.0f ms, wanted %.0f or less where a frame takes %.0f", best, limit, latency)
	}
}

// uploadByHand chooses a file as a user does, and then a second style for a mask.
func uploadByHand(t *testing.T, must func(string, ...chromedp.Action)) {
	t.Helper()
	dir := t.TempDir()
	style, mask := filepath.Join(dir, "style.png"), filepath.Join(dir, "mask.png")
	sheet, err := picture.Read("../../documents/styles.jpg", picture.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	painting, half := &model.Image{Format: model.RGB, Width: 200, Height: 112}, model.NewImage(model.RGB, 32, 18)
	painting.Planes[0] = model.Plane{Data: sheet.Planes[0].Data[300*sheet.Planes[0].Stride+3*620:], Stride: sheet.Planes[0].Stride}
	for i := range half.Planes[0].Data {
		if i%half.Planes[0].Stride < 48 {
			half.Planes[0].Data[i] = 255
		}
	}
	for path, img := range map[string]*model.Image{style: painting, mask: half} {
		if err := picture.Write(path, img); err != nil {
			t.Fatal(err)
		}
	}
	within := chromedp.WithPollingTimeout(5 * time.Second)
	must("upload a style", chromedp.SetUploadFiles("#style-file", []string{style}),
		chromedp.Poll(`document.querySelector(".style[aria-pressed=true] span")?.textContent === "upload-1"`, nil, within))
	must("mix by keys", chromedp.Focus(`[aria-label="ember in the mix"]`), chromedp.KeyEvent(kb.Enter),
		chromedp.Poll(`document.querySelectorAll("#shares .slider").length === 2 && !document.getElementById("mix").hidden`, nil, within))
	must("upload a mask", chromedp.SetUploadFiles("#mask-file", []string{mask}),
		chromedp.Poll(`document.getElementById("mask").checked && document.getElementById("mix").hidden`, nil, within))
	var hint string
	must("read the hint", chromedp.Text("#mask-hint", &hint))
	if hint != "White: upload-1, black: ember." {
		t.Errorf("the hint is %q", hint)
	}
}

// screenshot is a JPEG of the page.
func screenshot(t *testing.T, must func(string, ...chromedp.Action), scheme string) (data []byte) {
	t.Helper()
	must("take a screenshot", emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.Evaluate(`document.activeElement.blur(); scrollTo(0, 0)`, nil), chromedp.Sleep(400*time.Millisecond),
		chromedp.ActionFunc(func(ctx context.Context) (err error) {
			data, err = cdppage.CaptureScreenshot().WithFormat(cdppage.CaptureScreenshotFormatJpeg).WithQuality(85).Do(ctx)
			return err
		}))
	return data
}

// wide says what sticks out of a telephone's screen.
func wide(t *testing.T, must func(string, ...chromedp.Action)) string {
	t.Helper()
	var width int
	must("make the window narrow", chromedp.EmulateViewport(360, 740), chromedp.Sleep(300*time.Millisecond),
		chromedp.Evaluate(`document.documentElement.scrollWidth`, &width))
	if width > 360 {
		return fmt.Sprintf("on a screen of 360 pixels the page is %d wide", width)
	}
	return ""
}
