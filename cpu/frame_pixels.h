// Between 8-bit pictures and the network's R'G'B' in [0,1].
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine.h"

namespace adain {

// Reflection without repeating the edge: -1 is 1, n is n-2. A side of one pixel repeats it.
inline int mirror(int i, int n) {
  if (n == 1) return 0;
  if (i < 0) i = -i;
  if (i >= n) i = 2 * n - 2 - i;
  return i;
}

// One plane of a picture, without gaps in a row.
struct Plane {
  int cols, rows, pixel_bytes;
  size_t bytes() const { return size_t(cols) * pixel_bytes; }
};

inline bool is_yuv(const adain_cpu_image &form) { return form.format >= ADAIN_NV12; }
inline int planes(const adain_cpu_image &form) { return is_yuv(form) ? form.format == ADAIN_NV12 ? 2 : 3 : 1; }
Plane plane(const adain_cpu_image &form, int i);
// Format and size.
inline bool same_shape(const adain_cpu_image &a, const adain_cpu_image &b) {
  return a.format == b.format && a.width == b.width && a.height == b.height;
}

// A picture to read. The samples belong to the caller.
struct Picture {
  adain_cpu_image form;
  const uint8_t *plane[3];

  // Rows y0 to y0+rows-1 and columns x0 to x0+cols-1 into rgb (3,rows,cols). One pixel outside the picture is its
  // reflection, further ones are 0.
  void read(int y0, int x0, int rows, int cols, float *rgb) const;

  // n pixels of row y from x0 on.
  void read_row(int y, int x0, int n, float *r, float *g, float *b) const;

  const uint8_t *row(int i, int y) const { return plane[i] + size_t(y) * form.stride[i]; }

  // The luminances of row y, 0 to 255: Y, or what the matrix makes of R, G and B.
  void luminance(int y, float *out) const;
};

// A picture to write.
struct Canvas {
  adain_cpu_image form;
  uint8_t *plane[3];
  bool preserve_color;  // see write

  // Three planes of area floats, pitch to a row, go to (y0,x0), both even: rows and cols of them, as far as they lie inside
  // the picture, clamped to [0,1] and rounded to the nearest sample. content gives the alpha and padding samples and,
  // with preserve_color, the chroma, as model.Stylization.PreserveColor says.
  void write(int y0, int x0, int rows, int cols, float *rgb, int pitch, int area, const Picture &content) const;

  // Gives row y the chroma of content, as preserve_color does. samples has the row's samples and may lie where this picture does; in a YUV
  // format the luminance must be written already.
  void recolour(int y, const Picture &samples, const Picture &content) const;

  uint8_t *row(int i, int y) const { return plane[i] + size_t(y) * form.stride[i]; }

 private:
  void write_packed(int y, int x0, int n, const float *r, const float *g, const float *b, const Picture &content) const;
  void write_preserved(int y, int x0, int n, const float *r, const float *g, const float *b, const Picture &content) const;
  void copy_chroma(int y, int x0, int n, const Picture &content) const;
  void write_chroma(int y0, int x0, int rows, int n, const float *rgb, int pitch, int area) const;
};

}  // namespace adain
