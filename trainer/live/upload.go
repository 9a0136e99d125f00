package live

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Limits of pictures that are sent.
const (
	maxPictureBytes = 16 << 20
	maxMaskSide     = 1080 // of the short side, in pixels; larger masks are scaled down
	maxUploaded     = 64   // styles that are kept
)

// A body may take some seconds and the time for so many bytes a second beyond that.
const (
	bodyGrace  = 5 * time.Second
	bodyPerSec = int64(16 << 10)
)

// postStyle is POST /api/styles: the body is a picture, the answer its name.
func (s *server) postStyle(w http.ResponseWriter, r *http.Request) error {
	picture, err := s.upload(w, r, styleKind)
	if err != nil {
		return err
	}
	name, err := s.styles.add(picture)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, map[string]string{"name": name})
}

// postMask is POST /api/mask: the body is a picture. It takes the place of a mask that is on.
func (s *server) postMask(w http.ResponseWriter, r *http.Request) error {
	picture, err := s.upload(w, r, maskKind)
	if err != nil {
		return err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	from, err := s.player.controls()
	if err != nil {
		return err
	}
	if from.Mask != "" {
		to := from
		to.Mask = picture.path
		if err := s.player.change(from, to); err != nil {
			os.Remove(picture.path)
			return refuse(http.StatusUnprocessableEntity, "%v", err)
		}
	}
	s.styles.remove(s.mask)
	s.mask = picture.path
	now, err := s.player.controls()
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, s.show(now, s.mask).Mask)
}

// uploaded are the files that became of a picture.
type uploaded struct{ path, thumbnail string }

// upload keeps the picture in a body, encoded anew and under a name of ours, by a process of its own: one picture at a time, the senders by
// turns. It ends when the sender leaves.
func (s *server) upload(w http.ResponseWriter, r *http.Request, kind string) (u uploaded, err error) {
	is, _, _ := strings.Cut(strings.ToLower(r.Header.Get("Content-Type")), ";")
	if is = strings.TrimSpace(is); is != "application/octet-stream" && !strings.HasPrefix(is, "image/") {
		return u, refuse(http.StatusUnsupportedMediaType,
			"the body is of the type %q, wanted image/... or application/octet-stream", r.Header.Get("Content-Type"))
	}
	who, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		who = r.RemoteAddr
	}
	leave, err := s.turns.enter(who)
	if err != nil {
		w.Header().Set("Retry-After", "2")
		return u, err
	}
	defer leave()
	sent, err := s.receive(w, r)
	if err != nil {
		return u, err
	}
	defer os.Remove(sent)
	done, err := s.turns.wait(r.Context(), who)
	if err != nil {
		return u, err
	}
	defer done()
	return s.styles.keep(r.Context(), s.decoder, s.seconds, sent, kind)
}

// receive writes a body to a file of the temporary folder, which the caller removes.
func (s *server) receive(w http.ResponseWriter, r *http.Request) (path string, err error) {
	if r.ContentLength > maxPictureBytes {
		return "", tooLarge(maxPictureBytes)
	}
	f, err := os.CreateTemp(s.styles.dir, "sent-")
	if err != nil {
		return "", err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	control, began := http.NewResponseController(w), time.Now()
	piece := make([]byte, 64<<10)
	for got := int64(0); ; {
		control.SetReadDeadline(began.Add(s.grace + time.Duration(got*int64(time.Second)/bodyPerSec)))
		n, e := r.Body.Read(piece)
		if got += int64(n); got > maxPictureBytes {
			return "", tooLarge(maxPictureBytes)
		}
		if _, err := f.Write(piece[:n]); err != nil {
			return "", err
		}
		switch {
		case e == io.EOF:
			control.SetReadDeadline(time.Time{})
			return f.Name(), nil
		case errors.Is(e, os.ErrDeadlineExceeded):
			return "", refuse(http.StatusRequestTimeout, "the body came too slowly: %d bytes in %.0f seconds, wanted %d a second", got,
				time.Since(began).Seconds(), bodyPerSec)
		case e != nil:
			return "", refuse(http.StatusBadRequest, "the body did not come whole: it ends after %d bytes", got)
		}
	}
}

func tooLarge(limit int64) error {
	return refuse(http.StatusRequestEntityTooLarge, "the body is too large, wanted at most %d bytes", limit)
}

// name is a new one in the temporary folder.
func (c *catalogue) name(begin, end string) string {
	c.Lock()
	defer c.Unlock()
	c.written++
	return filepath.Join(c.dir, begin+strconv.Itoa(c.written)+end)
}

// remove deletes a file of the temporary folder; others are the user's.
func (c *catalogue) remove(path string) {
	if path != "" && filepath.Dir(path) == c.dir {
		os.Remove(path)
	}
}
