package training

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/record"
	"adainfilter/trainer/terminal"
)

// recipe is the command that makes such weights, without the names of files and folders.
func (o *Options) recipe() string {
	var text strings.Builder
	text.WriteString("adain train")
	for _, g := range o.Given {
		if !slices.Contains(harmless, g.Name) && g.Value != "" && g.Value != "false" && !slices.Contains([]string{"device", "device-id", "threads", "name"}, g.Name) {
			fmt.Fprintf(&text, " --%s", g.Name)
			if g.Value != "true" {
				text.WriteString(" " + g.Value)
			}
		}
	}
	return text.String()
}

// describe prints once what is trained on what, what it takes, and the weight of each loss on each layer.
func (t *run) describe(memory Memory) {
	widths, parameters := t.o.widths(t.Setup), 0
	for _, l := range widths.Trained(t.o.lite()) {
		parameters += l.MAC() + l.Out
	}
	name := t.o.Name
	if name == "" {
		name = widths.Name()
	}
	rows := []terminal.Row{
		{"network", fmt.Sprintf("%s, widths %v, %d parameters are trained", name, widths, parameters)},
		{"contents", t.data.contentText()}, {"styles", t.data.styleText()},
		{"batch", fmt.Sprintf("%d pairs of %dx%d pixels, %.4g epochs in %d iterations", t.o.Batch, t.o.Crop, t.o.Crop,
			float64(t.o.Iterations)*float64(t.o.Batch)/float64(t.data.content.Len()), t.o.Iterations)},
		{"memory", memory.String()},
	}
	if v := t.o.Validation; v.on() {
		rows = append(rows, terminal.Row{"validation", fmt.Sprintf("every %d iterations on %d contents and %d styles", v.Every, len(t.scored.Contents), len(t.scored.Styles))})
	}
	_ = terminal.Table(t.out, append(rows, t.objectiveRows()...)) // whether anybody reads it does not matter
}

// objectiveRows are the effective weights. pytorch-AdaIN and this command take means over channels, the paper's own code
// sums: a weight of 10 here is 10/C there.
func (t *run) objectiveRows() []terminal.Row {
	w := t.o.Objective
	rows := []terminal.Row{{"content loss", fmt.Sprintf("weight %g on relu4_1, mean over all values", w.Content)}}
	for i, channels := range model.VGG19 {
		rows = append(rows, terminal.Row{fmt.Sprintf("style loss relu%d_1", i+1),
			fmt.Sprintf("weight %g, mean over channels (as a sum over them: %.4g)", w.Style, w.Style/float64(channels))})
	}
	consistency := fmt.Sprintf("weight %g, mean over all samples, 0 to 1", w.Consistency)
	if w.Consistency > 0 {
		consistency += ", motion " + t.o.Motion
	}
	rows = append(rows, terminal.Row{"identity loss", fmt.Sprintf("weight %g, mean over all samples, 0 to 1", w.Identity)},
		terminal.Row{"consistency loss", consistency}, terminal.Row{"lattice loss", fmt.Sprintf("weight %g, mean over all samples, 0 to 1", w.Lattice)})
	if w.Balance {
		rows = append(rows, terminal.Row{"style balance", fmt.Sprintf("each pair's style loss is divided by that of its content + %g", model.BalanceFloor)})
	}
	if t.o.WarmUp > 0 {
		rows = append(rows, terminal.Row{"warm-up", fmt.Sprintf("%d iterations at alpha 0 without style and consistency", t.o.WarmUp)})
	}
	return rows
}

// writeCard writes what a user of the weights wants to know.
func (t *run) writeCard(w *model.Weights) error {
	return t.folder.Write(record.CardFile, func(out io.Writer) error {
		_, err := io.WriteString(out, t.card(w))
		return err
	})
}

func (t *run) card(w *model.Weights) string {
	var text strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&text, format, args...) }
	p("# %s\n\nWeights of the network %s, widths %v, after %d of %d iterations, %s.\n\n", w.Network, w.Network, w.Widths, t.saved, t.o.Iterations,
		time.Now().UTC().Format("2006-01-02"))
	p("| | |\n| --- | --- |\n")
	rows := append([]terminal.Row{
		{"recipe", "`" + t.o.recipe() + "`"}, {"parent", t.parent()}, {"encoder", w.EncoderID()},
		{"contents", t.data.contentText()}, {"styles", t.data.styleText()}, {"machine", t.engine.Describe()},
	}, t.objectiveRows()...)
	for _, r := range rows {
		p("| %s | %s |\n", r[0], cell(r[1]))
	}
	p("\n## Losses\n\n")
	if m, n := record.Mean(t.log, 100); n > 0 {
		p("Means over the last %d iterations, without their weights:\n\n| content | style | identity | consistency | lattice | total | seconds per step |\n", n)
		p("| --- | --- | --- | --- | --- | --- | --- |\n| %.4g | %.4g | %.4g | %.4g | %.4g | %.4g | %.3g |\n", m.Content, m.Style, m.Identity, m.Consistency, m.Lattice, m.Total, m.Seconds)
	} else {
		p("None yet.\n")
	}
	if best, _ := record.Best(t.log); best != nil {
		p("\n## Scores\n\nOn pictures that it was not trained on, at alpha 1, as adain eval measures:\n\n")
		p("| iteration | style ratio | content ratio | SSIM | noise gain |\n| --- | --- | --- | --- | --- |\n")
		for _, e := range t.log {
			if s := e.Scores; s != nil {
				p("| %d | %.4f | %.4f | %.4f | %.4f |\n", e.Iteration, s.StyleRatio, s.ContentRatio, s.SSIM, s.NoiseGain)
			}
		}
		p("\nThe best are those of iteration %d.\n", best.Iteration)
	}
	if len(w.Styles) > 0 {
		p("\n## Styles\n\nThe weights carry styles of their own: %s.\n", strings.Join(w.StyleNames(), ", "))
	}
	p("\n## Options\n\n| option | value |\n| --- | --- |\n")
	for _, g := range t.o.Given {
		p("| %s | %s |\n", g.Name, cell(g.Value))
	}
	p("\n## Rights\n\nVGG-19 is by the Visual Geometry Group, Oxford, CC BY 4.0. The rights in the pictures that a network was trained on remain their owners'.\n")
	return text.String()
}

// cell is text inside a table of Markdown.
func cell(text string) string {
	return strings.ReplaceAll(terminal.Printable(text), "|", `\|`)
}
