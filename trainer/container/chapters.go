package container

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// Chapter is a part of a film that has a name.
type Chapter struct {
	Begin, End time.Duration // End is 0 where the file does not say it: the next begins there, or the film ends
	Title      string
	Language   string // of three letters, "" for none
}

// MaxChapters is as many as an MP4's list holds.
const MaxChapters = 255

// maxTitle is how many bytes a title has there.
const maxTitle = 255

// Chapters are those of an MP4 or a Matroska film, in their order; of Matroska those of the first edition that lie in no other. A film without has none. Errors: of reading, a
// file of another family.
func Chapters(path string) ([]Chapter, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if IsMatroska(path) {
		m, err := readMatroska(file)
		if err != nil {
			return nil, err
		}
		return tidy(m.chapters()), nil
	}
	m, err := readMovie(file)
	if err != nil {
		return nil, err
	}
	for _, t := range m.tracks {
		if t.Kind == "chapters" && t.handler != "vide" && t.samples > 0 {
			found, err := t.titles(file, m.scale)
			return tidy(found), err
		}
	}
	return tidy(listed(Child(m.data, "udta", "chpl"))), nil
}

// tidy leaves out what no film has: more than 10000 chapters, and titles longer than an MP4's list holds.
func tidy(all []Chapter) []Chapter {
	const most = 10000
	all = all[:min(len(all), most)]
	for i := range all {
		all[i].Title = short(all[i].Title)
	}
	return all
}

// short is the part of a title that fits, in UTF-8.
func short(title string) string { return strings.ToValidUTF8(title[:min(len(title), maxTitle)], "") }

// titles are the samples of a track of text: each begins with its length.
func (t *trak) titles(file *os.File, movieScale uint32) (found []Chapter, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	table := Child(t.data, "mdia", "minf", "stbl")
	sizes, err := sampleSizes(table)
	if err != nil {
		return nil, err
	}
	var data []byte
	for c, err := range t.chunks(info.Size()) {
		if err != nil {
			return nil, err
		}
		if c.size > maxMovie-int64(len(data)) {
			return nil, errors.New("its chapters are too long")
		}
		part := make([]byte, c.size)
		if _, err := file.ReadAt(part, c.at); err != nil {
			return nil, err
		}
		data = append(data, part...)
	}
	begin, clock := editStart(t.data, movieScale, t.scale), stepper{list: Child(table, "stts")}
	for i := range sizes.count {
		n := sizes.sum(i, 1)
		if n > int64(len(data)) {
			break
		}
		c := Chapter{Begin: seconds(begin + float64(clock.time)/float64(t.scale)), Title: text(data[:n]), Language: t.Language}
		clock.skip(1)
		c.End = seconds(begin + float64(clock.time)/float64(t.scale))
		found, data = append(found, c), data[n:]
	}
	return found, nil
}

func seconds(s float64) time.Duration { return time.Duration(max(s, 0)*1e9 + 0.5) }

// text is a sample of text in UTF-8, or in UTF-16 with its mark.
func text(sample []byte) string {
	if len(sample) < 2 {
		return ""
	}
	n := int(binary.BigEndian.Uint16(sample))
	sample = sample[2:min(2+n, len(sample))]
	var order binary.ByteOrder
	switch {
	case len(sample) >= 2 && sample[0] == 0xfe && sample[1] == 0xff:
		order = binary.BigEndian
	case len(sample) >= 2 && sample[0] == 0xff && sample[1] == 0xfe:
		order = binary.LittleEndian
	default:
		return string(sample)
	}
	var units []uint16
	for sample = sample[2:]; len(sample) >= 2; sample = sample[2:] {
		units = append(units, order.Uint16(sample))
	}
	return string(utf16.Decode(units))
}

// listed are the chapters of a box chpl, which Nero has brought: version and flags, in version 1 four bytes more, their number, and for each its beginning in 100 ns and its title.
func listed(list []byte) (found []Chapter) {
	at := 4 + 4*int(version(list))
	if len(list) <= at {
		return nil
	}
	n := int(list[at])
	list = list[at+1:]
	for range n {
		if len(list) < 9 || len(list) < 9+int(list[8]) {
			break
		}
		ticks := binary.BigEndian.Uint64(list)
		end := 9 + int(list[8])
		if ticks < 1<<56 {
			found = append(found, Chapter{Begin: time.Duration(ticks) * 100, Title: string(list[9:end])})
		}
		list = list[end:]
	}
	slices.SortStableFunc(found, func(a, b Chapter) int { return int(max(-1, min(1, a.Begin-b.Begin))) })
	return found
}

// AddChapters writes chapters into an MP4 whose description lies behind what it describes, as a box chpl. The file is changed in its place and not synced. Errors: of reading and writing, a
// description that lies elsewhere, more chapters than the box can hold.
func AddChapters(path string, chapters []Chapter) error {
	if len(chapters) > MaxChapters {
		return fmt.Errorf("it has %d chapters, mp4 and mov hold %d", len(chapters), MaxChapters)
	}
	file, movie, at, err := editMovie(path)
	if err != nil {
		return err
	}
	defer file.Close()
	behind, err := tail(file, at+int64(len(movie)))
	if err != nil {
		return err
	}
	list := []byte{1, 0, 0, 0, 0, 0, 0, 0, byte(len(chapters))}
	for _, c := range chapters {
		title := short(c.Title)
		list = binary.BigEndian.AppendUint64(list, uint64(c.Begin/100))
		list = append(append(list, byte(len(title))), title...)
	}
	below, err := boxes(movie)
	if err != nil {
		return err
	}
	parts, added := [][]byte{}, false
	for _, b := range below {
		if b.name == "udta" && !added {
			added = true
			parts = append(parts, pack("udta", pack("chpl", list), b.data))
		} else {
			parts = append(parts, pack(b.name, b.data))
		}
	}
	if !added {
		parts = append(parts, pack("udta", pack("chpl", list)))
	}
	const head = 8
	_, err = file.WriteAt(append(pack("moov", parts...), behind...), at-head)
	return err
}

// tail is what lies behind a place in an MP4, which may be moved: metadata.
func tail(file *os.File, from int64) ([]byte, error) {
	all, err := tops(file)
	if err != nil {
		return nil, err
	}
	var behind []byte
	for _, t := range all {
		if t.at < from {
			continue
		}
		if t.name == "mdat" || t.name == "moof" {
			return nil, errors.New("its description does not lie behind what it describes")
		}
		data, err := t.load(file)
		if err != nil {
			return nil, err
		}
		behind = append(behind, pack(t.name, data)...)
	}
	return behind, nil
}
