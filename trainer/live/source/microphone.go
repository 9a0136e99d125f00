package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/app"

	"adainfilter/trainer/film"
	"adainfilter/trainer/live/media"
)

// What sound can be, besides a microphone.
const (
	SourceSound = "source"
	NoSound     = "none"
)

// Sounds says what sound can be, for the help of the command.
const Sounds = "source (that of the source, where it has some), none, microphone, or microphone:DEVICE as PulseAudio or PipeWire call it"

// Microphone is where sound comes from that is not the source's.
type Microphone struct {
	name   string
	line   string
	device string // "" is the default
}

// ParseMicrophone gives nil where sound is the source's or none. "" is the source's.
func ParseMicrophone(s string) (*Microphone, error) {
	kind, device, _ := strings.Cut(s, ":")
	switch {
	case s == "" || s == SourceSound || s == NoSound:
		return nil, nil
	case s == "test":
		return &Microphone{name: s, line: "audiotestsrc is-live=true wave=ticks volume=0.3 name=source"}, nil
	case kind != "microphone":
		return nil, fmt.Errorf("--sound is %q, wanted %s", s, Sounds)
	}
	film.Init()
	if gst.Find("pulsesrc") == nil {
		return nil, errors.New("--sound microphone: " + film.Lacking("pulsesrc"))
	}
	return &Microphone{name: s, line: "pulsesrc name=source client-name=adain", device: device}, nil
}

// Run gives sound in SoundCaps to take until ctx is done, which is no error. A microphone that breaks or cannot be opened is tried again
// with growing pauses.
func (m *Microphone) Run(ctx context.Context, clock media.Clock, take func(media.Packet), say func(error, time.Duration)) error {
	wrap := func(err error) error { return fmt.Errorf("--sound %s: %w", m.name, err) }
	play := func(ctx context.Context) error { return m.play(ctx, clock, take) }
	if err := media.Again(ctx, play, func(err error, pause time.Duration) { say(wrap(err), pause) }); err != nil {
		return wrap(err)
	}
	return nil
}

func (m *Microphone) play(ctx context.Context, clock media.Clock, take func(media.Packet)) error {
	p, err := film.NewPipeline(m.line+" ! audioconvert ! audioresample ! "+SoundCaps+" ! appsink name=sound sync=false async=false", m.name, liveLimit)
	if err != nil {
		return media.Final(err)
	}
	defer p.Close()
	e, err := p.Element("sound")
	if err != nil {
		return err
	}
	if m.device != "" {
		from, err := p.Element("source")
		if err == nil {
			err = from.SetProperty("device", m.device)
		}
		if err != nil {
			return media.Final(err)
		}
	}
	began := clock.Begin(p.Pipeline)
	if err := p.Start(); err != nil {
		return failed(err)
	}
	sink, since := app.SinkFromElement(e), time.Now()
	var read media.Reader
	for ctx.Err() == nil {
		if sample := sink.TryPullSample(gst.ClockTime(step)); sample != nil {
			since = time.Now()
			if packet, ok := read.Coded(sample, began); ok {
				take(packet)
			}
		}
		if err := p.Posted(); err != nil {
			return failed(err)
		}
		if err := p.Stalled(since); err != nil {
			return err
		}
	}
	return ctx.Err()
}
