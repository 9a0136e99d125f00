package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/files"
	"adainfilter/trainer/terminal"
)

func stylizeCommand() *cli.Command {
	flags := []cli.Flag{
		weightsFlag(),
		&cli.StringSliceFlag{Name: "content", Usage: "`PICTURE` to stylise, or a folder of them; may be repeated"},
		&cli.StringSliceFlag{Name: "style", Value: cli.NewStringSlice(model.DefaultStyle),
			Usage: "built-in `STYLE`, style file, picture or folder; several separated by commas (\\, in a name) or repeated"},
		&cli.Float64Flag{Name: "alpha", Value: 1, Usage: "strength of the style, 0 to 1"},
		&cli.StringFlag{Name: "out", Usage: "result: a `FILE` (.png, .jpg), or a folder for several results"},
		&cli.StringFlag{Name: "format", Value: "jpg", Usage: "`FORMAT` of results in a folder: jpg or png"},
		&cli.IntFlag{Name: "size", Usage: "resize contents so that their short side has `PIXELS`; 0 keeps their size"},
		&cli.IntFlag{Name: "style-size", Usage: "resize style pictures so that their short side has `PIXELS`, which sets the size of the strokes; 0 keeps their size"},
	}
	return &cli.Command{
		Name:  "stylize",
		Usage: "stylise pictures: every content with every style, or with several at once",
		Description: "Results in a folder are named CONTENT_stylized_STYLE.jpg, with styles that come together joined by +. Transparency is kept in\n" +
			"PNG results, but not in strips and sheets.\n" +
			"A picture that cannot be read is reported, the others go on, and the exit code is 1.\n\n" +
			"Examples:\n" +
			"  adain stylize --content photo.jpg --out result.png\n" +
			"  adain stylize --content photos/ --style painting.jpg --style-size 512 --alpha 0.8 --out results/\n" +
			"  adain stylize --weights vgg.safetensors --content a.jpg --content b.jpg --style one.jpg,two.jpg --out results/\n" +
			"  adain stylize --content photo.jpg --style oil.jpg,ink.jpg --style-weights 1,2 --preserve-color luma --out mixed.png\n" +
			"  adain stylize --content photo.jpg --style a.jpg,b.jpg,c.jpg,d.jpg --size 256 --interpolate 4 --out sheet.png",
		Flags:        slices.Concat(flags, lookFlags(), engineFlags()),
		OnUsageError: usageError,
		Action:       stylize,
	}
}

// namedStyle is a style and its statistics, unless they depend on the content.
type namedStyle struct {
	files.File
	stats model.Stats
}

func stylize(c *cli.Context) error {
	j, err := newStylizeJob(c)
	if err != nil {
		return err
	}
	w, err := loadWeights(c.String("weights"))
	if err != nil {
		return err
	}
	engine, err := openEngine(c, w)
	if err != nil {
		return err
	}
	defer engine.Close()
	j.engine, j.progress = engine, terminal.NewSteps(c.App.ErrWriter, "stylising", len(j.contents)*j.results())
	defer j.progress.Finish()
	return j.run(c)
}

// stylizeJob is one call of the command.
type stylizeJob struct {
	contents, styles []files.File
	alpha            float32
	size, styleSize  int
	together         bool        // all styles make one result
	weights          []float64   // of the styles in their mix
	mask             *model.Mask // without Second; nil is none
	color            string      // "", keepLuma or keepCoral
	processing       int         // model.Stylization.ProcessingSize
	strip            bool        // a result is a strip of alphas
	corners          int         // a result is a sheet of so many mixes a side; 0 is none
	out, end         string      // end is "" where out is the one result's file
	taken            map[string]bool
	engine           model.Engine
	progress         *terminal.Steps
	failures         int
}

// newStylizeJob checks everything that can be checked before the first picture is read.
func newStylizeJob(c *cli.Context) (*stylizeJob, error) {
	if err := noFiles(c); err != nil {
		return nil, err
	}
	if len(c.StringSlice("content")) == 0 || c.String("out") == "" {
		return nil, errors.New("--content and --out are both needed; see adain stylize --help")
	}
	j := &stylizeJob{alpha: float32(c.Float64("alpha")), size: c.Int("size"), styleSize: c.Int("style-size"), out: c.String("out"), taken: map[string]bool{}}
	if !(j.alpha >= 0 && j.alpha <= 1) {
		return nil, fmt.Errorf("--alpha is %v, wanted 0 to 1", c.Float64("alpha"))
	}
	if err := checkSide("size", j.size); err != nil {
		return nil, err
	}
	if err := checkSide("style-size", j.styleSize); err != nil {
		return nil, err
	}
	var err error
	if j.contents, err = files.Named(c.StringSlice("content"), files.Pictures); err != nil {
		return nil, err
	}
	if j.styles, err = findStyles(c.StringSlice("style")); err != nil {
		return nil, err
	}
	if err := j.readLook(c); err != nil {
		return nil, err
	}
	return j, j.chooseOut(c.String("format"))
}

func checkSide(flag string, px int) error {
	if px != 0 && (px < model.MinSize || px > 16384) {
		return fmt.Errorf("--%s is %d, wanted %d to 16384 pixels, or 0 to keep the size", flag, px, model.MinSize)
	}
	return nil
}

// findStyles resolves lists of styles; a built-in name is an input whose path and base are that name.
func findStyles(lists []string) ([]files.File, error) {
	var names []string
	for _, list := range lists {
		for _, name := range splitList(list) {
			if name == "" {
				return nil, fmt.Errorf("--style %q has an empty name in it", list)
			}
			names = append(names, name)
		}
	}
	return files.Named(names, append([]string{".safetensors"}, files.Pictures...))
}

// chooseOut decides whether out is a file or a folder: a file if its name ends like a picture, it is no folder, and there
// is one result.
func (j *stylizeJob) chooseOut(format string) error {
	info, err := os.Stat(j.out)
	folder := err == nil && info.IsDir() || strings.HasSuffix(j.out, "/") || picture.CanWrite(j.out) != nil
	if results := len(j.contents) * j.results(); !folder && results > 1 {
		return fmt.Errorf("--out %q is one picture for %d results, wanted a folder", j.out, results)
	}
	if !folder {
		return nil
	}
	if ext := filepath.Ext(j.out); ext != "" && (err != nil && len(ext) <= 5) && !strings.HasSuffix(j.out, "/") {
		return fmt.Errorf("--out %q ends in %q, wanted .png, .jpg, or a folder (with / at its end)", j.out, ext)
	}
	j.end = "." + strings.ToLower(strings.TrimPrefix(format, "."))
	if picture.CanWrite(j.end) != nil {
		return fmt.Errorf("--format is %q, wanted jpg or png", format)
	}
	return nil
}

func (j *stylizeJob) run(c *cli.Context) error {
	styles, err := j.load(c)
	if err != nil {
		return err
	}
	sets := j.sets(styles)
	for _, content := range j.contents {
		if len(sets) == 0 {
			break
		}
		img, err := j.read(content)
		if err != nil {
			j.fail(len(sets), err)
			continue
		}
		dst := model.NewImage(img.Format, img.Width, img.Height)
		for _, set := range sets {
			if c.Context.Err() != nil {
				return context.Cause(c.Context)
			}
			path := j.name(content, set)
			if err := j.one(dst, img, set, path); err != nil {
				j.fail(1, fmt.Errorf("%q: %w", content.Path, err))
				continue
			}
			j.progress.Step(path)
		}
	}
	switch total := len(j.contents) * j.results(); {
	case j.failures == 0:
		return nil
	case total == 1:
		return errors.New("nothing was written")
	default:
		return fmt.Errorf("%d of %d results are missing", j.failures, total)
	}
}

// load reads the styles. One that fails is reported and left out; where all come together it is the last.
func (j *stylizeJob) load(c *cli.Context) ([]namedStyle, error) {
	var styles []namedStyle
	for _, s := range j.styles {
		if c.Context.Err() != nil {
			return nil, context.Cause(c.Context)
		}
		var stats model.Stats
		if j.color != keepCoral {
			var err error
			if stats, err = j.statistics(s); err != nil {
				j.fail(len(j.contents), err)
				if j.together {
					break
				}
				continue
			}
		}
		styles = append(styles, namedStyle{s, stats})
	}
	return styles, nil
}

// fail reports an error that costs n results.
func (j *stylizeJob) fail(n int, err error) {
	j.failures += n
	j.progress.Failed(err)
}

// statistics are those of a built-in style, a style file or a picture.
func (j *stylizeJob) statistics(s files.File) (model.Stats, error) {
	if style, err := knownStyle(s.Path); style != nil || err != nil {
		if err == nil {
			err = style.Fits(j.engine.Weights())
		}
		if err != nil {
			return model.Stats{}, err
		}
		return style.Stats, nil
	}
	img, err := picture.ReadStyle(s.Path, j.styleSize, picture.Limit{})
	if err != nil {
		return model.Stats{}, err
	}
	stats, err := j.engine.Statistics(img)
	if err != nil {
		return model.Stats{}, fmt.Errorf("style %q: %w", s.Path, err)
	}
	return stats, nil
}

func (j *stylizeJob) read(content files.File) (*model.Image, error) {
	img, err := picture.Read(content.Path, picture.Limit{})
	if err != nil || j.size == 0 {
		return img, err
	}
	return picture.ShortSide(img, j.size), nil
}

// name is where a result goes; two contents of the same name do not overwrite each other.
func (j *stylizeJob) name(content files.File, set []namedStyle) string {
	if j.end == "" {
		return j.out
	}
	names := make([]string, len(set))
	for i, s := range set {
		names[i] = filepath.Base(s.Base)
	}
	style := strings.Join(names, "+")
	path := filepath.Join(j.out, content.Base+"_stylized_"+style+j.end)
	for n := 2; j.taken[path]; n++ {
		path = filepath.Join(j.out, fmt.Sprintf("%s_stylized_%s-%d%s", content.Base, style, n, j.end))
	}
	j.taken[path] = true
	return path
}

func (j *stylizeJob) one(dst, src *model.Image, set []namedStyle, path string) error {
	result, err := j.draw(dst, src, set)
	if err != nil {
		return err
	}
	if j.end != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return fmt.Errorf("folder for the result: %w", err)
		}
	}
	return picture.Write(path, result)
}
