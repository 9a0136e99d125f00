package training

import (
	"math"
	"os"
	"slices"
	"testing"

	"adainfilter/cpu"
	"adainfilter/cuda"
	"adainfilter/cuda/emu"
	"adainfilter/model"
	"adainfilter/model/modeltest"
)

func TestMain(m *testing.M) { os.Exit(emu.Main(m)) }

// TestDevices trains on the CPU, goes on where that stopped on an emulated GPU, and then on the CPU again, against a training that stays on
// the CPU.
func TestDevices(t *testing.T) {
	emu.Need(t)
	w, loss := modeltest.RandomWeights(2, modeltest.Widths), modeltest.RandomWeights(1, modeltest.Widths).Layers[:10]
	o := model.TrainingOptions{Encoder: true, Batch: 2, Height: 16, Width: 16, Options: model.Options{DeviceID: -1, Threads: 1}}
	const steps = 3 // on each
	run := func(openers ...model.TrainingOpener) (losses []float64, s *model.TrainingState) {
		for _, open := range openers {
			e, err := open(slices.Clone(loss), w, o)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			if s != nil {
				if err := e.Restore(s); err != nil {
					t.Fatal(err)
				}
			}
			for range steps {
				b := modeltest.RandomBatch(uint64(len(losses)), o, []float32{1, 0.5})
				l, err := e.Step(b, model.Update{Objective: model.Objective{Content: 1, Style: 10}, Rate: 2e-4, EncoderRate: 2e-4, FirstRate: 2e-4, Average: 0.9})
				if err != nil {
					t.Fatal(err)
				}
				losses = append(losses, l.Total)
			}
			if s, err = e.State(); err != nil {
				t.Fatal(err)
			}
		}
		return losses, s
	}
	moved, at := run(cpu.OpenTraining, cuda.OpenTraining, cpu.OpenTraining)
	stayed, want := run(cpu.OpenTraining, cpu.OpenTraining, cpu.OpenTraining)
	if at.Steps != 3*steps {
		t.Errorf("%d steps were done, the state says %d", 3*steps, at.Steps)
	}
	if !slices.Equal(moved[:steps], stayed[:steps]) {
		t.Errorf("the first steps on the CPU differ: %v, %v", moved[:steps], stayed[:steps])
	}
	for i := range moved {
		if math.Abs(moved[i]-stayed[i]) > 0.02*stayed[i] {
			t.Errorf("step %d: loss %g, on the CPU alone %g", i+1, moved[i], stayed[i])
		}
	}
	for _, v := range []struct {
		name      string
		got, want []float32
	}{{"parameters", at.Parameters, want.Parameters}, {"averages", at.Average, want.Average}} {
		var off, way float64
		start := w.TrainedParameters(true)
		for i := range v.got {
			off += math.Pow(float64(v.got[i]-v.want[i]), 2)
			way += math.Pow(float64(v.want[i]-start[i]), 2)
		}
		// Adam's steps are as long for small gradients as for large ones, and the smallest are those that float16 knows least of.
		if off = math.Sqrt(off / way); !(off < 0.25) {
			t.Errorf("%s are off by %.3f of the way that they went", v.name, off)
		}
	}
}
