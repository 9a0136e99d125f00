package picture

import (
	"fmt"
	"image/jpeg"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"adainfilter/model"
)

// quality of JPEG files: at 95 the coding is invisible beside the brushwork.
const quality = 95

// Write stores an RGB or RGBA image as PNG or JPEG, which the name's end decides (.png, .jpg, .jpeg). JPEG knows no
// transparency: it gets the image on white. The file appears under its name only when it is complete, and replaces one
// that was there. Errors name the file.
func Write(path string, img *model.Image) error {
	if err := CanWrite(path); err != nil {
		return err
	}
	if img.Format != model.RGB && img.Format != model.RGBA {
		return fmt.Errorf("picture %q: the image is %v, wanted RGB or RGBA", path, img.Format)
	}
	err := model.WriteFile(path, func(w io.Writer) error {
		if strings.EqualFold(filepath.Ext(path), ".png") {
			return png.Encode(w, standard(img))
		}
		return jpeg.Encode(w, standard(OnWhite(img)), &jpeg.Options{Quality: quality})
	})
	if err != nil {
		return fmt.Errorf("picture %q cannot be written: %w", path, reason(err))
	}
	return nil
}

// CanWrite reports a name whose end Write does not know.
func CanWrite(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png", ".jpg", ".jpeg":
		return nil
	}
	return fmt.Errorf("picture %q: the name ends in %q, wanted .png, .jpg or .jpeg", path, filepath.Ext(path))
}
