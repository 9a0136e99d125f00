package steadiness

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"adainfilter/model"
	"adainfilter/trainer/score"
	"adainfilter/trainer/terminal"
)

// Report is the figures of a run; the names are those of the JSON output.
type Report struct {
	Network string `json:"network"`
	Encoder string `json:"encoder"` // model.Weights.EncoderID
	Engine  string `json:"engine"`
	Size    int    `json:"size"` // 0 is each film's own
	Skipped int    `json:"skipped"`
	Films   []Film `json:"films"`
}

// Film is one film. Figures that nothing could be measured on are null.
type Film struct {
	File     string   `json:"file"`
	Frames   int      `json:"frames"`
	Width    int      `json:"width"`
	Height   int      `json:"height"`
	Pictures string   `json:"pictures"` // hash of the pixels of all frames
	Cuts     []int    `json:"cuts"`     // first frames of a scene, counted from 1 in the file
	Resized  []int    `json:"resized"`  // first frames of another size
	Farthest *float64 `json:"farthest"` // largest model.StatsDistance of a frame that is no cut to the one before: near model.SceneCut it may be one
	At       int      `json:"farthest_at"`
	Still    *float64 `json:"still"` // share of the pixels
	Rows     []Row    `json:"rows"`
}

// Row is one row of a film's table: the film itself, a run, or all styles together.
type Row struct {
	Style      string   `json:"style"`
	Smoothing  *float64 `json:"smoothing"` // null is the film itself
	Flicker    *float64 `json:"flicker"`
	FlickerP95 *float64 `json:"flicker_p95"`
	Change     *float64 `json:"flicker_change"` // against smoothing 0; -0.4 is 40 % less
	NoiseGain  *float64 `json:"noise_gain"`
	Pumping    *float64 `json:"pumping"`
	Ghosting   *float64 `json:"ghosting"`
	GhostP99   *float64 `json:"ghosting_p99"`
	Moving     *float64 `json:"warping_moving"` // warping errors
	Resting    *float64 `json:"warping_still"`
	Sharpness  *float64 `json:"sharpness"` // against smoothing 0
	Trailing   *float64 `json:"trailing"`
	TrailP99   *float64 `json:"trailing_p99"`
	Time       *float64 `json:"ms_per_frame"`
	AfterCut   *int     `json:"frames_after_cut"`
	Unsettled  int      `json:"cuts_not_settled"`
}

// Names of rows that are no style.
const (
	itself    = "film itself"
	allStyles = "all styles"
)

// Report is the figures.
func (v *Measurement) Report() *Report {
	w := v.engine.Weights()
	r := &Report{Network: w.Network, Encoder: w.EncoderID(), Engine: v.engine.Describe(), Size: v.Size, Skipped: v.Skip}
	for _, f := range v.films {
		r.Films = append(r.Films, v.table(f))
	}
	return r
}

// table are the figures of a film.
func (v *Measurement) table(f *measuredFilm) Film {
	t := Film{File: f.path, Frames: len(f.frames), Width: f.width, Height: f.height, Pictures: f.pictures, Cuts: []int{}, Resized: []int{}}
	still, pixels := 0, 0
	for i, now := range f.frames {
		switch now.begins {
		case beginsCut:
			t.Cuts = append(t.Cuts, v.Skip+i+1)
		case beginsSize:
			t.Resized = append(t.Resized, v.Skip+i+1)
		case "":
			still, pixels = still+now.still, pixels+now.pixels
			if t.Farthest == nil || now.distance > *t.Farthest {
				t.Farthest, t.At = &now.distance, v.Skip+i+1
			}
		}
	}
	t.Still = known(float64(still) / float64(pixels))
	t.Rows = []Row{{Style: itself, Flicker: known(f.changes.Mean()), FlickerP95: known(f.changes.Percentile(95))}}
	n := len(v.Smoothing)
	for runs := range slices.Chunk(f.runs, n) {
		for _, r := range runs {
			t.Rows = append(t.Rows, f.row(r.style, []*run{r}))
		}
	}
	for i := range n {
		if len(f.runs) == n {
			break
		}
		var same []*run
		for k := i; k < len(f.runs); k += n {
			same = append(same, f.runs[k])
		}
		t.Rows = append(t.Rows, f.row(allStyles, same))
	}
	for i := range t.Rows[1:] {
		plain, now := t.Rows[1+i/n*n], &t.Rows[1+i]
		if i%n > 0 && plain.Flicker != nil {
			now.Change = known(*now.Flicker / *plain.Flicker - 1)
		}
	}
	return t
}

// row are the figures of runs with one smoothing: their changes together, and the worst of what follows a cut.
func (f *measuredFilm) row(style string, runs []*run) Row {
	row := Row{Style: style, Smoothing: &runs[0].smoothing}
	var changes, ghosting, trails score.Differences
	var moving, resting score.Warping
	var times []float64
	var energy, plain int64
	var pumping float64
	lag := -1
	for _, r := range runs {
		changes.Merge(&r.changes)
		ghosting.Merge(&r.ghosting)
		trails.Merge(&r.trails)
		moving.Merge(r.moving)
		resting.Merge(r.resting)
		times = append(times, r.times...)
		energy, plain = energy+r.energy, plain+r.plain.energy
		p := score.Pumping(f.steps(r))
		pumping += p * p / float64(len(runs))
		lag = max(lag, r.lag)
		row.Unsettled += r.unsettled
	}
	row.Flicker, row.FlickerP95 = known(changes.Mean()), known(changes.Percentile(95))
	row.NoiseGain = known(math.Sqrt(float64(changes.Squares()) / float64(len(runs)) / float64(f.changes.Squares())))
	row.Pumping = known(math.Sqrt(pumping))
	row.Ghosting, row.GhostP99 = known(ghosting.Mean()), known(ghosting.Percentile(99))
	row.Moving, row.Resting = known(moving.Error()), known(resting.Error())
	row.Trailing, row.TrailP99 = known(trails.Mean()), known(trails.Percentile(99))
	row.Sharpness = known(float64(energy) / float64(plain))
	row.Time = known(score.Median(times))
	if lag >= 0 {
		row.AfterCut = &lag
	}
	return row
}

// known is a figure, nil where nothing could be measured.
func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// Print prints the figures as tables.
func (r *Report) Print(out io.Writer) error {
	if err := terminal.Table(out, []terminal.Row{{"network", r.Network + ", encoder " + r.Encoder}, {"engine", r.Engine}}); err != nil {
		return err
	}
	for _, f := range r.Films {
		fmt.Fprintln(out)
		still := "unknown, since no frame goes on from another"
		if f.Still != nil {
			still = fmt.Sprintf("%.1f %% of the pixels", 100**f.Still)
		}
		size := fmt.Sprintf("%d of %dx%d, pictures %s", f.Frames, f.Width, f.Height, f.Pictures)
		if r.Skipped > 0 {
			size = fmt.Sprintf("%s, behind the first %d", size, r.Skipped)
		}
		rows := []terminal.Row{{"film", f.File}, {"frames", size}, {"still", still}, {"cuts", f.cuts()}}
		if len(f.Resized) > 0 {
			rows = append(rows, terminal.Row{"size changes", places(f.Resized)})
		}
		if err := terminal.Table(out, rows); err != nil {
			return err
		}
		if err := f.print(out); err != nil {
			return err
		}
	}
	return nil
}

func (f *Film) cuts() string {
	if f.Farthest == nil {
		return places(f.Cuts)
	}
	return fmt.Sprintf("%s (distance above %.3f; of the others frame %d is farthest, %.3f)", places(f.Cuts), model.SceneCut(f.Width, f.Height), f.At, *f.Farthest)
}

// places names frames, as "2, at frame 10, 70".
func places(frames []int) string {
	const most = 6
	if len(frames) == 0 {
		return "none"
	}
	var names []string
	for _, f := range frames[:min(most, len(frames))] {
		names = append(names, strconv.Itoa(f))
	}
	more := ""
	if len(frames) > most {
		more = ", ..."
	}
	return fmt.Sprintf("%d, at frame %s%s", len(frames), strings.Join(names, ", "), more)
}

func (f *Film) print(out io.Writer) error {
	var lines [][]string
	for _, r := range f.Rows {
		change := "-"
		if r.Change != nil {
			change = fmt.Sprintf("%+.0f %%", 100**r.Change)
		}
		lines = append(lines, []string{r.Style, terminal.Number(r.Smoothing, 2), terminal.Number(r.Flicker, 3), terminal.Number(r.FlickerP95, 0), change,
			terminal.Number(r.NoiseGain, 2), terminal.Number(r.Pumping, 3), terminal.Number(r.Ghosting, 3), terminal.Number(r.GhostP99, 0), r.afterCut()})
	}
	if err := terminal.Columns(out, []string{"", "smoothing", "flicker", "p95", "vs 0", "noise gain", "pumping", "ghosting", "p99", "after cut"}, lines); err != nil {
		return err
	}
	return f.printMotion(out)
}

// printMotion prints what was measured along the flow, the film itself left out.
func (f *Film) printMotion(out io.Writer) error {
	fmt.Fprintln(out)
	var lines [][]string
	for _, r := range f.Rows[1:] {
		lines = append(lines, []string{r.Style, terminal.Number(r.Smoothing, 2), terminal.Number(r.Moving, 3), terminal.Number(r.Resting, 3),
			terminal.Number(r.Sharpness, 3), terminal.Number(r.Trailing, 3), terminal.Number(r.TrailP99, 0), terminal.Number(r.Time, 1)})
	}
	return terminal.Columns(out, []string{"", "smoothing", "warping, moving", "still", "sharpness", "trailing", "p99", "ms/frame"}, lines)
}

func (r *Row) afterCut() string {
	var said []string
	if r.AfterCut != nil {
		said = append(said, strconv.Itoa(*r.AfterCut))
	}
	if r.Unsettled > 0 {
		said = append(said, fmt.Sprintf("%dx never", r.Unsettled))
	}
	if said == nil {
		return "-"
	}
	return strings.Join(said, ", ")
}

// WriteCSV writes a line for each frame of each run.
func (v *Measurement) WriteCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	w.Write([]string{"film", "style", "smoothing", "frame", "begins", "distance", "still", "luminance", "luminance_result", "flicker", "difference_to_plain"})
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	for _, f := range v.films {
		for _, r := range f.runs {
			for i, seen := range r.frames {
				now := f.frames[i]
				distance, still, flicker := "", "", ""
				if !math.IsNaN(now.distance) {
					distance = number(now.distance)
				}
				if now.begins == "" {
					still = number(float64(now.still) / float64(now.pixels))
				}
				if !math.IsNaN(seen.flicker) {
					flicker = number(seen.flicker)
				}
				w.Write([]string{f.path, r.style, number(r.smoothing), strconv.Itoa(v.Skip + i + 1), now.begins, distance, still,
					number(now.luminance), number(seen.luminance), flicker, number(seen.apart)})
			}
		}
	}
	w.Flush()
	return w.Error()
}
