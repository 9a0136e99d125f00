// Package stylize stylises pictures: every content with every style, or with several at once, as pictures, strips of strengths or sheets of
// mixes; and it extracts styles from pictures.
package stylize

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"adainfilter/model"
	"adainfilter/model/lut"
	"adainfilter/picture"
	"adainfilter/picture/style"
	"adainfilter/trainer/files"
	"adainfilter/trainer/terminal"
)

// Ways to keep a content's colours.
const (
	Luma  = "luma"  // take only the luminance from the result
	Coral = "coral" // give style pictures the content's colours first
)

// Job is pictures to stylise and how. A job runs once at a time.
type Job struct {
	Contents, Styles []files.File
	Alpha            float32
	Size, StyleSize  int         // short side of contents and of style pictures in pixels; 0 keeps their size
	Together         bool        // all styles make one result
	Weights          []float64   // of the styles in their mix; nil is equal ones
	Mask             *model.Mask // between two styles, without Second; nil is none
	PreserveColor    string      // "", Luma or Coral, which needs styles that are pictures
	Before, After    *lut.Table  // of colours, around the network; nil is none
	ProcessingSize   int         // that of model.Stylization; 0 is the content's size, or less for one that is very large
	Alphas           bool        // a result is a strip of alphas
	Corners          int         // a result is a sheet of so many mixes of four styles a side; 0 is none
	Out              string      // the result's file, or a folder
	Quality          int         // of JPEG and other lossy results, 1 to 100; 0 is picture.Quality
	Strip            bool        // results carry nothing of what the content's file says besides: date, place, camera
	KeepProfile      bool        // contents are taken as they are, and results carry their ICC profile

	Made []Result // what Run has written and what failed, in its order

	end      string // of results in a folder; "" where Out is the one result's file
	taken    map[string]bool
	engine   model.Engine
	progress *terminal.Steps
	failures int
	first    error // of the failures
	network  int   // processing size for the content at hand
}

// Result is one of a job.
type Result struct {
	Content string   `json:"content"`
	Styles  []string `json:"styles"`
	File    string   `json:"file,omitempty"`
	Error   string   `json:"error,omitempty"` // "" where File was written
}

// Style is a style that a user named and its statistics, unless they depend on the content.
type Style struct {
	files.File
	Stats model.Stats
}

// Statistics are those of a built-in style, a style file or a picture, as style.Load has them.
func Statistics(name string, size int, engine model.Engine) (model.Stats, error) {
	s, err := style.Load(name, size, engine)
	if err != nil {
		return model.Stats{}, err
	}
	return s.Stats, nil
}

// ChooseOut decides whether Out is a file or a folder: a file if its name ends like a picture, it is no folder, and there
// is one result. format is that of results in a folder, jpg or png. Errors: several results for a file, another format.
func (j *Job) ChooseOut(format string) error {
	info, err := os.Stat(j.Out)
	folder := err == nil && info.IsDir() || strings.HasSuffix(j.Out, "/") || !picture.IsPicture(j.Out)
	if results := j.Results(); !folder && results > 1 {
		return fmt.Errorf("--out %q is one picture for %d results, wanted a folder", j.Out, results)
	}
	if !folder {
		return picture.CanWrite(j.Out)
	}
	if ext := filepath.Ext(j.Out); ext != "" && (err != nil && len(ext) <= 5) && !strings.HasSuffix(j.Out, "/") {
		return fmt.Errorf("--out %q ends in %q, wanted that of a picture (.png, .jpg, .webp, ...), or a folder (with / at its end)", j.Out, ext)
	}
	j.end = "." + strings.ToLower(strings.TrimPrefix(format, "."))
	if !picture.IsPicture(j.end) {
		return fmt.Errorf("--format is %q, wanted jpg, png, webp, avif, heic, jxl, tif or jp2", format)
	}
	if err := picture.CanWrite(j.end); err != nil {
		return fmt.Errorf("--format: %w", err)
	}
	return nil
}

// Run makes all results. A content or style that fails is told to progress and left out; the error then says how many results are
// missing. Without that the error is ctx's cause.
func (j *Job) Run(ctx context.Context, engine model.Engine, progress *terminal.Steps) error {
	j.engine, j.progress, j.taken, j.failures, j.first, j.Made = engine, progress, map[string]bool{}, 0, nil, nil
	styles, err := j.load(ctx)
	if err != nil {
		return err
	}
	sets := j.sets(styles)
	for _, content := range j.Contents {
		if len(sets) == 0 {
			break
		}
		photo, err := j.read(content)
		if err != nil {
			j.fail(len(sets), err)
			j.Made = append(j.Made, Result{Content: content.Path, Error: err.Error()})
			continue
		}
		j.chooseNetwork(content.Path, photo.Image)
		dst := model.NewImage(photo.Image.Format, photo.Image.Width, photo.Image.Height)
		for _, set := range sets {
			if ctx.Err() != nil {
				return fmt.Errorf("%w: %d of %d results are written", context.Cause(ctx), len(j.Made)-j.failures, j.Results())
			}
			path := j.name(content, set)
			made := Result{Content: content.Path, File: path}
			for _, s := range set {
				made.Styles = append(made.Styles, s.Path)
			}
			if err := j.one(dst, photo, set, path); err != nil {
				j.fail(1, fmt.Errorf("%q: %w", content.Path, err))
				made.File, made.Error = "", err.Error()
			} else {
				j.progress.Step(path)
			}
			j.Made = append(j.Made, made)
		}
	}
	switch total := j.Results(); {
	case j.failures == 0:
		return nil
	case total == 1:
		return j.first
	default:
		return fmt.Errorf("%d of %d results are missing", j.failures, total)
	}
}

// load reads the styles. One that fails is reported and left out; where all come together it is the last.
func (j *Job) load(ctx context.Context) ([]Style, error) {
	var styles []Style
	for _, s := range j.Styles {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var stats model.Stats
		if j.PreserveColor != Coral {
			var err error
			if stats, err = Statistics(s.Path, j.StyleSize, j.engine); err != nil {
				j.fail(len(j.Contents), err)
				j.Made = append(j.Made, Result{Styles: []string{s.Path}, Error: err.Error()})
				if j.Together {
					break
				}
				continue
			}
		}
		styles = append(styles, Style{s, stats})
	}
	return styles, nil
}

// fail reports an error that costs n results. That of a job of one result is the job's own.
func (j *Job) fail(n int, err error) {
	j.failures += n
	if j.first == nil {
		j.first = err
	}
	if j.Results() > 1 {
		j.progress.Failed(err)
	}
}

// Contents of more pixels are stylised at a processing size, unless another is asked for: at their own size the engine would take 40 bytes
// a pixel more. Picture, result and engine together stay below 1.5 GB.
var network = []struct{ pixels, short int }{{100 << 20, 1024}, {40 << 20, 3072}}

// chooseNetwork sets the processing size for a content, and says so where it is not what was asked for.
func (j *Job) chooseNetwork(path string, img *model.Image) {
	j.network = j.ProcessingSize
	for _, n := range network {
		if short := min(img.Width, img.Height); j.network == 0 && j.computes() && img.Width*img.Height > n.pixels && short > n.short {
			j.network = n.short
			j.progress.Note(fmt.Sprintf("%q has %d million pixels: as with --processing-size %d; --processing-size %d is the content's size",
				path, img.Width*img.Height/1e6, n.short, short))
		}
	}
}

// contentPixels is how large a content may be; the engine takes it in strips, so that it needs little more than the picture and the result.
const contentPixels = 1 << 28

func (j *Job) read(content files.File) (*picture.Photo, error) {
	o := picture.Options{Limit: picture.Limit{Pixels: contentPixels}, Deep: j.Size == 0, KeepProfile: j.KeepProfile}
	photo, err := picture.ReadPhoto(content.Path, o)
	if err != nil {
		return nil, err
	}
	if photo.Frames > 1 {
		j.progress.Note(fmt.Sprintf("%q holds %d pictures, of which the first is taken; adain transcode takes films", content.Path, photo.Frames))
	}
	if j.Size != 0 {
		photo.Image = picture.ShortSide(photo.Image, j.Size)
	}
	if j.Strip {
		photo.Exif = nil
	}
	return photo, nil
}

// name is where a result goes; two contents of the same name do not overwrite each other.
func (j *Job) name(content files.File, set []Style) string {
	if j.end == "" {
		return j.Out
	}
	names := make([]string, len(set))
	for i, s := range set {
		names[i] = filepath.Base(s.Base)
	}
	together := strings.Join(names, "+")
	path := filepath.Join(j.Out, content.Base+"_stylized_"+together+j.end)
	for n := 2; j.taken[path]; n++ {
		path = filepath.Join(j.Out, fmt.Sprintf("%s_stylized_%s-%d%s", content.Base, together, n, j.end))
	}
	j.taken[path] = true
	return path
}

// computes says whether results differ from their contents.
func (j *Job) computes() bool {
	return j.Alpha != 0 || j.Alphas || j.Corners > 0 || j.Before != nil || j.After != nil
}

// one makes one result and writes it, with what the content carries besides. Of a content of 16 bits all are kept where nothing of the
// style is asked for, and the result has them too, but for strips and sheets.
func (j *Job) one(dst *model.Image, src *picture.Photo, set []Style, path string) error {
	out := *src
	if j.computes() {
		if err := j.stylise(dst, src, set, &out); err != nil {
			return err
		}
	}
	if j.end != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return fmt.Errorf("folder for the result: %w", err)
		}
	}
	return picture.WritePhoto(path, &out, j.Quality)
}

// stylise makes the samples of one result, of 8 bits and, if src has them, of 16.
func (j *Job) stylise(dst *model.Image, src *picture.Photo, set []Style, out *picture.Photo) (err error) {
	if out.Deep, err = j.drawDeep(src, set); err != nil {
		return err
	}
	if out.Deep != nil {
		for i, v := range out.Deep {
			dst.Planes[0].Data[i] = uint8((uint32(v) + 128) / 257)
		}
		out.Image = dst
		return nil
	}
	if out.Image, err = j.draw(dst, src.Image, set); err != nil || src.Deep == nil {
		return err
	}
	out.Deep = make([]uint16, len(out.Image.Planes[0].Data))
	for i, v := range out.Image.Planes[0].Data {
		out.Deep[i] = 257 * uint16(v)
	}
	return nil
}
