package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/picture/style"
	"adainfilter/trainer/files"
	"adainfilter/trainer/stylize"
	"adainfilter/trainer/terminal"
)

func stylizeCommand() *cli.Command {
	flags := []cli.Flag{
		weightsFlag(),
		&cli.StringSliceFlag{Name: "content", Usage: "`PICTURE` to stylise, or a folder of them; may be repeated"},
		&cli.StringSliceFlag{Name: "style", Value: cli.NewStringSlice(model.DefaultStyle),
			Usage: "built-in `STYLE`, style file, picture or folder; several separated by commas (\\, in a name) or repeated"},
		&cli.Float64Flag{Name: "alpha", Value: 1, Usage: "strength of the style, 0 to 1"},
		&cli.StringFlag{Name: "out", Usage: "result: a `FILE` (.png, .jpg; with libvips .webp, .avif, .heic, .jxl, .tif, .jp2), or a folder for several results"},
		&cli.StringFlag{Name: "format", Value: "jpg", Usage: "`FORMAT` of results in a folder: jpg, png or another end of --out"},
		&cli.IntFlag{Name: "quality", Value: picture.Quality, Usage: "quality of JPEG and other lossy results, 1 to 100, as `NUMBER`"},
		&cli.BoolFlag{Name: "strip", Usage: "leave out what the content's file says of date, place and camera (EXIF)"},
		&cli.BoolFlag{Name: "keep-profile", Usage: "leave contents in the colour space of their ICC profile instead of sRGB; results carry the profile"},
		&cli.IntFlag{Name: "size", Usage: "resize contents so that their short side has `PIXELS`; 0 keeps their size"},
		&cli.IntFlag{Name: "style-size", Usage: "resize style pictures so that their short side has `PIXELS`, which sets the size of the strokes; 0 keeps their size"},
		jsonFlag("a list of the results, and of what failed,"),
	}
	return &cli.Command{
		Name:  "stylize",
		Usage: "stylise pictures: every content with every style, or with several at once",
		Description: "Pictures are JPEG, PNG, WebP, GIF, BMP, TIFF, TGA and PNM; with libvips also HEIC, AVIF, JPEG XL, JPEG 2000, OpenEXR and PFM.\n" +
			"Their ICC profiles and orientation are applied. Results are sRGB and keep the EXIF data; of 16 bits --alpha 0 keeps all.\n" +
			"Results in a folder are named CONTENT_stylized_STYLE.jpg, with styles that come together joined by +. Transparency is kept in\n" +
			"PNG results, but not in strips and sheets.\n" +
			"A picture that cannot be read is reported, the others go on, and the exit code is 1.\n\n" +
			"Examples:\n" +
			"  adain stylize --content photo.jpg --out result.png\n" +
			"  adain stylize --content photos/ --style painting.jpg --style-size 512 --alpha 0.8 --out results/\n" +
			"  adain stylize --weights vgg.safetensors --content a.jpg --content b.jpg --style one.jpg,two.jpg --out results/\n" +
			"  adain stylize --content photo.jpg --style oil.jpg,ink.jpg --style-weights 1,2 --preserve-color luma --out mixed.png\n" +
			"  adain stylize --content photo.jpg --style a.jpg,b.jpg,c.jpg,d.jpg --size 256 --interpolate 4 --out sheet.png",
		Flags:        slices.Concat(flags, mixFlags(), tableFlags(), engineFlags()),
		OnUsageError: usageError,
		Action:       stylizePictures,
	}
}

func stylizePictures(c *cli.Context) error {
	j, err := newStylizeJob(c)
	if err != nil {
		return err
	}
	engine, err := openEngine(c, style.LoadNetwork)
	if err != nil {
		return err
	}
	defer engine.Close()
	progress := terminal.NewSteps(c.App.ErrWriter, "stylising", j.Results())
	err = j.Run(c.Context, engine, progress)
	progress.Finish()
	if c.Bool("json") {
		err = errors.Join(err, printJSON(c, j.Made))
	}
	return err
}

// newStylizeJob checks everything that can be checked before the first picture is read.
func newStylizeJob(c *cli.Context) (*stylize.Job, error) {
	if err := noFiles(c); err != nil {
		return nil, err
	}
	if len(c.StringSlice("content")) == 0 || c.String("out") == "" {
		return nil, errors.New("--content and --out are both needed; see adain stylize --help")
	}
	j := &stylize.Job{Alpha: float32(c.Float64("alpha")), Size: c.Int("size"), StyleSize: c.Int("style-size"), Out: c.String("out")}
	if !(j.Alpha >= 0 && j.Alpha <= 1) {
		return nil, fmt.Errorf("--alpha is %v, wanted 0 to 1", c.Float64("alpha"))
	}
	if j.Quality = c.Int("quality"); j.Quality < 1 || j.Quality > 100 {
		return nil, fmt.Errorf("--quality is %d, wanted 1 to 100", j.Quality)
	}
	j.Strip, j.KeepProfile = c.Bool("strip"), c.Bool("keep-profile")
	if err := checkSide("size", j.Size); err != nil {
		return nil, err
	}
	if err := checkSide("style-size", j.StyleSize); err != nil {
		return nil, err
	}
	var err error
	if j.Contents, err = files.NamedPictures(c.StringSlice("content")); err != nil {
		return nil, err
	}
	if j.Styles, err = findStyles(c.StringSlice("style")); err != nil {
		return nil, err
	}
	if err := readMix(c, j); err != nil {
		return nil, err
	}
	return j, j.ChooseOut(c.String("format"))
}

// findStyles resolves lists of styles; a built-in name is an input whose path and base are that name.
func findStyles(lists []string) ([]files.File, error) {
	var names []string
	for _, list := range lists {
		for _, name := range style.Split(list) {
			if name == "" {
				return nil, fmt.Errorf("--style %q has an empty name in it", list)
			}
			names = append(names, name)
		}
	}
	return files.NamedPictures(names, ".safetensors")
}
