package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"adainfilter/cpu"
	"adainfilter/cuda"
	"adainfilter/model"
)

// engines are what this program computes with.
var engines = model.Engines{model.CPU: cpu.Open, model.CUDA: cuda.Open}

// trainingEngines are what this program trains with.
var trainingEngines = model.TrainingEngines{model.CPU: cpu.OpenTraining, model.CUDA: cuda.OpenTraining}

func weightsFlag() cli.Flag {
	return &cli.StringFlag{Name: "weights", Usage: "built-in `NETWORK`, " + strings.Join(model.BuiltinNetworks(), " or ") + ", or weights file (.safetensors); empty means " + model.DefaultNetwork}
}

// engineFlags choose the engine; openEngine reads them.
func engineFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "device", Value: string(model.Auto), Usage: "`DEVICE` to compute on: auto, cpu or cuda"},
		&cli.IntFlag{Name: "device-id", Value: -1, Usage: "`NUMBER` of the GPU; -1 is the first that will do"},
		&cli.IntFlag{Name: "threads", Usage: "`NUMBER` of CPU threads; 0 means all cores"},
		&cli.StringFlag{Name: "precision", Value: string(model.AutoPrecision), Usage: "number `FORMAT`: auto, float32, half or int8"},
	}
}

// openEngine opens the engine for the weights that load gives of the name in weightsFlag.
func openEngine(c *cli.Context, load func(name string) (*model.Weights, error)) (model.Engine, error) {
	o, err := engineOptions(c)
	if err != nil {
		return nil, err
	}
	w, err := load(c.String("weights"))
	if err != nil {
		return nil, err
	}
	engine, err := engines.Open(w, o)
	if err != nil && o.Device == model.CUDA {
		return nil, fmt.Errorf("%w; adain doctor says more, --device cpu takes the processor", err)
	}
	if err != nil {
		return nil, err
	}
	say(c, "computing on %s", engine.Describe())
	if text := model.Warning(engine); text != "" {
		fmt.Fprintf(c.App.ErrWriter, "adain: warning: %s\n", text)
	}
	return engine, nil
}

// engineOptions reads engineFlags. A command without one of them has its zero value.
func engineOptions(c *cli.Context) (model.Options, error) {
	o := model.Options{
		Device: model.Device(c.String("device")), DeviceID: -1,
		Threads: c.Int("threads"), Precision: model.Precision(c.String("precision")),
	}
	if c.IsSet("device-id") {
		o.DeviceID = c.Int("device-id")
	}
	switch o.Device {
	case model.Auto, model.CPU, model.CUDA:
	default:
		return o, fmt.Errorf("--device is %q, wanted auto, cpu or cuda", o.Device)
	}
	switch o.Precision {
	case "", model.AutoPrecision, model.Float32, model.Half, model.Int8:
	default:
		return o, fmt.Errorf("--precision is %q, wanted auto, float32, half or int8", o.Precision)
	}
	if o.DeviceID < -1 {
		return o, fmt.Errorf("--device-id is %d, wanted -1 or more", o.DeviceID)
	}
	if o.Threads < 0 || o.Threads > model.MaxThreads {
		return o, fmt.Errorf("--threads is %d, wanted 0 to %d", o.Threads, model.MaxThreads)
	}
	return o, nil
}
