package model

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// TrainingEngine trains one network under a frozen loss network. Calls must not overlap. With L the loss network, E and D
// the network's encoder and decoder and A(x,s,alpha) AdaIN mixed with x by alpha (equation 8 and section 7.1 of the
// paper), a step on contents c and styles s computes
//
//	y           = D(A(E(c), E(s), alpha))
//	content     = mean (L4(y) - A(L4(c), L4(s), alpha))^2, over (N,C,H/8,W/8)
//	style       = sum over relu1_1..relu4_1 of mean (m(y) - m)^2 + mean (d(y) - d)^2, over (N,C), where m(y) and d(y) are
//	              mean and std of L's features of y, m and d those of s mixed with those of c by alpha
//	identity    = mean (D(E(c)) - c)^2, over (N,3,H,W)
//	consistency = mean (D(A(E(c'), E(s), alpha)) - y')^2 over the samples that both show, c' being c moved and with noise, and y'
//	              being y moved alike, between its pixels bilinear
//	lattice     = mean (p(y) - mean y)^2, over (N,3,8,8), where p(y) are the means of a channel's pixels that are whole multiples of 8
//	              pixels apart along both axes
//
// Equations 11 to 13 of the paper are content and style at alpha 1; both means are those of pytorch-AdaIN. The loss is their sum
// with the weights of the Objective, and Adam (Kingma & Ba 2015, beta 0.9 and 0.999, epsilon 1e-8) moves the parameters.
type TrainingEngine interface {
	// Step computes losses and gradients of a batch and updates the parameters once. A term whose weight is 0 is not
	// computed and reported as 0. The batch is only read, and only during the call. After an error the state is that of
	// before. Errors: a batch that Check refuses, losses or gradients that are not finite, not enough memory.
	Step(*Batch, Update) (Losses, error)

	// State is a copy of everything that a later Restore needs to go on bit for bit.
	State() (*TrainingState, error)

	// Restore replaces the state. Errors: a state of another length.
	Restore(*TrainingState) error

	// Precision is what it was opened with; of AutoPrecision, what that became.
	Precision() Precision

	// Describe says in a few words what computes, for logs.
	Describe() string

	// Close frees what the engine holds. Another call does nothing.
	Close() error
}

// TrainingOptions say how a TrainingEngine is to be opened.
type TrainingOptions struct {
	Options
	Encoder       bool  // train the encoder too, except its colour layer; otherwise it must be the loss network itself
	Batch         int   // N, the number of pictures of a batch, 1 to MaxBatch
	Height, Width int   // of every picture, multiples of 8
	Cache         int64 // bytes that the engine may use to remember what the loss network sees of pictures with a key
}

// MaxBatch is the most pictures of a batch.
const MaxBatch = 1024

// TrainingOpener opens a training engine; each engine's package has one. loss are the encoder layers of the loss network, as
// Widths.Layers lists them; they and w are copied. Errors: options that Check refuses, not enough memory, no such device.
type TrainingOpener func(loss []Conv, w *Weights, o TrainingOptions) (TrainingEngine, error)

// Objective is the weight of each loss.
type Objective struct {
	Content, Style, Identity, Consistency, Lattice float64
	// Balance divides the style loss of each pair by that of its content, computed like it at alpha 1, plus BalanceFloor: style
	// losses of different styles differ a thousandfold, and without it the few largest lead the training (Cheng et al. 2021,
	// "Style-Aware Normalized Loss for Improving Arbitrary Style Transfer").
	Balance bool
}

// BalanceFloor keeps a pair whose content looks like its style from counting more than all others.
const BalanceFloor = 0.5

// Update says how one step changes the parameters.
type Update struct {
	Objective
	Rate        float64 // Adam's rate for the decoder
	EncoderRate float64 // for the encoder but its first layer
	FirstRate   float64 // for conv1_1, whose inputs are 255 times as large as others
	ClipNorm    float64 // gradients are scaled down to this length of all of them together; 0 leaves them
	Average     float64 // decay of the moving average of the parameters; 0 makes it a copy of them
}

// Batch is what one step sees. The pictures are R'G'B' in [0,1].
type Batch struct {
	Content, Style []float32 // (N,3,H,W)
	Alpha          []float32 // (N) in [0,1]
	Moved          []float32 // (N,3,H,W) the contents once more, moved and with noise; nil without consistency
	Motion         []Affine  // (N) where the pixels of Moved come from in Content
	// Equal keys other than 0 promise equal pictures, contents and styles apart; nil if there are none.
	ContentKey, StyleKey []uint64
}

// Losses are those of one step, before its update and without their weights but in Total.
type Losses struct {
	Content, Style, Identity, Consistency, Lattice float64
	Total                                          float64 // the sum that is minimised
	Gradient                                       float64 // length of all gradients together, before clipping
	Repeats                                        int     // how often the step was computed again because its numbers overflowed
}

// TrainingState is where a training stands. The four vectors have one value for each trained parameter, in the order of
// Trained.
type TrainingState struct {
	Steps         int       // updates so far
	Parameters    []float32 // as they are now
	First, Second []float32 // Adam's moments
	Average       []float32 // the moving average of the parameters
}

// Trained lists the layers of a network that a training changes: the decoder, and with encoder also the encoder but its colour
// layer. Vectors of parameters hold weight and bias of each in turn.
func (w Widths) Trained(encoder bool) []Layer {
	return slices.DeleteFunc(w.Layers(), func(l Layer) bool { return !l.Trained(encoder) })
}

// TrainedParameters is a copy of the parameters of the trained layers, in the order of Trained.
func (w *Weights) TrainedParameters(encoder bool) []float32 {
	var v []float32
	for _, c := range w.Layers {
		if c.Trained(encoder) {
			v = append(append(v, c.Weight...), c.Bias...)
		}
	}
	return v
}

// WithTrained is a copy of the weights in which the trained layers have the parameters v, in the order of Trained. Other layers
// share their memory with w. A v of another length is an error.
func (w *Weights) WithTrained(encoder bool, v []float32) (*Weights, error) {
	out := *w
	out.Layers = slices.Clone(w.Layers)
	out.Int8 = nil // calibrated for other parameters
	rest := v
	for i := range out.Layers {
		c := &out.Layers[i]
		if !c.Trained(encoder) {
			continue
		}
		n := len(c.Weight)
		if len(rest) < n+len(c.Bias) {
			return nil, fmt.Errorf("%d trained parameters are too few for widths %v", len(v), w.Widths)
		}
		c.Weight, c.Bias, rest = slices.Clone(rest[:n]), slices.Clone(rest[n:n+len(c.Bias)]), rest[n+len(c.Bias):]
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d trained parameters are %d too many for widths %v", len(v), len(rest), w.Widths)
	}
	return &out, nil
}

// Trained says whether a training changes the layer; encoder as for Widths.Trained.
func (l Layer) Trained(encoder bool) bool { return l.Side == Decoder || encoder && l.Kernel > 1 }

// CheckTraining reports what every TrainingOpener refuses: a loss network that is none, a size that the poolings do not divide,
// a frozen encoder that is not the loss network.
func CheckTraining(loss []Conv, w *Weights, o TrainingOptions) error {
	layers := slices.DeleteFunc(Lite.Layers(), func(l Layer) bool { return l.Side != Encoder })
	if len(loss) != len(layers) {
		return fmt.Errorf("the loss network has %d layers, wanted the %d of an encoder", len(loss), len(layers))
	}
	channels := 3
	for i, l := range loss {
		if l.Index != layers[i].Index || l.Side != Encoder {
			return fmt.Errorf("layer %d of the loss network is %s, wanted %s", i+1, l.Key(), layers[i].Key())
		}
		if l.In != channels || len(l.Weight) != l.MAC() || len(l.Bias) != l.Out {
			return fmt.Errorf("%s of the loss network has %d inputs, %d weights and %d biases, wanted %d, %d and %d",
				l.Key(), l.In, len(l.Weight), len(l.Bias), channels, channels*l.Out*l.Kernel*l.Kernel, l.Out)
		}
		channels = l.Out
		if !o.Encoder && !(slices.Equal(l.Weight, w.Layers[i].Weight) && slices.Equal(l.Bias, w.Layers[i].Bias)) {
			return fmt.Errorf("the frozen encoder differs from the loss network in %s, wanted the same", l.Key())
		}
	}
	if o.Batch < 1 || o.Batch > MaxBatch {
		return fmt.Errorf("batch of %d pictures, wanted 1 to %d", o.Batch, MaxBatch)
	}
	for _, n := range []int{o.Height, o.Width} {
		if n < 8 || n%8 != 0 || n > 4096 {
			return fmt.Errorf("training pictures of %dx%d, wanted multiples of 8 up to 4096", o.Width, o.Height)
		}
	}
	if o.Cache < 0 {
		return fmt.Errorf("cache of %d bytes, wanted 0 or more", o.Cache)
	}
	return nil
}

// Check reports a batch or an update that does not fit a training engine's options.
func (b *Batch) Check(o TrainingOptions, u Update) error {
	samples := o.Batch * 3 * o.Height * o.Width
	if len(b.Content) != samples || len(b.Style) != samples {
		return fmt.Errorf("batch has %d content and %d style samples, wanted %d", len(b.Content), len(b.Style), samples)
	}
	if len(b.Alpha) != o.Batch {
		return fmt.Errorf("batch has %d alphas, wanted %d", len(b.Alpha), o.Batch)
	}
	for _, a := range b.Alpha {
		if !(a >= 0 && a <= 1) {
			return fmt.Errorf("batch has alpha %v, wanted 0 to 1", a)
		}
	}
	for _, k := range [][]uint64{b.ContentKey, b.StyleKey} {
		if k != nil && len(k) != o.Batch {
			return fmt.Errorf("batch has %d keys, wanted %d or none", len(k), o.Batch)
		}
	}
	if u.Consistency > 0 {
		if len(b.Moved) != samples || len(b.Motion) != o.Batch {
			return fmt.Errorf("batch has %d moved samples and %d motions, consistency wants %d and %d", len(b.Moved), len(b.Motion), samples, o.Batch)
		}
		for _, m := range b.Motion {
			if err := m.check(o.Width, o.Height); err != nil {
				return err
			}
		}
	}
	return u.check()
}

func (u Update) check() error {
	for _, v := range []float64{u.Content, u.Style, u.Identity, u.Consistency, u.Lattice, u.Rate, u.EncoderRate, u.FirstRate, u.ClipNorm} {
		if !(v >= 0 && v <= 1e12) {
			return fmt.Errorf("a loss weight, rate or norm is %v, wanted 0 or more", v)
		}
	}
	if !(u.Average >= 0 && u.Average < 1) {
		return fmt.Errorf("the moving average's decay is %v, wanted 0 to less than 1", u.Average)
	}
	if u.Content+u.Style+u.Identity+u.Consistency+u.Lattice == 0 {
		return errors.New("every loss has weight 0")
	}
	return nil
}

// Check reports a state whose vectors do not have n values.
func (s *TrainingState) Check(n int) error {
	for _, v := range [][]float32{s.Parameters, s.First, s.Second, s.Average} {
		if len(v) != n {
			return fmt.Errorf("training state has vectors of %d, %d, %d and %d values, wanted %d each",
				len(s.Parameters), len(s.First), len(s.Second), len(s.Average), n)
		}
	}
	if s.Steps < 0 {
		return fmt.Errorf("training state says %d steps", s.Steps)
	}
	return nil
}

// TrainingEngines are the training openers that a program was built with.
type TrainingEngines map[Device]TrainingOpener

// Open opens the training engine for o.Device, Auto as Engines.Open does, but that Describe does not say why no GPU trains. Errors: what
// CheckTraining refuses, a device that this program was not built with, and whatever the opener reports. Without a precision it is the
// device's: float32 on a CPU, half on a GPU.
func (e TrainingEngines) Open(loss []Conv, w *Weights, o TrainingOptions) (TrainingEngine, error) {
	if err := CheckTraining(loss, w, o); err != nil {
		return nil, err
	}
	switch o.Device {
	case Auto, "":
		if open := e[CUDA]; open != nil {
			if engine, err := open(loss, w, o); err == nil {
				return engine, nil
			}
		}
		o.Device = CPU
	}
	if o.Device == CPU {
		o.Precision = cmp.Or(o.Precision, Float32)
	}
	open := e[o.Device]
	if open == nil {
		return nil, fmt.Errorf("device %q cannot train in this build, wanted %q or %q", o.Device, Auto, CPU)
	}
	return open(loss, w, o)
}
