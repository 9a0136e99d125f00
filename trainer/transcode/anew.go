package transcode

import (
	"fmt"
	"strings"

	"github.com/go-gst/go-gst/gst"
)

// soundNames are the codecs that sound is coded in anew where a container that was asked for does not take it as it is.
var soundNames = map[string]string{"mp4": "AAC", "mov": "AAC", "webm": "Opus"}

// soundEncoders are the elements for that, best first: good to the ear for any number of channels.
var soundEncoders = map[string][]string{
	"AAC":  {"fdkaacenc bitrate=256000 ! aacparse", "avenc_aac bitrate=256000 ! aacparse", "voaacenc bitrate=256000 ! aacparse"},
	"Opus": {"opusenc bitrate=192000 ! opusparse", "opusenc bitrate=192000"},
}

// copies says whether a stream comes along through GStreamer, as it is or coded anew.
func (p *plan) copies(o other) bool { return p.takes(o) || p.codesAnew(o) }

// codesAnew says whether a stream that the container has no room for is sound that can be coded in another way.
func (p *plan) codesAnew(o other) bool {
	return o.Kind == "audio" && !p.Facts.undecodable(o.Caps) && p.soundEncoder() != ""
}

// soundEncoder is the text of the elements that code sound for the container, "" if there is none.
func (p *plan) soundEncoder() string {
	for _, text := range soundEncoders[soundNames[p.Muxer]] {
		fits := true
		for _, part := range strings.Split(text, " ! ") {
			name, _, _ := strings.Cut(part, " ")
			fits = fits && here.has(name)
		}
		if fits {
			return "audioconvert ! audioresample ! " + text
		}
	}
	return ""
}

// recoder puts the elements into the pipeline that decode a stream of sound and code it for the container; link the first, go on from
// the last.
func (m *muxing) recoder() (chain []*gst.Element, err error) {
	decoder, err := gst.NewElement("decodebin")
	if err != nil {
		return nil, err
	}
	bin, err := gst.NewBinFromString(m.job.plan.soundEncoder(), true)
	if err != nil {
		return nil, err
	}
	err = m.PadAdded(decoder, func(pad *gst.Pad) {
		if r := pad.Link(bin.GetStaticPad("sink")); r != gst.PadLinkOK {
			m.fail(fmt.Errorf("sound cannot be coded anew: %v", r))
		}
	})
	return []*gst.Element{decoder, bin.Element}, err
}
