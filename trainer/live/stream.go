package live

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// maxWatchers bounds the streams, each of which costs a connection and up to a megabyte per second.
const maxWatchers = 16

// patience is how long a client may take for one picture before its stream ends.
const patience = 10 * time.Second

// hub hands each picture to all who watch. Nobody waits for a slow one: it gets the newest picture when it is ready for one.
type hub struct {
	sync.Mutex
	open     func(bool) // called when the first one begins to watch and when the last one ends
	watchers map[chan []byte]bool
}

func newHub(open func(bool)) *hub { return &hub{open: open, watchers: map[chan []byte]bool{}} }

// publish never blocks. The picture must not be changed afterwards.
func (h *hub) publish(picture []byte) {
	h.Lock()
	defer h.Unlock()
	for c := range h.watchers {
		select {
		case <-c: // an old picture that was not fetched
		default:
		}
		c <- picture // there is room: nobody else sends
	}
}

// watch gives pictures until stop is called; ok is false where too many watch.
func (h *hub) watch() (pictures <-chan []byte, stop func(), ok bool) {
	h.Lock()
	defer h.Unlock()
	if len(h.watchers) == maxWatchers {
		return nil, nil, false
	}
	c := make(chan []byte, 1)
	h.watchers[c] = true
	if len(h.watchers) == 1 {
		h.open(true)
	}
	return c, func() { h.leave(c) }, true
}

func (h *hub) leave(c chan []byte) {
	h.Lock()
	defer h.Unlock()
	delete(h.watchers, c)
	if len(h.watchers) == 0 {
		h.open(false)
	}
}

func tooManyWatch() error {
	return refuse(http.StatusServiceUnavailable, "%d others are watching, which is the most", maxWatchers)
}

func (h *hub) count() int {
	h.Lock()
	defer h.Unlock()
	return len(h.watchers)
}

// stream is GET /stream.mjpeg: each part replaces the picture before (multipart/x-mixed-replace).
func (s *server) stream(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
	if r.Method == http.MethodHead {
		return nil
	}
	pictures, stop, ok := s.pictures.watch()
	if !ok {
		return tooManyWatch()
	}
	defer stop()
	c := http.NewResponseController(w)
	c.SetReadDeadline(time.Time{}) // that of a request would end the stream
	c.SetWriteDeadline(time.Now().Add(patience))
	io.WriteString(w, "--frame\r\n")
	c.Flush()
	for {
		select {
		case <-r.Context().Done():
			return nil
		case picture := <-pictures:
			c.SetWriteDeadline(time.Now().Add(patience))
			fmt.Fprintf(w, "Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", len(picture))
			w.Write(picture)
			// The line behind a picture is what browsers wait for before they show it.
			if _, err := io.WriteString(w, "\r\n--frame\r\n"); err != nil {
				return nil
			}
			if err := c.Flush(); err != nil {
				return nil
			}
		}
	}
}
