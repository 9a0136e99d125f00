package transcode

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// planVersion changes when a folder of unfinished work of an older program cannot be gone on with.
const planVersion = 9

// plan says what is to be done for a film. It is the same for all shards, and kept beside the finished segments.
type plan struct {
	Version  int           `json:"version"`
	Identity string        `json:"identity"` // hash of everything that the output depends on
	Input    string        `json:"input"`    // size and time of the film's file
	Facts    *facts        `json:"facts"`
	Codec    string        `json:"codec"`
	Encoder  coder         `json:"encoder"`
	CUDA     bool          `json:"cuda"` // frames lie in GPU memory
	Piped    bool          `json:"-"`    // the film goes through one pipeline
	Decoder  string        `json:"decoder"`
	Muxer    string        `json:"muxer"`            // the container, a key of muxers
	End      string        `json:"end"`              // of the output's name
	From     span          `json:"from"`             // of the film, in its own times
	Origin   time.Duration `json:"origin,omitempty"` // where the film begins, in its own times
	Whole    bool          `json:"whole"`            // no part of it was asked for
	Segments []segment     `json:"segments"`
	Last     time.Duration `json:"last"`            // how long the last frame is shown, 0 if that is unknown
	Carry    bool          `json:"carry,omitempty"` // all but the video goes from file to file as bytes
	Tracks   []Track       `json:"tracks,omitempty"`
	Warnings []string      `json:"warnings,omitempty"`
	Losses   []string      `json:"losses,omitempty"`   // those of the warnings that say what the output lacks
	Replaces string        `json:"replaces,omitempty"` // version of a result whose place the new one takes
}

type span struct {
	Begin time.Duration `json:"begin"`
	End   time.Duration `json:"end"` // exclusive; forever is the film's end
}

const forever = time.Duration(math.MaxInt64)

// segment is a part of the film that is coded on its own.
type segment struct {
	span
	Warm   time.Duration `json:"warm"`   // frames from here on go through the filter
	Seek   time.Duration `json:"seek"`   // the frame at which decoding begins; -1 is the beginning of the film
	Frames int           `json:"frames"` // as the container counts them; 0 is unknown
	First  time.Duration `json:"first"`  // time of the first of them
}

// cut divides the frames in a part of the film into segments of about a length: at a key frame that is at most half a length
// away from a multiple, else at the frame that is nearest. Decoding begins at a key frame before the warm frames that the
// filter sees first.
func cut(frames []frameTime, part span, length time.Duration, warm int) []segment {
	from, _ := slices.BinarySearchFunc(frames, part.Begin, compareTime)
	to, _ := slices.BinarySearchFunc(frames, part.End, compareTime)
	if from == to {
		return nil
	}
	borders := []int{from}
	if length > 0 {
		for at := part.Begin + length; at < frames[to-1].time; at += length {
			if b := border(frames[from:to], at, length/2) + from; b > borders[len(borders)-1] && b < to {
				borders = append(borders, b)
			}
		}
	}
	var segments []segment
	for i, b := range borders {
		next, end := to, part.End
		if i+1 < len(borders) {
			next = borders[i+1]
			end = frames[next].time
		}
		s := segment{span: span{frames[b].time, end}, Frames: next - b, First: frames[b].time, Seek: -1}
		if i == 0 {
			s.Begin, s.Warm, s.Seek = part.Begin, part.Begin, seekFor(frames, b)
		} else {
			w := max(from, b-warm)
			s.Warm, s.Seek = frames[w].time, seekFor(frames, w)
		}
		segments = append(segments, s)
	}
	return segments
}

func compareTime(f frameTime, t time.Duration) int {
	switch {
	case f.time < t:
		return -1
	case f.time > t:
		return 1
	}
	return 0
}

// border is the frame to cut at near a time.
func border(frames []frameTime, at, reach time.Duration) int {
	i, _ := slices.BinarySearchFunc(frames, at, compareTime)
	nearest, best := i, reach+1
	if i > 0 && (i == len(frames) || at-frames[i-1].time < frames[i].time-at) {
		nearest = i - 1
	}
	for k := i; k < len(frames) && frames[k].time-at < best; k++ {
		if frames[k].key {
			nearest, best = k, frames[k].time-at
			break
		}
	}
	for k := i - 1; k >= 0 && at-frames[k].time < best; k-- {
		if frames[k].key {
			return k
		}
	}
	return nearest
}

// seekFor is the time of the key frame from which frame i can be decoded, -1 for the film's beginning.
func seekFor(frames []frameTime, i int) time.Duration {
	for ; i > 0; i-- {
		if frames[i].key {
			return frames[i].time
		}
	}
	return -1
}

// identity is a hash of everything that the output depends on: the film, what is made of it, and the files that this needs.
func (o *Options) identity(in Input, path string) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%d %q %q %q %d %d %d %d\n", planVersion, o.Codec, o.Container, o.Preset, o.Quality, o.Start, o.Duration, o.Segment)
	fmt.Fprintf(h, "%v %v %q %d %d\n", o.Smoothing, o.CPU, o.Settings, o.Program, o.Depth)
	fmt.Fprintf(h, "%q %q\n", o.End, o.Pattern)
	named := slices.Clone(o.Files)
	if in.Remote != nil {
		fmt.Fprintf(h, "%q %s\n", filepath.Base(path), in.Remote.Stamp())
	} else if in.Numbers == nil {
		named = append(named, path)
	} else {
		stamp, err := picturesStamp(*in.Numbers)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, stamp)
	}
	for _, name := range named {
		info, err := os.Stat(name)
		if err != nil {
			return "", fmt.Errorf("%q: %w", name, errors.Unwrap(err))
		}
		fmt.Fprintf(h, "%q %d %d\n", filepath.Base(name), info.Size(), info.ModTime().UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// inputStamp tells two states of a film's file apart.
func inputStamp(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes, %d", info.Size(), info.ModTime().UnixNano()), nil
}

// makePlan decides how a film is transcoded.
func (o *Options) makePlan(f *facts, path, identity, stamp string) (*plan, error) {
	p := &plan{Version: planVersion, Identity: identity, Input: stamp, Facts: f, Whole: o.Start == 0 && o.Duration == 0}
	p.Origin = f.origin()
	p.From = span{p.Origin + o.Start, forever}
	if o.Duration > 0 && o.Duration < forever-p.From.Begin {
		p.From.End = p.From.Begin + o.Duration
	}
	if err := o.chooseCodec(p, path); err != nil {
		return nil, err
	}
	p.warn(o)
	if text := p.mute(); text != "" && !o.Silent {
		return nil, fmt.Errorf("the result would have no sound (%s): choose another --container or the whole film, or give --silent", text)
	}
	if f.Vague {
		if o.Start > 0 || o.Duration > 0 {
			return nil, errors.New("its frames have no times of their own, so no part of it can be chosen")
		}
		p.Segments = []segment{{span: p.From, Seek: -1}}
		return p, nil
	}
	p.Segments = cut(f.frames, p.From, o.Segment, WarmUp(o.Smoothing))
	if len(p.Segments) == 0 {
		return nil, fmt.Errorf("no frame lies between %v and %v, it ends at %v", o.Start,
			min(p.From.End, f.End)-p.Origin, f.End-p.Origin)
	}
	p.Last = f.lastDuration(p.From.End)
	return p, nil
}

// lastDuration is how long the last frame before a time is shown.
func (f *facts) lastDuration(end time.Duration) time.Duration {
	i, _ := slices.BinarySearchFunc(f.frames, end, compareTime)
	if i < len(f.frames) {
		return f.frames[i].time - f.frames[i-1].time
	}
	return f.last
}

// warn notes what will be lost, as far as it is known beforehand.
func (p *plan) warn(o *Options) {
	f := p.Facts
	add := func(format string, values ...any) { p.Warnings = append(p.Warnings, fmt.Sprintf(format, values...)) }
	if f.Damaged != "" {
		p.lose("it is damaged and is read as far as it goes: %s", f.Damaged)
	}
	if f.Cut > 0 {
		p.lose("it ends at %v, though it should last %v: it may be cut off", f.Cut.Round(time.Millisecond), f.Length.Round(time.Millisecond))
	} else if f.Contents != nil && f.Contents.Torn {
		p.lose("it is cut off: what it lists behind its end is left out")
	}
	if alphaFormat(f.Raw.Format) && !p.keepsAlpha() {
		add("its transparency is lost, %s has none%s (--codec prores4444, ffv1 or png keep it)", p.Codec, p.where())
	}
	if w, h := p.size(); w != f.Width || h != f.Height {
		add("its size of %dx%d becomes %dx%d, since %s has even sizes only", f.Width, f.Height, w, h, p.Codec)
	}
	if f.Interlaced {
		add("its interlaced frames become progressive ones, made of their first fields")
	}
	p.warnLosses(o)
	p.warnPictures()
	if p.Encoder.Hardware {
		add("%s codes in hardware, which promises no equal bits when it is done again", p.Encoder.Element)
	}
	if o.Codec == "ffv1" && o.Quality != DefaultQuality {
		add("quality does nothing for ffv1, it is lossless")
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func kindName(kind string) string {
	switch kind {
	case "audio":
		return "audio track"
	case "text", "subpicture", "application", "closedcaption":
		return "subtitle track"
	}
	return kind + " stream"
}

// where is the end of a sentence on transparency.
func (p *plan) where() string {
	if c := findCodec(p.Codec); c.beside && !p.Piped {
		return " in " + p.Muxer
	}
	return ""
}

const planName = "plan.json"

// errOldPlan says that unfinished work is that of another version of the program.
var errOldPlan = errors.New("was made by another version of adain")

// parsePlan reads a plan that lies at a place; nil is what is none. The error is errOldPlan for one of another version; advice is what else can be done then.
func parsePlan(text []byte, place, advice string) (*plan, error) {
	p := &plan{}
	if json.Unmarshal(text, p) != nil || p.Version == planVersion && (p.Facts == nil || len(p.Segments) == 0) {
		return nil, nil
	}
	if p.Version != planVersion {
		return nil, fmt.Errorf("the unfinished work in %s %w (its plan has version %d, this one writes %d): finish it with that version, %s",
			place, errOldPlan, p.Version, planVersion, advice)
	}
	return p, nil
}
