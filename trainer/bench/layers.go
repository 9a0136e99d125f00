package bench

import (
	"fmt"

	"adainfilter/cpu"
	"adainfilter/model"
	"adainfilter/trainer/terminal"
)

// Layers is what each layer of a network costs on a processor; the names are those of the JSON output.
type Layers struct {
	Engine string          `json:"engine"`
	Width  int             `json:"width"`
	Height int             `json:"height"`
	Peak   float64         `json:"peak_gflops"` // of a matrix product that lies in the caches
	Layers []cpu.LayerTime `json:"layers"`
}

// MeasureLayers times each layer in frames that are stylised runs times. Errors: an engine that is on no CPU, the engine's.
func MeasureLayers(engine model.Engine, src *model.Image, runs int) (*Layers, error) {
	on, err := onCPU(engine, "--layers")
	if err != nil {
		return nil, err
	}
	stats, err := on.Statistics(src)
	if err != nil {
		return nil, err
	}
	dst, s := model.NewImage(src.Format, src.Width, src.Height), &model.Stylization{Style: stats, Alpha: 1}
	if err := on.Stylize(dst, src, s); err != nil { // takes the memory
		return nil, err
	}
	if err := plausible(dst, src); err != nil {
		return nil, err
	}
	r := &Layers{Engine: on.Describe(), Width: src.Width, Height: src.Height}
	r.Layers, r.Peak, err = on.Profile(dst, src, s, runs)
	return r, err
}

// Tune measures the methods of each layer in frames like src, each in runs frames, and keeps the fastest in the file at path. Errors: those of
// MeasureLayers, and cpu.Engine.Tune's.
func Tune(engine model.Engine, src *model.Image, runs int) (path string, err error) {
	on, err := onCPU(engine, "--tune")
	if err != nil {
		return "", err
	}
	stats, err := on.Statistics(src)
	if err != nil {
		return "", err
	}
	return on.Tune(model.NewImage(src.Format, src.Width, src.Height), src, &model.Stylization{Style: stats, Alpha: 1}, runs)
}

// onCPU is the CPU's engine, which option wants.
func onCPU(engine model.Engine, option string) (*cpu.Engine, error) {
	if wrapped, ok := engine.(interface{ Unwrap() model.Engine }); ok {
		engine = wrapped.Unwrap()
	}
	on, ok := engine.(*cpu.Engine)
	if !ok {
		return nil, fmt.Errorf("%s wants an engine on the CPU (--device cpu; on a GPU there is --kernels), this one is: %s", option, engine.Describe())
	}
	return on, nil
}

// Rows are the lines of a table.
func (r *Layers) Rows() []terminal.Row {
	var rows []terminal.Row
	total := 0.0
	for _, l := range r.Layers {
		total += l.MS
		text := fmt.Sprintf("%7.2f ms", l.MS)
		if l.GFLOPS > 0 {
			text += fmt.Sprintf(" %8.1f GFLOP/s %4.0f %%  %s", l.GFLOPS, 100*l.Share, l.Algorithm)
		}
		rows = append(rows, terminal.Row{l.Layers, text})
	}
	return append(rows, terminal.Row{"together", fmt.Sprintf("%7.2f ms", total)},
		terminal.Row{"100 %", fmt.Sprintf("%.1f GFLOP/s, a matrix product on %s", r.Peak, r.Engine)})
}
