package claim

import (
	"container/heap"
	"math"
	"math/rand/v2"
)

// scene is a cluster that is simulated: what machines, films and the store are like. Times are seconds.
type scene struct {
	workers int
	films   int
	segment float64 // seconds of film
	lease   float64
	slow    bool    // a store whose requests take a third of a second, and some five
	lost    float64 // share of the workers that vanish, at any moment of the ideal time
	seed    uint64
}

// What a piece of work costs beside its frames, as measured on films of 1080p: a pipeline that starts and decodes up to its segment, a
// look at a film, and joining it, both by the film's length.
const (
	frameRate   = 25.0
	startFrames = 40.0  // decoded and stylised before the segment, at the worker's own speed
	startTime   = 1.0   // of a pipeline
	lookShare   = 0.003 // of the film's length
	joinShare   = 0.01
	slowest     = 6.0 // frames per second; the fastest worker has eight times as many
	uneven      = 8.0
	looks       = 8 // films that a worker without work looks at before it rests: patrol in package transcode
)

// outcome is what a simulation gives.
type outcome struct {
	makespan, ideal float64
	requests        float64 // per second, on average
	peak            float64 // in the busiest ten seconds
	leases          float64 // share of the requests that renew claims
	twice           int     // segments that were begun again
}

type simFilm struct {
	total    int
	length   float64
	planned  bool
	planning *simWorker
	joining  *simWorker
	done     bool
	state    []segmentState
	missing  int // segments that are not finished
}

type segmentState struct {
	holder *simWorker
	done   bool
}

type simWorker struct {
	speed   float64
	dies    float64 // when it vanishes
	current int
	film    int // of what it holds
	segment int // -1 plan, -2 join
	busy    bool
	seen    map[[2]int]float64 // when it has first seen a claim of a worker that is dead
	begun   float64
}

type simEvent struct {
	at     float64
	worker *simWorker
}

type simQueue []simEvent

func (q simQueue) Len() int           { return len(q) }
func (q simQueue) Less(i, k int) bool { return q[i].at < q[k].at }
func (q simQueue) Swap(i, k int)      { q[i], q[k] = q[k], q[i] }
func (q *simQueue) Push(x any)        { *q = append(*q, x.(simEvent)) }
func (q *simQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

// simulation follows the rules of package transcode: a worker stays with its film, then takes one that nobody has begun, then any that
// has something left; within a film it takes any of the first that are free.
type simulation struct {
	scene
	random  *rand.Rand
	films   []*simFilm
	workers []*simWorker
	queue   simQueue
	now     float64
	open    int // films that are not finished
	fresh   []int
	count   map[int]int // requests by ten seconds
	total   int
	renew   float64
	twice   int
}

func simulate(s scene) outcome {
	m := &simulation{scene: s, random: rand.New(rand.NewPCG(s.seed, 9)), count: map[int]int{}, open: s.films}
	work := 0.0
	for i := range s.films {
		// As people's films are: most have some minutes, some are long.
		length := math.Exp(math.Log(1200) + 0.8*m.random.NormFloat64())
		n := max(1, int(math.Round(length/s.segment)))
		m.films = append(m.films, &simFilm{length: length, total: n, missing: n, state: make([]segmentState, n)})
		work += length * frameRate
		m.fresh = append(m.fresh, i)
	}
	speed := 0.0
	for i := range s.workers {
		v := slowest * math.Pow(uneven, float64(i%8)/7)
		m.workers = append(m.workers, &simWorker{speed: v, dies: math.Inf(1), current: -1, seen: map[[2]int]float64{}})
		speed += v
	}
	ideal := work / speed
	dead := int(s.lost * float64(s.workers))
	for _, i := range m.random.Perm(s.workers)[:dead] {
		m.workers[i].dies = m.random.Float64() * ideal
	}
	m.run()
	return m.outcome(ideal, work)
}

func (m *simulation) outcome(ideal, work float64) outcome {
	if m.lost > 0 { // the same work by those that were there
		low, high := ideal, 1e9
		for range 60 {
			given := 0.0
			ideal = (low + high) / 2
			for _, w := range m.workers {
				given += w.speed * min(ideal, w.dies)
			}
			if given < work {
				low = ideal
			} else {
				high = ideal
			}
		}
	}
	o := outcome{makespan: m.now, ideal: ideal, twice: m.twice}
	all := float64(m.total) + m.renew
	o.requests, o.leases = all/m.now, m.renew/all
	for _, n := range m.count {
		o.peak = max(o.peak, float64(n)/10)
	}
	return o
}

// ask is the time for requests, which are counted.
func (m *simulation) ask(n int) (took float64) {
	m.total += n
	m.count[int(m.now/10)] += n
	for range n {
		switch {
		case m.slow && m.random.Float64() < 0.02:
			took += 5
		case m.slow:
			took += 0.3
		default:
			took += 0.05
		}
	}
	return took
}

func (m *simulation) run() {
	for _, w := range m.workers {
		heap.Push(&m.queue, simEvent{m.random.Float64() * 5, w})
	}
	for m.open > 0 {
		e := heap.Pop(&m.queue).(simEvent)
		m.now = e.at
		w := e.worker
		if w.dies <= m.now { // what it holds runs out
			continue
		}
		wait := 0.0
		if w.busy {
			wait = m.finish(w)
			if m.open == 0 {
				break
			}
		}
		if !w.busy {
			wait += m.next(w)
		}
		heap.Push(&m.queue, simEvent{m.now + wait, w})
	}
}

// hold gives a worker something for a time; each lease it renews its claim four times with two requests.
func (m *simulation) hold(w *simWorker, film, segment int, took float64) float64 {
	w.busy, w.film, w.segment, w.current, w.begun = true, film, segment, film, m.now
	m.renew += 2 * math.Floor(min(took, w.dies-m.now)/(m.lease/beats))
	return took
}

// finish ends what a worker has in hand; a join that it begins then takes a time.
func (m *simulation) finish(w *simWorker) (took float64) {
	f := m.films[w.film]
	w.busy = false
	switch w.segment {
	case -1:
		f.planned, f.planning = true, nil
		return m.ask(2)
	case -2:
		if !f.done {
			f.done = true
			m.open--
		}
		return m.ask(6)
	}
	s := &f.state[w.segment]
	took = m.ask(3) // the upload goes on while the next is made
	if !s.done {
		s.done = true
		f.missing--
	}
	if f.missing == 0 && f.joining == nil {
		f.joining = w
		return m.hold(w, w.film, -2, m.ask(2)+joinShare*f.length+startTime)
	}
	return 0.3 * took
}

// gone says whether a claim has run out in a worker's eyes: it must have seen it for a lease, at several looks.
func (m *simulation) gone(w, holder *simWorker, film, segment int) bool {
	if holder.dies > m.now {
		return false
	}
	at := [2]int{film, segment}
	first, known := w.seen[at]
	if !known {
		w.seen[at] = m.now
		return false
	}
	return m.now-first > m.lease
}

// next finds something for a worker to do and gives the time until it is done, or until it looks again.
func (m *simulation) next(w *simWorker) (took float64) {
	if w.current >= 0 && !m.films[w.current].done {
		if t, ok := m.try(w, w.current); ok {
			return t
		}
	}
	took = m.ask(1) // the list of the folder
	m.fresh = m.drop(m.fresh)
	if len(m.fresh) > 0 {
		film := m.fresh[m.random.IntN(len(m.fresh))]
		if t, ok := m.try(w, film); ok {
			return took + t
		}
	}
	seen := 0
	for i, from := 0, m.random.IntN(len(m.films)); i < len(m.films); i++ {
		film := (from + 7919*i) % len(m.films) // a prime: all, in some order
		f := m.films[film]
		if f.done || !f.planned && f.planning == nil {
			continue
		}
		t, ok := m.try(w, film)
		took += t
		if ok {
			return took
		}
		w.current = film
		if seen++; seen == looks {
			break
		}
	}
	return took + m.lease/4*(0.5+m.random.Float64())
}

func (m *simulation) drop(films []int) (left []int) {
	for _, i := range films {
		if f := m.films[i]; !f.planned && f.planning == nil {
			left = append(left, i)
		}
	}
	return left
}

// try looks at a film for something to do.
func (m *simulation) try(w *simWorker, film int) (took float64, ok bool) {
	f := m.films[film]
	took = m.ask(1)
	if !f.planned {
		if f.planning != nil && !m.gone(w, f.planning, film, -1) {
			return took, false
		}
		f.planning = w
		return m.hold(w, film, -1, took+m.ask(3)+lookShare*f.length+startTime), true
	}
	if f.missing == 0 {
		if f.joining != nil && !m.gone(w, f.joining, film, -2) {
			return took, false
		}
		f.joining = w
		return m.hold(w, film, -2, took+m.ask(2)+joinShare*f.length+startTime), true
	}
	var open []int
	held := 0
	for i := range f.state {
		s := &f.state[i]
		switch {
		case s.done:
		case s.holder == nil || m.gone(w, s.holder, film, i):
			open = append(open, i)
		default:
			held++
		}
	}
	if len(open) == 0 {
		return took, false
	}
	i := open[m.random.IntN(min(len(open), looks+2*held))]
	if f.state[i].holder != nil {
		m.twice++
	}
	f.state[i].holder = w
	frames := f.length*frameRate/float64(f.total) + startFrames
	return m.hold(w, film, i, took+m.ask(2)+startTime+frames/w.speed), true
}
