// Package live stylises a running source, a camera for instance, and serves it: a page with the live picture and its controls,
// the same as an HTTP interface, a window.
package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/model"
)

// Config is what Run is to show.
type Config struct {
	Source  string   // as source.Kinds says
	Sound   string   // what goes with the picture to outputs: SoundSource, SoundNone, or a microphone as Sounds says
	Height  int      // pixels of the frames that the network works on; the width follows from the source's shape
	Outputs []string // as output.Kinds says
	Bitrate int      // of H.264, in kbit/s; 0 is by height
	Window  bool     // show a window
	Listen  string   // address of the page, "host:port"; "" is none
	Token   string   // whoever has it may use the page; "" lets everybody who reaches the address
	Hosts   []string // names under which the page may be asked for, besides localhost and addresses in figures

	Prepare func(filter *gst.Element) error // sets the properties of the adainfilter before it starts
	Engine  func() (model.Engine, error)    // opens an engine with the element's network; Run closes it
	Decoder []string                        // the command that calls Decode with the arguments that are added
	Styles  []string                        // names of styles that fit that network and need no file

	JSON     bool      // the address is printed as JSON
	Out, Err io.Writer // for the address of the page; for failures that end nothing
}

// MinToken is the least length of a token, in bytes: 16 random hexadecimal digits cannot be guessed over a network.
const MinToken = 16

// Run plays until ctx is done or the window is closed, which are no errors, or until something fails. GStreamer must be
// initialised and the element registered. When Run returns, the temporary folder of uploads is gone and so is every goroutine.
// Errors: a source, an output, an address or a token that will not do, and whatever the pipeline or the server report. A source that has
// given frames and breaks is tried again, and so is an output; a file is played again and again; standard input ends Run without an error.
func Run(ctx context.Context, c Config) (err error) {
	outputs, err := parseOutputs(&c)
	if err != nil {
		return err
	}
	if c.Listen == "" && !c.Window && len(outputs) == 0 {
		return errors.New("there is nothing to show: wanted an address for the page, a window, or an --output")
	}
	src, microphone, err := parseSources(c)
	if err != nil {
		return err
	}
	var listener net.Listener
	if c.Listen != "" {
		if listener, err = listen(c.Listen, c.Token); err != nil {
			return err
		}
		defer listener.Close()
	}
	dir, err := os.MkdirTemp("", "adain-live-")
	if err != nil {
		return fmt.Errorf("no temporary folder for uploads: %w", err)
	}
	defer func() {
		if e := os.RemoveAll(dir); e != nil && err == nil {
			err = fmt.Errorf("the temporary folder of uploads stays: %w", e)
		}
	}()
	p, err := newPlay(c, src, microphone, outputs)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.line.start(); err != nil {
		return err
	}
	return p.run(ctx, listener, dir)
}

// listen opens the address of the page. Who can reach an address other than the loopback's is not known, hence the token.
func listen(address, token string) (net.Listener, error) {
	if token != "" && len(token) < MinToken {
		return nil, fmt.Errorf("the token has %d characters, wanted at least %d", len(token), MinToken)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("no page at %q: %w", address, err)
	}
	if at, ok := listener.Addr().(*net.TCPAddr); token == "" && (!ok || !at.IP.IsLoopback()) {
		listener.Close()
		return nil, fmt.Errorf("the page at %q could be used by everybody who reaches that address: give it a token, "+
			"or take 127.0.0.1", address)
	}
	return listener, nil
}
