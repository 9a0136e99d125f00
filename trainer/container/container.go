// Package container knows the files that films lie in as bytes: it lists what is in MP4, QuickTime, Matroska, WebM and MPEG
// transport streams, carries all but the video from one file into another without a look at what it means, and mends transport
// streams that readers stumble over. So tracks that no
// player decodes, such as the timed metadata of cameras, chapters, fonts and tags stay what they were.
//
// Nothing here decodes, and nothing knows GStreamer. Numbers in files are not believed: no memory is taken that the file's own size
// does not explain. All functions may be called from any thread.
package container

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Family is a kind of file whose tracks can be carried over to another of the same kind.
type Family string

// The families that Look tells apart.
const (
	MP4      Family = "mp4"      // ISO/IEC 14496-12, QuickTime with it
	Matroska Family = "matroska" // RFC 9559, WebM with it
	TS       Family = "ts"       // ISO/IEC 13818-1: transport streams in packets of 188, 192 or 204 bytes
	PS       Family = "ps"       // the same standard's program streams, of DVDs for example
)

// Track is one stream of a film.
type Track struct {
	ID       uint64 `json:"id"`                 // the file's own number: of the trak, of the track, the PID
	Kind     string `json:"kind"`               // video, audio, subtitle, chapters, timecode, metadata, attachment or other
	Format   string `json:"format"`             // the container's word for the coding: avc1, A_OPUS, 0x1b
	Name     string `json:"name,omitempty"`     // that people gave it
	Language string `json:"language,omitempty"` // as the file writes it, "" for none
	Program  int    `json:"program,omitempty"`  // of a transport stream
}

// Words names a track in a sentence: "metadata track mebx".
func (t Track) Words() string {
	text := t.Kind + " track"
	if t.Kind == "attachment" {
		text = "attached file"
	}
	if t.Format != "" {
		text += " " + t.Format
	}
	if t.Name != "" {
		text += fmt.Sprintf(" %q", t.Name)
	}
	return text
}

// Contents are what Look has found in a file.
type Contents struct {
	Family     Family  `json:"family"`
	QuickTime  bool    `json:"quicktime,omitempty"`  // an MP4 in Apple's older form
	WebM       bool    `json:"webm,omitempty"`       // a Matroska that says so
	Fragmented bool    `json:"fragmented,omitempty"` // an MP4 whose samples are listed between them: it can be listed, not carried
	Scale      int64   `json:"scale,omitempty"`      // of an MP4: ticks a second of its movie; of a Matroska: nanoseconds of a tick
	Tracks     []Track `json:"tracks"`
	Chapters   bool    `json:"chapters,omitempty"` // besides those that are a track
	Tags       bool    `json:"tags,omitempty"`     // of the whole film: title, place, maker, pictures
	Edited     bool    `json:"edited,omitempty"`   // tracks of an MP4 begin within their samples, which not every reader understands
	Torn       bool    `json:"torn,omitempty"`     // samples of an MP4 lie behind its end: it can be listed, not carried
	Short      bool    `json:"short,omitempty"`    // tracks of an MP4 last less than a fifth of what it promises: GStreamer takes them for previews
	Programs   []int   `json:"programs,omitempty"` // of a transport stream, in its order
}

// Carries says whether Carry can write a kind of file (mp4, mov, mkv or webm) from this one. QuickTime's descriptions of sound differ
// from those of MP4, so it does not become one.
func (c *Contents) Carries(kind string) bool {
	switch {
	case c == nil || c.Fragmented || c.Torn:
		return false
	case kind == "mp4":
		return c.Family == MP4 && !c.QuickTime
	case kind == "mov":
		return c.Family == MP4
	}
	return c.Family == Matroska && (kind == "mkv" || kind == "webm")
}

// Fits says whether Carry takes a track other than video into a kind of file that it can write.
func (t Track) Fits(kind string) bool { return kind != "webm" || goesIntoWebM(t.Format) }

// errUnknown says that a file is of no family.
var errUnknown = errors.New("it is neither MP4 nor Matroska nor a transport stream")

// Look lists what lies in a file. It reads the parts that describe the film, not the film; of a transport stream the first 32 MB.
// The error says what is broken, or that the file is of no family.
func Look(path string) (*Contents, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var head [12]byte
	if _, err := file.ReadAt(head[:], 0); err != nil {
		return nil, errUnknown
	}
	switch {
	case string(head[:4]) == ebmlHead:
		return lookMatroska(file)
	case isMP4(string(head[4:8])):
		return lookMP4(file)
	}
	if g, err := programOfPS(file); err == nil {
		c := &Contents{Family: PS, Programs: []int{g.number}}
		for _, s := range g.streams {
			c.Tracks = append(c.Tracks, s.Track)
		}
		return c, nil
	}
	if c, err := lookTS(file); err == nil {
		return c, nil
	}
	return nil, errUnknown
}

// IsMatroska says whether a file begins as Matroska and WebM do.
func IsMatroska(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, len(ebmlHead))
	_, err = file.ReadAt(head, 0)
	return err == nil && string(head) == ebmlHead
}

// Carriage says what Carry shall do.
type Carriage struct {
	Source string        // the film
	Video  string        // a file of the same family that holds the new video alone
	Out    string        // the file to write; an old one is replaced
	Late   time.Duration // by how much the first frame of the new video is shown later than the film's own
	Length time.Duration // of the new video
	Part   bool          // only what lies between Begin and End, which becomes the time 0 and all behind it; a part has no chapters
	Begin  time.Duration // in the film
	End    time.Duration // exclusive
	First  time.Duration // when the first frame of the new video is shown; in a Matroska of a part only
	WebM   bool          // a Matroska without what WebM does not take
	App    string        // who writes it, where the family has a field for that
}

// Carried is what Carry has done.
type Carried struct {
	Kept []Track // in the order of the file, the video not among them
	Lost []Track
}

// Carry writes a file with the video of one file and all else of another: tracks bit for bit at their times, with names, languages,
// marks, edit lists and references, chapters, attachments and tags. Further videos are left out. Memory follows the lists of
// samples, not the film. Out is not synced. Errors: of reading and writing, what is broken in the film.
func Carry(c Carriage) (*Carried, error) {
	source, err := os.Open(c.Source)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	video, err := os.Open(c.Video)
	if err != nil {
		return nil, err
	}
	defer video.Close()
	out, err := os.Create(c.Out)
	if err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err = io.ReadFull(io.NewSectionReader(source, 0, 8), head[:]); err == nil && string(head[:4]) == ebmlHead {
		var done *Carried
		done, err = carryMatroska(c, source, video, out)
		return done, errors.Join(err, out.Close())
	}
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	done, err := carryMP4(c, source, video, out)
	return done, errors.Join(err, out.Close())
}
