// Between 8-bit pictures and the network's R'G'B' in [0,1].
#pragma once

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

// A picture to read. The samples belong to the caller.
struct Picture {
  adain_cpu_image form;
  const uint8_t *plane[3];

  // Rows y0 to y0+rows-1 and columns x0 to x0+cols-1 into rgb (3,rows,cols). One pixel outside the picture is its
  // reflection, further ones are 0.
  void read(int y0, int x0, int rows, int cols, float *rgb) const;

 private:
  void read_row(int y, int x0, int n, float *r, float *g, float *b) const;
};

// A picture to write.
struct Canvas {
  adain_cpu_image form;
  uint8_t *plane[3];
  bool keep_colour;  // see write

  // Three planes of area floats, pitch to a row, go to (y0,x0), both even: rows and cols of them, as far as they lie inside
  // the picture, clamped to [0,1] and rounded to the nearest sample. content gives the alpha and padding samples and,
  // with keep_colour, the chroma, as model.Look.PreserveColor says.
  void write(int y0, int x0, int rows, int cols, float *rgb, int pitch, int area, const Picture &content) const;

 private:
  void write_packed(int y, int x0, int n, const float *r, const float *g, const float *b, const Picture &content) const;
  void write_kept(int y, int x0, int n, const float *r, const float *g, const float *b, const Picture &content) const;
  void copy_chroma(int y, int x0, int n, const Picture &content) const;
  void write_chroma(int y0, int x0, int rows, int n, const float *rgb, int pitch, int area) const;
};

}  // namespace adain
