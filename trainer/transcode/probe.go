package transcode

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/pbutils"

	"adainfilter/trainer/container"
	"adainfilter/trainer/film"
)

// probeLimit is how long GStreamer may look at the beginning of a film.
const probeLimit = 20 * time.Second

// facts are what is known of a film before any of it is decoded.
type facts struct {
	Pictures    string        `json:"pictures,omitempty"` // kind of a film that package stills reads
	Loop        int           `json:"loop,omitempty"`     // how often that is shown; 0 is without an end
	Container   string        `json:"container"`          // the caps' name, "" for a bare stream
	Media       string        `json:"media"`              // the caps' name of the coded video
	Width       int           `json:"width"`
	Height      int           `json:"height"`
	Aspect      string        `json:"aspect"`             // of a pixel, as 1/1
	Depth       int           `json:"depth"`              // bits per sample, 0 if the coded video does not say
	Narrowed    int           `json:"narrowed,omitempty"` // bits per sample that the file has and its reader cuts to 8
	Interlaced  bool          `json:"interlaced"`
	Seekable    bool          `json:"seekable"`
	Chapters    bool          `json:"chapters"`
	Variable    bool          `json:"variable"`         // the frame rate
	Vague       bool          `json:"vague"`            // frames have no exact times before they are decoded: one segment
	Length      time.Duration `json:"length,omitempty"` // that the container promises, 0 if it only estimates one
	Frames      int           `json:"frames"`
	End         time.Duration `json:"end"`
	ExtraVideos int           `json:"extra_videos"`
	Others      []other       `json:"others"` // streams besides the video
	Damaged     string        `json:"damaged,omitempty"`
	Cut         time.Duration `json:"cut,omitempty"`     // where all streams end, if that is long before Length
	Settled     bool          `json:"settled,omitempty"` // Zero is the timestamp of the film's beginning, whatever its reader says
	Zero        time.Duration `json:"zero,omitempty"`
	Orientation string        `json:"orientation,omitempty"` // the tag image-orientation
	Raw         raw           `json:"raw"`                   // what the decoder gives
	Missing     []string      `json:"missing,omitempty"`     // caps of streams that GStreamer cannot take apart

	Mended *container.Mended `json:"mended,omitempty"` // of a transport stream: what was amiss

	Contents *container.Contents `json:"contents,omitempty"` // what the file itself lists, nil where only GStreamer knows its kind
	Named    []container.Chapter `json:"named,omitempty"`    // its chapters, as far as package container reads them
	frames   []frameTime         // sorted by time
	last     time.Duration       // how long the last of them is shown
	lacks    bool                // GstDiscoverer misses plug-ins
}

// other is a stream that is copied.
type other struct {
	Number int           `json:"number"` // among all streams
	Kind   string        `json:"kind"`
	Caps   string        `json:"caps"`
	Begin  time.Duration `json:"begin"`
	Lead   time.Duration `json:"lead,omitempty"`
	ID     string        `json:"id,omitempty"` // the demuxer's, "" where it gives none
}

// is says whether a pad of the film is that of the stream. Demuxers of programme streams find streams in no fixed order.
func (o other) is(number int, id string) bool {
	if o.ID != "" && id != "" {
		return o.ID == id
	}
	return o.Number == number
}

// streamID is what a demuxer calls the stream of a pad within its file, "" if it gives it no name.
func streamID(pad *gst.Pad) string {
	id := pad.GetStreamID()
	i := strings.LastIndexByte(id, '/')
	if i < 0 {
		return ""
	}
	return id[i+1:]
}

// probeFile looks at a film. Errors name the file and say what is wrong with it.
func probeFile(ctx context.Context, path string) (*facts, error) {
	if err := readable(path); err != nil {
		return nil, err
	}
	f := &facts{}
	var lacking error
	if err := f.discover(path); err != nil {
		if _, lacking = tryDecoding(ctx, path); lacking != nil {
			return nil, lacking
		}
		return nil, err
	}
	if f.lacks {
		// GstDiscoverer says that a plug-in is missing, but not which.
		f.Missing, lacking = tryDecoding(ctx, path)
	}
	f.Contents, _ = container.Look(path)
	if f.family() != "" {
		f.Named, _ = container.Chapters(path)
	}
	c, err := scanFile(ctx, path, false)
	if err != nil && lacking != nil && ctx.Err() == nil {
		return nil, lacking
	}
	if err != nil {
		return nil, err
	}
	videos := c.videos()
	if len(videos) == 0 && lacking != nil {
		return nil, lacking
	}
	if len(videos) == 0 {
		return nil, errors.New("it has no video")
	}
	if slices.ContainsFunc(f.Missing, func(caps string) bool { return capsName(caps) == videos[0].media }) {
		return nil, lacking
	}
	f.Damaged, f.ExtraVideos = c.damaged, len(videos)-1
	f.Settled, f.Zero = c.settled, c.zero
	if last := c.end(); f.Damaged == "" && f.Length > last+2*time.Second {
		f.Cut = last
	}
	for i, t := range c.tracks {
		if t.kind != "video" && t.kind != "image" && t.packets > 0 {
			f.Others = append(f.Others, other{i, t.kind, t.caps, t.begin, t.lead, t.id})
		}
	}
	f.Chapters = videos[0].chapters
	return f, f.index(videos[0])
}

// origin is the time that counts as the film's beginning. MP4 and Matroska have one of their own; elsewhere clocks begin anywhere, and
// the first picture or sound is it.
func (f *facts) origin() time.Duration {
	if f.Vague || len(f.frames) == 0 || f.family() != "" {
		return 0
	}
	first := f.frames[0].time
	for _, o := range f.Others {
		if o.Kind == "audio" && o.Lead == 0 {
			first = min(first, o.Begin)
		}
	}
	return first
}

func readable(path string) error {
	info, err := os.Stat(path) // before opening, which would wait for the other end of a pipe
	switch {
	case err != nil:
		return errors.Unwrap(err)
	case !info.Mode().IsRegular():
		return errors.New("it is a folder, a pipe or a device, wanted a file")
	case info.Size() == 0:
		return errors.New("it is empty")
	}
	file, err := os.Open(path)
	if err != nil {
		return errors.Unwrap(err)
	}
	defer file.Close()
	// GStreamer waits for an index that was cut off.
	var head [8]byte
	if _, err := file.ReadAt(head[:], 0); err == nil && string(head[4:]) == "ftyp" {
		if _, _, err := container.FindMovie(file); err != nil {
			return errors.New("it is cut off: the box moov, which says what is where, is missing")
		}
	}
	return nil
}

// tryDecoding is the error of decoders for which plug-ins are missing, and the caps that they would take; nil if it is not that.
func tryDecoding(ctx context.Context, path string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	p, err := film.Open("filesrc name=file ! decodebin ! fakesink", path, probeLimit)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	p.Run(ctx, nil)
	return p.Lacking(), p.Lack(nil)
}

// capsName is the name of caps without their fields.
func capsName(caps string) string {
	name, _, _ := strings.Cut(caps, ",")
	return name
}

// discover asks GstDiscoverer.
func (f *facts) discover(path string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	d, err := pbutils.NewDiscoverer(gst.ClockTime(probeLimit))
	if err != nil {
		return fmt.Errorf("GstDiscoverer: %w", err)
	}
	info, err := d.DiscoverURI((&url.URL{Scheme: "file", Path: absolute}).String())
	runtime.KeepAlive(d) // the binding's finalizer does not know of the call
	if err != nil {
		return fmt.Errorf("GStreamer cannot read it: %s", strings.TrimSpace(err.Error()))
	}
	defer runtime.KeepAlive(info)
	switch info.GetResult() {
	case pbutils.DiscovererResultOK:
	case pbutils.DiscovererResultTimeout:
		return fmt.Errorf("GStreamer has not understood it within %v", probeLimit)
	case pbutils.DiscovererResultMissingPlugins:
		f.lacks = true // of a side track perhaps, which hinders nothing
	default:
		return errors.New("GStreamer cannot read it")
	}
	f.Seekable = info.GetSeekable()
	if top := info.GetStreamInfo(); top != nil && top.GetStreamTypeNick() == "container" {
		if caps := top.GetCaps(); caps != nil && caps.GetSize() > 0 {
			f.Container = caps.GetStructureAt(0).Name()
			runtime.KeepAlive(caps)
		}
		switch f.Container {
		case "video/quicktime", "video/x-matroska", "video/webm":
			f.Length = validDuration(info.GetDuration())
		}
	}
	videos := info.GetVideoStreams()
	for _, v := range videos {
		v.Ref() // the binding frees a reference that it has given away
	}
	if len(videos) == 0 && f.lacks {
		return nil
	}
	if len(videos) == 0 {
		return errors.New("it has no video")
	}
	// Pictures of covers are videos of one image; films in Motion JPEG are images too.
	v := videos[max(0, slices.IndexFunc(videos, func(v *pbutils.DiscovererVideoInfo) bool { return !v.IsImage() }))]
	f.Width, f.Height = int(v.GetWidth()), int(v.GetHeight())
	f.Aspect = fmt.Sprintf("%d/%d", max(v.GetPARNum(), 1), max(v.GetPARDenom(), 1))
	f.Interlaced = v.IsInterlaced()
	if tags := v.GetTags(); tags != nil {
		f.Orientation, _ = tags.GetString(gst.TagImageOrientation)
	}
	return nil
}

// index sorts the frames of the video and sees whether it can be cut.
func (f *facts) index(t *track) error {
	f.Media, f.Depth, f.Frames, f.End = t.media, t.depth, t.packets, t.end
	if t.width > 0 && t.height > 0 {
		f.Width, f.Height = t.width, t.height // GstDiscoverer has looked further and may have seen another size
	}
	f.Vague = t.vague || len(t.times) == 0
	if t.packets == 0 {
		return errors.New("its video has no frames")
	}
	if f.Vague {
		return nil
	}
	f.frames, f.last = t.times, t.last
	slices.SortStableFunc(f.frames, func(a, b frameTime) int { return int(a.time - b.time) })
	f.Frames = len(f.frames)
	steps := make([]time.Duration, 0, len(f.frames))
	for i := 1; i < len(f.frames); i++ {
		step := f.frames[i].time - f.frames[i-1].time
		if step <= 0 {
			f.Vague, f.frames = true, nil
			return nil
		}
		steps = append(steps, step)
	}
	f.Variable = varies(steps)
	return nil
}

// varies says whether frames come at a variable rate: more than what containers lose by rounding to milliseconds. It sorts the steps.
func varies(steps []time.Duration) bool {
	if len(steps) == 0 {
		return false
	}
	slices.Sort(steps)
	usual := steps[len(steps)/2]
	return steps[len(steps)-1]-usual > 2*time.Millisecond || usual-steps[0] > 2*time.Millisecond
}

// factsOfFrames are what decoded frames say of themselves.
func factsOfFrames(caps *gst.Structure) *facts {
	f := &facts{Width: film.Int(caps, "width"), Height: film.Int(caps, "height"), Aspect: "1/1", Raw: rawOf(caps)}
	f.Depth = depthOf(f.Raw.Format)
	text := caps.String()
	field := func(name string) string { return fieldOf(text, name) }
	if aspect := field("pixel-aspect-ratio"); aspect != "" {
		f.Aspect = aspect
	}
	f.Interlaced = field("interlace-mode") != "" && field("interlace-mode") != "progressive"
	f.Variable = field("framerate") == "0/1" || field("framerate") == ""
	return f
}

// fieldOf is a field in the text of caps, without its type; "" where there is none.
func fieldOf(text, name string) string {
	_, rest, found := strings.Cut(text, name+"=")
	if !found {
		return ""
	}
	if _, value, typed := strings.Cut(rest, ")"); typed && strings.HasPrefix(rest, "(") {
		rest = value
	}
	value, _, _ := strings.Cut(strings.TrimRight(rest, ";"), ",")
	return strings.TrimSpace(value)
}
