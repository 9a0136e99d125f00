// Package vips reads and writes pictures with libvips, which it opens when the first picture needs it: the kinds that package picture does
// not know (HEIC, AVIF, JPEG XL, JPEG 2000, OpenEXR, PFM), samples and colour models that Go's decoders lack, and large pictures, which
// libvips decodes in strips. Only the command imports it: what the plugin loads into other programs stays light, and written in Go.
package vips

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "vips.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"unsafe"

	"adainfilter/model"
	"adainfilter/picture"
)

// loaders are the operations that read a kind. They are asked by name: libvips could read much more, by libraries that are not made for
// files of strangers.
var loaders = map[string]string{
	"JPEG": "jpegload", "PNG": "pngload", "WebP": "webpload", "GIF": "gifload", "TIFF": "tiffload", "PNM": "ppmload", "PFM": "ppmload",
	"HEIC": "heifload", "AVIF": "heifload", "JPEG XL": "jxlload", "JPEG 2000": "jp2kload", "OpenEXR": "openexrload",
}

// savers are the operations that write the kind of a name's end.
var savers = map[string]string{
	".jpg": "jpegsave_buffer", ".webp": "webpsave_buffer", ".avif": "heifsave_buffer", ".heic": "heifsave_buffer", ".jxl": "jxlsave_buffer",
	".tif": "tiffsave_buffer", ".tiff": "tiffsave_buffer", ".jp2": "jp2ksave_buffer",
}

// Codec is libvips. Its methods may be called by several threads at a time.
type Codec struct{ version [2]C.int }

// Open opens libvips, the first time; it stays open. The error says what to install.
var Open = sync.OnceValues(func() (picture.Codec, error) {
	var text [C.VIPS_ERROR]C.char
	c := &Codec{}
	if C.vips_open(&text[0], &c.version[0]) != 0 {
		return nil, fmt.Errorf("that needs libvips, of Debian's package libvips42 (libvips42t64 from Debian 13 on), which cannot be opened (%s)", C.GoString(&text[0]))
	}
	return c, nil
})

// Version is that of libvips, such as "8.14".
func (c *Codec) Version() string { return fmt.Sprintf("%d.%d", c.version[0], c.version[1]) }

// open opens a picture for reading; finish must be called.
func (c *Codec) open(path, kind string, deep, keep bool, factor int) (*C.struct_vips_picture, error) {
	loader := loaders[kind]
	if loader == "" || !has(loader) {
		return nil, fmt.Errorf("is a %s picture, which the installed libvips %s does not read", kind, c.Version())
	}
	name, operation := C.CString(path), C.CString(loader)
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(operation))
	var text [C.VIPS_ERROR]C.char
	p := &C.struct_vips_picture{}
	if C.vips_read(name, operation, boolean(deep), boolean(keep), C.int(factor), p, &text[0]) != 0 {
		return nil, fmt.Errorf("is a %s file that cannot be decoded: %w", kind, errors.New(C.GoString(&text[0])))
	}
	return p, nil
}

func boolean(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

func has(operation string) bool {
	name := C.CString(operation)
	defer C.free(unsafe.Pointer(name))
	return C.vips_has(name) != 0
}

// onThread keeps the goroutine on one thread until what it returns is called: libvips ends the program where another one goes on.
func onThread() func() {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

// Size is that of picture.Codec.
func (c *Codec) Size(path, kind string) (width, height int, err error) {
	width, height, _, err = c.head(path, kind)
	return width, height, err
}

// head is the size of a picture and whether its profile is that of sRGB.
func (c *Codec) head(path, kind string) (width, height int, srgb bool, err error) {
	defer onThread()()
	p, err := c.open(path, kind, false, true, 1)
	if err != nil {
		return 0, 0, false, err
	}
	defer C.vips_close(p)
	return int(p.width), int(p.height), picture.IsSRGB(C.GoBytes(p.profile, C.int(p.profile_size))), nil
}

// strip is how many rows are decoded at a time.
const strip = 128

// Read is that of picture.Codec. Errors are the second half of a sentence about the picture.
func (c *Codec) Read(path, kind string, o picture.Options) (*picture.Photo, error) {
	defer onThread()()
	width, height, srgb, err := c.head(path, kind)
	if err != nil {
		return nil, err
	}
	if err := o.Check(width, height); err != nil {
		return nil, err
	}
	p, err := c.open(path, kind, o.Deep, o.KeepProfile || srgb, picture.ShrinkFactor(width, height, o.Shrink))
	if err != nil {
		return nil, err
	}
	defer C.vips_close(p)
	w, h, n := int(p.width), int(p.height), int(p.bands)
	format := map[int]model.Format{3: model.RGB, 4: model.RGBA}[n]
	if n < 3 {
		return nil, fmt.Errorf("is a %s file of %d channels, wanted 3 or 4", kind, n)
	}
	bytes := int64(w) * int64(h) * int64(n)
	if p.deep != 0 {
		bytes *= 3
	}
	if err := model.CheckMemory(bytes); err != nil {
		return nil, fmt.Errorf("has %dx%d pixels: %w", w, h, err)
	}
	photo := &picture.Photo{Image: model.NewImage(format, w, h)}
	if kind != "JPEG 2000" && kind != "TIFF" { // whose pages are sizes of one picture, or sheets
		photo.Frames = int(p.pages)
	}
	if p.deep != 0 {
		photo.Deep = make([]uint16, n*w*h)
	}
	for y := 0; y < h; y += strip {
		rows := min(strip, h-y)
		to := photo.Image.Planes[0].Data[n*w*y : n*w*(y+rows)]
		at := unsafe.Pointer(&to[0])
		if photo.Deep != nil {
			at = unsafe.Pointer(&photo.Deep[n*w*y])
		}
		var text [C.VIPS_ERROR]C.char
		if C.vips_fetch(p, C.int(y), C.int(rows), at, &text[0]) != 0 {
			return nil, fmt.Errorf("is a %s file that is damaged or cut short: %s", kind, C.GoString(&text[0]))
		}
		if photo.Deep != nil {
			for i := range to {
				to[i] = uint8(photo.Deep[n*w*y+i] >> 8)
			}
		}
	}
	if photo.Deep != nil && n == 4 && p.linear != 0 && (c.version[0] < 8 || c.version[0] == 8 && c.version[1] < 15) {
		// These count transparency in steps of 256 up to 255 of them.
		for i := 3; i < len(photo.Deep); i += 4 {
			v := min(photo.Deep[i], 255<<8)
			photo.Deep[i] = v + v>>8
		}
	}
	photo.Exif = C.GoBytes(p.exif, C.int(p.exif_size))
	if o.KeepProfile {
		photo.Profile = C.GoBytes(p.profile, C.int(p.profile_size))
	}
	return photo.Finish(kind == "HEIC" || kind == "AVIF"), nil
}

// Writes is that of picture.Codec.
func (c *Codec) Writes(end string) bool { return savers[end] != "" && has(savers[end]) }

// optimized is how many pixels a JPEG may have for tables of its own, for which all its coefficients must be in memory: 6 bytes a pixel.
const optimized = 32 << 20

// Write is that of picture.Codec. The picture is in memory as a whole before the first byte is written.
func (c *Codec) Write(out io.Writer, end string, p *picture.Photo, quality int) error {
	defer onThread()()
	img := p.Image
	n := img.Planes[0].Stride / img.Width
	r := C.struct_vips_result{width: C.int(img.Width), height: C.int(img.Height), bands: C.int(n), quality: C.int(quality)}
	if int64(img.Width)*int64(img.Height) < optimized {
		r.optimize = 1
	}
	samples := unsafe.Pointer(&img.Planes[0].Data[0])
	if p.Deep != nil && end != ".webp" && end != ".heic" {
		r.deep, samples = 1, unsafe.Pointer(&p.Deep[0])
	}
	if end == ".tiff" {
		end = ".tif"
	}
	name := C.CString(end)
	defer C.free(unsafe.Pointer(name))
	exif, profile := C.CBytes(slices.Concat([]byte("Exif\x00\x00"), p.Exif)), C.CBytes(p.Profile)
	defer C.free(exif)
	defer C.free(profile)
	var pinner runtime.Pinner // the samples stay where they are: a copy may be a gigabyte
	defer pinner.Unpin()
	pinner.Pin(samples)
	r.samples = samples
	if p.Exif != nil {
		r.exif, r.exif_size = exif, C.size_t(len(p.Exif)+6)
	}
	if p.Profile != nil {
		r.profile, r.profile_size = profile, C.size_t(len(p.Profile))
	}
	var text [C.VIPS_ERROR]C.char
	var data unsafe.Pointer
	var size C.size_t
	if C.vips_write(&r, name, &data, &size, &text[0]) != 0 {
		return errors.New(C.GoString(&text[0]))
	}
	defer C.vips_free(data)
	file := unsafe.Slice((*byte)(data), int(size))
	if p.Exif != nil && (end == ".jxl" || end == ".jp2") && !hasExif(file) {
		file = withExif(end, slices.Clone(file), p.Exif)
	}
	if p.Exif != nil && end == ".tif" {
		file = picture.IntoTIFF(slices.Clone(file), p.Exif)
	}
	_, err := out.Write(file)
	return err
}
