package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/app"

	"adainfilter/trainer/film"
	"adainfilter/trainer/live/media"
	"adainfilter/trainer/live/source"
)

// keyEvery is the most between pictures that can be decoded by themselves: what a viewer who joins may wait for.
const keyEvery = 2 * time.Second

// videoCoder is the element that codes H.264 without delay, and its output; "" where GStreamer has none. bitrate is in kbit/s, 0 is by
// height. Players expect limited range, whatever the flag in a stream says.
func videoCoder(bitrate, height int) string {
	if bitrate == 0 {
		bitrate = max(300, height*height*16/9*30/8/1000) // an eighth of a bit for a pixel
	}
	const to = " ! video/x-h264,stream-format=avc,alignment=au"
	const from = "video/x-raw,format=I420,colorimetry=bt709,width=[2,16384,2],height=[2,16384,2] ! "
	switch {
	case gst.Find("x264enc") != nil:
		return from + fmt.Sprintf("x264enc name=coder tune=zerolatency speed-preset=veryfast key-int-max=120 bitrate=%d", bitrate) + to
	case gst.Find("openh264enc") != nil && gst.Find("h264parse") != nil:
		return from + fmt.Sprintf("openh264enc name=coder complexity=low gop-size=120 bitrate=%d ! h264parse", bitrate*1000) + to
	}
	return ""
}

// soundCoder is the element that codes AAC, "" where GStreamer has none.
func soundCoder() string {
	for _, name := range []string{"avenc_aac", "fdkaacenc", "voaacenc"} {
		if gst.Find(name) != nil {
			return name + " bitrate=128000"
		}
	}
	return ""
}

// wantKey makes the coder's next picture one that can be decoded by itself.
func (p *pipeline) wantKey() {
	if coder, err := p.Element("coder"); err == nil {
		coder.GetStaticPad("src").SendEvent(gst.NewCustomEvent(gst.EventTypeCustomUpstream, gst.NewStructureFromString("GstForceKeyUnit, all-headers=(boolean)true")))
	}
}

// give hands on what is raw and what is coded until ctx is done.
func (p *pipeline) give(ctx context.Context) error {
	if p.coded == nil {
		return p.giveRaw(ctx)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.giveRaw(ctx) }()
	var key time.Duration
	var read media.Reader
	drain(ctx, p.coded, func(sample *gst.Sample) {
		packet, ok := read.Coded(sample, 0)
		if !ok {
			return
		}
		if packet.Key {
			key = packet.At
		} else if packet.At-key > keyEvery {
			key = packet.At
			p.wantKey()
		}
		p.video.Give(packet)
	})
	return <-ended
}

func (p *pipeline) giveRaw(ctx context.Context) error {
	var read media.Reader
	return drain(ctx, p.raw, func(sample *gst.Sample) { read.Raw(sample, 0, p.rawFrames.Give) })
}

// mixer makes one stream of sound without gaps of what a source or a microphone gives, or does not give.
type mixer struct {
	*film.Pipeline
	samples *app.Source
	coded   *app.Sink
	sound   *media.Feed
}

// mixerLatency is how late samples may come, in ns. Pictures come later than that on most machines.
const mixerLatency = 400_000_000

// newMixer fails where GStreamer has no encoder.
func newMixer(clock media.Clock) (*mixer, error) {
	coder := soundCoder()
	if coder == "" {
		return nil, errors.New(film.Lacking("avenc_aac") + ", which codes sound; --sound none leaves it out")
	}
	line, err := film.NewPipeline("audiotestsrc is-live=true wave=silence ! "+source.SoundCaps+" ! "+
		fmt.Sprintf("audiomixer name=mix latency=%d ! ", mixerLatency)+fmt.Sprintf(gateAll, "sound-gate")+" ! audioconvert ! "+coder+
		" ! aacparse ! audio/mpeg,mpegversion=4,stream-format=raw ! "+fmt.Sprintf(coded, "coded")+
		" appsrc name=samples is-live=true format=time block=false max-bytes=1000000 leaky-type=downstream ! "+source.SoundCaps+" ! mix.", "sound", film.DecodeLimit)
	if err != nil {
		return nil, err
	}
	m := &mixer{Pipeline: line}
	var samples, coded, gate *gst.Element
	for name, e := range map[string]**gst.Element{"samples": &samples, "coded": &coded, "sound-gate": &gate} {
		if *e, err = line.Element(name); err != nil {
			return nil, err
		}
	}
	m.samples, m.coded = app.SrcFromElement(samples), app.SinkFromElement(coded)
	m.samples.SetCaps(gst.NewCapsFromString(source.SoundCaps))
	m.sound = &media.Feed{Open: func(on bool) { pass(gate, on) }}
	clock.Share(line.Pipeline)
	return m, nil
}

// take mixes in samples. The source's thread calls it.
func (m *mixer) take(p media.Packet) {
	if p.At < 0 {
		return
	}
	media.Push(m.samples, p, p.At)
}

// run codes sound until ctx is done.
func (m *mixer) run(ctx context.Context) error {
	if err := m.Start(); err != nil {
		return err
	}
	var read media.Reader
	return drain(ctx, m.coded, func(sample *gst.Sample) {
		if packet, ok := read.Coded(sample, 0); ok {
			packet.Key = true
			m.sound.Give(packet)
		}
	})
}
