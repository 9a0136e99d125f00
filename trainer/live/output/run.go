package output

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/app"

	"adainfilter/trainer/film"
	"adainfilter/trainer/live/media"
)

// From is where the picture and the sound come from.
type From struct {
	Clock  media.Clock
	Frames *media.Feed                // raw
	Video  *media.Feed                // H.264 in packets with their lengths (avc)
	Sound  *media.Feed                // AAC; nil is none
	Say    func(error, time.Duration) // is told what broke, and when it is tried again
	Tell   func(string)               // what a user wants to know, such as a server's address
}

// Run gives the picture to the output until ctx is done, which is no error. What breaks is tried again with growing pauses. Errors name
// the output: an element that GStreamer lacks, or an output that can be opened once only and broke.
func (o *Output) Run(ctx context.Context, from From) error {
	play := o.play
	if o.server != "" {
		play = o.serve
	}
	tries := 0
	again := func(ctx context.Context) error {
		if tries++; tries > 1 && o.file != "" {
			o.value = next(o.file)
		}
		err := play(ctx, from)
		if err != nil && o.once {
			err = media.Final(err)
		}
		return err
	}
	if err := media.Again(ctx, again, func(err error, pause time.Duration) { from.Say(o.failure(err), pause) }); err != nil {
		return o.failure(err)
	}
	return nil
}

func (o *Output) failure(err error) error {
	text := err.Error()
	if o.secret != "" {
		text = strings.ReplaceAll(text, o.secret, o.Name)
	}
	return fmt.Errorf("output %s: %s", o.Name, text)
}

// giving is one pipeline of an output.
type giving struct {
	*film.Pipeline
	began  time.Duration // its running time's 0, by the session's clock
	opened atomic.Bool   // a picture that can be decoded by itself has come
}

func (o *Output) describe(sound bool) string {
	const from = " appsrc name=%s is-live=true format=time block=false max-bytes=0 "
	if o.raw {
		return fmt.Sprintf(from, "video") + "max-buffers=2 leaky-type=downstream ! " + o.line
	}
	// The caps choose the pads of the muxer.
	line := o.line + fmt.Sprintf(from, "video") + "! video/x-h264,stream-format=avc,alignment=au ! "
	if o.annexB {
		line += "h264parse config-interval=-1 ! "
	}
	line += "mux."
	if sound {
		line += fmt.Sprintf(from, "sound") + "! audio/mpeg,mpegversion=4,stream-format=raw ! mux."
	}
	return line
}

// play opens the output and gives to it until ctx is done or it fails.
func (o *Output) play(ctx context.Context, from From) error {
	line, err := film.NewPipeline(o.describe(from.Sound != nil), o.Name, film.DecodeLimit)
	if err != nil {
		return media.Final(err)
	}
	p := &giving{Pipeline: line}
	defer p.Close()
	to, err := p.Element("to")
	if err != nil {
		return media.Final(err)
	}
	if o.property != "" {
		if err := to.SetProperty(o.property, o.value); err != nil {
			return media.Final(err)
		}
	}
	p.began = from.Clock.Begin(p.Pipeline.Pipeline)
	var leave []func()
	end := func() {
		for _, f := range leave {
			f()
		}
		leave = nil
	}
	defer end()
	video, err := p.source("video")
	if err != nil {
		return media.Final(err)
	}
	feed := from.Video
	if o.raw {
		feed = from.Frames
	}
	sources := []*app.Source{video}
	if err := p.Start(); err != nil {
		return film.Plain(err)
	}
	leave = append(leave, feed.Join(p.pusher(video, true)))
	if from.Sound != nil && !o.raw {
		sound, err := p.source("sound")
		if err != nil {
			return media.Final(err)
		}
		sources = append(sources, sound)
		leave = append(leave, from.Sound.Join(p.pusher(sound, false)))
	}
	if err := p.follow(ctx, video); err != nil {
		return err
	}
	end()
	p.finish(sources)
	return nil
}

func (p *giving) source(name string) (*app.Source, error) {
	e, err := p.Element(name)
	if err != nil {
		return nil, err
	}
	return app.SrcFromElement(e), nil
}

// pusher gives packets to an appsrc: pictures from the first that can be decoded by itself, and sound from there.
func (p *giving) pusher(to *app.Source, picture bool) func(media.Packet) {
	caps := ""
	return func(packet media.Packet) {
		at := packet.At - p.began
		if at < 0 || !picture && !p.opened.Load() {
			return // it was taken before the output was opened
		}
		if picture && !p.opened.Load() {
			if !packet.Key {
				return
			}
			p.opened.Store(true)
		}
		if packet.Caps != caps {
			caps = packet.Caps
			to.SetCaps(gst.NewCapsFromString(caps))
		}
		media.Push(to, packet, at)
		p.Moved()
	}
}

// stuck is how long what is coded may wait for an output that takes nothing.
const stuck = 10 * time.Second

// follow waits for the end of ctx, which is no error, or a failure.
func (p *giving) follow(ctx context.Context, video *app.Source) error {
	bus := p.GetPipelineBus()
	for ctx.Err() == nil {
		message := bus.TimedPopFiltered(gst.ClockTime(100*time.Millisecond), gst.MessageError|gst.MessageElement|gst.MessageEOS)
		switch {
		case message == nil:
			if level, err := video.GetProperty("current-level-time"); err == nil {
				if waits, _ := level.(uint64); time.Duration(waits) > stuck {
					return fmt.Errorf("it takes nothing, %v wait for it", stuck)
				}
			}
		case message.Type() == gst.MessageElement:
			p.Note(message)
		case message.Type() == gst.MessageEOS:
			return errors.New("it has ended")
		default:
			return film.Plain(p.Failure(message))
		}
	}
	return nil
}

// finish lets what is on its way arrive, so that a file gets its index.
func (p *giving) finish(sources []*app.Source) {
	for _, s := range sources {
		s.EndStream()
	}
	p.GetPipelineBus().TimedPopFiltered(gst.ClockTime(3*time.Second), gst.MessageError|gst.MessageEOS)
}
