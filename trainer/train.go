package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"adainfilter/cpu"
	"adainfilter/cuda"
	"adainfilter/model"
	"adainfilter/trainer/record"
	"adainfilter/trainer/terminal"
	"adainfilter/trainer/training"
)

func trainCommand() *cli.Command {
	return newTrainCommand(training.Setup{Loss: model.VGG19, Small: model.Lite, SampleSide: 256, Engines: trainingEngines, Preview: engines, Eyes: openEye,
		GPUMemory: cuda.TrainingMemory})
}

func openEye(loss []model.Conv, o model.Options) (training.Eye, error) {
	return cpu.OpenFeatures(loss, o)
}

// newTrainCommand is the command with a setup that tests make smaller.
func newTrainCommand(s training.Setup) *cli.Command {
	return &cli.Command{
		Name:  "train",
		Usage: "train a decoder for VGG-19, or a small network",
		Description: "Two kinds: --network decoder trains a decoder for the frozen VGG-19 encoder, as the paper does; --network lite trains\n" +
			"encoder and decoder of a network that is a sixteenth as costly. Either way --vgg is the network that the losses are\n" +
			"measured with: pytorch-AdaIN's vgg_normalised.pth, torchvision's vgg19-*.pth or a weights file that begins with it.\n\n" +
			"The folder --out gets weights.safetensors, which loads in the element and in the other commands, a checkpoint,\n" +
			"log.jsonl, TensorBoard's events, loss.png, sample pictures and card.md. Ctrl-C, SIGTERM and a closed terminal stop after the\n" +
			"current step, SIGUSR1 saves and goes on; --resume goes on from the last checkpoint with the options that it was made\n" +
			"with, as if nothing had happened. --check looks at pictures, memory and time and trains nothing.\n\n" +
			"Examples:\n" +
			"  adain train --content photos/ --style paintings/ --vgg vgg_normalised.pth --out run/\n" +
			"  adain train --network lite --crop 128 --batch-size 4 --lr 5e-4 --schedule cosine --max-iter 60000 --warmup 1200 \\\n" +
			"    --style-balance --content-weight 1.5 --style-weight 25 --identity-weight 400 --consistency-weight 1000 \\\n" +
			"    --clip-norm 5 --ema 0.999 --content photos/ --style paintings/ --vgg vgg_normalised.pth --out lite/\n" +
			"  adain train --check --content photos/ --style shards/paintings-0001.tar --vgg vgg_normalised.pth --out run/\n" +
			"  adain train --resume --out run/",
		Flags:        trainFlags(),
		OnUsageError: usageError,
		Action:       func(c *cli.Context) error { return train(c, s) },
	}
}

func train(c *cli.Context, s training.Setup) error {
	if c.Bool("json") && !c.Bool("check") {
		return errors.New("--json is for --check; a run writes log.jsonl")
	}
	if c.Bool("check") {
		return checkTraining(c, s)
	}
	o, folder, checkpoint, err := openRun(c)
	if err != nil {
		return err
	}
	// Whoever reads the progress may go; the run goes on.
	signal.Ignore(syscall.SIGPIPE)
	defer signal.Reset(syscall.SIGPIPE)
	var stop func()
	s.Save, stop = saveOnSignal()
	defer stop()
	if err := training.Run(c.Context, s, o, folder, checkpoint, c.App.ErrWriter); err != nil {
		folder.Discard()
		return err
	}
	return folder.Close()
}

// checkTraining says what a training would do, and does nothing of it.
func checkTraining(c *cli.Context, s training.Setup) error {
	if err := noFiles(c); err != nil {
		return err
	}
	o, err := readTrainOptions(c)
	if err != nil {
		return err
	}
	var all []terminal.Row
	show := func(rows []terminal.Row) error {
		if c.Bool("json") {
			all = append(all, rows...)
			return nil
		}
		return terminal.Table(c.App.Writer, rows)
	}
	if err := training.Check(c.Context, s, o, show, c.App.ErrWriter); err != nil || !c.Bool("json") {
		return err
	}
	return printJSON(c, terminal.Fields(all))
}

// saveOnSignal gives a value for each SIGUSR1, until stop is called.
func saveOnSignal() (save <-chan struct{}, stop func()) {
	signals, asked, done := make(chan os.Signal, 1), make(chan struct{}, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		for {
			select {
			case <-signals:
				select {
				case asked <- struct{}{}:
				default: // one save is due already
				}
			case <-done:
				return
			}
		}
	}()
	return asked, func() {
		signal.Stop(signals)
		close(done)
	}
}

// openRun reads the options and opens the run's folder. With --resume, options that the user left out are those of the
// checkpoint.
func openRun(c *cli.Context) (*training.Options, *record.Folder, *record.Checkpoint, error) {
	if err := noFiles(c); err != nil {
		return nil, nil, nil, err
	}
	if c.String("out") == "" {
		return nil, nil, nil, errors.New("--out is missing: the folder of the run")
	}
	if !c.Bool("resume") {
		mode := record.New
		if c.Bool("overwrite") {
			mode = record.Overwrite
		}
		// Options first: a slip in them should not leave a folder.
		o, err := readTrainOptions(c)
		if err != nil {
			return nil, nil, nil, err
		}
		folder, err := record.Open(o.Out, mode)
		return o, folder, nil, err
	}
	if c.Bool("overwrite") {
		return nil, nil, nil, errors.New("--resume goes on with the run in --out, --overwrite removes it: choose one")
	}
	folder, err := record.Open(c.String("out"), record.Resume)
	if err != nil {
		return nil, nil, nil, err
	}
	checkpoint, err := folder.ReadCheckpoint()
	if err == nil {
		err = inherit(c, checkpoint.Options)
	}
	var o *training.Options
	if err == nil {
		o, err = readTrainOptions(c)
	}
	if err != nil {
		folder.Close()
		return nil, nil, nil, err
	}
	return o, folder, checkpoint, nil
}
