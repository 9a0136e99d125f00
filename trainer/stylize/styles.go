package stylize

import (
	"context"

	"adainfilter/model"
	"adainfilter/trainer/sheet"
)

// styleColumns are the pictures in a row of StyleSheet.
const styleColumns = 4

// StyleSheet is a sheet of a content and its results in styles of these names, each with its name below. The content is of R'G'B' samples. Errors:
// those of style.Load and of the engine, ctx's cause, a sheet that would be too large.
func StyleSheet(ctx context.Context, engine model.Engine, content *model.Image, contentName string, names []string) (*model.Image, error) {
	layout := sheet.Grid(styleColumns, (len(names)+styleColumns)/styleColumns, content.Width, content.Height+sheet.CaptionHeight)
	layout.Gap, layout.Margin = 8, 8
	page, err := sheet.New(layout)
	if err != nil {
		return nil, err
	}
	page.Put(0, 0, sheet.Captioned(content, contentName))
	result := model.NewImage(content.Format, content.Width, content.Height)
	for i, name := range names {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		stats, err := Statistics(name, 0, engine)
		if err != nil {
			return nil, err
		}
		if err := engine.Stylize(result, content, &model.Stylization{Style: stats, Alpha: 1}); err != nil {
			return nil, err
		}
		page.Put((i+1)%styleColumns, (i+1)/styleColumns, sheet.Captioned(result, name))
	}
	return page.Image(), nil
}
