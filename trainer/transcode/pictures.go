package transcode

import (
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/app"

	"adainfilter/trainer/film"
	"adainfilter/trainer/film/stills"
)

// pictureKinds are the containers that GStreamer does not write, and the ends of their names: package stills does. Those without an end are folders of
// numbered pictures.
var pictureKinds = map[string]string{stills.GIF: ".gif", stills.APNG: ".apng", stills.WebP: ".webp", stills.PNG: "", stills.TIFF: ""}

// isFolder says whether a container is a folder of numbered pictures.
func isFolder(container string) bool { return container == stills.PNG || container == stills.TIFF }

// Containers lists the names of all containers.
func Containers() []string {
	return []string{"mp4", "mov", "mkv", "webm", stills.GIF, stills.APNG, stills.WebP, stills.PNG, stills.TIFF}
}

func isContainer(name string) bool { return slices.Contains(Containers(), name) }

// endOf is the end of the name of a result.
func (j *job) endOf(container string) string {
	end, picture := pictureKinds[container]
	switch {
	case j.options.End != "":
		return j.options.End
	case !picture:
		return "." + container
	case container == stills.APNG && strings.EqualFold(filepath.Ext(j.path), ".png"):
		return ".png"
	}
	return end
}

// openPictures indexes an input that is made of pictures; nil is an input for GStreamer. Errors: such an input that cannot be read.
func (in Input) openPictures() (*stills.Film, error) {
	if in.Numbers != nil {
		return stills.OpenSequence(*in.Numbers)
	}
	f, err := stills.Open(in.Path)
	switch {
	case errors.Is(err, stills.ErrNone) && slices.Contains(stills.Suffixes, strings.ToLower(filepath.Ext(in.Path))) && stills.IsPicture(in.Path):
		return nil, errors.New("it is a still picture: adain stylize is for those")
	case errors.Is(err, stills.ErrNone):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return f, nil
}

// deepPictures is the format of frames of pictures with more than 8 bits; where they have no transparency, nothing looks at it.
const deepPictures = "RGBA64_LE"

// factsOf is what the index of pictures says.
func factsOf(f *stills.Film) *facts {
	kind := f.Kind
	if kind == stills.Sequence {
		kind = stills.PNG
	}
	facts := &facts{
		Pictures: kind, Loop: f.Loop, Container: "image/" + kind, Media: "image/" + kind, Width: f.Width, Height: f.Height, Aspect: "1/1", Depth: f.Bits,
		Damaged: f.Damaged, Frames: len(f.Times), End: f.End, Raw: raw{Format: "RGBx", Colorimetry: named["sRGB"].String()},
	}
	if f.Alpha {
		facts.Raw.Format = "RGBA"
	}
	switch {
	case f.Deep && f.Alpha:
		facts.Raw.Format = deepPictures
	case f.Deep:
		facts.Raw.Format = "GBR_16LE" // by its name: GStreamer has it since 1.24
	default:
		facts.Depth = 8
		facts.Narrowed = f.Bits
	}
	var steps []time.Duration
	for i, t := range f.Times {
		next := f.End
		if i+1 < len(f.Times) {
			next = f.Times[i+1]
		}
		steps = append(steps, next-t)
		facts.frames = append(facts.frames, frameTime{t, true})
		facts.last = next - t
	}
	facts.Variable = varies(steps)
	return facts
}

// pictureSource is the beginning of a pipeline whose frames this program decodes.
func (p *plan) pictureSource() string {
	f := p.Facts
	format := f.Raw.Format
	if depthOf(format) > 8 {
		format = deepPictures
	}
	rate := "0/1"
	if step := f.step(); step > 0 {
		rate = fmt.Sprintf("%d/%d", int64(time.Second), int64(step))
		if nice := (time.Second + step/2) / step; nice > 0 && (time.Second-nice*step).Abs() < nice {
			rate = fmt.Sprintf("%d/1", nice)
		}
	}
	return fmt.Sprintf("appsrc name=pictures format=time block=true max-buffers=4 max-bytes=0 caps=video/x-raw,format=%s,width=%d,height=%d,framerate=%s,pixel-aspect-ratio=1/1,colorimetry=%s ! %s name=frames",
		format, f.Width, f.Height, rate, f.Raw.Colorimetry, frameQueue)
}

// step is how long every frame is shown, 0 where that differs.
func (f *facts) step() time.Duration {
	if f.Variable || f.Frames == 0 {
		return 0
	}
	return f.End / time.Duration(f.Frames)
}

// feed decodes the segment's pictures and gives them to the pipeline.
func (c *coding) feed(f *stills.Film) {
	if err := c.feedAll(f); err != nil && err != film.ErrStopped {
		c.fail(err)
	}
}

func (c *coding) feedAll(f *stills.Film) error {
	e, err := c.Element("pictures")
	if err != nil {
		return err
	}
	src := app.SrcFromElement(e)
	first, _ := slices.BinarySearch(f.Times, c.segment.Warm)
	r, err := f.Open(first)
	if err != nil {
		return err
	}
	defer r.Close()
	for i := first; i < len(f.Times) && f.Times[i] < c.segment.End; i++ {
		frame, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		next := f.End
		if i+1 < len(f.Times) {
			next = f.Times[i+1]
		}
		if err := pushFrame(src, frame, f.Times[i], next-f.Times[i]); err != nil {
			return err
		}
	}
	src.EndStream()
	return nil
}

// pushFrame gives one frame to a pipeline, which gets a copy. ErrStopped says that it takes no more.
func pushFrame(src *app.Source, frame []byte, at, shown time.Duration) error {
	b := gst.NewBufferFromBytes(frame)
	runtime.SetFinalizer(b, nil)
	defer b.Unref()
	b.SetPresentationTimestamp(gst.ClockTime(at))
	b.SetDuration(gst.ClockTime(shown))
	if src.PushBuffer(b) != gst.FlowOK {
		return film.ErrStopped // the pipeline says why
	}
	return nil
}

// picturesStamp tells two states of numbered pictures apart.
func picturesStamp(n stills.Numbers) (string, error) {
	f, err := stills.OpenSequence(n)
	if err != nil {
		return "", err
	}
	sum := uint64(0)
	for _, path := range f.Paths() {
		info, err := os.Stat(path)
		if err != nil {
			return "", fmt.Errorf("%q: %w", path, errors.Unwrap(err))
		}
		sum = crc64.Update(sum, crcTable, fmt.Appendf(nil, "%q %d %d\n", filepath.Base(path), info.Size(), info.ModTime().UnixNano()))
	}
	return fmt.Sprintf("%d pictures from %d at %d/%d, %x", len(f.Times), n.First, n.Rate.Num, n.Rate.Den, sum), nil
}

// warnPictures notes what a result of pictures, or one made of them, loses.
func (p *plan) warnPictures() {
	f := p.Facts
	add := func(format string, values ...any) { p.Warnings = append(p.Warnings, fmt.Sprintf(format, values...)) }
	if f.Narrowed > 8 {
		p.Warnings = append(p.Warnings, depthLost(f.Narrowed, 8))
	}
	if _, picture := pictureKinds[p.Muxer]; !picture {
		if f.Loop != 0 && f.Pictures != "" && f.Pictures != stills.PNG && f.Loop != 1 {
			add("it is shown %d times, which %s cannot say", f.Loop, p.Muxer)
		}
		return
	}
	if p.Muxer == stills.GIF && f.Pictures != stills.GIF {
		add("each frame has at most 256 colours in GIF")
	}
	if p.Muxer == stills.GIF {
		if step := f.step(); step > 0 && step < 20*time.Millisecond {
			add("it has more than 50 frames a second, which many players of GIF show slower")
		}
	}
	if f.Orientation != "" && f.Orientation != "rotate-0" {
		add("its orientation %s is lost, %s has none", f.Orientation, p.Muxer)
	}
}
