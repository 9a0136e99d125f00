package cpu

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// instructionSets are those of our own kernels, each with the value of ONEDNN_MAX_CPU_ISA that holds oneDNN to the same registers.
var instructionSets = []struct{ kernels, onednn string }{{"128-bit vectors", "SSE41"}, {"AVX2", "AVX2"}, {"AVX-512", "AVX512_CORE"}}

// instructionsFile names the file into which a process of TestInstructionSets writes what it computed, instructionsKernels its kernels.
const instructionsFile, instructionsKernels = "ADAIN_INSTRUCTIONS_FILE", "ADAIN_INSTRUCTIONS_KERNELS"

// TestInstructionSets compares what the same frames become on every instruction set that this processor has. oneDNN reads its limit once,
// so each has a process of its own. Every output sample is a sum of float32 products over all layers: one of L products in another
// order differs by about sqrt(L) roundings of 2^-24 (Higham and Mary, "A New Approach to Probabilistic Rounding Error Analysis",
// 2019), and the layers' parts add up.
func TestInstructionSets(t *testing.T) {
	for _, network := range instructionNetworks() {
		t.Run(network.Name(), func(t *testing.T) {
			var before []*computed
			var names []string
			for _, set := range instructionSets {
				got, err := computeOn(t, set.kernels, set.onednn, network.Name())
				if err != nil {
					t.Fatal(err)
				}
				if got == nil {
					t.Logf("this processor has no %s: not compared", set.kernels)
					continue
				}
				for i, other := range before {
					got.compare(t, set.kernels+" against "+names[i], other, roundings(network))
				}
				before, names = append(before, got), append(names, set.kernels)
			}
		})
	}
}

func instructionNetworks() []model.Widths { return []model.Widths{model.Lite, model.VGG19} }

// roundings bounds by how much of the largest feature two float32 results of the encoder differ.
func roundings(w model.Widths) float64 {
	const each = 1 // standard deviation, of each of both results
	sum := 0.
	for _, c := range modeltest.RandomWeights(1, w).Folded() {
		if c.Side == model.Encoder {
			sum += math.Sqrt(float64(c.In * c.Kernel * c.Kernel))
		}
	}
	return 2 * each * sum * math.Exp2(-24)
}

// computed is what one process makes of the frames.
type computed struct {
	features []float32 // relu4_1
	samples  []byte    // of stylised frames
}

func (c *computed) compare(t *testing.T, what string, other *computed, bound float64) {
	d := modeltest.Compare(c.features, other.features)
	if !(d.MaxRel <= bound) || len(c.features) == 0 {
		t.Errorf("%s: %d features differ by up to %.2g of the largest, wanted at most %.2g", what, len(c.features), d.MaxRel, bound)
	}
	differ, most := 0, 0
	for i, v := range c.samples {
		if step := int(v) - int(other.samples[i]); step != 0 {
			differ++
			most = max(most, step, -step)
		}
	}
	// An error of so little moves a sample over one boundary at most, and few lie so close to one.
	if limit := 2 + int(modeltest.Float32.Share*float64(len(c.samples))); most > 1 || differ > limit {
		t.Errorf("%s: %d of %d samples differ, by up to %d, wanted at most %d, by 1", what, differ, len(c.samples), most, limit)
	}
	t.Logf("%s: features differ by up to %.2g of the largest (bound %.2g), %d of %d samples, by up to %d", what, d.MaxRel, bound, differ, len(c.samples), most)
}

// computeOn runs TestInstructionsChild with an instruction set; nil where the processor lacks it.
func computeOn(t *testing.T, kernels, onednn, network string) (*computed, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "computed")
	c := exec.Command(os.Args[0], "-test.run=^TestInstructionsChild$/^"+network+"$", "-test.v")
	c.Env = append(os.Environ(), "DNNL_MAX_CPU_ISA="+onednn, "ONEDNN_MAX_CPU_ISA="+onednn, instructionsFile+"="+file, instructionsKernels+"="+kernels)
	out, err := c.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", kernels, err, out)
	}
	if strings.Contains(string(out), "--- SKIP: TestInstructionsChild/"+network) {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", kernels, err, out)
	}
	r := bytes.NewReader(raw)
	var n uint32
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		return nil, err
	}
	all := &computed{features: make([]float32, n), samples: make([]byte, len(raw)-4-4*int(n))}
	if err := binary.Read(r, binary.LittleEndian, all.features); err != nil {
		return nil, err
	}
	_, err = r.Read(all.samples)
	return all, err
}

// TestInstructionsChild is a process of TestInstructionSets.
func TestInstructionsChild(t *testing.T) {
	file := os.Getenv(instructionsFile)
	if file == "" {
		t.Skip("runs in a process of TestInstructionSets only")
	}
	for _, network := range instructionNetworks() {
		t.Run(network.Name(), func(t *testing.T) {
			if name := os.Getenv(instructionsKernels); !useKernels(name) {
				t.Skipf("this processor has no %s", name)
			}
			w := modeltest.RandomWeights(1, network)
			f, err := OpenFeatures(w.Layers[:10], model.Options{Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			const side = 64
			picture := make([]float32, 3*side*side)
			for i := range picture {
				picture[i] = float32(i*7919%1009) / 1008
			}
			features, _, err := f.Extract(picture, side, side)
			if err != nil {
				t.Fatal(err)
			}
			e, err := Open(w, model.Options{Precision: model.Float32, Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			var out bytes.Buffer
			binary.Write(&out, binary.LittleEndian, uint32(len(features)))
			binary.Write(&out, binary.LittleEndian, features)
			for i, size := range [][2]int{{96, 64}, {97, 51}} {
				src := model.NewImage(model.RGB, size[0], size[1])
				modeltest.Fill(src, uint64(i))
				s := &model.Stylization{Style: modeltest.RandomStats(3, network[3]), Alpha: 1}
				out.Write(stylized(t, e, src, s).Planes[0].Data)
			}
			if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Log(e.Describe(), e.(*Engine).implementations())
		})
	}
}
