package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

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

// add keeps an opaque picture as a style.
func (c *catalogue) add(img *model.Image) (name string, err error) {
	c.Lock()
	if c.uploaded == maxUploaded {
		c.Unlock()
		return "", refuse(http.StatusConflict, "there are %d uploaded styles, which is the most: start anew", maxUploaded)
	}
	c.uploaded++
	c.numbered++
	n := c.numbered
	c.Unlock()
	defer func() {
		if err != nil {
			c.Lock()
			c.uploaded--
			c.Unlock()
		}
	}()
	if min(img.Width, img.Height) > styleSide {
		img = picture.ShortSide(img, styleSide)
	}
	path, err := c.write("style-", img)
	if err != nil {
		return "", err
	}
	small := filepath.Join(c.dir, fmt.Sprintf("upload-%d.jpg", n))
	if err := picture.Write(small, picture.ShortSide(img, thumbnailHeight)); err != nil {
		c.remove(path)
		return "", err
	}
	c.Lock()
	defer c.Unlock()
	name = fmt.Sprintf("upload-%d", n)
	for c.find(name) != nil { // a file of the command's may have that name
		name += "'"
	}
	c.entries = append(c.entries, entry{available: available{name, uploadKind}, path: path, thumbnail: small})
	return name, nil
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
			c.Lock()
			c.find(e.Name).failed = true
			c.Unlock()
			continue
		}
		c.Lock()
		c.written++
		file := filepath.Join(c.dir, fmt.Sprintf("thumbnail-%d.jpg", c.written))
		c.Unlock()
		if err := picture.Write(file, img); err != nil {
			return err
		}
		c.Lock()
		c.find(e.Name).thumbnail = file
		c.Unlock()
	}
	return nil
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
