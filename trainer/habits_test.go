package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"adainfilter/model"
)

// command is the program as a process of its own.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, args...)
	c.Env = append(os.Environ(), asCommand+"=1")
	return c
}

func TestHelp(t *testing.T) {
	whole, _ := mustRun(t, "help")
	if plain, _ := mustRun(t, "--help"); plain != whole {
		t.Error("adain help is not adain --help")
	}
	for _, c := range newApp(io.Discard, io.Discard).Commands {
		if c.Name == "help" { // its --help is that of the program
			continue
		}
		long, _ := mustRun(t, c.Name, "--help")
		if got, _ := mustRun(t, "help", c.Name); got != long {
			t.Errorf("adain help %s prints\n%s\nwanted\n%s", c.Name, got, long)
		}
		if !strings.Contains(whole, "\n   "+c.Name+" ") {
			t.Errorf("adain help does not list %s", c.Name)
		}
	}
}

// TestMistyped looks for the word that was meant.
func TestMistyped(t *testing.T) {
	for args, want := range map[string]string{
		"stylise":                    `there is no command "stylise", but stylize; see adain --help`,
		"help trian":                 `there is no command "trian", but train; see adain --help`,
		"zzz":                        `there is no command "zzz"; see adain --help`,
		"help train eval":            "2 commands were named, wanted one",
		"stylize --sytle x":          "adain stylize has no option --sytle, but --style; see adain stylize --help",
		"stylize --sytle=x":          "adain stylize has no option --sytle, but --style; see adain stylize --help",
		"train --zzz":                "adain train has no option --zzz; see adain train --help",
		"--versoin":                  "adain has no option --versoin, but --version; see adain --help",
		"stylize --alpha much":       `--alpha is "much", wanted a number; see adain stylize --help`,
		"stylize --size 1.5":         `--size is "1.5", wanted a whole number; see adain stylize --help`,
		"transcode --start soon":     `--start is "soon", wanted a time such as 1m30s or 500ms; see adain transcode --help`,
		"bench --json=perhaps":       `--json is "perhaps", wanted nothing, or true or false behind =; see adain bench --help`,
		"train --seed -1":            `--seed is "-1", wanted a whole number; see adain train --help`,
		"stylize --content":          "--content wants a value behind it; see adain stylize --help",
		"bench --quiet --verbose":    "--quiet and --verbose exclude each other",
		"styles --content photo.jpg": "--sheet is missing",
		"styles --sheet s.gif":       "--sheet: picture",
		"styles woodcut":             `"woodcut" is not an option`,
		"doctor film.mp4":            `"film.mp4" is not an option`,
		"style --list":               "adain style has no option --list",
		"stylize --style woodcutt --content none.jpg --out none.png": "is woodcut meant?",
	} {
		if _, _, err := run(strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("adain %s: error is %v, wanted %q", args, err, want)
		}
	}
}

// TestWhereItPrints runs commands that print results, with the three degrees of loudness: results are the same and alone on the standard output, and with
// --json they can be parsed.
func TestWhereItPrints(t *testing.T) {
	dir := t.TempDir()
	weights, photo := tinyWeights(t, dir), filepath.Join(dir, "photo.png")
	writePicture(t, photo, blobs(32, 24, 1))
	for _, args := range [][]string{
		{"stylize", "--weights", weights, "--style", photo, "--content", photo, "--content", photo, "--out", filepath.Join(dir, "out") + "/"},
		{"style", "--weights", weights, "--out", filepath.Join(dir, "style.safetensors"), photo},
		{"styles"}, {"inspect", weights, photo}, {"bench", "--size", "16x16", "--runs", "1", "--weights", weights},
		{"export", "--out", filepath.Join(dir, "exported"), weights},
	} {
		plain, progress := mustRun(t, args...)
		quiet, none := mustRun(t, append([]string{args[0], "--quiet"}, args[1:]...)...)
		if args[0] != "bench" && quiet != plain {
			t.Errorf("%s --quiet prints the results %q, wanted %q", args[0], quiet, plain)
		}
		if none != "" {
			t.Errorf("%s --quiet shows %q", args[0], none)
		}
		if strings.Contains(plain, "1/2") || args[0] == "stylize" && !strings.Contains(progress, "1/2") {
			t.Errorf("%s: results %q, progress %q", args[0], plain, progress)
		}
		t.Setenv("GST_DEBUG", "0")
		if _, all := mustRun(t, append([]string{args[0], "--verbose"}, args[1:]...)...); !strings.Contains(all, "adain: took ") {
			t.Errorf("%s --verbose shows %q", args[0], all)
		}
		text, _ := mustRun(t, append([]string{args[0], "--json"}, args[1:]...)...)
		var result any
		if err := json.Unmarshal([]byte(text), &result); err != nil || strings.Count(text, "\n") != 1 {
			t.Errorf("%s --json prints %q: %v", args[0], text, err)
		}
	}
	var made []struct{ Content, File, Error string }
	text, _, err := run("stylize", "--json", "--weights", weights, "--style", photo, "--content", photo, "--content", filepath.Join(dir, "none.png"), "--out", filepath.Join(dir, "two")+"/")
	if err == nil || json.Unmarshal([]byte(text), &made) != nil || len(made) != 2 || made[0].File == "" || made[0].Error != "" || made[1].File != "" || made[1].Error == "" {
		t.Errorf("of one picture that is there and one that is not: %q, %v", text, err)
	}
}

// TestQuietWarns keeps what a user has to know.
func TestQuietWarns(t *testing.T) {
	dir := t.TempDir()
	photo := filepath.Join(dir, "photo.png")
	writePicture(t, photo, blobs(32, 24, 1))
	_, shown, err := run("stylize", "--quiet", "--weights", tinyWeights(t, dir), "--style", photo, "--content", photo, "--content", filepath.Join(dir, "none.png"), "--out", dir+"/")
	if err == nil || !strings.HasPrefix(shown, "adain: picture ") || strings.Count(shown, "\n") != 1 {
		t.Errorf("error %v, shown %q", err, shown)
	}
}

func TestStyles(t *testing.T) {
	out, _ := mustRun(t, "styles")
	var want string
	for _, name := range model.BuiltinStyles() {
		if name == model.DefaultStyle {
			name += " (default)"
		}
		want += name + "\n"
	}
	if out != want {
		t.Errorf("styles are\n%s\nwanted\n%s", out, want)
	}
	path := filepath.Join(t.TempDir(), "styles.png")
	mustRun(t, "styles", "--sheet", path)
	page := readPicture(t, path)
	// The landscape and twelve styles, four in a row, differ from each other.
	seen := map[string]int{}
	for i := range len(model.BuiltinStyles()) + 1 {
		x, y := 8+i%4*(320+8), 8+i/4*(240+20+8)
		cell := ""
		for row := range 8 {
			cell += string(page.Planes[0].Data[(y+30*row)*page.Planes[0].Stride+3*x:][:3*320])
		}
		if before, again := seen[cell]; again {
			t.Errorf("pictures %d and %d are the same", before, i)
		}
		seen[cell] = i
	}
}

// TestDoctor looks for the parts of the page.
func TestDoctor(t *testing.T) {
	out, _ := mustRun(t, "doctor", "--json")
	var page struct {
		Sections map[string]map[string]string
		Packages []string `json:"missing_packages"`
		Install  string
	}
	if err := json.Unmarshal([]byte(out), &page); err != nil {
		t.Fatal(err)
	}
	for section, names := range map[string]string{
		"program": "adain,system,kernel", "processor": "model,cores,instructions,memory", "computing": "by itself,--device cpu,--device cuda",
		"graphics": "for this program", "GStreamer": "version,element adainfilter,any film,decoding", "encoders": "h264,vp9,av1",
		"besides": "screen,cameras,ffmpeg", "two seconds at 640x360": "network,rate",
	} {
		for _, name := range strings.Split(names, ",") {
			if page.Sections[section][name] == "" {
				t.Errorf("nothing of %s, %s:\n%s", section, name, out)
			}
		}
	}
	if page.Sections["program"]["adain"] != model.Version || !strings.Contains(page.Sections["computing"]["--device cpu"], "oneDNN") {
		t.Errorf("version or library is wrong: %v", page.Sections)
	}
	if (len(page.Packages) > 0) != strings.HasPrefix(page.Install, "sudo apt install ") {
		t.Errorf("packages %q, line %q", page.Packages, page.Install)
	}
}

// waiting is the variable that makes a process wait for signals as the command does, and go on when it has been told to end.
const waiting = "ADAIN_TEST_WAITING"

func init() {
	if os.Getenv(waiting) != "" {
		ctx := untilInterrupted()
		fmt.Println("ready")
		<-ctx.Done()
		fmt.Println("told")
		time.Sleep(time.Minute)
		os.Exit(0)
	}
}

// TestSecondSignal ends a process that does not end by itself.
func TestSecondSignal(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		c := command(t)
		c.Env = append(c.Env, waiting+"=1")
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for _, want := range []string{"ready", "told"} {
			await(t, lines, want)
			if err := c.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
		}
		c.Wait()
		if s := c.ProcessState.Sys().(syscall.WaitStatus); !s.Signaled() || s.Signal() != signal {
			t.Errorf("after the second %v: %v, wanted an end by it", signal, c.ProcessState)
		}
	}
}

// TestInterruptedLoops sends a signal to commands in their loop; TestTrainSignals has training.
func TestInterruptedLoops(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	dir := t.TempDir()
	weights, photo := tinyWeights(t, dir), filepath.Join(dir, "photo.png")
	writePicture(t, photo, blobs(256, 192, 1))
	many := []string{"stylize", "--weights", weights, "--style", photo, "--out", filepath.Join(dir, "out") + "/"}
	for range 2000 {
		many = append(many, "--content", photo)
	}
	for _, c := range []struct {
		args  []string
		begun string // what the loop shows
		want  string // all that is shown then, apart from steps
		code  int
	}{
		{many, "1/2000", `^adain: interrupted: \d+ of 2000 results are written\n$`, 130},
		{[]string{"live", "--weights", weights, "--style", photo, "--source", "test", "--height", "64", "--listen", "127.0.0.1:0"}, "The page is at", `^$`, 0},
		{[]string{"live", "--json", "--weights", weights, "--style", photo, "--source", "test", "--height", "64", "--listen", "127.0.0.1:0"}, `{"page":"http://127.0.0.1:`, `^$`, 0},
	} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			p := command(t, c.args...)
			out, in, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			p.Stdout, p.Stderr = in, in
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			in.Close()
			lines := bufio.NewScanner(out)
			await(t, lines, c.begun)
			if err := p.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			var rest bytes.Buffer
			for lines.Scan() {
				if !regexp.MustCompile(`^\d+/2000 `).MatchString(lines.Text()) {
					fmt.Fprintln(&rest, lines.Text())
				}
			}
			p.Wait()
			if code := p.ProcessState.ExitCode(); code != c.code || !regexp.MustCompile(c.want).MatchString(rest.String()) {
				t.Errorf("%s after %v: exit %d, wanted %d, and %q, wanted %s", c.args[0], signal, code, c.code, rest.String(), c.want)
			}
		}
	}
}
