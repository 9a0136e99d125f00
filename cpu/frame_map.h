// Feature maps between layers.
#pragma once

#include <cstddef>
#include <cstring>

#include "engine_memory.h"
#include "frame_pixels.h"
#include "kernel_network.h"

namespace adain {

// What the one pixel around a map holds: the reflection of the map (before a 3x3 convolution), or its edge again (before a
// folded upsampling: behind nearest the reflection of the doubled map is just that, behind bilinear its repetition).
enum class Border { reflect, replicate };

// A map (rows,cols,channels) with a one-pixel border: (rows+2, cols+2, channels) without gaps.
struct Map {
  char *data = nullptr;
  int rows = 0, cols = 0;
  size_t pixel = 0;  // bytes of one pixel
  Number number = Number::float32;
  Border border = Border::reflect;

  size_t pitch() const { return (cols + 2) * pixel; }
  // One row more than the border: the last chunk before a pooling of odd height reads it.
  size_t bytes() const { return (rows + 3) * pitch(); }
  // Pixel (y,x); -1 and rows or cols are the border.
  char *at(int y, int x) const { return data + size_t(y + 1) * pitch() + size_t(x + 1) * pixel; }

  // Writes the border that depends on row y, which must be complete.
  void finish_row(int y) const {
    const bool reflect = border == Border::reflect;
    std::memcpy(at(y, -1), at(y, reflect ? mirror(-1, cols) : 0), pixel);
    std::memcpy(at(y, cols), at(y, reflect ? mirror(cols, cols) : cols - 1), pixel);
    if (y == (reflect ? mirror(-1, rows) : 0)) std::memcpy(at(-1, -1), at(y, -1), pitch());
    if (y == (reflect ? mirror(rows, rows) : rows - 1)) std::memcpy(at(rows, -1), at(y, -1), pitch());
  }
};

}  // namespace adain
