package transcode

import (
	"context"
	"slices"
	"time"

	"adainfilter/trainer/film"
)

// Coder says whether one of the elements that may code a film works on this machine.
type Coder struct {
	Codec, Element string
	Works          bool
	Why            string // it does not
}

// Coders tries each encoder with some frames; GStreamer must be initialised. Elements that need hardware and are not installed are left out.
func Coders(ctx context.Context) []Coder {
	var all []Coder
	for _, c := range codecs {
		for _, e := range c.encoders {
			if slices.ContainsFunc(all, func(a Coder) bool { return a.Codec == c.name && a.Element == e.element && a.Works }) {
				continue // with other properties, those of another version
			}
			all = slices.DeleteFunc(all, func(a Coder) bool { return a.Codec == c.name && a.Element == e.element })
			switch {
			case e.element == bare:
			case has(e.element):
				all = append(all, e.try(ctx, c.name))
			case e.library != "":
				all = append(all, Coder{c.name, e.element, false, film.Lacking(e.element)})
			}
		}
	}
	return all
}

// try codes a few frames.
func (e encoder) try(ctx context.Context, codec string) Coder {
	result := Coder{Codec: codec, Element: e.element}
	text := coder{Element: e.element, Properties: e.set(choice{quality: DefaultQuality})}.text()
	upload := ""
	if e.cuda {
		upload = "cudaupload ! "
	}
	p, err := film.NewPipeline("videotestsrc num-buffers=5 ! video/x-raw,format="+e.formats+",width=320,height=240,framerate=25/1 ! "+upload+text+" ! fakesink",
		e.element, 10*time.Second)
	if err == nil {
		defer p.Close()
		err = p.Run(ctx, nil)
	}
	if result.Works = err == nil; err != nil {
		result.Why = err.Error()
	}
	return result
}
