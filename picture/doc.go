// Package picture reads, resizes and writes picture files: JPEG, PNG, WebP, GIF (first frame), BMP, TIFF, PNM in, PNG and
// JPEG out. What comes out of a file is a model.Image in host memory, RGB, or RGBA where the file has transparent pixels,
// the right way up. Colour profiles are not applied.
//
// Files are taken to be hostile: the header is read first, and a picture over the limit is refused before memory for its
// pixels is taken.
package picture
