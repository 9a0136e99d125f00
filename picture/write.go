package picture

import (
	"bufio"
	"fmt"
	"image/jpeg"
	"image/png"
	"io"
	"os"
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
	err := replace(path, func(w io.Writer) error {
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

// replace writes a file under a temporary name beside path, waits until the disk has it, and renames it.
func replace(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".adain-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	buffered := bufio.NewWriterSize(f, 1<<16)
	if err := write(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	// CreateTemp lets only the owner read.
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
