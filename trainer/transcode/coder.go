package transcode

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/go-gst/go-gst/gst"
	"golang.org/x/sys/cpu"

	"adainfilter/trainer/film"
)

// coder is the encoder that a plan has chosen, with all that its bits depend on.
type coder struct {
	Element    string `json:"element"`
	Properties string `json:"properties"` // as in a pipeline's text
	Formats    string `json:"formats"`    // of the frames that it gets
	CUDA       bool   `json:"cuda"`       // takes frames in GPU memory
	Hardware   bool   `json:"hardware"`   // nothing is known of what its bits depend on
	Version    string `json:"version"`    // of GStreamer's plug-in and of the library that does the work
	Processor  string `json:"processor"`  // kind of that on which the plan was made
}

// text is the encoder in a pipeline's text, with what this machine needs.
func (c coder) text() string {
	text := c.Element + " " + c.Properties
	if c.Element == "x264enc" && cpu.X86.HasAVX512F {
		// x264 up to 164 reads memory there that nobody wrote, at widths such as 96 and 320. Its AVX2 code gives the bits of
		// all other processors. The option switches on what it names, so it must not stand where that is missing.
		text += " option-string=asm=avx2"
	}
	return text
}

// name is who codes, for people.
func (c coder) name() string {
	if c.Element == bare {
		return "adain"
	}
	return c.Element
}

// processor is the kind of this machine's: the engine sums in another order with vectors of another width.
func processor() string {
	switch {
	case cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL:
		return runtime.GOARCH + " with AVX-512"
	case cpu.X86.HasAVX2:
		return runtime.GOARCH + " with AVX2"
	}
	return runtime.GOARCH
}

// encoderVersion is what the bits of an encoder depend on: the version of its plug-in and the file of its library.
func encoderVersion(e encoder) string {
	if e.element == bare {
		return "adain, " + runtime.Version()
	}
	factory := gst.Find(e.element)
	if factory == nil {
		return ""
	}
	version := "GStreamer"
	if plugin := factory.GetPlugin(); plugin != nil {
		version += " " + plugin.Version()
	}
	if file := loaded(e.library); file != "" {
		version += ", " + file
	}
	return version
}

// loaded is the file of a library in this process, whose name ends in its version; "" if there is none.
func loaded(library string) string {
	maps, err := os.Open("/proc/self/maps")
	if err != nil || library == "" {
		return ""
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		if i := strings.IndexByte(lines.Text(), '/'); i >= 0 && strings.HasPrefix(filepath.Base(lines.Text()[i:]), library) {
			return filepath.Base(lines.Text()[i:])
		}
	}
	return ""
}

// errUnfit says that this machine would code otherwise than those that have begun.
var errUnfit = errors.New("this machine's segments would not fit the others")

// fits finds out whether segments of this machine go with those of the one that made the plan. A processor of another kind is no
// reason against it: it is returned as a warning. The error is errUnfit with a sentence.
func (p *plan) fits() (warning string, err error) {
	e := p.Encoder
	c := findCodec(p.Codec)
	width, height := p.size()
	switch {
	case c == nil:
		return "", fmt.Errorf("%w: its plan has the codec %q", errUnfit, p.Codec)
	case !has(e.Element):
		return "", fmt.Errorf("%w, which %s has coded: %s", errUnfit, e.Element, film.Lacking(e.Element))
	case !has(p.Decoder):
		return "", fmt.Errorf("%w, which %s has decoded: %s", errUnfit, p.Decoder, film.Lacking(p.Decoder))
	case !works(taking(e.Formats, e), width, height):
		return "", fmt.Errorf("%w, which %s has coded: it does not start here", errUnfit, e.Element)
	}
	for _, own := range c.encoders {
		if here := encoderVersion(own); own.element == e.Element && here != e.Version {
			return "", fmt.Errorf("%w: %s is that of %s here and that of %s there", errUnfit, e.Element, here, e.Version)
		}
	}
	if here := processor(); here != e.Processor {
		warning = fmt.Sprintf("its plan was made on a processor of another kind (%s, this one is %s): frames of the shards may differ in their last bits",
			e.Processor, here)
	}
	return warning, nil
}
