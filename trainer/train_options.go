package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture/style"
	"adainfilter/trainer/dataset"
	"adainfilter/trainer/training"
)

func trainFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "content", Aliases: []string{"content_dir"}, Usage: "`FOLDER` of content pictures, read recursively, or a .tar or .zip with pictures"},
		&cli.StringFlag{Name: "style", Aliases: []string{"style_dir"}, Usage: "`FOLDER` of style pictures, read recursively, or a .tar or .zip with pictures"},
		&cli.StringFlag{Name: "vgg", Usage: "`FILE` with VGG-19: vgg_normalised.pth, torchvision's vgg19-*.pth or a weights file"},
		&cli.StringFlag{Name: "out", Aliases: []string{"save_dir"}, Usage: "`FOLDER` for weights, checkpoint, log and samples"},
		&cli.BoolFlag{Name: "resume", Usage: "go on with the run in --out; options left out are those of before"},
		&cli.BoolFlag{Name: "overwrite", Usage: "remove the run that is in --out"},
		&cli.BoolFlag{Name: "check", Usage: "train nothing: say how many pictures there are, what is passed over, and memory and time; with --out a sheet of crops is left there"},
		jsonFlag("what --check says"),
		&cli.StringFlag{Name: "network", Value: "decoder", Usage: "`KIND`: decoder (for the frozen VGG-19) or lite (a small encoder and decoder)"},
		&cli.StringFlag{Name: "name", Usage: "`NAME` of the network; by default vgg19 or lite. Styles fit one network only"},
		&cli.StringFlag{Name: "init", Usage: "weights `FILE` or built-in network to start from instead of random ones; with --network decoder also PyTorch's decoder.pth"},
		&cli.BoolFlag{Name: "revive", Usage: "draw filters of --init anew that answer to none of the pictures"},
		&cli.StringFlag{Name: "widths", Usage: "channels of lite at relu1_1, relu2_1, relu3_1 and relu4_1, `A,B,C,D`: by default those of --init, else 16,32,64,256; a narrower " +
			"--init gets more filters, and computes what it did"},
		&cli.StringFlag{Name: "upsampling", Usage: "how the decoder makes maps larger, `KIND`: nearest or bilinear, or one for each, such as nearest,bilinear,bilinear; " +
			"by default as in --init, else nearest"},
		&cli.IntFlag{Name: "max-iter", Aliases: []string{"max_iter"}, Value: 160000, Usage: "`NUMBER` of iterations"},
		&cli.DurationFlag{Name: "time", Usage: "end after a `TIME` such as 20m or 8h, if --max-iter is not reached before; a cosine schedule fits itself to it. 0 is no end"},
		&cli.StringFlag{Name: "batch-size", Aliases: []string{"batch_size"}, Value: "8", Usage: "`NUMBER` of picture pairs in an iteration, or auto: as memory allows, 16 at most"},
		&cli.IntFlag{Name: "crop", Value: 256, Usage: "train on squares of `PIXELS`, a multiple of 8"},
		&cli.IntFlag{Name: "content-size", Value: 512, Usage: "short side of contents in `PIXELS`, before the crop"},
		&cli.IntFlag{Name: "style-size", Value: 512, Usage: "short side of styles in `PIXELS`, before the crop"},
		&cli.StringFlag{Name: "style-scales", Value: "0.75,1.5", Usage: "vary the short side of styles by factors between `LOW,HIGH`; 1,1 does not"},
		&cli.Float64Flag{Name: "lr", Value: 1e-4, Usage: "Adam's `RATE`; 0 changes nothing"},
		&cli.Float64Flag{Name: "lr-decay", Aliases: []string{"lr_decay"}, Value: 5e-5, Usage: "`D` in rate / (1 + D*iteration)"},
		&cli.StringFlag{Name: "schedule", Value: "decay", Usage: "rate over time, `KIND`: decay, or cosine down to 2 % at --max-iter"},
		&cli.Float64Flag{Name: "encoder-lr-scale", Value: 0.4, Usage: "`FACTOR` of the rate for the encoder of lite"},
		&cli.Float64Flag{Name: "first-lr-scale", Value: 0.004, Usage: "`FACTOR` of the rate for its first layer, whose inputs reach 255"},
		&cli.Float64Flag{Name: "content-weight", Aliases: []string{"content_weight"}, Value: 1, Usage: "`WEIGHT` of the content loss"},
		&cli.Float64Flag{Name: "style-weight", Aliases: []string{"style_weight"}, Value: 10, Usage: "`WEIGHT` of the style loss, on each layer, as in pytorch-AdaIN"},
		&cli.Float64Flag{Name: "identity-weight", Usage: "`WEIGHT` of the difference between a content and its result at alpha 0"},
		&cli.Float64Flag{Name: "consistency-weight", Usage: "`WEIGHT` of the difference between results of a content and the same moved and with noise: steadier films"},
		&cli.StringFlag{Name: "motion", Value: dataset.TranslationMotion, Usage: "how contents move for --consistency-weight, `KIND`: translation (by whole pixels), affine (by fractions of a pixel, " +
			"turned, zoomed, sheared) or none (noise alone)"},
		&cli.Float64Flag{Name: "lattice-weight", Usage: "`WEIGHT` of what repeats in a result every 8 pixels: upsampling draws a fine lattice otherwise"},
		&cli.BoolFlag{Name: "alpha-random", Usage: "train at random alpha, half of the pictures at 1, for an even strength control"},
		&cli.IntFlag{Name: "warmup", Usage: "train reconstruction only (alpha 0, no style) in the first `NUMBER` of iterations"},
		&cli.Float64Flag{Name: "ema", Usage: "`DECAY` of the moving average of the parameters that becomes the weights file, such as 0.999"},
		&cli.BoolFlag{Name: "style-balance", Usage: "let each pair's style loss count relative to that of its content, so that loud styles do not lead"},
		&cli.Float64Flag{Name: "clip-norm", Usage: "limit the length of all gradients together to `NUMBER`; 0 does not"},
		&cli.IntFlag{Name: "pool", Usage: "train on `NUMBER` crops of each picture that come again, so that features are remembered: faster, less variety; 0 always crops anew"},
		&cli.IntFlag{Name: "cache", Value: 1024, Usage: "`MB` of memory for decoded pictures and remembered features"},
		&cli.IntFlag{Name: "save-interval", Aliases: []string{"save_model_interval"}, Value: 1000, Usage: "write checkpoint, weights and samples every `NUMBER` of iterations"},
		&cli.IntFlag{Name: "keep", Usage: "keep checkpoint and weights of the last `NUMBER` of saves too"},
		&cli.StringFlag{Name: "validate-content", Usage: "`FOLDER` of contents that are not trained on, to score the network with"},
		&cli.StringFlag{Name: "validate-style", Usage: "`FOLDER` of styles that are not trained on"},
		&cli.Float64Flag{Name: "validate-share", Usage: "`SHARE` of the pictures of --content and --style that is held out instead, such as 0.02; their names decide which"},
		&cli.IntFlag{Name: "validate-interval", Usage: "score every `NUMBER` of iterations; 0 means at every save"},
		&cli.IntFlag{Name: "validate-pairs", Value: 40, Usage: "`NUMBER` of pairs to score"},
		&cli.IntFlag{Name: "patience", Usage: "end after a `NUMBER` of scores without a better one; 0 does not"},
		&cli.BoolFlag{Name: "tensorboard", Value: true, Usage: "write TensorBoard's events beside the log"},
		&cli.IntFlag{Name: "log-interval", Value: 10, Usage: "write a line of the log every `NUMBER` of iterations"},
		&cli.IntFlag{Name: "workers", Aliases: []string{"n_threads"}, Usage: "`NUMBER` of threads that read pictures; 0 lets the program choose"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`NUMBER` that all randomness comes from"},
		&cli.StringFlag{Name: "device", Value: string(model.Auto), Usage: "`DEVICE` to compute on: auto, cpu or cuda"},
		&cli.IntFlag{Name: "threads", Usage: "`NUMBER` of CPU threads that compute; 0 means all cores"},
		&cli.IntFlag{Name: "device-id", Value: -1, Usage: "`NUMBER` of the GPU; -1 is the first that will do"},
		&cli.StringFlag{Name: "precision", Usage: "what layers multiply, `FORMAT`: float32, half (float16 on a GPU, bfloat16 in wide layers on a CPU), or auto: half where there is such; left out, float32 on a CPU and half on a GPU; all else is float32"},
	}
}

// ranges are what numbers may be.
var ranges = []struct {
	name      string
	low, high float64
}{
	{"max-iter", 1, 1e9}, {"crop", 16, 2048}, {"content-size", 16, 8192}, {"style-size", 16, 8192},
	{"lr", 0, 1}, {"lr-decay", 0, 1}, {"encoder-lr-scale", 0, 100}, {"first-lr-scale", 0, 100},
	{"content-weight", 0, 1e9}, {"style-weight", 0, 1e9}, {"identity-weight", 0, 1e9}, {"consistency-weight", 0, 1e9}, {"lattice-weight", 0, 1e9},
	{"warmup", 0, 1e9}, {"ema", 0, 0.999999}, {"clip-norm", 0, 1e9}, {"pool", 0, 10000}, {"cache", 0, 1 << 20},
	{"keep", 0, 1000}, {"validate-share", 0, 0.5}, {"validate-interval", 0, 1e9}, {"validate-pairs", 1, 10000}, {"patience", 0, 1e6},
	{"save-interval", 1, 1e9}, {"log-interval", 1, 1e9}, {"workers", 0, 256},
}

func readTrainOptions(c *cli.Context) (*training.Options, error) {
	for _, r := range ranges {
		v := c.Float64(r.name)
		if n, ok := c.Value(r.name).(int); ok {
			v = float64(n)
		}
		if !(v >= r.low && v <= r.high) {
			return nil, fmt.Errorf("--%s is %v, wanted %g to %g", r.name, c.Value(r.name), r.low, r.high)
		}
	}
	if c.String("precision") == "bfloat16" { // which is what half means on a CPU
		if err := c.Set("precision", string(model.Half)); err != nil {
			return nil, err
		}
	}
	o := &training.Options{
		Content: c.String("content"), Style: c.String("style"), VGG: c.String("vgg"), Out: c.String("out"), Init: c.String("init"),
		Upsampling: c.String("upsampling"),
		Network:    c.String("network"), Name: c.String("name"), Schedule: c.String("schedule"),
		Iterations: c.Int("max-iter"), Crop: c.Int("crop"), Time: c.Duration("time"), Revive: c.Bool("revive"), Keep: c.Int("keep"), Events: c.Bool("tensorboard"),
		ContentSize: c.Int("content-size"), StyleSize: c.Int("style-size"),
		Rate: c.Float64("lr"), Decay: c.Float64("lr-decay"),
		EncoderScale: c.Float64("encoder-lr-scale"), FirstScale: c.Float64("first-lr-scale"),
		Objective: model.Objective{
			Content: c.Float64("content-weight"), Style: c.Float64("style-weight"),
			Identity: c.Float64("identity-weight"), Consistency: c.Float64("consistency-weight"), Lattice: c.Float64("lattice-weight"),
			Balance: c.Bool("style-balance"),
		},
		Motion:      c.String("motion"),
		RandomAlpha: c.Bool("alpha-random"), Verbose: c.Bool("verbose"),
		WarmUp: c.Int("warmup"), Average: c.Float64("ema"), ClipNorm: c.Float64("clip-norm"),
		Pool: c.Int("pool"), Cache: c.Int("cache"),
		SaveEvery: c.Int("save-interval"), LogEvery: c.Int("log-interval"), Workers: c.Int("workers"), Seed: c.Uint64("seed"),
	}
	o.Validation = training.Validation{
		Content: c.String("validate-content"), Style: c.String("validate-style"), Share: c.Float64("validate-share"),
		Every: cmp.Or(c.Int("validate-interval"), o.SaveEvery), Pairs: c.Int("validate-pairs"), Patience: c.Int("patience"),
	}
	var err error
	if o.Batch, err = parseBatch(c.String("batch-size")); err != nil {
		return nil, err
	}
	for _, name := range recorded(c) {
		value, err := recordedValue(c, name)
		if err != nil {
			return nil, err
		}
		o.Given = append(o.Given, training.Option{Name: name, Value: value})
	}
	if o.Engine, err = engineOptions(c); err != nil {
		return nil, err
	}
	if o.Engine.Precision == model.Int8 { // which is for frames alone
		return nil, fmt.Errorf("--precision is %q, wanted auto, float32 or half", o.Engine.Precision)
	}
	// Samples do not depend on the processor.
	o.Precision, o.Engine.Precision = o.Engine.Precision, model.Float32
	if o.Engine.Device == model.CUDA { // which has no float32
		o.Engine.Precision = model.Half
	}
	if o.Widths, err = parseWidths(c.String("widths")); err != nil {
		return nil, err
	}
	if o.Scales, err = parseScales(c.String("style-scales")); err != nil {
		return nil, err
	}
	return o, checkTrainOptions(o)
}

// parseBatch reads --batch-size; auto is 0.
func parseBatch(text string) (int, error) {
	if text == "auto" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > model.MaxBatch {
		return 0, fmt.Errorf("--batch-size is %s, wanted 1 to %d, or auto", text, model.MaxBatch)
	}
	return n, nil
}

// parseWidths reads --widths; "" is none.
func parseWidths(text string) (w model.Widths, err error) {
	if text == "" {
		return w, nil
	}
	parts := strings.Split(text, ",")
	for i, part := range parts {
		if i < len(w) && err == nil {
			w[i], err = strconv.Atoi(strings.TrimSpace(part))
		}
	}
	if err != nil || len(parts) != len(w) {
		return w, fmt.Errorf("--widths is %q, wanted four numbers such as %v", text, model.Lite)
	}
	if err := w.Check(); err != nil {
		return w, fmt.Errorf("--widths: %w", err)
	}
	return w, nil
}

// recordedValue is an option's text for the checkpoint. Names of files are absolute, so that a run goes on from any folder.
func recordedValue(c *cli.Context, name string) (string, error) {
	value := fmt.Sprint(c.Value(name))
	if name == "init" && style.IsBuiltinNetwork(value) {
		return value, nil
	}
	if value == "" || !slices.Contains([]string{"content", "style", "vgg", "init", "validate-content", "validate-style"}, name) {
		return value, nil
	}
	path, err := filepath.Abs(value)
	if err != nil {
		return "", fmt.Errorf("--%s %q: %w", name, value, err)
	}
	return path, nil
}

func checkTrainOptions(o *training.Options) error {
	for _, f := range []struct{ name, value, what string }{
		{"content", o.Content, "the folder of content pictures"}, {"style", o.Style, "the folder of style pictures"},
		{"vgg", o.VGG, "the file with VGG-19"},
	} {
		if f.value == "" {
			return fmt.Errorf("--%s is missing: %s; see adain train --help", f.name, f.what)
		}
	}
	if o.Network != "decoder" && o.Network != "lite" {
		return fmt.Errorf("--network is %q, wanted decoder or lite", o.Network)
	}
	if o.Schedule != "decay" && o.Schedule != "cosine" {
		return fmt.Errorf("--schedule is %q, wanted decay or cosine", o.Schedule)
	}
	if _, err := dataset.NewMotion(o.Motion, o.Crop); err != nil {
		return fmt.Errorf("--motion: %w", err)
	}
	if o.Crop%8 != 0 {
		return fmt.Errorf("--crop is %d, wanted a multiple of 8", o.Crop)
	}
	if o.Revive && (o.Init == "" || o.Network != "lite") {
		return errors.New("--revive is for the encoder of a network --init with --network lite")
	}
	if err := checkValidation(o.Validation); err != nil {
		return err
	}
	if o.Time < 0 {
		return fmt.Errorf("--time is %s, wanted a time such as 20m", o.Time)
	}
	if o.Objective == (model.Objective{}) {
		return errors.New("every loss has weight 0: nothing would be trained")
	}
	if o.Widths != (model.Widths{}) && o.Network != "lite" {
		return fmt.Errorf("--widths is %v: the decoder of a frozen encoder has its widths, choose --network lite", o.Widths)
	}
	if o.Upsampling != "" { // a slip should be known before the loss network is read
		if _, err := upsamplings(o.Upsampling); err != nil {
			return fmt.Errorf("--upsampling: %w", err)
		}
	}
	if o.WarmUp > 0 && o.Objective.Content+o.Objective.Identity == 0 {
		return errors.New("--warmup trains content and identity losses only, and both have weight 0")
	}
	return nil
}

func checkValidation(v training.Validation) error {
	switch {
	case (v.Content == "") != (v.Style == ""):
		return errors.New("--validate-content and --validate-style belong together")
	case v.Content != "" && v.Share > 0:
		return errors.New("--validate-share holds pictures out of the folders of training, --validate-content names others: choose one")
	case v.Patience > 0 && v.Content == "" && v.Share == 0:
		return errors.New("--patience counts scores, which --validate-share or --validate-content ask for")
	}
	return nil
}

// parseScales reads "0.75,1.5".
func parseScales(s string) (scales [2]float64, err error) {
	low, high, ok := strings.Cut(s, ",")
	var errs [2]error
	scales[0], errs[0] = strconv.ParseFloat(strings.TrimSpace(low), 64)
	scales[1], errs[1] = strconv.ParseFloat(strings.TrimSpace(high), 64)
	if !ok || errors.Join(errs[:]...) != nil || !(scales[0] >= 0.1 && scales[0] <= scales[1] && scales[1] <= 10) {
		return scales, fmt.Errorf("--style-scales is %q, wanted two factors LOW,HIGH from 0.1 to 10", s)
	}
	return scales, nil
}

// upsamplings is the value of --upsampling with a word for each of them, as checkpoints keep it.
func upsamplings(text string) (string, error) {
	w := &model.Weights{}
	for _, l := range model.Lite.Layers() {
		w.Layers = append(w.Layers, model.Conv{Layer: l})
	}
	w, err := w.WithUpsamplings(text)
	if err != nil {
		return "", err
	}
	return w.Upsamplings(), nil
}

// spelled is the value of an option as checkpoints keep it, of those that can be written in several ways.
func spelled(name, text string) string {
	switch name {
	case "upsampling":
		if all, err := upsamplings(text); err == nil && text != "" {
			return all
		}
	case "widths":
		if w, err := parseWidths(text); err == nil && text != "" {
			return w.String()
		}
	}
	return text
}

// recorded are the names of the options that a checkpoint holds.
func recorded(c *cli.Context) (names []string) {
	for _, f := range c.Command.Flags {
		if name := f.Names()[0]; !slices.Contains([]string{"out", "resume", "overwrite", "check", "json", "quiet", "verbose", "help"}, name) {
			names = append(names, name)
		}
	}
	return names
}

// inherit sets the options that the user left out to those of a checkpoint. One that the user set and that must not change is
// an error.
func inherit(c *cli.Context, saved map[string]string) error {
	var changed []string
	// From before there was a choice.
	saved["precision"] = cmp.Or(saved["precision"], string(model.Float32))
	saved["motion"] = cmp.Or(saved["motion"], dataset.TranslationMotion)
	saved["lattice-weight"] = cmp.Or(saved["lattice-weight"], "0")
	if saved["widths"] == "" && saved["network"] == "lite" {
		saved["widths"] = "16,32,64,128"
	}
	for _, name := range recorded(c) {
		before, ok := saved[name]
		switch {
		case !ok:
		case name == "precision" && !c.IsSet(name) && c.IsSet("device") && c.String("device") != saved["device"]: // the other device's own
		case !c.IsSet(name):
			if err := c.Set(name, before); err != nil {
				return fmt.Errorf("the checkpoint's option --%s: %w", name, err)
			}
		case spelled(name, fmt.Sprint(c.Value(name))) != before && !training.MayChange(name):
			changed = append(changed, fmt.Sprintf("--%s is %v, there %s", name, c.Value(name), before))
		}
	}
	if len(changed) > 0 {
		return fmt.Errorf("the checkpoint was made with other options: %s; leave them out, or begin another run from its weights with --init", strings.Join(changed, "; "))
	}
	return nil
}
