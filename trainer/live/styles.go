package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/picture/style"
)

// Kinds of styles.
const (
	builtinKind = "builtin"
	fileKind    = "file"   // the command was given it
	uploadKind  = "upload" // the page was given it
)

// styleSide bounds the short side of an uploaded style, in pixels; larger ones are scaled down.
const styleSide = 1024

// entry is a style that can be chosen.
type entry struct {
	available
	path      string // as package style names it
	thumbnail string // a file, "" until it is made
	failed    bool   // it cannot be shown
}

// catalogue knows the styles that can be chosen, by names that tell nothing of the machine's folders.
type catalogue struct {
	sync.Mutex
	dir      string // of uploads and thumbnails
	entries  []entry
	uploaded int // styles that are kept, and those that are being written
	numbered int // uploads, so that each has a name of its own
	written  int // files, for the same reason

	drawing *drawing // under way, nil while no thumbnails are made
	engine  func() (model.Engine, error)
	content func(context.Context) (*model.Image, error)
}

// drawing is one making of thumbnails, for all who wait for it.
type drawing struct {
	done chan struct{} // closed at the end
	err  error         // why nothing could be drawn, then
}

func newCatalogue(dir string, names []string, engine func() (model.Engine, error),
	content func(context.Context) (*model.Image, error)) *catalogue {
	c := &catalogue{dir: dir, engine: engine, content: content}
	for _, name := range names {
		c.entries = append(c.entries, entry{available: available{name, builtinKind}, path: name})
	}
	return c
}

func (c *catalogue) available() []available {
	c.Lock()
	defer c.Unlock()
	all := make([]available, len(c.entries))
	for i, e := range c.entries {
		all[i] = e.available
	}
	return all
}

// nameOf is the name of a style in force; one that is not known yet is a file that the command was given.
func (c *catalogue) nameOf(path string) string {
	c.Lock()
	defer c.Unlock()
	path = strings.TrimSpace(path)
	for _, e := range c.entries {
		if e.path == path {
			return e.Name
		}
	}
	base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	name := base
	for i := 2; c.find(name) != nil; i++ {
		name = base + " " + strconv.Itoa(i)
	}
	c.entries = append(c.entries, entry{available: available{name, fileKind}, path: path})
	return name
}

func (c *catalogue) pathOf(name string) (path string, ok bool) {
	c.Lock()
	defer c.Unlock()
	if e := c.find(name); e != nil {
		return e.path, true
	}
	return "", false
}

// find is called with the lock held.
func (c *catalogue) find(name string) *entry {
	for i := range c.entries {
		if c.entries[i].Name == name {
			return &c.entries[i]
		}
	}
	return nil
}

// add makes a style of a picture that was sent.
func (c *catalogue) add(u uploaded) (name string, err error) {
	c.Lock()
	defer c.Unlock()
	if c.uploaded == maxUploaded {
		os.Remove(u.path)
		os.Remove(u.thumbnail)
		return "", refuse(http.StatusConflict, "there are %d uploaded styles, which is the most: remove one first", maxUploaded)
	}
	c.uploaded++
	c.numbered++
	name = fmt.Sprintf("upload-%d", c.numbered)
	for c.find(name) != nil { // a file of the command's may have that name
		name += "'"
	}
	c.entries = append(c.entries, entry{available: available{name, uploadKind}, path: u.path, thumbnail: u.thumbnail})
	return name, nil
}

// upload is an uploaded style of a name. It is called with the lock held.
func (c *catalogue) upload(name string) (*entry, error) {
	e := c.find(name)
	switch {
	case e == nil:
		return nil, refuse(http.StatusNotFound, "there is no style %q", name)
	case e.Kind != uploadKind:
		return nil, refuse(http.StatusConflict, "the style %q was not uploaded, so it stays as it is", name)
	}
	return e, nil
}

// uploadPath is the file of an uploaded style. The error says why another may not be changed.
func (c *catalogue) uploadPath(name string) (string, error) {
	c.Lock()
	defer c.Unlock()
	e, err := c.upload(name)
	if err != nil {
		return "", err
	}
	return e.path, nil
}

// first is the path of a style that is always there.
func (c *catalogue) first() string {
	c.Lock()
	defer c.Unlock()
	for _, e := range c.entries {
		if e.Kind != uploadKind {
			return e.path
		}
	}
	return model.DefaultStyle
}

// maxName is the most characters of a style's name.
const maxName = 40

// rename gives an uploaded style another name.
func (c *catalogue) rename(name, to string) error {
	c.Lock()
	defer c.Unlock()
	e, err := c.upload(name)
	if err != nil {
		return err
	}
	to = strings.Join(strings.Fields(to), " ")
	switch n := utf8.RuneCountInString(to); {
	case n < 1 || n > maxName:
		return refuse(http.StatusBadRequest, "the name has %d characters, wanted 1 to %d", n, maxName)
	case strings.ContainsFunc(to, func(r rune) bool { return !unicode.IsPrint(r) || r == '/' }):
		return refuse(http.StatusBadRequest, "the name %q has characters that cannot be shown, or a /", to)
	case to != name && c.find(to) != nil:
		return refuse(http.StatusConflict, "there is a style %q already", to)
	}
	e.Name = to
	return nil
}

// drop removes an uploaded style, which must not be in force, and its files.
func (c *catalogue) drop(name string) error {
	c.Lock()
	defer c.Unlock()
	e, err := c.upload(name)
	if err != nil {
		return err
	}
	os.Remove(e.path)
	os.Remove(e.thumbnail)
	c.entries = slices.DeleteFunc(c.entries, func(e entry) bool { return e.Name == name })
	c.uploaded--
	return nil
}

// thumbnail is the file of a small picture of a style: a frame of the source in that style, or the style itself where it is a
// picture. All that are missing are made at once, of the same frame, for all who ask meanwhile. A style that could not be shown once is
// not tried again.
func (c *catalogue) thumbnail(ctx context.Context, name string) (string, error) {
	for {
		c.Lock()
		e := c.find(name)
		switch {
		case e == nil:
			c.Unlock()
			return "", refuse(http.StatusNotFound, "there is no style %q", name)
		case e.thumbnail != "" || e.failed:
			file := e.thumbnail
			c.Unlock()
			if file == "" {
				return "", refuse(http.StatusNotFound, "the style %q cannot be shown", name)
			}
			return file, nil
		}
		d, mine := c.drawing, c.drawing == nil
		if mine {
			d = &drawing{done: make(chan struct{})}
			c.drawing = d
		}
		c.Unlock()
		if mine {
			c.drawAll(ctx, d)
		}
		select {
		case <-d.done:
		case <-ctx.Done():
		}
		if err := ctx.Err(); err != nil { // nobody waits for it any more
			return "", err
		}
		if d.err != nil && !errors.Is(d.err, context.Canceled) { // else whoever drew it has gone, and the next one draws
			return "", refuse(http.StatusServiceUnavailable, "%v", d.err)
		}
	}
}

// drawAll makes the thumbnails that are missing and ends d.
func (c *catalogue) drawAll(ctx context.Context, d *drawing) {
	d.err = errors.New("internal error: drawing thumbnails has panicked")
	defer func() {
		c.Lock()
		c.drawing = nil
		c.Unlock()
		close(d.done)
	}()
	var missing []entry
	c.Lock()
	for _, e := range c.entries {
		if e.thumbnail == "" && !e.failed {
			missing = append(missing, e)
		}
	}
	c.Unlock()
	if d.err = c.draw(ctx, missing); d.err != nil && ctx.Err() != nil {
		d.err = ctx.Err()
	}
}

// draw makes thumbnails. A style that cannot be read stays without: the element says why when it is chosen.
func (c *catalogue) draw(ctx context.Context, missing []entry) error {
	content, err := c.content(ctx)
	if err != nil {
		return err
	}
	engine, err := c.engine()
	if err != nil {
		return err
	}
	defer engine.Close()
	for _, e := range missing {
		if err := ctx.Err(); err != nil {
			return err
		}
		img, err := small(e, engine, content)
		if err != nil {
			c.drawn(e.Name, "")
			continue
		}
		file := c.name("thumbnail-", ".jpg")
		if err := picture.Write(file, img); err != nil {
			return err
		}
		c.drawn(e.Name, file)
	}
	return nil
}

// drawn notes the thumbnail of a style, "" for one that cannot be shown.
func (c *catalogue) drawn(name, file string) {
	c.Lock()
	defer c.Unlock()
	if e := c.find(name); e != nil {
		e.thumbnail, e.failed = file, file == ""
	}
}

// small is what a thumbnail shows.
func small(e entry, engine model.Engine, content *model.Image) (*model.Image, error) {
	if e.Kind != builtinKind && style.KindOf(e.path) == style.Picture {
		return picture.ReadStyle(e.path, thumbnailHeight, picture.Limit{})
	}
	s, err := style.Load(e.path, 0, engine)
	if err != nil {
		return nil, err
	}
	img := model.NewImage(content.Format, content.Width, content.Height)
	return img, engine.Stylize(img, content, &model.Stylization{Style: s.Stats, Alpha: 1})
}
