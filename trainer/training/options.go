package training

import (
	"fmt"
	"math"
	"slices"
	"time"

	"adainfilter/model"
)

// Options describe a run. The caller has checked them: the command's options of these names have the ranges.
type Options struct {
	Content, Style           string       // folders of pictures
	VGG                      string       // file of the loss network
	Init                     string       // weights file or built-in network to start from; empty is none
	Out                      string       // the run's folder
	Widths                   model.Widths // of the network lite; zero until settled: those of Init, else Setup.Small
	Upsampling               string       // as model.Weights.WithUpsamplings takes it; empty is that of Init, else nearest
	Network                  string       // "decoder", for the frozen loss network's encoder, or "lite", a small encoder and decoder
	Name                     string       // of the network; empty is that of its widths
	Iterations, Batch, Crop  int          // a Batch of 0 is as large as memory allows
	ContentSize, StyleSize   int          // short side of pictures in pixels, before the crop
	Scales                   [2]float64   // of a style's short side
	Rate, Decay              float64      // Adam's rate, and D in rate / (1 + D*iteration)
	Schedule                 string       // "decay" or "cosine"
	EncoderScale, FirstScale float64      // of the rate, for the encoder of lite and its first layer
	Objective                model.Objective
	Motion                   string // of contents for the consistency loss, as dataset.NewMotion takes it
	RandomAlpha, Verbose     bool
	WarmUp                   int // iterations
	Average, ClipNorm        float64
	Pool, Cache              int // crops of each picture; memory in MB
	SaveEvery, LogEvery      int // iterations
	Workers                  int // threads that read pictures; 0 lets the loader choose
	Seed                     uint64
	Revive                   bool          // draw silent filters of Init anew
	Keep                     int           // checkpoints and weights of the last saves, besides the last
	Time                     time.Duration // after which the run ends; 0 is no end
	Events                   bool          // write TensorBoard's events
	Validation               Validation
	pictures                 int64           // bytes of decoded pictures and features at most
	Engine                   model.Options   // of what draws the samples
	Precision                model.Precision // of what trains
	Given                    []Option        // all by name, as the checkpoint keeps them, in the order of the command's help
}

// Validation says how a run is scored on pictures that it is not trained on.
type Validation struct {
	Content, Style string  // folders; empty is none
	Share          float64 // of the pictures of both training folders, held out instead
	Every          int     // iterations
	Pairs          int
	Patience       int // scores without a better one after which the run ends; 0 is never
}

// on says whether there is any.
func (v Validation) on() bool { return v.Content != "" || v.Share > 0 }

// give changes an option of Given.
func (o *Options) give(name, value string) {
	for i := range o.Given {
		if o.Given[i].Name == name {
			o.Given[i].Value = value
		}
	}
}

// Option is one option of a run by name.
type Option struct{ Name, Value string }

func (o *Options) lite() bool { return o.Network == "lite" }

// featureCache is the share of the memory, in bytes, for what the loss network sees of pictures; only those of a pool return.
func (o *Options) featureCache() int64 {
	if o.Pool == 0 {
		return 0
	}
	return int64(o.Cache) << 20 / 2
}

// pictureCache is the share of the memory, in bytes, for decoded pictures.
func (o *Options) pictureCache() int64 { return int64(o.Cache)<<20 - o.featureCache() }

// rateAt is Adam's rate after a number of steps, which are a share of the run.
func (o *Options) rateAt(step int, share float64) float64 {
	if o.Schedule == "cosine" {
		const floor = 0.02
		return o.Rate * (floor + (1-floor)*(1+math.Cos(math.Pi*min(1, share)))/2)
	}
	return o.Rate / (1 + o.Decay*float64(step))
}

// update says how the step after a number of steps changes the parameters. The moving average begins with a short memory
// that grows, so that it forgets the random start. At rate 0 it stays what it is, to the bit.
func (o *Options) update(step int, share float64) model.Update {
	u := model.Update{Objective: o.Objective, Rate: o.rateAt(step, share), ClipNorm: o.ClipNorm}
	u.EncoderRate, u.FirstRate = u.Rate*o.EncoderScale, u.Rate*o.FirstScale
	if u.Rate > 0 {
		u.Average = min(o.Average, float64(1+step)/float64(10+step))
	}
	if step < o.WarmUp {
		u.Style, u.Consistency, u.Lattice = 0, 0, 0
	}
	return u
}

// Names of options that do not change what is computed, and of those that may change in the middle of a run all the same.
var (
	harmless = []string{"content", "style", "vgg", "init", "save-interval", "log-interval", "workers", "cache", "revive", "keep", "tensorboard",
		"validate-content", "validate-style", "validate-interval", "validate-pairs", "patience"}
	decisive = []string{"lr", "lr-decay", "max-iter", "threads", "device", "device-id", "time"}
	settled  = []string{"precision"} // may change too, but what counts is known only when the engine is open
)

// MayChange says whether a run may go on with another value of the option of this name than it was begun with.
func MayChange(name string) bool {
	return slices.Contains(slices.Concat(harmless, decisive, settled), name)
}

// changed says which options differ from those of a checkpoint so that the result will be another. --max-iter only does where the
// rate hangs on it.
func (o *Options) changed(saved map[string]string) (texts []string) {
	for _, g := range o.Given {
		before, ok := saved[g.Name]
		if ok && before != g.Value && slices.Contains(decisive, g.Name) && (g.Name != "max-iter" || o.Schedule == "cosine") {
			texts = append(texts, fmt.Sprintf("--%s is %s, before it was %s", g.Name, g.Value, before))
		}
	}
	return texts
}
