package transcode

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"adainfilter/trainer/container"
)

// A transport stream that readers stumble over is written anew before all else: recorded from the middle of a broadcast, with breaks of
// the clock, several programmes or types that GStreamer takes for others. All that follows reads this file.
// So is an MP4 with tracks that GStreamer takes for previews.
const mendedName = "mended"

// source is the file to read: the film's own, or what has become of it.
func (j *job) source(m *container.Mended) string {
	switch {
	case m == nil || !m.Needed:
		return j.original()
	case j.clean == "":
		j.clean = j.folder.file(mendedName)
	}
	return j.clean
}

// original is the film's file, that of the copy where it lies elsewhere.
func (j *job) original() string {
	if j.input.Remote != nil {
		return j.copied
	}
	return j.path
}

// borrow gives a job that has no folder one for temporary files, until the function is called that it returns.
func (j *job) borrow() (back func(), err error) {
	dir, err := os.MkdirTemp("", "adain")
	if err != nil {
		return nil, err
	}
	j.folder = &folder{path: dir}
	return func() {
		j.folder = nil
		os.RemoveAll(dir)
	}, nil
}

// film is source, once there is a plan.
func (j *job) film() string { return j.source(j.plan.Facts.Mended) }

// mend looks at a film and writes it anew where that is needed; nil where that never is.
func (j *job) mend() (*container.Mended, error) {
	found, err := container.Look(j.original())
	short := err == nil && found.Short && j.options.Program == 0
	if !short && (err != nil || found.Family != container.TS && found.Family != container.PS) {
		if j.options.Program != 0 {
			return nil, errors.New("it is no transport stream, so it has no programmes to choose from")
		}
		return nil, nil
	}
	host, _ := os.Hostname() // shards on several machines may be at it
	part := fmt.Sprintf("%s.%s.%d.part", j.folder.file(mendedName), host, os.Getpid())
	defer os.Remove(part)
	var m *container.Mended
	if short {
		m, err = &container.Mended{Needed: true}, container.Unpromised(j.original(), part)
	} else {
		m, err = container.Mend(j.original(), part, j.options.Program)
	}
	if err != nil || !m.Needed {
		return m, err
	}
	return m, os.Rename(part, j.folder.file(mendedName))
}

// mendAgain writes the file anew if an earlier run has planned with it and it is gone.
func (j *job) mendAgain() error {
	if m := j.plan.Facts.Mended; m == nil || !m.Needed {
		return nil
	}
	if _, err := os.Stat(j.film()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_, err := j.mend()
	return err
}

// warnMended says what was amiss with a transport stream.
func (p *plan) warnMended(chosen bool) {
	m := p.Facts.Mended
	if m == nil {
		return
	}
	if len(m.Programs) > 1 {
		text := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(m.Programs)), ", "), "[]")
		if chosen {
			p.Warnings = append(p.Warnings, fmt.Sprintf("it holds the programmes %s, %d is taken", text, m.Program))
		} else {
			p.lose("it holds the programmes %s, %d is taken and the others are left out (--program chooses)", text, m.Program)
		}
	}
	if m.Skipped > 0 {
		p.lose("it begins in the middle: %s before the first that can be decoded left out, and the sound of that time",
			plural(m.Skipped, "picture is", "pictures are"))
	}
	if len(m.Breaks) > 0 {
		first := m.Breaks[0]
		p.Warnings = append(p.Warnings, fmt.Sprintf("its clock jumps %s, first by %v at %v: what lies before and behind is joined without a gap",
			plural(len(m.Breaks), "time", "times"), first.By.Round(time.Millisecond), first.At.Round(time.Millisecond)))
	}
	if m.Bytes > 0 {
		p.lose("%d of its bytes belong to no packet and are left out", m.Bytes)
	}
	for _, t := range m.Lost {
		p.leaveOut(t, "GStreamer has no reader for it")
	}
}
