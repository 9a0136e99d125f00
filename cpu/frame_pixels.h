// Between pictures and the network's R'G'B' in [0,1]. Inside of the engine a picture's channels are planes of their own, whatever the format:
// frame_packing.h makes them so.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine.h"
#include "kernel_samples.h"

namespace adain {

// Reflection without repeating the edge: -1 is 1, n is n-2. A side of one pixel repeats it.
inline int mirror(int i, int n) {
  if (n == 1) return 0;
  if (i < 0) i = -i;
  if (i >= n) i = 2 * n - 2 - i;
  return i;
}

inline bool is_rgb(const adain_cpu_image &form) { return form.colour == ADAIN_COLOUR_RGB; }
// Whether channel c has a sample for several pixels.
inline bool shared(const adain_cpu_image &form, int c) { return c > 0 && form.colour == ADAIN_COLOUR_YUV && form.sub_x + form.sub_y > 0; }
inline bool shares_chroma(const adain_cpu_image &form) { return shared(form, 1); }
// The powers of two of pixels that a sample of channel c has along each side.
inline int sub_x(const adain_cpu_image &form, int c) { return shared(form, c) ? form.sub_x : 0; }
inline int sub_y(const adain_cpu_image &form, int c) { return shared(form, c) ? form.sub_y : 0; }
inline int cols(const adain_cpu_image &form, int c) { return shared(form, c) ? (form.width + (1 << form.sub_x) - 1) >> form.sub_x : form.width; }
inline int rows(const adain_cpu_image &form, int c) { return shared(form, c) ? (form.height + (1 << form.sub_y) - 1) >> form.sub_y : form.height; }
inline int sample_bytes(const adain_cpu_image &form) { return form.depth > 8 ? 2 : 1; }
// One code of 8 bits.
inline float unit(const adain_cpu_image &form) { return float(1 << (form.depth - 8)); }
// Format and size.
inline bool same_shape(const adain_cpu_image &a, const adain_cpu_image &b) {
  return a.format == b.format && a.width == b.width && a.height == b.height;
}

// Calls use with a Sample of the kind that a picture has.
template <class Use>
void with_samples(const adain_cpu_image &form, Use use) {
  if (sample_bytes(form) == 1)
    use(uint8_t());
  else
    use(uint16_t());
}

// The caller's picture: planes as its format has them.
struct Frame {
  adain_cpu_image form;
  uint8_t *plane[4];
  uint8_t *row(int i, int y) const { return plane[i] + size_t(y) * form.stride[i]; }
};

// A picture whose channels are planes of their own, of bytes or words of two.
struct Picture {
  adain_cpu_image form;
  uint8_t *channel[3];
  size_t pitch[3];  // bytes from row to row

  template <class Sample>
  Sample *row(int c, int y) const {
    return reinterpret_cast<Sample *>(channel[c] + size_t(y) * pitch[c]);
  }
  uint8_t *bytes(int c, int y) const { return channel[c] + size_t(y) * pitch[c]; }
  size_t row_bytes(int c) const { return size_t(cols(form, c)) * sample_bytes(form); }

  // Copies a channel's samples from a picture of the same shape where row y of the picture is the first that has them.
  void copy_row(int c, int y, const Picture &from) const;

  // Rows y0 to y0+rows-1 and columns x0 to x0+cols-1 into rgb (3,rows,cols). One pixel outside the picture is its
  // reflection, further ones are 0.
  void read(int y0, int x0, int rows, int cols, float *rgb) const;

  // n pixels of row y from x0 on.
  void read_row(int y, int x0, int n, float *r, float *g, float *b) const;

  // The luminances of row y on the scale of 8 bits: Y, or what BT.601 makes of R, G and B.
  void luminance(int y, float *out) const;
};

// A picture to write.
struct Canvas {
  Picture picture;
  bool preserve_color;  // see write
  // Where pixels share chroma: that of each pixel, Cb and Cr (rows,cols), on a scale of 16 bits. GatherChroma makes samples of it.
  uint16_t *chroma[2];

  // Three planes of area floats, pitch to a row, go to (y0,x0): rows and cols of them, as far as they lie inside the picture, clamped to
  // [0,1] and rounded to the nearest sample. With preserve_color content gives the colours, as model.Stylization.PreserveColor says; in YUV
  // formats chroma is left alone then.
  void write(int y0, int x0, int rows, int cols, float *rgb, int pitch, int area, const Picture &content) const;

  // Gives row y the colours of content, as preserve_color does. samples has the row's samples and may lie where this picture does; in a
  // YUV format the luminance must be written already.
  void recolour(int y, const Picture &samples, const Picture &content) const;
};

}  // namespace adain
