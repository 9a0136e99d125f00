package live

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"adainfilter/model"
	"adainfilter/picture"
)

// Limits of pictures that are sent.
const (
	maxPictureBytes  = 16 << 20
	maxPicturePixels = 32 << 20
	maxMaskSide      = 1080 // of the short side, in pixels; larger masks are scaled down
	maxUploaded      = 64   // styles that are kept
)

// postStyle is POST /api/styles: the body is a picture, the answer its name.
func (s *server) postStyle(w http.ResponseWriter, r *http.Request) error {
	img, done, err := s.upload(w, r)
	if err != nil {
		return err
	}
	defer done()
	name, err := s.styles.add(picture.OnWhite(img))
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, map[string]string{"name": name})
}

// postMask is POST /api/mask: the body is a picture. It takes the place of a mask that is on.
func (s *server) postMask(w http.ResponseWriter, r *http.Request) error {
	img, done, err := s.upload(w, r)
	if err != nil {
		return err
	}
	defer done()
	if min(img.Width, img.Height) > maxMaskSide {
		img = picture.ShortSide(img, maxMaskSide)
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	from, err := s.player.controls()
	if err != nil {
		return err
	}
	path, err := s.styles.write("mask-", img)
	if err != nil {
		return err
	}
	if from.Mask != "" {
		to := from
		to.Mask = path
		if err := s.player.change(from, to); err != nil {
			os.Remove(path)
			return refuse(http.StatusUnprocessableEntity, "%v", err)
		}
	}
	s.styles.remove(s.mask)
	s.mask = path
	now, err := s.player.controls()
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, s.show(now, s.mask).Mask)
}

// upload decodes the picture in a body. Nothing of it is kept: what is, is encoded anew, under a name of ours. done is called when the picture is not needed any more.
func (s *server) upload(w http.ResponseWriter, r *http.Request) (img *model.Image, done func(), err error) {
	kind, _, _ := strings.Cut(strings.ToLower(r.Header.Get("Content-Type")), ";")
	if kind = strings.TrimSpace(kind); kind != "application/octet-stream" && !strings.HasPrefix(kind, "image/") {
		return nil, nil, refuse(http.StatusUnsupportedMediaType,
			"the body is of the type %q, wanted image/... or application/octet-stream", r.Header.Get("Content-Type"))
	}
	select {
	case s.uploading <- struct{}{}:
	default:
		w.Header().Set("Retry-After", "1")
		return nil, nil, refuse(http.StatusTooManyRequests, "%d uploads are under way, which is the most: try again", maxUploads)
	}
	done = func() { <-s.uploading }
	data, err := body(w, r, maxPictureBytes)
	if err == nil {
		if img, err = s.styles.decode(data); err != nil {
			err = refuse(http.StatusUnprocessableEntity, "the picture %v", err)
		}
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return img, done, nil
}

// decode decodes a picture that was sent; the error is the second half of a sentence about it. Phones' HEIC and AVIF files are read by the codec
// that the command has, from a file that is gone afterwards.
func (c *catalogue) decode(data []byte) (*model.Image, error) {
	limit := picture.Limit{Pixels: maxPicturePixels}
	if len(data) < 12 || string(data[4:8]) != "ftyp" {
		return picture.Decode(bytes.NewReader(data), limit)
	}
	file, err := os.CreateTemp(c.dir, "sent-")
	if err != nil {
		return nil, fmt.Errorf("cannot be stored: %w", err)
	}
	defer os.Remove(file.Name())
	if _, err := file.Write(data); err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot be stored: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("cannot be stored: %w", err)
	}
	img, err := picture.Read(file.Name(), limit)
	if err != nil {
		text := strings.TrimPrefix(err.Error(), fmt.Sprintf("picture %q ", file.Name()))
		return nil, errors.New(strings.ReplaceAll(text, file.Name()+": ", "")) // libvips names it, too
	}
	return img, nil
}

// write stores a picture in the temporary folder under a new name.
func (c *catalogue) write(begin string, img *model.Image) (string, error) {
	c.Lock()
	c.written++
	path := filepath.Join(c.dir, begin+strconv.Itoa(c.written)+".png")
	c.Unlock()
	return path, picture.Write(path, img)
}

// remove deletes a file that write made; others are the user's.
func (c *catalogue) remove(path string) {
	if filepath.Dir(path) == c.dir {
		os.Remove(path)
	}
}
