package live

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"adainfilter/model"
	"adainfilter/picture"
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
	path      string // as the element's property style names it
	thumbnail string // a file, "" until it is made
}

// catalogue knows the styles that can be chosen, by names that tell nothing of the machine's folders.
type catalogue struct {
	sync.Mutex
	dir      string // of uploads and thumbnails
	entries  []entry
	uploaded int
	written  int // files, so that each has a new name

	drawing sync.Mutex // held while thumbnails are made
	engine  func() (model.Engine, error)
	content func(context.Context) (*model.Image, error)
}

func newCatalogue(dir string, builtin bool, engine func() (model.Engine, error),
	content func(context.Context) (*model.Image, error)) *catalogue {
	c := &catalogue{dir: dir, engine: engine, content: content}
	if builtin {
		for _, name := range model.BuiltinStyles() {
			c.entries = append(c.entries, entry{available: available{name, builtinKind}, path: name})
		}
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
	n := c.uploaded + 1
	c.uploaded = n
	c.Unlock()
	if n > maxUploaded {
		return "", refuse(http.StatusConflict, "there are %d uploaded styles, which is the most: start anew", maxUploaded)
	}
	if min(img.Width, img.Height) > styleSide {
		img = picture.ShortSide(img, styleSide)
	}
	path, err := c.write("style-", img)
	if err != nil {
		return "", err
	}
	small := filepath.Join(c.dir, fmt.Sprintf("upload-%d.jpg", n))
	if err := picture.Write(small, picture.ShortSide(img, thumbnailHeight)); err != nil {
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
// picture. All that are missing are made at once, of the same frame.
func (c *catalogue) thumbnail(ctx context.Context, name string) (string, error) {
	c.drawing.Lock()
	defer c.drawing.Unlock()
	c.Lock()
	e := c.find(name)
	if e == nil {
		c.Unlock()
		return "", refuse(http.StatusNotFound, "there is no style %q", name)
	}
	file, missing := e.thumbnail, []entry(nil)
	for _, e := range c.entries {
		if e.thumbnail == "" {
			missing = append(missing, e)
		}
	}
	c.Unlock()
	if file != "" {
		return file, nil
	}
	if err := ctx.Err(); err != nil { // nobody waits for it any more
		return "", err
	}
	if err := c.draw(ctx, missing); err != nil {
		return "", refuse(http.StatusServiceUnavailable, "%v", err)
	}
	c.Lock()
	defer c.Unlock()
	if e := c.find(name); e.thumbnail != "" {
		return e.thumbnail, nil
	}
	return "", refuse(http.StatusNotFound, "the style %q cannot be shown", name)
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
		img, err := small(e, engine, content)
		if err != nil {
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
	var style *model.Style
	var err error
	switch {
	case e.Kind == builtinKind:
		style, err = model.BuiltinStyle(e.path)
	case strings.EqualFold(filepath.Ext(e.path), ".safetensors"):
		style, err = model.LoadStyle(e.path)
	default:
		return picture.ReadStyle(e.path, thumbnailHeight, picture.Limit{})
	}
	if err != nil {
		return nil, err
	}
	if err := style.Fits(engine.Weights()); err != nil {
		return nil, err
	}
	img := model.NewImage(content.Format, content.Width, content.Height)
	return img, engine.Stylize(img, content, &model.Stylization{Style: style.Stats, Alpha: 1})
}
