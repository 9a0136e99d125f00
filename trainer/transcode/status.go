package transcode

import (
	"context"
	"encoding/json"
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"adainfilter/trainer/film"
	"adainfilter/trainer/film/stills"
	"adainfilter/trainer/transcode/claim"
	"adainfilter/trainer/transcode/store"
)

// Standing is how far the workers of a place are.
type Standing struct {
	Place    string         `json:"place"`
	Films    []FilmStanding `json:"films"`
	Counts   map[State]int  `json:"counts"`
	Segments int            `json:"segments"` // of the films that were begun and are not joined
	Done     int            `json:"done"`     // of them
	Rate     float64        `json:"fps"`      // frames per second of all workers that hold something
	Left     float64        `json:"left"`     // seconds that this leaves for the films that were begun; 0 is unknown
}

// State is how far a film is.
type State string

// From the beginning to the end.
const (
	Unbegun State = "not begun"
	Begun   State = "in work"
	Joining State = "joining"
	Stuck   State = "failed"
	Ready   State = "done"
)

// FilmStanding is how far a film is.
type FilmStanding struct {
	Name     string         `json:"name"` // of its result below the place
	State    State          `json:"state"`
	Segments int            `json:"segments,omitempty"`
	Done     int            `json:"done,omitempty"`
	Frames   int            `json:"frames,omitempty"`      // of all segments
	Left     int            `json:"frames_left,omitempty"` // of those that are not finished
	Held     []Holder       `json:"held,omitempty"`
	Failed   []FailStanding `json:"failures,omitempty"`
}

// Holder is who works on something.
type Holder struct {
	Task   string    `json:"task"` // plan, join, the number of a segment from 1 on, run for a whole film, or a shard
	Worker string    `json:"worker"`
	Since  time.Time `json:"since"` // by its clock
}

// FailStanding is a try that failed.
type FailStanding struct {
	Task   string `json:"task"`
	Worker string `json:"worker"`
	Error  string `json:"error"`
}

// Observer looks at a place again and again: what has not been renewed for a lease is not shown as held.
type Observer struct {
	place   string
	claimer claim.Claimer
}

// Observe opens a place; lease is that of the workers, 0 is DefaultLease.
func Observe(place string, lease time.Duration) (*Observer, error) {
	s, err := store.OpenPlace(place)
	if lease <= 0 {
		lease = DefaultLease
	}
	_, local := s.(*store.Folder)
	return &Observer{store.Plain(place), claim.Claimer{Store: s, Lease: lease, Near: local}}, err
}

// Look says how far the workers are. Films that are named in inputs and that nobody has begun are listed too.
func (o *Observer) Look(ctx context.Context, inputs []Input) (*Standing, error) {
	s := o.claimer.Store
	objects, err := s.List(ctx, "")
	if err != nil {
		return nil, err
	}
	below := map[string][]store.Object{}
	results := map[string]bool{}
	for _, object := range objects {
		if prefix, ok := workPrefix(object.Name); ok {
			below[prefix] = append(below[prefix], object)
		} else if isFilmName(object.Name) {
			results[strings.TrimSuffix(object.Name, path.Ext(object.Name))] = true
		}
	}
	held, _ := o.claimer.Held(ctx, objects)
	notes, err := claim.Read(ctx, s, held)
	if err != nil {
		return nil, err
	}
	st := &Standing{Place: o.place, Counts: map[State]int{}}
	rates := map[string]float64{}
	for _, n := range notes {
		rates[n.Worker] = max(rates[n.Worker], n.Rate)
	}
	for _, r := range rates {
		st.Rate += r
	}
	for prefix, objects := range below {
		f, err := o.film(ctx, prefix, objects, notes)
		if err != nil {
			return nil, err
		}
		if results[f.Name] && f.Segments == 0 { // what a killed worker has left beside a result
			continue
		}
		delete(results, f.Name)
		st.Films = append(st.Films, *f)
	}
	for name := range results {
		st.Films = append(st.Films, FilmStanding{Name: name, State: Ready})
	}
	for _, in := range inputs {
		name := filepath.ToSlash(in.Base)
		if !slices.ContainsFunc(st.Films, func(f FilmStanding) bool { return f.Name == name }) {
			st.Films = append(st.Films, FilmStanding{Name: name, State: Unbegun})
		}
	}
	st.sum()
	return st, nil
}

func (st *Standing) sum() {
	slices.SortFunc(st.Films, func(a, b FilmStanding) int { return strings.Compare(a.Name, b.Name) })
	left := 0
	for _, f := range st.Films {
		st.Counts[f.State]++
		st.Segments += f.Segments
		st.Done += f.Done
		left += f.Left
	}
	if st.Rate > 0 {
		st.Left = float64(left) / st.Rate
	}
}

// IsWork says whether an object of a place belongs to the work of its workers.
func IsWork(name string) bool {
	_, ok := workPrefix(name)
	return ok
}

// workPrefix is the part of an object's name that ends with the folder of a film's work.
func workPrefix(name string) (string, bool) {
	for at := 0; ; {
		i := strings.IndexByte(name[at:], '/')
		if i < 0 {
			return "", false
		}
		if part := name[at : at+i+1]; strings.HasPrefix(part, ".") && strings.HasSuffix(part, workMark) {
			return name[:at+i+1], true
		}
		at += i + 1
	}
}

// workMark ends the prefix of a film's work.
const workMark = folderEnd + "/"

func isFilmName(name string) bool {
	end := strings.ToLower(path.Ext(name))
	return slices.Contains(film.Suffixes, end) || slices.Contains(stills.Suffixes, end) || end == ".apng"
}

// film is how far one is, by the objects of its work.
func (o *Observer) film(ctx context.Context, prefix string, objects []store.Object, notes map[string]claim.Note) (*FilmStanding, error) {
	dir, base := path.Split(strings.TrimSuffix(prefix, workMark))
	f := &FilmStanding{Name: dir + strings.TrimPrefix(base, "."), State: Begun}
	there := map[string]bool{}
	for _, object := range objects {
		name := strings.TrimPrefix(object.Name, prefix)
		there[name] = true
		task, _, isFailure := strings.Cut(name, failedMark)
		if !isFailure {
			continue
		}
		var why failure
		if text, err := o.claimer.Store.Get(ctx, object.Name); err == nil && json.Unmarshal(text, &why) == nil {
			f.Failed = append(f.Failed, FailStanding{taskForPeople(task), why.Worker, why.Error})
		}
	}
	for task, n := range notes {
		if name, ok := strings.CutPrefix(task, prefix); ok && !there[name+segmentEnd] {
			f.Held = append(f.Held, Holder{taskForPeople(name), n.Worker, n.Since})
			if name == joinTask {
				f.State = Joining
			}
		}
	}
	slices.SortFunc(f.Held, func(a, b Holder) int { return strings.Compare(a.Task, b.Task) })
	if len(f.Failed) > 0 && len(f.Held) == 0 {
		f.State = Stuck
	}
	if !there[planName] {
		return f, nil
	}
	text, err := o.claimer.Store.Get(ctx, prefix+planName)
	if errors.Is(err, store.ErrMissing) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	var p plan
	if json.Unmarshal(text, &p) != nil {
		return f, nil
	}
	f.Segments = len(p.Segments)
	for i, s := range p.Segments {
		f.Frames += s.Frames
		if there[segmentName(i)] {
			f.Done++
		} else {
			f.Left += s.Frames
		}
	}
	return f, nil
}

// taskForPeople counts segments from 1 on.
func taskForPeople(task string) string {
	if isSegmentTask(task) {
		n, _ := strconv.Atoi(task)
		return "segment " + strconv.Itoa(n+1)
	}
	return task
}
