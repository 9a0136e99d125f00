package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"time"

	"adainfilter/trainer/film"
	"adainfilter/trainer/live/media"
	"adainfilter/trainer/live/output"
	"adainfilter/trainer/live/source"
)

// play is a session: all that goes on at the same time.
type play struct {
	config     Config
	clock      media.Clock
	source     *source.Source
	microphone *source.Microphone // nil is none
	outputs    []*output.Output
	line       *pipeline
	mixer      *mixer // nil is no sound
	say        *speaker
}

// speaker writes sentences, one at a time.
type speaker struct {
	sync.Mutex
	to io.Writer
}

func (s *speaker) failure(err error, pause time.Duration) {
	s.tell(fmt.Sprintf("adain: %v; it is tried again in %v", err, pause))
}

func (s *speaker) tell(text string) {
	s.Lock()
	defer s.Unlock()
	fmt.Fprintln(s.to, text)
}

// parseOutputs reads the outputs. A window is the pipeline's, and what is written to standard output leaves no room for messages.
func parseOutputs(c *Config) (outputs []*output.Output, err error) {
	film.Init()
	stdout := false
	for _, s := range c.Outputs {
		o, err := output.Parse(s, c.Token)
		switch {
		case err != nil:
			return nil, err
		case o.Window:
			c.Window = true
			continue
		case o.Stdout && stdout:
			return nil, errors.New("two outputs go to standard output, wanted one")
		case o.Stdout:
			stdout, c.Out = true, c.Err
		}
		outputs = append(outputs, o)
	}
	return outputs, nil
}

func parseSources(c Config) (*source.Source, *source.Microphone, error) {
	src, err := source.Parse(c.Source)
	if err != nil {
		return nil, nil, err
	}
	microphone, err := source.ParseMicrophone(c.Sound)
	return src, microphone, err
}

func newPlay(c Config, src *source.Source, microphone *source.Microphone, outputs []*output.Output) (*play, error) {
	p := &play{config: c, clock: media.NewClock(), source: src, microphone: microphone, outputs: outputs, say: &speaker{to: c.Err}}
	coder, coded := videoCoder(c.Bitrate, c.Height), false
	for _, o := range outputs {
		coded = coded || o.Coded()
	}
	if coded && coder == "" {
		return nil, errors.New(film.Lacking("x264enc") + ", which codes the picture")
	}
	var err error
	if p.line, err = newPipeline(c, p.clock, coder); err != nil {
		return nil, err
	}
	if coded && c.Sound != source.NoSound {
		if p.mixer, err = newMixer(p.clock); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *play) close() {
	p.line.close()
	if p.mixer != nil {
		p.mixer.Close()
	}
}

// run does everything that goes on at the same time; what ends first ends all, except an output, unless nothing else is left.
func (p *play) run(ctx context.Context, listener net.Listener, dir string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tasks := []func(context.Context) error{p.line.watch, p.line.give, p.line.stand, p.read}
	if p.microphone != nil && p.mixer != nil {
		tasks = append(tasks, func(ctx context.Context) error { return p.microphone.Run(ctx, p.clock, p.mixer.take, p.say.failure) })
	}
	if p.mixer != nil {
		tasks = append(tasks, p.mixer.run)
	}
	if listener != nil {
		serving, err := p.serving(listener, dir)
		if err != nil {
			return err
		}
		tasks = append(tasks, serving...)
		address := fmt.Sprintf("http://%s/", listener.Addr())
		if p.config.JSON {
			fmt.Fprintf(p.config.Out, "{\"page\":%q}\n", address)
		} else {
			fmt.Fprintf(p.config.Out, "The page is at %s (Ctrl-C ends)\n", address)
		}
	}
	if len(p.outputs) > 0 {
		tasks = append(tasks, p.give)
	}
	ends := make(chan error, len(tasks))
	for _, task := range tasks {
		go func() { ends <- task(ctx) }()
	}
	var first error
	for i := range tasks {
		err := <-ends
		if i == 0 && err != errClosed {
			first = err
		}
		cancel()
	}
	return first
}

// read gives frames and sound of the source to the filter and the mixer.
func (p *play) read(ctx context.Context) error {
	to := source.To{Clock: p.clock, Height: p.config.Height, Frames: p.line.frame, Say: p.say.failure}
	if p.mixer != nil && p.microphone == nil {
		to.Sound = p.mixer.take
	}
	return p.source.Run(ctx, to)
}

// give runs the outputs. It ends with ctx, or when all of them have failed for good and there is neither page nor window.
func (p *play) give(ctx context.Context) error {
	from := output.From{Clock: p.clock, Frames: p.line.rawFrames, Video: p.line.video, Say: p.say.failure, Tell: p.say.tell}
	if p.mixer != nil {
		from.Sound = p.mixer.sound
	}
	ends := make(chan error, len(p.outputs))
	for _, o := range p.outputs {
		go func() { ends <- o.Run(ctx, from) }()
	}
	var last error
	for range p.outputs {
		if err := <-ends; err != nil {
			last = err
			if ctx.Err() == nil && (len(p.outputs) > 1 || p.config.Listen != "" || p.config.Window) {
				p.say.tell("adain: " + err.Error() + "; the rest goes on")
			}
		}
	}
	if p.config.Listen != "" || p.config.Window {
		<-ctx.Done()
		return nil
	}
	return last
}

// serving is what the page needs.
func (p *play) serving(listener net.Listener, dir string) ([]func(context.Context) error, error) {
	c, pictures := p.config, newHub(p.line.open)
	s, err := newServer(p.line, p.source.Title, pictures, newCatalogue(dir, c.Styles, c.Engine, p.line.content), newAccess(c.Token, c.Hosts))
	if err != nil {
		return nil, err
	}
	s.decoder, s.coded = c.Decoder, p.line.video
	return []func(context.Context) error{
		func(ctx context.Context) error { return p.line.pull(ctx, pictures.publish) },
		func(ctx context.Context) error { return s.serve(ctx, listener, log.New(c.Err, "adain: ", 0)) },
	}, nil
}
