package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/trainer/record"
)

// trainSetup is what tests make smaller than the command's users get it.
type trainSetup struct {
	loss, small model.Widths // of the loss network and of --network lite
	sampleSide  int          // pixels of each picture on a sheet of samples
	engines     model.TrainingEngines
}

func trainCommand() *cli.Command {
	return newTrainCommand(trainSetup{model.VGG19, model.Lite, 256, trainingEngines})
}

func newTrainCommand(s trainSetup) *cli.Command {
	return &cli.Command{
		Name:  "train",
		Usage: "train a decoder for VGG-19, or a small network",
		Description: "Two kinds: --network decoder trains a decoder for the frozen VGG-19 encoder, as the paper does; --network lite trains\n" +
			"encoder and decoder of a network that is a sixteenth as costly. Either way --vgg is the network that the losses are\n" +
			"measured with: pytorch-AdaIN's vgg_normalised.pth, torchvision's vgg19-*.pth or a weights file that begins with it.\n\n" +
			"The folder --out gets weights.safetensors, which loads in the element and in the other commands, a checkpoint,\n" +
			"log.jsonl, loss.png, sample pictures and card.md. Ctrl-C stops after the current step; --resume goes on from the last\n" +
			"checkpoint with the options that it was made with, as if nothing had happened.\n\n" +
			"Examples:\n" +
			"  adain train --content photos/ --style paintings/ --vgg vgg_normalised.pth --out run/\n" +
			"  adain train --network lite --crop 128 --batch-size 4 --lr 5e-4 --schedule cosine --max-iter 60000 --warmup 1200 \\\n" +
			"    --style-balance --content-weight 1.5 --style-weight 25 --identity-weight 400 --consistency-weight 1000 \\\n" +
			"    --clip-norm 5 --ema 0.999 --content photos/ --style paintings/ --vgg vgg_normalised.pth --out lite/\n" +
			"  adain train --resume --out run/",
		Flags:        trainFlags(),
		OnUsageError: usageError,
		Action:       func(c *cli.Context) error { return train(c, s) },
	}
}

func train(c *cli.Context, s trainSetup) (err error) {
	o, folder, checkpoint, err := openRun(c)
	if err != nil {
		return err
	}
	defer folder.Close()
	t := &training{o: o, folder: folder, out: c.App.ErrWriter}
	if t.data, err = openData(o, c.App.ErrWriter); err != nil {
		return err
	}
	if t.samples, err = chooseSamples(o, s.sampleSide); err != nil {
		return err
	}
	loss, err := lossNetwork(c, o.vgg, o.content, s.loss)
	if err != nil {
		return err
	}
	t.loss = encoderID(loss)
	if err := t.warn(checkpoint); err != nil {
		return err
	}
	if t.weights, err = startWeights(c, o, s, loss, checkpoint); err != nil {
		return err
	}
	t.engine, err = s.engines.Open(loss, t.weights, model.TrainingOptions{
		Options: o.engine, Encoder: o.lite(), Batch: o.batch, Height: o.crop, Width: o.crop, Cache: o.featureCache(),
	})
	if err != nil {
		return err
	}
	defer func() {
		if closed := t.engine.Close(); err == nil {
			err = closed
		}
	}()
	if err := t.begin(checkpoint); err != nil {
		return err
	}
	return t.run(c.Context)
}

// openRun reads the options and opens the run's folder. With --resume, options that the user left out are those of the
// checkpoint.
func openRun(c *cli.Context) (*trainOptions, *record.Folder, *record.Checkpoint, error) {
	if err := noFiles(c); err != nil {
		return nil, nil, nil, err
	}
	if c.String("out") == "" {
		return nil, nil, nil, errors.New("--out is missing: the folder of the run")
	}
	if !c.Bool("resume") {
		// Options first: a slip in them should not leave a folder.
		o, err := readTrainOptions(c)
		if err != nil {
			return nil, nil, nil, err
		}
		folder, err := record.Open(o.out, false)
		return o, folder, nil, err
	}
	folder, err := record.Open(c.String("out"), true)
	if err != nil {
		return nil, nil, nil, err
	}
	checkpoint, err := folder.ReadCheckpoint()
	if err == nil {
		err = inherit(c, checkpoint.Options)
	}
	var o *trainOptions
	if err == nil {
		o, err = readTrainOptions(c)
	}
	if err != nil {
		folder.Close()
		return nil, nil, nil, err
	}
	return o, folder, checkpoint, nil
}

// warn says what the user should know before hours are spent, and refuses a checkpoint of another loss network.
func (t *training) warn(checkpoint *record.Checkpoint) error {
	if t.o.iterations < 2000 {
		fmt.Fprintf(t.out, "adain: --max-iter %d is few: a network looks grey or blurred before some thousand iterations\n", t.o.iterations)
	}
	if checkpoint == nil {
		return nil
	}
	if checkpoint.Loss != t.loss {
		return fmt.Errorf("--vgg %q is not the network that the checkpoint was made with (its encoder is %s, there %s)", t.o.vgg, t.loss, checkpoint.Loss)
	}
	for _, set := range []struct{ name, before, now string }{
		{"content", checkpoint.Content, t.data.content.Hash()}, {"style", checkpoint.Style, t.data.style.Hash()},
	} {
		if set.before != set.now {
			fmt.Fprintf(t.out, "adain: the %s pictures changed since the checkpoint: the result will not be that of an uninterrupted run\n", set.name)
		}
	}
	for _, text := range t.o.changed(checkpoint.Options) {
		fmt.Fprintf(t.out, "adain: %s: the result will not be that of an uninterrupted run\n", text)
	}
	return nil
}
