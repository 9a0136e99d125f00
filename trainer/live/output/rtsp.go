package output

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"adainfilter/trainer/live/media"
)

// rtspUser is who viewers of a server with a token say they are.
const rtspUser = "adain"

// viewers is an RTSP server with one stream. Its methods are called by the library, from several threads.
type viewers struct {
	sync.Mutex
	server *gortsplib.Server
	stream *gortsplib.ServerStream // nil until the first picture has come
	token  string
}

// serve is play for an RTSP server.
func (o *Output) serve(ctx context.Context, from From) error {
	v := &viewers{token: o.secret}
	v.server = &gortsplib.Server{Handler: v, RTSPAddress: o.server, AuthMethods: []auth.VerifyMethod{auth.VerifyMethodBasic, auth.VerifyMethodDigestMD5}}
	if err := v.server.Start(); err != nil {
		return media.Final(fmt.Errorf("no server there: %w", err))
	}
	ended := make(chan error, 1)
	go func() { ended <- v.server.Wait() }()
	r := &rtpStream{viewers: v, sound: from.Sound != nil, fail: make(chan error, 1)}
	leave := []func(){from.Video.Join(r.picture)}
	if from.Sound != nil {
		leave = append(leave, from.Sound.Join(r.samples))
	}
	from.Tell(fmt.Sprintf("The picture is at rtsp://%s/live", o.server))
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	case err = <-r.fail:
	}
	for _, f := range leave {
		f()
	}
	v.server.Close()
	if stream := v.current(); stream != nil {
		stream.Close()
	}
	return err
}

// OnDescribe answers what there is at an address.
func (v *viewers) OnDescribe(c *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return v.answer(c.Conn, c.Request, c.Path)
}

// OnSetup answers who wants a stream.
func (v *viewers) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return v.answer(c.Conn, c.Request, c.Path)
}

// OnPlay answers who begins to watch.
func (v *viewers) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (v *viewers) current() *gortsplib.ServerStream {
	v.Lock()
	defer v.Unlock()
	return v.stream
}

func (v *viewers) answer(c *gortsplib.ServerConn, r *base.Request, path string) (*base.Response, *gortsplib.ServerStream, error) {
	if v.token != "" && !c.VerifyCredentials(r, rtspUser, v.token) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, errors.New("the name or the token is wrong")
	}
	stream := v.current()
	switch {
	case strings.Trim(path, "/") != "live":
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	case stream == nil:
		return &base.Response{StatusCode: base.StatusNotFound}, nil, errors.New("no picture has come yet")
	}
	return &base.Response{StatusCode: base.StatusOK}, stream, nil
}

// rtpStream makes RTP of packets. Each kind is given by one thread.
type rtpStream struct {
	viewers *viewers
	sound   bool
	fail    chan error

	// Set before the viewers' stream.
	video, audio     *description.Media
	pictures, pieces packetizer
}

type packetizer interface {
	Encode(units [][]byte) ([]*rtp.Packet, error)
}

func (r *rtpStream) picture(p media.Packet) {
	units, err := media.Units(p)
	stream := r.viewers.current()
	if err == nil && stream == nil && p.Key {
		stream, err = r.open(p)
	}
	if err == nil && stream == nil {
		return // until one can be decoded by itself
	}
	if err == nil && p.Key { // for viewers who come later
		sps, pps, e := media.Parameters(p.Caps)
		units, err = append([][]byte{sps, pps}, units...), e
	}
	if err == nil {
		var packets []*rtp.Packet
		if packets, err = r.pictures.Encode(units); err == nil {
			err = write(stream, r.video, packets, p.At, 90000)
		}
	}
	r.failed(err)
}

func (r *rtpStream) samples(p media.Packet) {
	stream := r.viewers.current()
	if stream == nil {
		return
	}
	packets, err := r.pieces.Encode([][]byte{p.Data})
	if err == nil {
		err = write(stream, r.audio, packets, p.At, soundRate)
	}
	r.failed(err)
}

const soundRate = 48000

func write(stream *gortsplib.ServerStream, m *description.Media, packets []*rtp.Packet, at time.Duration, rate int64) error {
	for _, packet := range packets {
		packet.Timestamp = uint32(at.Microseconds() * rate / 1e6)
		if err := stream.WritePacketRTP(m, packet); err != nil {
			return err
		}
	}
	return nil
}

func (r *rtpStream) failed(err error) {
	if err != nil {
		select {
		case r.fail <- err:
		default:
		}
	}
}

// open makes the stream of the first picture that can be decoded by itself.
func (r *rtpStream) open(p media.Packet) (*gortsplib.ServerStream, error) {
	sps, pps, err := media.Parameters(p.Caps)
	if err != nil {
		return nil, err
	}
	picture := &format.H264{PayloadTyp: 96, SPS: sps, PPS: pps, PacketizationMode: 1}
	r.video = &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{picture}}
	if r.pictures, err = picture.CreateEncoder(); err != nil {
		return nil, err
	}
	all := []*description.Media{r.video}
	if r.sound {
		sound := &format.MPEG4Audio{PayloadTyp: 97, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3,
			Config: &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: soundRate, ChannelCount: 2}}
		r.audio = &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{sound}}
		if r.pieces, err = sound.CreateEncoder(); err != nil {
			return nil, err
		}
		all = append(all, r.audio)
	}
	stream := &gortsplib.ServerStream{Server: r.viewers.server, Desc: &description.Session{Title: "adain live", Medias: all}}
	if err := stream.Initialize(); err != nil {
		return nil, err
	}
	r.viewers.Lock()
	defer r.viewers.Unlock()
	r.viewers.stream = stream
	return stream, nil
}
