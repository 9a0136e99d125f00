package media

import (
	"sync"
	"sync/atomic"
)

// Feed hands each packet to all who take it.
type Feed struct {
	change sync.Mutex
	takers atomic.Pointer[[]*taker]
	Open   func(on bool) // called when the first one joins and when the last one leaves; may be nil
	Joined func()        // called whenever one has joined; may be nil
}

type taker struct{ take func(Packet) }

// Join begins to call take, which must not block, from the thread that gives. leave ends that; a call under way may still end after it.
func (f *Feed) Join(take func(Packet)) (leave func()) {
	t := &taker{take}
	f.change.Lock()
	defer f.change.Unlock()
	all := append([]*taker{t}, f.all()...)
	f.takers.Store(&all)
	if len(all) == 1 && f.Open != nil {
		f.Open(true)
	}
	if f.Joined != nil {
		f.Joined()
	}
	return sync.OnceFunc(func() { f.leave(t) })
}

func (f *Feed) leave(t *taker) {
	f.change.Lock()
	defer f.change.Unlock()
	var left []*taker
	for _, other := range f.all() {
		if other != t {
			left = append(left, other)
		}
	}
	f.takers.Store(&left)
	if len(left) == 0 && f.Open != nil {
		f.Open(false)
	}
}

func (f *Feed) all() []*taker {
	if all := f.takers.Load(); all != nil {
		return *all
	}
	return nil
}

// Give hands a packet on. It takes no lock.
func (f *Feed) Give(p Packet) {
	for _, t := range f.all() {
		t.take(p)
	}
}
