package training

import (
	"errors"
	"fmt"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/record"
	"adainfilter/trainer/terminal"
)

// stop ends a run that the user interrupts, with the cause and how to go on as its error. What there is to be seen is left as at any save.
func (t *run) stop(done int, cause error) error {
	if err := t.save(); err != nil {
		return err
	}
	return fmt.Errorf("%w after iteration %d; go on with: adain train --resume --out %s", cause, done, terminal.ShellWord(t.o.Out))
}

// finish says how a run ended.
func (t *run) finish(done int) {
	switch {
	case done >= t.o.Iterations:
	case t.noBetter():
		fmt.Fprintf(t.out, "ended after iteration %d: the last %d scores were no better\n", done, t.o.Validation.Patience)
	default:
		fmt.Fprintf(t.out, "ended after iteration %d: %s are over\n", done, t.o.Time)
	}
	if best, _ := record.Best(t.log); best != nil {
		fmt.Fprintf(t.out, "best scores: iteration %d, %s\n", best.Iteration, t.folder.Path(record.BestFile))
	}
	fmt.Fprintf(t.out, "finished: %s\n", t.folder.Path(record.WeightsFile))
}

// save writes all files of the folder, the checkpoint first.
func (t *run) save() error {
	began := time.Now()
	state, err := t.checkpoint()
	if err != nil {
		return err
	}
	w, err := t.trained(state)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("samples-%d.png", state.Steps)
	if err := t.samples.write(t.Preview, w, t.o.Engine, t.folder.Path(name)); err != nil {
		return t.folder.Explain(err)
	}
	if err := t.writeWeights(w, record.WeightsFile); err != nil {
		return err
	}
	if t.o.Keep > 0 {
		if err := t.folder.Keep(state.Steps, t.o.Keep); err != nil {
			return err
		}
	}
	if err := errors.Join(t.folder.WritePlot(t.log), t.folder.AppendSamples(state.Steps, name), t.writeCard(w)); err != nil {
		return err
	}
	t.saving = time.Since(began)
	return nil
}

// checkpoint writes the checkpoint and returns the state in it.
func (t *run) checkpoint() (*model.TrainingState, error) {
	state, err := t.engine.State()
	if err != nil {
		return nil, err
	}
	colour := t.weights.Layers[0]
	c := &record.Checkpoint{
		TrainingState: *state, Colour: append(append([]float32{}, colour.Weight...), colour.Bias...), Options: map[string]string{},
		Loss: t.loss, Content: t.data.content.Hash(), Style: t.data.style.Hash(), Elapsed: t.elapsed(),
	}
	for _, g := range t.o.Given {
		c.Options[g.Name] = g.Value
	}
	if t.o.lite() {
		c.Options["widths"] = t.o.Widths.String() // as is the next
	}
	c.Options["upsampling"] = t.weights.Upsamplings() // an empty option leaves it to the file --init
	if err := t.folder.WriteCheckpoint(c); err != nil {
		if t.saved > 0 {
			err = fmt.Errorf("%w; the checkpoint of iteration %d is intact", err, t.saved)
		}
		return nil, err
	}
	t.saved = state.Steps
	return state, nil
}

// trained is the network with the moving average of the parameters.
func (t *run) trained(state *model.TrainingState) (*model.Weights, error) {
	w, err := t.weights.WithTrained(t.o.lite(), state.Average)
	if err != nil {
		return nil, err
	}
	w.Metadata = map[string]string{
		"recipe": t.o.recipe(), "date": time.Now().UTC().Format(time.RFC3339), "parent": t.parent(), "iterations": fmt.Sprint(state.Steps),
		"content-pictures": t.data.content.Hash(), "style-pictures": t.data.style.Hash(),
	}
	return w, nil
}

func (t *run) writeWeights(w *model.Weights, name string) error {
	if err := w.Save(t.folder.Path(name)); err != nil {
		return t.folder.Explain(fmt.Errorf("weights: %w", err))
	}
	return nil
}
