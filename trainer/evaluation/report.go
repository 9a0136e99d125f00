package evaluation

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"adainfilter/model"
	"adainfilter/trainer/score"
	"adainfilter/trainer/sheet"
	"adainfilter/trainer/terminal"
)

// Report is the scores of a run; the names are those of the JSON output.
type Report struct {
	Network     string   `json:"network"`
	Encoder     string   `json:"encoder"`      // model.Weights.EncoderID
	LossNetwork string   `json:"loss_network"` // the same of the loss network
	Engine      string   `json:"engine"`
	Pairs       int      `json:"pairs"`
	Contents    int      `json:"contents"`
	Styles      int      `json:"styles"`
	Size        int      `json:"size"`
	Seed        uint64   `json:"seed"`
	Pictures    string   `json:"pictures"` // hash of the pixels of all pairs
	Film        *Film    `json:"film,omitempty"`
	Rows        []Row    `json:"rows"`
	Monotone    bool     `json:"style_ratio_falls_with_alpha"`
	Unevenness  *float64 `json:"step_unevenness"` // largest share that a step differs from the mean of all; null with fewer than two
}

// Film is what flicker was measured on.
type Film struct {
	File   string  `json:"file"`
	Frames int     `json:"frames"`
	Width  int     `json:"width"`
	Height int     `json:"height"`
	Styles int     `json:"styles"`
	Motion float64 `json:"mean_absolute_difference"` // from frame to frame of the film, in steps of 8 bits
}

// Row is one row of the table: means over the pairs.
type Row struct {
	Name         string   `json:"name"`
	Alpha        *float64 `json:"alpha"` // null where no network took part
	StyleRatio   float64  `json:"style_ratio"`
	StyleMedian  float64  `json:"style_ratio_median"`
	ContentRatio float64  `json:"content_ratio"`
	SSIM         float64  `json:"ssim"`
	PSNR         *float64 `json:"psnr"` // in dB; null where a result is the content itself
	NoiseGain    float64  `json:"noise_gain"`
	Flicker      *float64 `json:"flicker"` // null without a film

	// Medians over the pairs.
	Layers  [4]*float64 `json:"style_ratio_by_layer"` // relu1_1 to relu4_1; null where contents are like their styles
	Lattice [4]*float64 `json:"lattice_db"`           // of score.LatticePeriods; null where pictures are too small

	Step *float64 `json:"step"` // mean of score.Step from the strength before; null where there is none
}

// Report is the scores. loss is the EncoderID of the loss network.
func (e *Evaluation) Report(loss string) *Report {
	w := e.engine.Weights()
	r := &Report{
		Network: w.Network, Encoder: w.EncoderID(), LossNetwork: loss, Engine: e.engine.Describe(),
		Pairs: len(e.chosen), Contents: len(e.Contents), Styles: len(e.Styles), Size: e.Size, Seed: e.Seed, Pictures: e.pictures.String(),
		Monotone: true,
	}
	if e.frames != nil {
		r.Film = &Film{e.Film, len(e.frames), e.frames[0].Width, e.frames[0].Height, len(e.filmed()), e.motion}
	}
	for i, row := range e.rows {
		r.Rows = append(r.Rows, row.table())
		if i > 2 && !(r.Rows[i].StyleRatio < r.Rows[i-1].StyleRatio) {
			r.Monotone = false
		}
	}
	r.Unevenness = unevenness(r.Rows)
	return r
}

// unevenness says how much a step may differ from the mean of all steps, as a share of that.
func unevenness(rows []Row) *float64 {
	var steps []float64
	for _, row := range rows {
		if row.Step != nil {
			steps = append(steps, *row.Step)
		}
	}
	mean := score.Mean(steps)
	if len(steps) < 2 || !(mean > 0) {
		return nil
	}
	var most float64
	for _, s := range steps {
		most = max(most, math.Abs(s-mean)/mean)
	}
	return &most
}

// table are the means of a row's scores over the pairs.
func (r *resultScores) table() Row {
	mean := func(value func(pairScore) float64) float64 {
		return score.Mean(each(r.scores, value))
	}
	t := Row{
		Name:         r.name,
		StyleRatio:   mean(func(s pairScore) float64 { return s.style }),
		StyleMedian:  score.Median(each(r.scores, func(s pairScore) float64 { return s.style })),
		ContentRatio: mean(func(s pairScore) float64 { return s.content }),
		SSIM:         mean(func(s pairScore) float64 { return s.ssim }),
		NoiseGain:    score.Mean(r.noise),
	}
	if r.alpha >= 0 {
		t.Alpha = &r.alpha
	}
	if psnr := mean(func(s pairScore) float64 { return s.psnr }); !math.IsInf(psnr, 0) {
		t.PSNR = &psnr
	}
	for i := range t.Layers {
		t.Layers[i] = median(each(r.scores, func(s pairScore) float64 { return s.layers[i] }))
		t.Lattice[i] = median(each(r.scores, func(s pairScore) float64 { return s.lattice[i] }))
	}
	if step := mean(func(s pairScore) float64 { return s.step }); !math.IsNaN(step) {
		t.Step = &step
	}
	if len(r.flicker) > 0 {
		flicker := score.Mean(r.flicker)
		t.Flicker = &flicker
	}
	return t
}

// median is that of the values that there are, nil where there are none.
func median(values []float64) *float64 {
	values = slices.DeleteFunc(values, math.IsNaN)
	if len(values) == 0 {
		return nil
	}
	m := score.Median(values)
	return &m
}

func each(scores []pairScore, value func(pairScore) float64) []float64 {
	values := make([]float64, len(scores))
	for i, s := range scores {
		values[i] = value(s)
	}
	return values
}

// Print prints the scores as a table.
func (r *Report) Print(out io.Writer) error {
	rows := []terminal.Row{
		{"network", r.Network + ", encoder " + r.Encoder}, {"loss network", "encoder " + r.LossNetwork}, {"engine", r.Engine},
		{"pairs", fmt.Sprintf("%d of %d contents and %d styles at %dx%d, seed %d, pictures %s", r.Pairs, r.Contents, r.Styles, r.Size, r.Size, r.Seed, r.Pictures)},
	}
	if f := r.Film; f != nil {
		rows = append(rows, terminal.Row{"film", fmt.Sprintf("%s, %d frames of %dx%d, %d styles, mean difference %.3f of 255", f.File, f.Frames, f.Width, f.Height, f.Styles, f.Motion)})
	}
	falls := "falls with alpha"
	if !r.Monotone {
		falls = "does NOT fall with every step of alpha"
	}
	if err := terminal.Table(out, append(rows, terminal.Row{"style ratio", falls})); err != nil {
		return err
	}
	var lines [][]string
	figure := func(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }
	for _, s := range r.Rows {
		lines = append(lines, []string{s.Name, figure(s.StyleRatio, 4), figure(s.StyleMedian, 4), figure(s.ContentRatio, 4), figure(s.SSIM, 4),
			terminal.Number(s.PSNR, 2), figure(s.NoiseGain, 3), terminal.Number(s.Flicker, 3)})
	}
	if err := terminal.Columns(out, []string{"", "style ratio", "median", "content ratio", "SSIM", "PSNR dB", "noise gain", "flicker"}, lines); err != nil {
		return err
	}
	return r.printDetails(out)
}

// printDetails prints the second table: the style ratio by layer, lattices, steps.
func (r *Report) printDetails(out io.Writer) error {
	head := []string{"", "relu1_1", "relu2_1", "relu3_1", "relu4_1"}
	for _, p := range score.LatticePeriods {
		head = append(head, "lattice "+p)
	}
	var lines [][]string
	for _, s := range r.Rows {
		line := []string{s.Name}
		for _, v := range s.Layers {
			line = append(line, terminal.Number(v, 3))
		}
		for _, v := range s.Lattice {
			line = append(line, terminal.Number(v, 1))
		}
		lines = append(lines, append(line, terminal.Number(s.Step, 3)))
	}
	if err := terminal.Columns(out, append(head, "step"), lines); err != nil {
		return err
	}
	if r.Unevenness == nil {
		return nil
	}
	_, err := fmt.Fprintf(out, "\nsteps differ by up to %.0f %% from their mean\n", 100**r.Unevenness)
	return err
}

// WriteCSV writes a line for each pair and row.
func (e *Evaluation) WriteCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	w.Write([]string{"content", "style", "result", "style_ratio", "content_ratio", "ssim", "psnr", "relu1_1", "relu2_1", "relu3_1", "relu4_1", "lattice_8", "lattice_4", "lattice_8_3", "lattice_2", "step"})
	for i, p := range e.chosen {
		for _, row := range e.rows {
			line := []string{p.content.Base, p.style.Base, row.name}
			s := row.scores[i]
			for _, v := range slices.Concat([]float64{s.style, s.content, s.ssim, s.psnr}, s.layers[:], s.lattice[:], []float64{s.step}) {
				text := ""
				if !math.IsNaN(v) {
					text = strconv.FormatFloat(v, 'g', -1, 64)
				}
				line = append(line, text)
			}
			w.Write(line)
		}
	}
	w.Flush()
	return w.Error()
}

// ContactSheet is a picture of the first pairs: a row for each with content, style and a result for each strength. Options.Sheet must have
// been set. The error says that it would be too large.
func (e *Evaluation) ContactSheet() (*model.Image, error) {
	rows, size := e.sheet, e.Size
	layout := sheet.Grid(len(rows[0]), len(rows), size, size)
	layout.Gap = max(4, size/32)
	layout.Margin = layout.Gap
	page, err := sheet.New(layout)
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		for k, img := range row {
			page.Put(k, i, img)
		}
	}
	return page.Image(), nil
}
