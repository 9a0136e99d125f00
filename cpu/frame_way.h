// Where the samples of a row were in the frame before.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "frame_motion.h"
#include "frame_pixels.h"
#include "kernel_motion.h"

namespace adain {

// The cells of a frame as a channel sees them.
struct Grid {
  Grid(const adain_cpu_image &form, int c, const Motion &motion);
  int row_above(int y) const { return (2 * y + 1 - (1 << log_y)) >> (log_y + 1); }  // of cells, above the middle of row y
  const int sub_x, sub_y, cols, rows, log_x, log_y;  // a cell has 2^log samples
};

// A row of a channel, as model/motion.go defines it. It keeps its memory for others.
class Way {
 public:
  // Finds the way of row y.
  void find(const Grid &grid, const Motion &motion, int y);

  // The samples of a channel of the frame before, or of its result, as they come along, bilinear or cubic. out has room for 32 more.
  template <class Sample>
  void take(const Picture &from, int c, bool cubic, Sample *out) const;

 private:
  // Samples of which all are as far from where they were, or not.
  struct Run {
    int begin, end;
    enum { rests, moves, bends } kind;
    int x, y;  // sixteenths, of rests and moves
  };
  void reserve(int width, int cells);
  void add(const Grid &grid, int begin, int end, int cell);

  int row_ = 0;
  std::vector<int32_t> x_, y_;            // places in sixteenths, of runs that bend
  std::vector<int32_t> cells_x_, cells_y_;  // of the row, in the middle of cells
  std::vector<Run> runs_;
};

// Values of row y between the middles of cells, as many as a channel has samples: of doubts and gains. above and below are those of the two rows of cells,
// one more on either side. They are the calling thread's until the next call.
const int32_t *spread_row(const Grid &grid, const int32_t *above, const int32_t *below, int y, int cells);

}  // namespace adain
