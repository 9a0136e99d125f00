package training

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/dataset"
	"adainfilter/trainer/network"
	"adainfilter/trainer/sheet"
	"adainfilter/trainer/terminal"
)

// CropsFile is the sheet of crops that Check leaves in the run's folder.
const CropsFile = "crops.png"

const (
	checkedSteps = 3 // whose times are taken, after one that takes memory
	checkedRows  = 3 // rows of contents on the sheet, and as many of styles below
	checkedCells = 8 // in a row
)

// Check says what a run would do: pictures, what is passed over and why, memory and time, of a few steps on the pictures. With a folder of the run
// it leaves a sheet of crops there. Rows go to show as they are known, progress and warnings to errOut. Nothing else is written. Errors: those of
// Run at its start and of show.
func Check(ctx context.Context, s Setup, o *Options, show func(rows []terminal.Row) error, errOut io.Writer) error {
	t := &run{Setup: s, o: o, out: errOut, began: time.Now()}
	var err error
	if t.data, err = openPictures(o, errOut); err != nil {
		return err
	}
	if err := o.settleWidths(s); err != nil {
		return err
	}
	memory, err := o.fit(s, t.data)
	if err != nil {
		return err
	}
	if err := t.chooseValidation(); err != nil {
		return err
	}
	rows := append(t.folderRows("contents", t.data.content), t.folderRows("styles", t.data.style)...)
	rows = append(rows, terminal.Row{"memory", memory.String()}, terminal.Row{"memory free", gigabytes(s.freeMemory())})
	if err := show(rows); err != nil {
		return err
	}
	if t.layers, err = network.Loss(ctx, o.VGG, s.Loss, t.photos(o), errOut); err != nil {
		return fmt.Errorf("--vgg: %w", err)
	}
	if o.Init != "" {
		if _, err := t.startWeights(ctx, nil); err != nil {
			return err
		}
	}
	row, err := t.timeRow(ctx)
	if err != nil {
		return err
	}
	if err := show([]terminal.Row{row}); err != nil {
		return err
	}
	t.advise()
	if o.Out == "" {
		return nil
	}
	return t.cropSheet(ctx, show)
}

// folderRows say what there is in a folder.
func (t *run) folderRows(name string, f *dataset.Folder) []terminal.Row {
	rows := []terminal.Row{{name, folderText(f)}}
	pixels := f.Pixels()
	slices.Sort(pixels)
	millions := func(n int) string { return fmt.Sprintf("%.3g", float64(n)/1e6) }
	rows = append(rows, terminal.Row{name + " in million pixels", fmt.Sprintf("smallest %s, median %s, largest %s", millions(pixels[0]),
		millions(pixels[len(pixels)/2]), millions(pixels[len(pixels)-1]))})
	if small := len(pixels) - countFrom(pixels, t.o.Crop*t.o.Crop); small > 0 {
		rows = append(rows, terminal.Row{name + " below a crop", fmt.Sprintf("%d have fewer pixels than a crop: they are enlarged", small)})
	}
	reasons := map[string]int{}
	for _, skipped := range f.Skipped() {
		reasons[reasonOf(skipped)]++
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		rows = append(rows, terminal.Row{name + " passed over", fmt.Sprintf("%d: %s", reasons[reason], reason)})
	}
	return rows
}

// countFrom is how many of sorted numbers are at least least.
func countFrom(sorted []int, least int) int {
	i, _ := slices.BinarySearch(sorted, least)
	return len(sorted) - i
}

// reasonOf is why a picture is passed over, without its name and figures of its own.
func reasonOf(s dataset.Skipped) string {
	text := strings.TrimPrefix(s.Err.Error(), fmt.Sprintf("picture %q ", s.Path))
	text, _, _ = strings.Cut(text, ":")
	if strings.HasPrefix(text, "has ") {
		return "too large"
	}
	return text
}

// timeRow measures some steps and says how long the run will take.
func (t *run) timeRow(ctx context.Context) (terminal.Row, error) {
	o := t.o
	w := network.Random(t.o.widths(t.Setup))
	if !o.lite() {
		copy(w.Layers, t.layers)
	}
	options := o.Engine
	options.Precision = o.Precision
	engine, err := t.Engines.Open(t.layers, w, model.TrainingOptions{Options: options, Encoder: o.lite(), Batch: o.Batch, Height: o.Crop, Width: o.Crop, Cache: o.featureCache()})
	if err != nil {
		return terminal.Row{}, err
	}
	defer engine.Close()
	loader, err := t.data.load(o, 0)
	if err != nil {
		return terminal.Row{}, err
	}
	defer loader.Close()
	var began time.Time
	for i := range 1 + checkedSteps {
		if i == 1 {
			began = time.Now()
		}
		batch, err := loader.Next(ctx)
		if ctx.Err() != nil {
			return terminal.Row{}, context.Cause(ctx)
		}
		if err == nil {
			_, err = engine.Step(batch, model.Update{Objective: o.Objective})
		}
		if err != nil {
			return terminal.Row{}, err
		}
	}
	step := time.Since(began) / checkedSteps
	whole := step * time.Duration(o.Iterations)
	if o.Time > 0 && o.Time < whole {
		return terminal.Row{"time", fmt.Sprintf("%.3g s an iteration: about %d iterations in %s, on %s", step.Seconds(), o.Time/step, o.Time, engine.Describe())}, nil
	}
	return terminal.Row{"time", fmt.Sprintf("%.3g s an iteration, about %s for %d, saves and scores not counted, on %s", step.Seconds(), whole.Round(time.Second),
		o.Iterations, engine.Describe())}, nil
}

// cropSheet draws the first crops as the network would see them: rows of contents above rows of styles.
func (t *run) cropSheet(ctx context.Context, show func(rows []terminal.Row) error) error {
	o := *t.o
	o.Batch, o.Pool = checkedRows*checkedCells, 0
	loader, err := t.data.load(&o, 0)
	if err != nil {
		return err
	}
	defer loader.Close()
	batch, err := loader.Next(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	layout := sheet.Grid(checkedCells, 2*checkedRows, o.Crop, o.Crop)
	layout.Gap = sampleGap
	page, err := sheet.New(layout)
	if err != nil {
		return err
	}
	for i, side := range [][]float32{batch.Content, batch.Style} {
		for n := range o.Batch {
			page.Put(n%checkedCells, i*checkedRows+n/checkedCells, cropImage(side[n*3*o.Crop*o.Crop:], o.Crop))
		}
	}
	if err := os.MkdirAll(o.Out, 0o777); err != nil {
		return fmt.Errorf("folder for the sheet: %w", err)
	}
	path := filepath.Join(o.Out, CropsFile)
	if err := picture.Write(path, page.Image()); err != nil {
		return err
	}
	return show([]terminal.Row{{"crops", path}})
}

// cropImage is a planar crop of samples in [0,1] as an image.
func cropImage(planes []float32, side int) *model.Image {
	img := model.NewImage(model.RGB, side, side)
	for y := range side {
		for x := range side {
			for c := range 3 {
				v := planes[(c*side+y)*side+x]
				img.Planes[0].Data[y*img.Planes[0].Stride+3*x+c] = uint8(max(0, min(1, v))*255 + 0.5)
			}
		}
	}
	return img
}
