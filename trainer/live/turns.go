package live

import (
	"context"
	"net/http"
	"slices"
	"sync"
)

// Uploads that may be under way, being received or waiting: in all, and of one sender.
const (
	maxUploads   = 12
	maxOfASender = 4
)

// turns lets one picture be decoded at a time, and senders one after the other, whoever sends most.
type turns struct {
	sync.Mutex
	inside  map[string]int // uploads by sender
	all     int
	busy    bool
	waiting map[string][]chan struct{} // those of a sender, in order
	order   []string                   // senders who wait, the next one first
}

func newTurns() *turns {
	return &turns{inside: map[string]int{}, waiting: map[string][]chan struct{}{}}
}

// enter begins an upload of who, unless there are too many.
func (t *turns) enter(who string) (leave func(), err error) {
	t.Lock()
	defer t.Unlock()
	switch {
	case t.all == maxUploads:
		return nil, refuse(http.StatusTooManyRequests, "%d uploads are under way, which is the most: try again", maxUploads)
	case t.inside[who] == maxOfASender:
		return nil, refuse(http.StatusTooManyRequests, "%d uploads of yours are under way, which is the most: try again", maxOfASender)
	}
	t.all++
	t.inside[who]++
	return func() {
		t.Lock()
		defer t.Unlock()
		t.all--
		if t.inside[who]--; t.inside[who] == 0 {
			delete(t.inside, who)
		}
	}, nil
}

// wait waits for the turn of who, which done ends.
func (t *turns) wait(ctx context.Context, who string) (done func(), err error) {
	t.Lock()
	if !t.busy {
		t.busy = true
		t.Unlock()
		return t.next, nil
	}
	turn := make(chan struct{}, 1)
	if len(t.waiting[who]) == 0 {
		t.order = append(t.order, who)
	}
	t.waiting[who] = append(t.waiting[who], turn)
	t.Unlock()
	select {
	case <-turn:
		return t.next, nil
	case <-ctx.Done():
	}
	t.Lock()
	defer t.Unlock()
	select {
	case <-turn: // it came at the same moment
		t.hand()
	default:
		t.waiting[who] = slices.DeleteFunc(t.waiting[who], func(c chan struct{}) bool { return c == turn })
		if len(t.waiting[who]) == 0 {
			delete(t.waiting, who)
			t.order = slices.DeleteFunc(t.order, func(s string) bool { return s == who })
		}
	}
	return nil, ctx.Err()
}

func (t *turns) next() {
	t.Lock()
	defer t.Unlock()
	t.hand()
}

// hand gives the turn to the sender who has waited longest since his last one. It is called with the lock held.
func (t *turns) hand() {
	if len(t.order) == 0 {
		t.busy = false
		return
	}
	who := t.order[0]
	t.order = t.order[1:]
	t.waiting[who][0] <- struct{}{}
	if t.waiting[who] = t.waiting[who][1:]; len(t.waiting[who]) > 0 {
		t.order = append(t.order, who)
	} else {
		delete(t.waiting, who)
	}
}
