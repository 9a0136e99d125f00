package live

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// visit is a page in a browser.
type visit struct {
	*testing.T
	ctx  context.Context
	said complaints
}

func open(t *testing.T, address string, width, height int64, options ...chromedp.EmulateViewportOption) *visit {
	t.Helper()
	v := &visit{T: t, ctx: browse(t, chromium(t))}
	chromedp.ListenTarget(v.ctx, v.said.hear)
	v.must("open the page", log.Enable(), chromedp.EmulateViewport(width, height, options...), chromedp.Navigate(address), evaluate(looking, nil),
		chromedp.Poll(`document.querySelectorAll(".style img").length >= 12 && document.getElementById("picture").naturalWidth > 0`, nil,
			chromedp.WithPollingTimeout(30*time.Second)))
	return v
}

func (v *visit) must(what string, actions ...chromedp.Action) {
	v.Helper()
	if err := chromedp.Run(v.ctx, actions...); err != nil {
		v.Fatalf("%s: %v", what, err)
	}
}

// until waits for a condition of the page.
func (v *visit) until(what, condition string) {
	v.Helper()
	v.must(what, chromedp.Poll(condition, nil, chromedp.WithPollingTimeout(10*time.Second)))
}

// shot keeps a screenshot in the folder SHOTS, for looking at.
func (v *visit) shot(name string) {
	v.Helper()
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	v.must("take a screenshot", chromedp.Sleep(500*time.Millisecond), chromedp.ActionFunc(func(ctx context.Context) error {
		data, err := cdppage.CaptureScreenshot().Do(ctx)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name+".png"), data, 0o600)
	}))
}

// named checks that whoever hears the page hears what each control is; the browser itself computes the names.
func (v *visit) named() {
	v.Helper()
	var heard int
	var without []string
	v.must("read what is heard", chromedp.Evaluate(`window.heard = [...document.querySelectorAll("button, a[href], input, video, summary, [role]")].filter((e) => e.checkVisibility())`, nil),
		chromedp.Evaluate(`window.heard.length`, &heard),
		chromedp.Evaluate(`window.heard.filter((e) => !["status", "alert"].includes(e.role) && !e.computedName).map((e) => e.outerHTML.slice(0, 80))`, &without))
	if heard < 30 || len(without) > 0 {
		v.Errorf("of %d controls these have no name: %q", heard, without)
	}
}

// TestPhone: the picture stays in sight on a phone, wherever the page is scrolled to, and what a finger needs is large enough.
func TestPhone(t *testing.T) {
	chromium(t)
	r := start(t, Config{Source: pan(t), Height: 120})
	v := open(t, r.address, 390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch)
	v.shot("phone-top")
	for _, place := range []string{"#alpha", "#transition", "#styles li:last-child"} {
		var seen struct{ Top, Bottom, Left, Right, Control, Height, Width float64 }
		v.must("scroll to "+place, chromedp.Evaluate(fmt.Sprintf(`document.querySelector(%q).scrollIntoView({block: "end"})`, place), nil), chromedp.Sleep(300*time.Millisecond),
			chromedp.Evaluate(fmt.Sprintf(`(() => { const r = document.querySelector(".stage").getBoundingClientRect(), c = document.querySelector(%q).getBoundingClientRect();
				return { Top: r.top, Bottom: r.bottom, Left: r.left, Right: r.right, Control: c.top, Height: innerHeight, Width: document.documentElement.scrollWidth }; })()`, place), &seen))
		if seen.Top < -1 || seen.Bottom > seen.Height || seen.Bottom-seen.Top < 150 || seen.Control < seen.Bottom-1 || seen.Width > 390 {
			t.Errorf("at %s the picture stands from %.0f to %.0f of %.0f and the control at %.0f; the page is %.0f wide", place, seen.Top, seen.Bottom, seen.Height, seen.Control, seen.Width)
		}
	}
	v.shot("phone-styles")
	v.named()
	v.must("choose a style below the picture", chromedp.Evaluate(`[...document.querySelectorAll(".style")].at(-1).click()`, nil))
	v.until("it is in force", `[...document.querySelectorAll(".style")].at(-1).getAttribute("aria-pressed") === "true"`)
	v.quiet()
}

func (v *visit) quiet() {
	v.said.Lock()
	defer v.said.Unlock()
	if len(v.said.all) > 0 {
		v.Errorf("the console says: %s", strings.Join(v.said.all, "; "))
	}
}

// TestDesk uses what is new on the page by mouse and keys.
func TestDesk(t *testing.T) {
	chromium(t)
	r := start(t, Config{Source: pan(t), Height: 120})
	v := open(t, r.address, 1440, 900)
	v.shot("desk")
	style := filepath.Join(t.TempDir(), "style.png")
	if err := os.WriteFile(style, pngOf(90, 60), 0o600); err != nil {
		t.Fatal(err)
	}
	v.must("upload a style", chromedp.SetUploadFiles("#style-file", []string{style}))
	v.until("it is in force", `document.querySelector(".style[aria-pressed=true] span")?.textContent === "upload-1"`)
	v.must("name it", chromedp.Evaluate(`document.querySelector('[aria-label="Rename upload-1"]').click()`, nil), chromedp.SendKeys(".name", "Blue night"+kb.Enter))
	v.until("it has its name", `document.querySelector('[aria-label="Remove Blue night"]') && state.styles[0].name === "Blue night"`)
	v.must("mix", chromedp.Evaluate(`document.querySelector('[aria-label="ember in the mix"]').click()`, nil))
	v.until("there are two sliders", `document.querySelectorAll("#shares input").length === 2`)
	v.must("move the second", chromedp.Focus("#share-1"), chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.ArrowRight))
	v.until("the shares follow", `state.styles.length === 2 && state.styles[1].weight / (state.styles[0].weight + state.styles[1].weight) < 0.1`)
	v.shot("desk-mix")
	v.named()
	v.must("remove it", chromedp.Evaluate(`document.querySelector('[aria-label="Remove Blue night"]').click()`, nil))
	v.until("it is gone", `![...document.querySelectorAll(".style span")].some((s) => s.textContent === "Blue night") && state.styles[0].name === "ember"`)

	v.must("press ]", chromedp.Evaluate(`document.activeElement.blur()`, nil), chromedp.KeyEvent("]"))
	v.until("the next style", `state.styles[0].name !== "ember" && document.getElementById("said").textContent === state.styles[0].name`)
	v.must("press -", chromedp.KeyEvent("-"))
	v.until("less strength", `state.alpha === 0.9 && document.getElementById("alpha-value").value === "90 %"`)
	v.must("press f", chromedp.KeyEvent("f"))
	v.until("full screen", `document.getElementById("full").getAttribute("aria-pressed") === "true" && document.querySelector(".stage").getBoundingClientRect().width === innerWidth`)
	v.must("press f again", chromedp.KeyEvent("f"))
	v.until("no full screen", `document.getElementById("full").getAttribute("aria-pressed") === "false"`)
	var snapshot string
	v.must("keep a picture", evaluate(`fetch("/snapshot.jpeg").then(async (a) => { const i = await createImageBitmap(await a.blob());
		return a.headers.get("content-disposition") + " " + (i.height === document.getElementById("picture").naturalHeight); })`, &snapshot))
	if snapshot != `attachment; filename="adain.jpg" true` {
		t.Errorf("the snapshot is %s", snapshot)
	}
	v.quiet()
}

// TestVideo: the coded picture plays, moves, and stays at what is newest; it takes fewer bytes than JPEG.
func TestVideo(t *testing.T) {
	chromium(t)
	r := start(t, Config{Source: "test", Height: 360})
	if now := r.patch(t, `{"alpha":0}`); !now.H264 {
		t.Skip("GStreamer has no encoder for H.264")
	}
	v := open(t, r.address, 1440, 900)
	v.must("save data", chromedp.Click("#light", chromedp.ByQuery))
	v.until("it plays", `document.getElementById("video").videoHeight === 360 && document.getElementById("video").currentTime > 2`)
	var behind, moved float64
	v.must("look at it", evaluate(`(async () => { const v = document.getElementById("video"); return v.buffered.end(v.buffered.length - 1) - v.currentTime; })()`, &behind),
		evaluate(`(async () => { const v = document.getElementById("video"), from = v.currentTime; await window.sleep(1500); return v.currentTime - from; })()`, &moved))
	if behind > 1.5 || moved < 0.5 {
		t.Errorf("it is %.2f s behind the newest, and in 1.5 s it plays %.2f", behind, moved)
	}
	v.shot("desk-video")
	var coded float64
	v.must("count", evaluate(`(async () => { const from = coded.bytes; await window.sleep(3000); return (coded.bytes - from) / 3; })()`, &coded))
	v.must("back to JPEG", chromedp.Click("#light", chromedp.ByQuery))
	v.until("JPEG is back", `document.getElementById("video").hidden && document.getElementById("picture").naturalHeight === 360`)
	if coded <= 0 {
		t.Error("no bytes were counted")
	}
	t.Logf("H.264: %.0f bytes per second", coded)
	v.quiet()
}
