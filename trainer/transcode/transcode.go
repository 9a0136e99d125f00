// Package transcode stylises whole films: it probes a film, cuts it into segments, sends each through the element adainfilter
// in process, and joins the coded segments with the film's own sound and subtitles.
//
// All intermediate results are objects of a store below .NAME.adain/ beside the output, in a folder or a bucket, so that a run that was killed goes on with
// what is missing, and so that several machines can share a film. The output appears under its name only when it is complete and verified.
package transcode

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/model"
	"adainfilter/trainer/film/stills"
	"adainfilter/trainer/transcode/store"
)

// Input is one film to transcode.
type Input struct {
	Path string // the film
	Base string // its result below the output folder, without the end of the name
	// Numbers are those of numbered pictures, nil for a file. Path then is what names them for people.
	Numbers *stills.Numbers
	// Remote is a film in a bucket or on a web server, nil until it is looked at; Path is its address without secrets.
	Remote *store.Remote `json:"-"`
	// Address is what it is found by, where that is not Path.
	Address string `json:"-"`
}

// Options say what Run does. GStreamer must be initialised and the element adainfilter registered before.
type Options struct {
	Inputs    []Input
	Out       string        // folder of the results
	Codec     string        // a name of Codecs, "source", or an encoder; "" is h264, and a codec that keeps transparency where the film has some
	Container string        // one of Containers; "" follows the film and the codec
	End       string        // of the result's name, with its dot; "" follows the container
	Pattern   string        // of the names in a folder of numbered pictures; "" is %05d and the container
	Preset    string        // of Presets, how much time coding may take; "" is medium
	Depth     int           // of Depths, bits per sample of the result; 0 is the film's own as far as an encoder has them
	Quality   int           // 1 to 100, Quality(0) is DefaultQuality
	Start     time.Duration // where in the film to begin
	Duration  time.Duration // how much of it; 0 is all
	Segment   time.Duration // length of a segment; 0 is the whole film
	Jobs      int           // segments at the same time; 0 is one
	Shard     Shard         // the part of the work that is this process's
	Worker    *Worker       // makes this one of any number of workers that share the work by claims
	Join      bool          // only join what shards have finished
	Compare   bool          // and refuse to join what was made with other options; else the shards' are taken
	Overwrite bool          // make finished films anew
	Program   int           // of a transport stream with several, by its number; 0 is the first that has pictures
	Silent    bool          // make a film without sound where none of its sound can be kept
	Strict    bool          // refuse a film of which the result would lack a track or something else
	Smoothing float64       // the element's smoothing, which sets how many frames warm it up

	// Set sets the element's properties. It is called once per segment, from several goroutines.
	Set func(filter *gst.Element) error
	// Rest, if it is there, is called when a film has been looked at and when the pipeline of a segment, or that of the result, has gone, from several goroutines.
	Rest func()
	// Settings says in words what Set does: a film that was begun with others is begun anew.
	Settings string
	// Files are what Set names: a film that was begun before one of them changed is begun anew.
	Files []string
	// CPU keeps frames out of GPU memory.
	CPU bool

	Watch Watcher
}

// shortest is the least length of a segment: one begins with a key frame, and each is a file.
const shortest = 100 * time.Millisecond

// DefaultQuality is good to the eye for every codec.
const DefaultQuality = 70

// Watcher learns how far a run is. Its methods are called from several goroutines at the same time.
type Watcher interface {
	Begin(input string, frames int) // frames that are still to be stylised, before the first of them
	Frames(input string, n int)     // n more frames are coded
	Warn(input, text string)        // what a user should know of a film that goes on
	End(r Result)                   // of the film that r names, whatever became of it
}

// Run transcodes all films and reports on each, in the order of the inputs. A film that fails is reported and the others go on.
// The error is nil unless the options are wrong, or ctx's where that ended the run.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return work(ctx, &o)
}

// WarmUp is how many frames before a segment the filter sees, without their results being kept: after so many frames the
// pixels of a frame before them weigh less than 1/256, less than a step of an 8-bit picture, in those of the next. They take over
// model.MotionShare at most, whether they follow the motion or stay; its statistics take over less (model.StatsShare). Segments, and so their
// warm-up, are the plan's: runs that were resumed or shared give the same bits. The
// share is at most model.MaxSmoothing, so it is at most 109 frames; 60 with the element's default.
func WarmUp(smoothing float64) int {
	if smoothing <= 0 {
		return 0
	}
	return int(math.Ceil(math.Log(1.0/256) / math.Log(min(model.MotionShare(min(smoothing, 1)), model.MaxSmoothing))))
}

func (o *Options) check() error {
	if o.Quality == 0 {
		o.Quality = DefaultQuality
	}
	o.Jobs = max(o.Jobs, 1)
	c := findCodec(o.Codec)
	if c == nil {
		c = codecWith(o.Codec)
	}
	if o.Codec != "" && o.Codec != sourceCodec && c == nil {
		return fmt.Errorf("codec is %q, wanted %s, %s or an encoder of GStreamer that writes one of them", o.Codec, join(Codecs()), sourceCodec)
	}
	if o.Preset != "" && !slices.Contains(Presets, o.Preset) {
		return fmt.Errorf("preset is %q, wanted %s", o.Preset, join(Presets))
	}
	if o.Container != "" && !isContainer(o.Container) {
		return fmt.Errorf("container is %q, wanted %s", o.Container, join(Containers()))
	}
	if c != nil && o.Container != "" && !c.fits(o.Container) {
		return fmt.Errorf("%s does not go into %s, wanted %s", o.Codec, o.Container, join(c.containers))
	}
	switch {
	case o.Quality < 1 || o.Quality > 100:
		return fmt.Errorf("quality is %d, wanted 1 to 100", o.Quality)
	case o.Start < 0 || o.Duration < 0 || o.Segment < 0:
		return errors.New("start, duration and segment are times of 0 or more")
	case o.Program < 0 || o.Program > 65535:
		return fmt.Errorf("program is %d, wanted 1 to 65535, or 0 for the first", o.Program)
	case o.Segment > 0 && o.Segment < shortest:
		return fmt.Errorf("segment is %v, wanted 0 or at least %v", o.Segment, shortest)
	case o.Out == "":
		return errors.New("the output folder is missing")
	case len(o.Inputs) == 0:
		return errors.New("no film was named")
	case o.Join && o.Shard.Count > 0:
		return errors.New("joining is for all shards together: leave the shard out")
	}
	return o.Shard.check()
}

// toDo are the inputs with the names of their results, but for the end, which depends on what is found in the film.
func (o *Options) toDo() ([]*job, error) {
	var jobs []*job
	taken := map[string]bool{}
	for i, in := range o.Inputs {
		base := filepath.Join(o.Out, in.Base)
		// Two films of the same name do not overwrite each other; the order of the inputs decides.
		for n := 2; taken[base]; n++ {
			base = filepath.Join(o.Out, fmt.Sprintf("%s-%d", in.Base, n))
		}
		taken[base] = true
		jobs = append(jobs, &job{options: o, number: i, input: in, path: in.Path, base: base})
	}
	return jobs, nil
}
