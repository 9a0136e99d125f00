package transcode

import (
	"context"
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

	"adainfilter/model"
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
	var steps []time.Duration
	for i, t := range f.Times {
		next := f.End
		if i+1 < len(f.Times) {
			next = f.Times[i+1]
		}
		steps = append(steps, next-t)
		facts.frames = append(facts.frames, frameTime{t, next - t, true})
	}
	facts.Variable = varies(steps)
	return facts
}

// pictureSource is the beginning of a pipeline whose frames this program decodes.
func (p *plan) pictureSource() string {
	f := p.Facts
	rate := "0/1"
	if step := f.step(); step > 0 {
		rate = fmt.Sprintf("%d/%d", int64(time.Second), int64(step))
		if nice := (time.Second + step/2) / step; nice > 0 && (time.Second-nice*step).Abs() < nice {
			rate = fmt.Sprintf("%d/1", nice)
		}
	}
	return fmt.Sprintf("appsrc name=pictures format=time block=true max-buffers=4 max-bytes=0 caps=video/x-raw,format=%s,width=%d,height=%d,framerate=%s,pixel-aspect-ratio=1/1,colorimetry=%s ! %s name=frames",
		f.Raw.Format, f.Width, f.Height, rate, f.Raw.Colorimetry, frameQueue)
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

// joinPictures writes the segments into a file or a folder that package stills knows, reads it back and gives it its name.
func (j *job) joinPictures(ctx context.Context, v *joined, out string) error {
	part := j.folder.file("joined.part")
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	defer os.RemoveAll(part)
	shape := j.shape(v)
	w, err := stills.Create(j.plan.Muxer, part, shape)
	if err != nil {
		return err
	}
	err = j.eachPacket(ctx, v, func(i int, p packet) error { return w.Frame(p.data, v.duration(i)) })
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("the result cannot be written: %w", err)
	}
	if err := j.verifyPictures(v, part, shape); err != nil {
		return err
	}
	if isFolder(j.plan.Muxer) {
		if err := errors.Join(model.SyncFolder(part), j.replaceFolder(out)); err != nil {
			return err
		}
	}
	return os.Rename(part, out)
}

// shape is the head of a result of pictures.
func (j *job) shape(v *joined) stills.Shape {
	width, height := j.plan.size()
	s := stills.Shape{Width: width, Height: height, Frames: len(v.times), Loop: j.plan.Facts.Loop, Alpha: alphaFormat(j.plan.Facts.Raw.Format), Pattern: j.options.Pattern, First: 1}
	if j.input.Numbers != nil && j.input.Numbers.First >= 0 {
		s.First = j.input.Numbers.First
	}
	return s
}

// replaceFolder makes room for a result that is a folder: one of an earlier run is moved into the film's own folder, which goes in the end.
func (j *job) replaceFolder(out string) error {
	entries, err := os.ReadDir(out)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) == 0:
		return os.Remove(out)
	}
	if err := j.roomFor(out); err != nil {
		return err
	}
	old := j.folder.file("replaced")
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	return os.Rename(out, old)
}

// roomFor reports a folder in the place of a result that holds other things than numbered pictures: they would be lost.
func (j *job) roomFor(out string) error {
	entries, err := os.ReadDir(out)
	if err != nil {
		return nil
	}
	pattern := j.pattern()
	for _, e := range entries {
		if !stills.Matches(pattern, e.Name()) {
			return fmt.Errorf("folder %q, where the result goes, holds %q: choose another", out, e.Name())
		}
	}
	return nil
}

// pattern is that of the names of numbered pictures.
func (j *job) pattern() string {
	if j.options.Pattern != "" {
		return j.options.Pattern
	}
	return "%05d." + j.plan.Muxer
}

// eachPacket gives all coded frames to a function, in the order of decoding.
func (j *job) eachPacket(ctx context.Context, v *joined, f func(int, packet) error) error {
	i := 0
	for _, path := range v.paths {
		r, err := openSegment(path)
		if err != nil {
			return err
		}
		for {
			p, err := r.next()
			if err == io.EOF {
				break
			}
			if err == nil && i >= len(v.times) {
				err = errDamaged
			}
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				err = f(i, p)
			}
			if err != nil {
				r.close()
				return err
			}
			i++
		}
		r.close()
	}
	return nil
}

// verifyPictures reads a result back: frames, size, times, and that each frame can be decoded.
func (j *job) verifyPictures(v *joined, path string, shape stills.Shape) error {
	var f *stills.Film
	var err error
	if isFolder(j.plan.Muxer) {
		f, err = stills.OpenSequence(stills.Numbers{Pattern: filepath.Join(path, j.pattern()), First: -1})
	} else {
		f, err = stills.Open(path)
	}
	if err != nil {
		return fmt.Errorf("the output cannot be read back: %w", err)
	}
	if f.Damaged != "" || len(f.Times) != shape.Frames || f.Width != shape.Width || f.Height != shape.Height {
		return fmt.Errorf("the output has %d frames of %dx%d (%s), wanted %d of %dx%d", len(f.Times), f.Width, f.Height, f.Damaged, shape.Frames, shape.Width, shape.Height)
	}
	unit := map[string]time.Duration{stills.GIF: 10 * time.Millisecond, stills.APNG: time.Millisecond, stills.WebP: time.Millisecond}[j.plan.Muxer]
	for i, t := range f.Times {
		if d := (t - (v.sorted[i] - v.sorted[0])).Abs(); unit > 0 && d > unit*time.Duration(i+1)/2+time.Millisecond && d > unit {
			return fmt.Errorf("frame %d of the output comes at %v after the first, wanted %v", i+1, t, v.sorted[i]-v.sorted[0])
		}
	}
	r, err := f.Open(0)
	if err != nil {
		return err
	}
	defer r.Close()
	for i := range f.Times {
		if _, err := r.Next(); err != nil {
			return fmt.Errorf("frame %d of the output cannot be read back: %w", i+1, err)
		}
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
