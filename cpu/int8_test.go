package cpu

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// leastInt8PSNR is how close in dB integers of 8 bits come to float32 with the built-in network.
const leastInt8PSNR = 38

// byteKernels are what multiplies bytes, the best last.
var byteKernels = []string{"128-bit vectors", "AVX2", "AVX-512", "AVX-VNNI", "AVX-512 VNNI", "AMX"}

// restoreKernels leaves the best kernels of both kinds behind.
func restoreKernels(t *testing.T) {
	t.Cleanup(func() {
		for _, name := range []string{"128-bit vectors", "AVX2", "AVX-512"} {
			useKernels(name)
		}
		for _, name := range byteKernels {
			useByteKernels(name)
		}
	})
}

// calibrate gives weights steps by the largest values that their layers read in a frame of noise, and no shifts.
func calibrate(w *model.Weights) (*model.Weights, error) {
	plain := *w
	plain.Int8 = nil
	e, err := Open(&plain, model.Options{Precision: model.Float32, Threads: 1})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	var pictures []*model.Image // small ones too, whose few features spread wider
	for i, size := range [][2]int{{72, 56}, {64, 64}, {33, 17}, {16, 16}, {9, 8}, {8, 8}} {
		for seed := range uint64(3) {
			src := model.NewImage(model.RGB, size[0], size[1])
			modeltest.Fill(src, 5+seed+uint64(10*i))
			pictures = append(pictures, src)
		}
	}
	s := &model.Stylization{Style: modeltest.RandomStats(3, w.Widths[3]), Alpha: 1}
	layers := map[string]model.Int8Layer{}
	var m Map
	for i, l := range plain.Folded() {
		if !l.Int8() {
			continue
		}
		most := make([]float32, l.In)
		if i == 1 { // a bound: samples are at most 1
			first := plain.Folded()[0]
			for o := range most {
				most[o] = max(first.Bias[o], 0)
				for _, v := range first.Weight[27*o:][:27] {
					most[o] += max(v, 0)
				}
			}
		} else {
			for _, src := range pictures {
				if err := e.(*Engine).Input(src, s, i, &m); err != nil {
					return nil, err
				}
				for k, v := range m.Values[:(m.Rows+2)*(m.Cols+2)*m.Channels] {
					most[k%l.In] = max(most[k%l.In], v)
				}
			}
		}
		all := slices.Max(most)
		own := model.Int8Layer{Shift: make([]float32, len(l.Bias))}
		if l.Phases {
			own.Shift = own.Shift[:len(l.Bias)/4]
		}
		for _, v := range most {
			own.Steps = append(own.Steps, max(v, all/100)*1.1/255)
		}
		layers[l.Name] = own
	}
	return w.WithInt8(layers)
}

func openCalibrated(w *model.Weights, o model.Options) (model.Engine, error) {
	calibrated, err := calibrate(w)
	if err != nil {
		return nil, err
	}
	e, err := Open(calibrated, o)
	if err != nil {
		return nil, err
	}
	return opened{e, w}, nil
}

// opened is an engine that names the weights that it was to be opened with.
type opened struct {
	model.Engine
	weights *model.Weights
}

func (o opened) Weights() *model.Weights { return o.weights }

// TestConformanceInt8 runs the suite in integers. Random weights spread wider than trained ones, and a frame of four features at relu4_1
// enlarges roundings, so that these bounds only find what is wrong, and the worst sample of a frame says nothing; TestInt8Closeness bounds what
// is lost.
func TestConformanceInt8(t *testing.T) {
	for _, c := range modeltest.Cases(openCalibrated, modeltest.Tolerance{Precision: model.Int8, Levels: 255, Share: 1, PSNR: 15, Stats: 0.3}) {
		if testing.Short() && slices.Contains(samplesOnly, c.Name) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestInt8Closeness holds what integers make of photographs with the built-in networks to 38 dB of float32, in all styles, at full and half strength.
func TestInt8Closeness(t *testing.T) {
	for _, network := range model.BuiltinNetworks() {
		t.Run(network, func(t *testing.T) { int8Closeness(t, network) })
	}
}

func int8Closeness(t *testing.T, network string) {
	w, err := model.BuiltinNetwork(network)
	if err != nil {
		t.Fatal(err)
	}
	src := photographs(t)
	var engines [2]model.Engine
	for i, p := range []model.Precision{model.Float32, model.Int8} {
		if engines[i], err = Open(w, model.Options{Precision: p}); err != nil {
			t.Fatal(err)
		}
		defer engines[i].Close()
	}
	for i, name := range model.BuiltinStyles() {
		if testing.Short() && i%4 != 0 {
			continue
		}
		style, err := model.BuiltinStyle(network, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, alpha := range []float32{1, 0.5} {
			var results [2][]byte
			for i, e := range engines {
				results[i] = stylized(t, e, src, &model.Stylization{Style: style.Stats, Alpha: alpha}).Planes[0].Data
			}
			db := psnr(results[0], results[1])
			t.Logf("style %s, alpha %g: %.1f dB", name, alpha, db)
			if !(db >= leastInt8PSNR) {
				t.Errorf("style %s, alpha %g: integers come to %.1f dB of float32, wanted %d", name, alpha, db, leastInt8PSNR)
			}
		}
	}
}

// TestInt8Instructions demands the same bits of everything that multiplies bytes, at widths that fill no register, in odd sizes: sums are integers,
// and what follows them is rounded once.
func TestInt8Instructions(t *testing.T) {
	restoreKernels(t)
	for _, network := range []model.Widths{{4, 12, 20, 28}, model.Lite, {16, 48, 64, 32}} {
		w, err := calibrate(modeltest.RandomWeights(1, network))
		if err != nil {
			t.Fatal(err)
		}
		if w, err = w.WithUpsamplings("nearest,bilinear,nearest"); err != nil {
			t.Fatal(err)
		}
		if w, err = calibrate(w); err != nil {
			t.Fatal(err)
		}
		var want []byte
		compared := 0
		for _, name := range byteKernels {
			if !useByteKernels(name) {
				t.Logf("this processor has no %s: not compared", name)
				continue
			}
			got := int8Frames(t, w, 2)
			if want == nil {
				want = got
			}
			compared++
			if n := differing(got, want); n > 0 {
				t.Errorf("widths %v: with %s %d of %d samples differ from those with %s", network, name, n, len(want), byteKernels[0])
			}
		}
		if compared < 2 {
			t.Log("one instruction set only: nothing was compared")
		}
	}
}

// int8Frames are the samples of some frames.
func int8Frames(t *testing.T, w *model.Weights, threads int) (all []byte) {
	t.Helper()
	e, err := Open(w, model.Options{Precision: model.Int8, Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for i, size := range [][2]int{{8, 8}, {33, 41}, {97, 51}, {160, 24}} {
		src := model.NewImage(model.RGB, size[0], size[1])
		modeltest.Fill(src, uint64(i))
		m := stylized(t, e, src, &model.Stylization{Style: modeltest.RandomStats(3, w.Widths[3]), Alpha: 1})
		for y := range m.Height {
			all = append(all, m.Planes[0].Data[y*m.Planes[0].Stride:][:3*m.Width]...)
		}
	}
	return all
}

func differing(a, b []byte) (n int) {
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// TestInt8Threads demands the same bits whatever the number of threads.
func TestInt8Threads(t *testing.T) {
	w, err := calibrate(modeltest.RandomWeights(1, model.Lite))
	if err != nil {
		t.Fatal(err)
	}
	want := int8Frames(t, w, 1)
	for _, threads := range []int{2, 3, 7} {
		if got := int8Frames(t, w, threads); !bytes.Equal(got, want) {
			t.Errorf("with %d threads %d of %d samples are others than with one", threads, differing(got, want), len(want))
		}
	}
}

// TestInt8Uncalibrated says what to do with weights that nobody has calibrated.
func TestInt8Uncalibrated(t *testing.T) {
	_, err := Open(modeltest.RandomWeights(1, modeltest.Widths), model.Options{Precision: model.Int8})
	if err == nil || !strings.Contains(err.Error(), "adain quantize") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, wanted a line that names adain quantize", err)
	}
}

// TestInt8Layers demands that all layers but the ends and the decoder's first are computed in integers.
func TestInt8Layers(t *testing.T) {
	e, err := openCalibrated(modeltest.RandomWeights(1, model.Lite), model.Options{Precision: model.Int8, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := try(e, 32, 32); err != nil {
		t.Fatal(err)
	}
	on := e.(opened).Engine.(*Engine)
	names := on.implementations()
	integers := 0
	for _, name := range names {
		if strings.HasPrefix(name, "int8 own:") {
			integers++
		}
	}
	if integers != 15 || len(names) != 16 {
		t.Errorf("%d of %d stages in integers, wanted 15 of 16: %v", integers, len(names), names)
	}
	if !strings.Contains(e.Describe(), "int8") {
		t.Errorf("%q does not say int8", e.Describe())
	}
	var peak float64
	src := model.NewImage(model.RGB, 32, 32)
	if _, peak, err = on.Profile(model.NewImage(model.RGB, 32, 32), src, &model.Stylization{Style: modeltest.RandomStats(3, model.Lite[3]), Alpha: 1}, 1); err != nil || !(peak > 0) {
		t.Errorf("peak %v, error %v", peak, err)
	}
}

// TestInput refuses what it cannot give.
func TestInput(t *testing.T) {
	w := modeltest.RandomWeights(1, modeltest.Widths)
	src := model.NewImage(model.RGB, 40, 24)
	modeltest.Fill(src, 1)
	s := &model.Stylization{Style: modeltest.RandomStats(3, w.Widths[3]), Alpha: 1}
	e, err := Open(w, model.Options{Precision: model.Float32, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var m Map
	for layer, want := range map[int]string{2: "20x12x4", 3: "20x12x8", 5: "10x6x16", 9: "5x3x32", 10: "5x3x16", 16: "20x12x4"} {
		if err := e.(*Engine).Input(src, s, layer, &m); err != nil {
			t.Errorf("layer %d: %v", layer, err)
		} else if got := fmt.Sprintf("%dx%dx%d", m.Cols, m.Rows, m.Channels); got != want {
			t.Errorf("layer %d reads %s, wanted %s", layer, got, want)
		}
	}
	for _, layer := range []int{-1, 0, 1, 17, 18} {
		if err := e.(*Engine).Input(src, s, layer, &m); err == nil {
			t.Errorf("layer %d: no error", layer)
		}
	}
	before := stylized(t, e, src, s)
	quick, err := openCalibrated(w, model.Options{Precision: model.Int8, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer quick.Close()
	if err := quick.(opened).Engine.(*Engine).Input(src, s, 3, &m); err == nil || !strings.Contains(err.Error(), "float32") {
		t.Errorf("in integers: error %v, wanted one that says float32", err)
	}
	if !bytes.Equal(before.Planes[0].Data, stylized(t, e, src, s).Planes[0].Data) {
		t.Error("a frame differs behind Input")
	}
}
