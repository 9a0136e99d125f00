package container

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"time"
)

// Mended is what Mend found in a transport or program stream, and did about it.
type Mended struct {
	Needed   bool    `json:"needed"`             // it is not as readers expect it; Mend has written another
	Program  int     `json:"program"`            // that was taken
	Programs []int   `json:"programs,omitempty"` // that there are
	Skipped  int     `json:"skipped,omitempty"`  // pictures before the first that can be decoded
	Breaks   []Break `json:"breaks,omitempty"`   // of the clock, at most 100
	Lost     []Track `json:"lost,omitempty"`     // streams that nobody has a name for
	Bytes    int64   `json:"bytes,omitempty"`    // that belong to no packet
}

// Break is where the clock of a stream jumps.
type Break struct {
	At time.Duration `json:"at"` // in the new film, counted from its first picture
	By time.Duration `json:"by"`
}

const (
	tsClock  = 90000 // ticks a second
	tsBegin  = 10 * tsClock
	tsWrap   = 1 << 33
	tsJump   = 5 * tsClock  // forward; a shorter one is a hole, whose length is kept
	tsAhead  = tsClock / 10 // of the clock before what is decoded
	tsReturn = tsClock / 2  // backward, beyond what reordering and muxing explain
)

// Mend writes one programme of a transport stream, or a program stream as one, anew so that any reader understands it: from the first picture on that can be
// decoded, with a clock that neither breaks nor wraps, and with types that readers know. Sound keeps its distance to the pictures.
// wanted is the programme's number, 0 for the first that has pictures. With out "" it only looks. Where nothing is amiss it writes nothing.
// It reads the film twice and holds some packets in memory. The error says that there is no such programme, or what cannot be read.
func Mend(path, out string, wanted int) (*Mended, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all, err := programs(file)
	if disc, notDisc := programOfPS(file); notDisc == nil {
		all, err = []*program{disc}, nil
	}
	if err != nil {
		return nil, err
	}
	found := &Mended{}
	var chosen *program
	for _, g := range all {
		found.Programs = append(found.Programs, g.number)
		if chosen == nil && (g.number == wanted || wanted == 0 && g.video() != nil) {
			chosen = g
		}
	}
	if chosen == nil || chosen.video() == nil {
		return nil, fmt.Errorf("it has no programme %d with pictures, it has %v", wanted, found.Programs)
	}
	found.Program = chosen.number
	first := &mender{program: chosen, out: found}
	if err := first.run(file, nil); err != nil {
		return nil, err
	}
	if at := signed(first.pcrs + first.origin() - first.least); first.clock && at < 0 && at > -tsJump {
		first.least += at
	}
	if !first.started {
		return nil, errors.New("it has no picture from which decoding could begin")
	}
	found.Needed = len(all) > 1 || found.Skipped > 0 || len(found.Breaks) > 0 || first.late || first.early() || first.wrapped || first.retyped()
	if out == "" || !found.Needed {
		return found, nil
	}
	target, err := os.Create(out)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(target, 1<<20)
	second := &mender{program: chosen, out: &Mended{}, known: first}
	err = second.run(file, w)
	return found, errors.Join(err, w.Flush(), target.Close())
}

func (g *program) video() *stream {
	for _, s := range g.streams {
		if s.Kind == "video" {
			return s
		}
	}
	return nil
}

// decodable says whether decoding can begin with a picture: it comes with a description of the sequence.
func decodable(data []byte, format string) bool {
	for i := 0; i+4 < len(data); i++ {
		if data[i] != 0 || data[i+1] != 0 || data[i+2] != 1 {
			continue
		}
		b := data[i+3]
		switch format {
		case "H.264":
			if t := b & 0x1f; t == 5 || t == 7 {
				return true
			}
		case "H.265":
			if t := b >> 1 & 0x3f; b&0x80 == 0 && (t >= 16 && t <= 21 || t == 32 || t == 33) {
				return true
			}
		case "MPEG-2":
			if b == 0xb3 {
				return true
			}
		case "MPEG-4":
			if b == 0xb0 || b >= 0x20 && b <= 0x2f {
				return true
			}
		default:
			return true
		}
	}
	return false
}
