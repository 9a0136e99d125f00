package element_test

import (
	"fmt"
	"testing"

	"adainfilter/cpu"
	"adainfilter/cuda"
	"adainfilter/cuda/emu"
	"adainfilter/element/harness"
	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// A film has filmLength frames of filmWidth x filmHeight; before frame filmChange its style changes.
const filmWidth, filmHeight, filmLength, filmChange = 42, 26, 7, 2

// film is a shot that becomes brighter, as an element with some properties shows it.
type film struct {
	*harness.Harness
	format model.Format
	push   func(in harness.Frame) error
}

// frame is frame i, stylised, and what was copied on the way into the element and through it.
func (f *film) frame(t *testing.T, i int) (harness.Frame, emu.Counts) {
	t.Helper()
	in := plain(f.format, filmWidth, filmHeight)
	for k := range in.Memory {
		in.Memory[k] = in.Memory[k]/2 + byte(4*i)
	}
	in.PTS = uint64(i) * 40e6
	emu.Reset()
	must(t, f.push(in))
	copies := emu.Copies()
	return pull(t, f.Harness), copies
}

// restyle changes the style and waits until it is loaded.
func (f *film) restyle(t *testing.T, style string) {
	t.Helper()
	f.Set("style", style)
	if m := styleMessage(t, f.Harness); !m.OK {
		t.Fatalf("message is %+v", m)
	}
}

// systemFilm is computed by the CPU.
func systemFilm(t *testing.T, f model.Format, properties []string) *film {
	h := harness.Prepare("adainfilter", append(properties, "device", "cpu", "precision", "float32")...)
	t.Cleanup(h.Close)
	h.Start(caps(f.String(), filmWidth, filmHeight))
	styleMessage(t, h)
	return &film{h, f, h.Push}
}

// gpuFilm lies in the memory of the GPU.
func gpuFilm(t *testing.T, g *harness.GPU, f model.Format, properties []string) *film {
	h := harness.Prepare("adainfilter", append(properties, "device", "cuda")...)
	t.Cleanup(h.Close)
	h.Offer(g)
	h.Start(gpuCaps(f.String(), filmWidth, filmHeight))
	styleMessage(t, h)
	return &film{h, f, func(in harness.Frame) error { return h.PushGPU(in, g, 0) }}
}

// control is how a film is shown.
type control struct {
	name          string
	first, second string // styles
	properties    []string
	from          int // the first frame that it changes
}

// play shows the film in both kinds of memory, demands that the frames are the same within the tolerance and that those on the GPU stay
// there, and returns those of the CPU.
func (c control) play(t *testing.T, f model.Format, weights string) (all []*model.Image) {
	t.Helper()
	g := newGPU(t, 0)
	properties := append([]string{"weights", weights, "style", c.first, "alpha", "0.9", "smoothing", "0", "motion", "false"}, c.properties...)
	system, gpu := systemFilm(t, f, properties), gpuFilm(t, g, f, properties)
	for i := range filmLength {
		if i == filmChange {
			system.restyle(t, c.second)
			gpu.restyle(t, c.second)
		}
		out, _ := system.frame(t, i)
		want := view(out, f)
		got, copies := gpu.frame(t, i)
		if err := modeltest.CheckPicture(view(got, f), want, modeltest.Float16); err != nil {
			t.Errorf("frame %d: %v", i, err)
		}
		if got.Context != g.Handle() {
			t.Errorf("frame %d came out in context %#x, wanted %#x", i, got.Context, g.Handle())
		}
		if err := stayed(copies, i == 0 || i >= filmChange); err != nil {
			t.Errorf("frame %d: %v", i, err)
		}
		all = append(all, want)
	}
	return all
}

// stayed reports more copies than those of the harness, which brings a frame to the GPU with one copy there and one back, and of what
// may be new in styles and mask.
func stayed(n emu.Counts, news bool) error {
	// Each style of 32 channels has a mean and a standard deviation, the mask a share for each 8x8 pixels.
	const most = 2*2*4*32 + 4*6*4
	own := n.HostToDevice.Bytes - n.DeviceToHost.Bytes
	if n.DeviceToHost.Calls != 1 || n.DeviceToDevice.Calls != 0 || own != 0 && !news || own > most {
		return fmt.Errorf("copies %+v, wanted those of the harness and, where there is news (%v), at most %d bytes more", n, news, most)
	}
	return nil
}

// TestGPUControls plays films with each control and with all of them but motion, which is the CPU's: on the emulated GPU they do what they do on the CPU.
func TestGPUControls(t *testing.T) {
	n := newTiny(t)
	dir := t.TempDir()
	var styles [3]string
	for i := range styles {
		styles[i] = fmt.Sprintf("%s/style%d.safetensors", dir, i)
		style := *n.style
		style.Stats = modeltest.RandomStats(uint64(20+i), 32)
		must(t, style.Save(styles[i]))
	}
	first, second := styles[0]+","+styles[1], styles[1]+","+styles[2]
	mask := halves(t, dir+"/mask.png", model.RGB, 20, 10)
	onGPU(t, cuda.Open)
	use(t, cpu.Open)
	for i, f := range []model.Format{model.BGRA, model.NV12} {
		plain := control{"none", styles[0], styles[1], nil, 0}.play(t, f, n.weightsFile)
		for k, c := range []control{
			{"preserve-color", styles[0], styles[1], []string{"preserve-color", "true"}, 0},
			{"smoothing", styles[0], styles[1], []string{"smoothing", "0.8"}, 1},
			{"transition", styles[0], styles[1], []string{"transition", "160000000"}, filmChange},
			{"mask", first, second, []string{"mask", mask}, 0},
			{"processing-size", styles[0], styles[1], []string{"processing-size", "16"}, 0},
			{"all", first, second, []string{"mask", mask, "smoothing", "0.8", "transition", "160000000", "preserve-color", "true"}, 0},
		} {
			if testing.Short() && (i+k)%2 != 0 && c.name != "all" {
				continue
			}
			t.Run(fmt.Sprintf("%v, %s", f, c.name), func(t *testing.T) {
				changed := 0
				for i, m := range c.play(t, f, n.weightsFile) {
					if i >= c.from && modeltest.CheckPicture(m, plain[i], modeltest.Float16) != nil {
						changed++
					}
				}
				if changed == 0 {
					t.Error("the control changes nothing that the tolerance would show")
				}
			})
		}
	}
}
