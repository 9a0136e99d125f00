package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/network"
	"adainfilter/trainer/score"
	"adainfilter/trainer/sheet"
	"adainfilter/trainer/terminal"
)

// evalReport is what the command prints; the names are those of the JSON output.
type evalReport struct {
	Network     string       `json:"network"`
	Encoder     string       `json:"encoder"`      // model.Weights.EncoderID
	LossNetwork string       `json:"loss_network"` // the same of the loss network
	Engine      string       `json:"engine"`
	Pairs       int          `json:"pairs"`
	Contents    int          `json:"contents"`
	Styles      int          `json:"styles"`
	Size        int          `json:"size"`
	Seed        uint64       `json:"seed"`
	Pictures    string       `json:"pictures"` // hash of the pixels of all pairs
	Film        *filmReport  `json:"film,omitempty"`
	Rows        []scoreTable `json:"rows"`
	Monotone    bool         `json:"style_ratio_falls_with_alpha"`
}

type filmReport struct {
	File   string  `json:"file"`
	Frames int     `json:"frames"`
	Width  int     `json:"width"`
	Height int     `json:"height"`
	Styles int     `json:"styles"`
	Motion float64 `json:"mean_absolute_difference"` // from frame to frame of the film, in steps of 8 bits
}

// scoreTable is one row of the table.
type scoreTable struct {
	Name         string   `json:"name"`
	Alpha        *float64 `json:"alpha"` // null where no network took part
	StyleRatio   float64  `json:"style_ratio"`
	StyleMedian  float64  `json:"style_ratio_median"`
	ContentRatio float64  `json:"content_ratio"`
	SSIM         float64  `json:"ssim"`
	PSNR         *float64 `json:"psnr"` // in dB; null where a result is the content itself
	NoiseGain    float64  `json:"noise_gain"`
	Flicker      *float64 `json:"flicker"` // null without a film
}

// report prints the scores and writes the files that were asked for.
func (e *evaluation) report(c *cli.Context, loss []model.Conv, frames []*model.Image) error {
	w := e.engine.Weights()
	r := evalReport{
		Network: w.Network, Encoder: w.EncoderID(), LossNetwork: network.EncoderID(loss), Engine: e.engine.Describe(),
		Pairs: len(e.chosen), Contents: len(e.contents), Styles: len(e.styles), Size: e.size, Seed: e.seed, Pictures: e.pictures.String(),
		Monotone: true,
	}
	if frames != nil {
		r.Film = &filmReport{e.film, len(frames), frames[0].Width, frames[0].Height, len(e.filmed()), e.motion}
	}
	for i, row := range e.rows {
		r.Rows = append(r.Rows, row.table())
		if i > 2 && !(r.Rows[i].StyleRatio < r.Rows[i-1].StyleRatio) {
			r.Monotone = false
		}
	}
	if err := r.print(c); err != nil {
		return err
	}
	if e.csv != "" {
		if err := model.WriteFile(e.csv, e.writeCSV); err != nil {
			return fmt.Errorf("--csv %q: %w", e.csv, err)
		}
	}
	if e.sheetFile != "" {
		page, err := contactSheet(e.sheet, e.size)
		if err != nil {
			return err
		}
		return picture.Write(e.sheetFile, page)
	}
	return nil
}

// table are the means of a row's scores over the pairs.
func (r *evalRow) table() scoreTable {
	mean := func(value func(pairScore) float64) float64 {
		return score.Mean(each(r.scores, value))
	}
	t := scoreTable{
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
	if len(r.flicker) > 0 {
		flicker := score.Mean(r.flicker)
		t.Flicker = &flicker
	}
	return t
}

func each(scores []pairScore, value func(pairScore) float64) []float64 {
	values := make([]float64, len(scores))
	for i, s := range scores {
		values[i] = value(s)
	}
	return values
}

// print prints the scores, as a table or with --json as one line.
func (r *evalReport) print(c *cli.Context) error {
	out := c.App.Writer
	if c.Bool("json") {
		return json.NewEncoder(out).Encode(r)
	}
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
	return terminal.Columns(out, []string{"", "style ratio", "median", "content ratio", "SSIM", "PSNR dB", "noise gain", "flicker"}, lines)
}

// writeCSV writes a line for each pair and row.
func (e *evaluation) writeCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	w.Write([]string{"content", "style", "result", "style_ratio", "content_ratio", "ssim", "psnr"})
	for i, p := range e.chosen {
		for _, row := range e.rows {
			line := []string{p.content.Base, p.style.Base, row.name}
			s := row.scores[i]
			for _, v := range []float64{s.style, s.content, s.ssim, s.psnr} {
				line = append(line, strconv.FormatFloat(v, 'g', -1, 64))
			}
			w.Write(line)
		}
	}
	w.Flush()
	return w.Error()
}

// contactSheet puts rows of square images of one size onto white.
func contactSheet(rows [][]*model.Image, size int) (*model.Image, error) {
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
