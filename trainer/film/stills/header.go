package stills

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"io"

	// The kinds of pictures whose heads say how many bits samples have.
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// heading is what a picture's head says.
type heading struct {
	alpha bool
	bits  int
}

// header reads a picture's head. A kind that is not known here has 8 bits and no transparency.
func header(path string) (heading, error) {
	file, _, err := openFile(path)
	if err != nil {
		return heading{}, fmt.Errorf("picture %q: %w", path, err)
	}
	defer file.Close()
	h := heading{bits: 8}
	config, _, err := image.DecodeConfig(file)
	if err != nil {
		if alpha, ok := headerEXR(file); ok {
			h = heading{alpha: alpha, bits: 16}
		}
		return h, nil
	}
	switch config.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model:
		h.alpha, h.bits = config.ColorModel == color.NRGBA64Model, 16
	case color.Gray16Model:
		h.bits = 16
	case color.NRGBAModel, color.NYCbCrAModel:
		h.alpha = true
	}
	if p, ok := config.ColorModel.(color.Palette); ok {
		for _, c := range p {
			if _, _, _, a := c.RGBA(); a != 0xffff {
				h.alpha = true
			}
		}
	}
	return h, nil
}

// headerEXR says whether an OpenEXR file has a channel of transparency, or that it is none. Its head is a list of names, types, sizes and values (OpenEXR File
// Layout, "Header Attributes"), in which the channels come early.
func headerEXR(file io.ReaderAt) (alpha, ok bool) {
	head := make([]byte, 64<<10)
	n, _ := file.ReadAt(head, 0)
	head = head[:n]
	if n < 8 || string(head[:4]) != "\x76\x2f\x31\x01" {
		return false, false
	}
	text := func() string {
		word, rest, _ := bytes.Cut(head, []byte{0})
		head = rest
		return string(word)
	}
	for head = head[8:]; ; {
		name, kind := text(), text()
		if name == "" || len(head) < 4 {
			return false, true
		}
		size := int64(binary.LittleEndian.Uint32(head))
		head = head[4:]
		if size > int64(len(head)) {
			return false, true
		}
		rest := head[size:]
		if kind == "chlist" {
			const described = 16 // bytes behind a channel's name
			for head = head[:size]; len(head) > described; head = head[min(described, len(head)):] {
				if text() == "A" {
					return true, true
				}
			}
		}
		head = rest
	}
}

// IsPicture says whether a file is a picture of a kind that is known here.
func IsPicture(path string) bool {
	file, _, err := openFile(path)
	if err != nil {
		return false
	}
	defer file.Close()
	_, _, err = image.DecodeConfig(file)
	return err == nil
}
