package training

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/record"
)

// TestShare: a run is as far as its iterations or its time are, and ends with either; a save must still fit.
func TestShare(t *testing.T) {
	o := &Options{Iterations: 100, Time: 100 * time.Second, Rate: 1, Schedule: "cosine"}
	for _, c := range []struct {
		done           int
		elapsed, saves time.Duration
		share          float64
		over           bool
	}{
		{10, 5 * time.Second, 0, 0.1, false}, {10, 50 * time.Second, 0, 0.5, false}, {100, 5 * time.Second, 0, 1, true},
		{10, 101 * time.Second, 0, 1, true}, {0, 101 * time.Second, 0, 1, false}, {10, 92 * time.Second, 9 * time.Second, 0.92, true},
	} {
		r := &run{o: o, began: time.Now(), before: c.elapsed, saving: c.saves}
		if got := r.share(c.done); !(math.Abs(got-c.share) < 0.01) || r.over(c.done) != c.over {
			t.Errorf("%+v: share %v, over %v", c, got, r.over(c.done))
		}
	}
	if half, end := o.rateAt(0, 0.5), o.rateAt(0, 1); !(math.Abs(half-0.51) < 1e-9) || !(math.Abs(end-0.02) < 1e-9) {
		t.Errorf("the rate is %v after half the time and %v at its end", half, end)
	}
}

// TestLeft: the remaining time has the saves and scores in it that are still to come.
func TestLeft(t *testing.T) {
	o := &Options{Iterations: 100, SaveEvery: 30, Validation: Validation{Share: 0.1, Every: 50}}
	p := newProgress(os.Stderr, o, 0)
	defer p.Finish()
	p.show(record.Entry{Iteration: 20, Seconds: 0.5})
	p.saved(10 * time.Second)
	p.scored(7 * time.Second)
	for done, want := range map[int]time.Duration{
		20: 40*time.Second + 4*10*time.Second + 2*7*time.Second, // saves at 30, 60, 90 and the end; scores at 50 and 100
		60: 20*time.Second + 2*10*time.Second + 7*time.Second,
		95: 2500*time.Millisecond + 10*time.Second + 7*time.Second,
	} {
		if got := p.left(done); (got - want).Abs() > time.Millisecond {
			t.Errorf("after %d iterations %s are left, wanted %s", done, got, want)
		}
	}
	p.until = time.Now().Add(5 * time.Second)
	if got := p.left(20); got > 5*time.Second {
		t.Errorf("%s are left of 5 s", got)
	}
}

func TestStyleNames(t *testing.T) {
	got := styleNames([]string{"a/Starry Night (1889).jpg", "b/starry night 1889.png", "x/woodcut.jpg", "z/---.png", "shard.tar/Ürsprung.webp"})
	for i, want := range []string{"starry-night-1889", "starry-night-1889-2", "woodcut-2", "style", "ürsprung"} {
		if got[i] != want {
			t.Errorf("name %d is %q, wanted %q", i, got[i], want)
		}
	}
}

// TestFreeMemory reads what the kernel says of this machine and of a control group.
func TestFreeMemory(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	table := write("meminfo", "MemTotal:       8000 kB\nMemAvailable:       5000 kB\n")
	if n := available(table); n != 5000<<10 {
		t.Errorf("%d bytes are available", n)
	}
	if n := available(filepath.Join(dir, "none")); n != 0 {
		t.Errorf("without a table %d bytes are available", n)
	}
	write("root/a/memory.max", "1000\n")
	write("root/a/memory.current", "700\n")
	write("root/a/memory.stat", "anon 5\ninactive_file 100\n")
	write("root/a/b/memory.max", "max\n")
	write("root/a/b/memory.current", "600\n")
	if n := groupLeft(write("cgroup", "0::/a/b\n"), filepath.Join(dir, "root")); n != 400 {
		t.Errorf("the group leaves %d bytes, wanted 400", n)
	}
	if n := groupLeft(write("none", "0::/\n"), filepath.Join(dir, "root")); n != -1 {
		t.Errorf("without a limit the group leaves %d bytes", n)
	}
}

// TestMemoryGrows: more of anything takes more, and the largest batch is the last that fits.
func TestMemoryGrows(t *testing.T) {
	s := Setup{Loss: model.VGG19, Small: model.Lite}
	o := Options{Network: "lite", Widths: model.Lite, Crop: 128, Objective: model.Objective{Content: 1, Style: 1}}
	base := o.memory(s, gpu{}, 16).Total()
	// Measured: 1.19 GB for these options.
	if base < 1.0e9 || base > 1.5e9 {
		t.Errorf("the estimate is %d bytes", base)
	}
	for name, change := range map[string]func(*Options){
		"crop": func(o *Options) { o.Crop = 256 }, "identity": func(o *Options) { o.Objective.Identity = 1 },
		"consistency": func(o *Options) { o.Objective.Consistency = 1 }, "cache": func(o *Options) { o.pictures = 100 },
		"validation": func(o *Options) { o.Validation.Share = 0.1 }, "decoder": func(o *Options) { o.Network = "decoder" }, "workers": func(o *Options) { o.Workers = 9 },
	} {
		more := o
		change(&more)
		if got := more.memory(s, gpu{}, 16).Total(); got <= base {
			t.Errorf("%s: %d bytes, not more than %d", name, got, base)
		}
	}
	n := o.largestBatch(s, gpu{}, room{host: 2e9})
	if o.memory(s, gpu{}, n).Total() > 2e9 || o.memory(s, gpu{}, n+1).Total() <= 2e9 {
		t.Errorf("the largest batch is %d", n)
	}
}

// TestMemoryOfGPU: where a GPU computes, its memory bounds the batch and the host's holds pictures only.
func TestMemoryOfGPU(t *testing.T) {
	var asked model.TrainingOptions
	refuse := false
	s := Setup{Loss: model.VGG19, Small: model.Lite, GPUMemory: func(_, w model.Widths, o model.TrainingOptions, _ model.Objective) (func(int) int64, int64, error) {
		if asked = o; refuse || w != model.Lite {
			return nil, 0, errors.New("no GPU")
		}
		return func(batch int) int64 { return int64(batch) * 1e8 }, 1e9, nil
	}}
	o := Options{Network: "lite", Widths: model.Lite, Crop: 128, Objective: model.Objective{Content: 1, Style: 1}, Engine: model.Options{DeviceID: 3}}
	host := o.memory(s, gpu{}, 16)
	g := o.gpu(s)
	if asked.DeviceID != 3 || !asked.Encoder || asked.Height != 128 || asked.Width != 128 {
		t.Errorf("the GPU was asked for %+v", asked)
	}
	m := o.memory(s, g, 16)
	if m.GPU != 16e8 || m.Total() >= host.Total()/2 || !strings.Contains(m.String(), "1.6 GB of the GPU's") {
		t.Errorf("on a GPU %v, without %v", m, host)
	}
	reviving := o
	reviving.Revive = true // on the CPU
	if got := reviving.memory(s, g, 16).Total(); got != host.Total() {
		t.Errorf("with --revive %d bytes of the host's memory, wanted the %d of a training there", got, host.Total())
	}
	if n := o.largestBatch(s, g, room{gpu: 9e8, host: 1e10}); n != 9 {
		t.Errorf("900 MB of the GPU hold %d pairs, wanted 9", n)
	}
	o.Engine.Device = model.CPU
	if o.gpu(s).needed != nil {
		t.Error("--device cpu asks for a GPU")
	}
	o.Engine.Device, refuse = model.Auto, true
	if o.gpu(s).needed != nil {
		t.Error("a GPU that is not to be had counts")
	}
}
