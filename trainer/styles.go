package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/picture/style"
	"adainfilter/trainer/sheet"
	"adainfilter/trainer/stylize"
)

// styleSheetSide is the short side of each picture on the sheet, in pixels.
const styleSheetSide = 240

func stylesCommand() *cli.Command {
	flags := []cli.Flag{
		weightsFlag(),
		&cli.StringFlag{Name: "sheet", Usage: "write a sheet that shows what each style does, a `PICTURE` such as styles.png"},
		&cli.StringFlag{Name: "content", Usage: "the `PICTURE` on the sheet; a drawn landscape by default"},
		jsonFlag("the names"),
	}
	return &cli.Command{
		Name:  "styles",
		Usage: "list the built-in styles, and show them",
		Description: "Names for --style and for the element's property style. Each built-in network has them all; of a file of weights it is the styles\n" +
			"that it carries.\n\n" +
			"Examples:\n" +
			"  adain styles\n" +
			"  adain styles --sheet styles.png --content photo.jpg\n" +
			"  adain styles --weights mine.safetensors",
		Flags:        append(flags, engineFlags()...),
		OnUsageError: usageError,
		Action:       listStyles,
	}
}

// namedStyle is a line of the list, as JSON.
type namedStyle struct {
	Name    string `json:"name"`
	Default bool   `json:"default"`
}

func listStyles(c *cli.Context) error {
	if err := noFiles(c); err != nil {
		return err
	}
	if c.IsSet("content") && !c.IsSet("sheet") {
		return fmt.Errorf("--content is the picture on a sheet, and --sheet is missing; see adain styles --help")
	}
	w, err := style.LoadNetwork(c.String("weights"))
	if err != nil {
		return err
	}
	names, usual := style.Names(w), ""
	if len(w.Styles) == 0 {
		usual = model.DefaultStyle
	}
	if c.IsSet("sheet") {
		if err := writeStyleSheet(c, names); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		list := make([]namedStyle, 0, len(names))
		for _, name := range names {
			list = append(list, namedStyle{name, name == usual})
		}
		return printJSON(c, list)
	}
	for _, name := range names {
		if name == usual {
			name += " (default)"
		}
		fmt.Fprintln(c.App.Writer, name)
	}
	return nil
}

func writeStyleSheet(c *cli.Context, names []string) error {
	out := c.String("sheet")
	if err := picture.CanWrite(out); err != nil {
		return fmt.Errorf("--sheet: %w", err)
	}
	content, name := sheet.Landscape(styleSheetSide*4/3, styleSheetSide), "as it is"
	if path := c.String("content"); path != "" {
		photo, err := picture.Read(path, picture.Limit{})
		if err != nil {
			return fmt.Errorf("--content: %w", err)
		}
		content = picture.OnWhite(picture.ShortSide(photo, styleSheetSide))
		name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	engine, err := openEngine(c, style.LoadNetwork)
	if err != nil {
		return err
	}
	defer engine.Close()
	page, err := stylize.StyleSheet(c.Context, engine, content, name, names)
	if err != nil {
		return err
	}
	return picture.Write(out, page)
}
