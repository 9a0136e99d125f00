// Package claim shares work among processes that see one store and nothing of each other. A claim is an object that only one can
// make; its holder renews it by writing something new into it. Whoever has seen it unchanged for the lease, by its own clock, takes over
// by making the next one of the same name, so clocks of machines are never compared.
//
// The method is that of leases by Gray and Cheriton (1989), with a count of holders in place of the time.
package claim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"adainfilter/trainer/transcode/store"
)

// mark stands between the name of what is claimed and the number of its holder.
const mark = ".claim."

// Note is what a claim holds, for people: times are those of the holder's clock.
type Note struct {
	Worker string    `json:"worker"`
	Since  time.Time `json:"since"`
	Beat   int       `json:"beat"` // how often it was renewed, which makes it another each time
	Rate   float64   `json:"rate"` // frames per second of this worker in all
	// Process is the holder's Self.
	Process string `json:"process,omitempty"`
}

// Clock is what people are told of the time. Nothing is decided by it; tests have others.
var Clock = time.Now

// IsClaim says whether an object is a claim, and on what.
func IsClaim(name string) (task string, number int, ok bool) {
	i := strings.LastIndex(name, mark)
	if i < 0 {
		return "", 0, false
	}
	number, err := strconv.Atoi(name[i+len(mark):])
	return name[:i], number, err == nil && number > 0
}

// NameOf is the name of a claim.
func NameOf(task string, number int) string { return fmt.Sprintf("%s%s%04d", task, mark, number) }

// Claimer takes claims for one worker. Its methods may be called from any goroutine.
type Claimer struct {
	Store  store.Store
	Worker string        // differs from all others
	Lease  time.Duration // how long a claim holds that is not renewed
	// Rate is asked for the frames per second of the worker; nil is 0.
	Rate func() float64
	// Near says that holders may well be processes of this machine: claims are read, and one whose holder has ended is free at once.
	Near bool

	lock sync.Mutex
	seen map[string]sight
}

// sight is a claim as this process has seen it.
type sight struct {
	version string
	last    time.Time     // that it was looked at
	age     time.Duration // that it has been seen unchanged for
	renewed bool          // meanwhile, so that its holder lives
	process string        // of the holder, "" if it is not known
}

// longest is how much of the time between two looks counts, as a part of the lease: while a store was out of reach nobody could renew.
const longest = 3

// Held says who holds what, from a list of all objects of the work: tasks to the number of the last claim, 0 < number. A task whose
// last claim has run out is not among them, but in free with that number, after which the next is taken.
func (c *Claimer) Held(ctx context.Context, objects []store.Object) (held, free map[string]int) {
	held, free = map[string]int{}, map[string]int{}
	last := map[string]store.Object{}
	for _, o := range objects {
		if task, n, ok := IsClaim(o.Name); ok && n > held[task] {
			held[task], last[task] = n, o
		}
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.seen == nil {
		c.seen = map[string]sight{}
	}
	for task, o := range last {
		s, known := c.seen[o.Name]
		now := time.Now()
		if known && s.version == o.Version {
			s.age += min(now.Sub(s.last), c.Lease/longest)
		} else {
			s.version, s.age, s.renewed = o.Version, 0, known
			if c.Near { // whoever gives a claim back leaves its number to the next, so it may be another's now
				s.process = c.process(ctx, o.Name)
			}
		}
		s.last = now
		c.seen[o.Name] = s
		if s.age > c.Lease || Gone(s.process) {
			free[task] = held[task]
			delete(held, task)
		}
	}
	return held, free
}

// process reads who holds a claim.
func (c *Claimer) process(ctx context.Context, name string) string {
	var n Note
	text, err := c.Store.Get(ctx, name)
	if err != nil || json.Unmarshal(text, &n) != nil {
		return ""
	}
	return n.Process
}

// Lives says whether the holder of a claim that Held has given is known to be there: a process of this machine, or one that has renewed the
// claim since it was first seen.
func (c *Claimer) Lives(task string, number int) bool {
	c.lock.Lock()
	defer c.lock.Unlock()
	s := c.seen[NameOf(task, number)]
	return s.renewed || IsHere(s.process)
}

// Forget drops what was seen of work that is finished.
func (c *Claimer) Forget(prefix string) {
	c.lock.Lock()
	defer c.lock.Unlock()
	for name := range c.seen {
		if strings.HasPrefix(name, prefix) {
			delete(c.seen, name)
		}
	}
}

// ErrHeld says that another was faster.
var ErrHeld = errors.New("another worker holds it")

// Claim is what this process holds.
type Claim struct {
	claimer *Claimer
	task    string
	number  int
	cancel  context.CancelCauseFunc
	ended   chan struct{}

	lock sync.Mutex
	note Note
}

// Take claims a task after the claim of a number that has run out, 0 if there was none. It is renewed until Release. The context ends when
// the claim is lost to another worker, or with ctx.
func (c *Claimer) Take(ctx context.Context, task string, after int) (*Claim, context.Context, error) {
	k := &Claim{claimer: c, task: task, number: after + 1, ended: make(chan struct{}), note: Note{Worker: c.Worker, Since: Clock().UTC(), Process: Self()}}
	err := c.Store.Mark(ctx, NameOf(task, k.number), k.text(), true)
	if errors.Is(err, store.ErrExists) {
		return nil, nil, ErrHeld
	}
	if err != nil {
		return nil, nil, err
	}
	own, cancel := context.WithCancelCause(ctx)
	k.cancel = cancel
	go k.renew(own)
	return k, own, nil
}

// Is says whether a claim of a number on a task is this one.
func (k *Claim) Is(task string, number int) bool { return k.task == task && k.number == number }

func (k *Claim) text() []byte {
	k.lock.Lock()
	defer k.lock.Unlock()
	if k.claimer.Rate != nil {
		k.note.Rate = k.claimer.Rate()
	}
	text, _ := json.Marshal(k.note)
	k.note.Beat++
	return text
}

// beats is how often a claim is renewed in a lease: some may be late or lost.
const beats = 4

func (k *Claim) renew(ctx context.Context) {
	defer close(k.ended)
	tick := time.NewTicker(k.claimer.Lease / beats)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// First it looks: what was cleared away meanwhile must not come back.
		objects, err := k.claimer.Store.List(ctx, k.task+mark)
		if err != nil {
			continue // if it lasts, another takes over, and what is finished first is taken
		}
		if len(objects) == 0 || objects[len(objects)-1].Name != NameOf(k.task, k.number) {
			k.cancel(ErrHeld)
			return
		}
		k.claimer.Store.Mark(ctx, NameOf(k.task, k.number), k.text(), false)
	}
}

// Release gives the claim back. ctx bounds the time that it may take.
func (k *Claim) Release(ctx context.Context) error {
	k.cancel(nil)
	<-k.ended
	return k.claimer.Store.Remove(ctx, NameOf(k.task, k.number))
}

// Read gives the notes of claims, by task.
func Read(ctx context.Context, s store.Store, held map[string]int) (map[string]Note, error) {
	notes := map[string]Note{}
	tasks := make([]string, 0, len(held))
	for task := range held {
		tasks = append(tasks, task)
	}
	slices.Sort(tasks)
	for _, task := range tasks {
		text, err := s.Get(ctx, NameOf(task, held[task]))
		if errors.Is(err, store.ErrMissing) {
			continue // given back meanwhile
		}
		if err != nil {
			return nil, err
		}
		var n Note
		if json.Unmarshal(text, &n) == nil {
			notes[task] = n
		}
	}
	return notes, nil
}
