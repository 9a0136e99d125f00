package cuda

import (
	"fmt"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

// TrainingMemory opens the GPU that OpenTraining would take for o, and closes it again: free is its memory that is free now, and needed is what a
// training takes of it at a batch of so many pictures, in bytes. loss are the widths of the loss network, w those of the one that is trained,
// objective has the weights of the losses. Errors: those of OpenTraining that are not of the networks.
func TrainingMemory(loss, w model.Widths, o model.TrainingOptions, objective model.Objective) (needed func(batch int) int64, free int64, err error) {
	if err := checkPrecision(&o); err != nil {
		return nil, 0, err
	}
	d, err := openDevice(o.Options)
	if err != nil {
		return nil, 0, fmt.Errorf("cuda: %w", err)
	}
	if err = d.enter(); err == nil {
		free, _, err = cu.MemInfo()
		err = driver.Wrap("cuMemGetInfo", err)
		d.leave()
	}
	if closed := d.close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, 0, fmt.Errorf("cuda: memory for training on %s: %w", d.name, err)
	}
	return func(batch int) int64 {
		sized := o
		sized.Batch = batch
		return trainingBytes(loss, w, sized, objective)
	}, free, nil
}

// trainingBytes is what a training allocates, counted by its own code with memory that only counts. Nothing of that can fail.
func trainingBytes(loss, w model.Widths, o model.TrainingOptions, objective model.Objective) int64 {
	t := &Training{options: o, widths: w, memory: memory{counting: true}}
	_ = t.takeLoss(loss.Layers())
	_ = t.takeTrained(w.Layers())
	if o.Encoder {
		_ = t.takeFolded()
	} else {
		t.encoder = t.loss
	}
	p := &plan{t: t, terms: termsOf(model.Update{Objective: objective}), memory: memory{counting: true}}
	_ = p.take()
	return t.bytes + p.bytes
}
