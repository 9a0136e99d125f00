// A batch of feature maps in training, and loops over its parts.
#pragma once

#include <utility>

#include "engine_threads.h"
#include "frame_map.h"

namespace adain {

// Runs work(i, thread) for i from 0 to n-1 on the team; the calling thread waits.
template <class Work>
void each(Threads &threads, int n, Work work) {
  struct Loop : Stage {
    Loop(int n, Work &work) : n(n), work(work) {}
    int chunks() const override { return n; }
    void run(int i, int thread) override { work(i, thread); }
    int n;
    Work &work;
  } loop(n, work);
  if (n > 0) threads.run({&loop});
}

// count maps (rows,cols,channels) of float, each with a border on all sides, without gaps. Copies share the memory, which
// belongs to whoever took it.
struct Maps {
  float *data = nullptr;
  int count = 0, rows = 0, cols = 0, channels = 0, border = 0;
  bool repeat = false;  // a border of one pixel repeats the edge instead of reflecting

  size_t pitch() const { return size_t(cols + 2 * border) * channels; }
  size_t one() const { return size_t(rows + 2 * border) * pitch(); }
  size_t floats() const { return count * one(); }
  size_t row() const { return size_t(cols) * channels; }  // floats of a row without its border
  float *at(int n, int y, int x) const { return data + n * one() + size_t(y + border) * pitch() + size_t(x + border) * channels; }

  // Writes the border of one pixel that depends on row y of map n, which must be complete.
  void finish_row(int n, int y) const {
    const size_t pixel = sizeof(float) * channels, line = sizeof(float) * pitch();
    std::memcpy(at(n, y, -1), at(n, y, repeat ? 0 : mirror(-1, cols)), pixel);
    std::memcpy(at(n, y, cols), at(n, y, repeat ? cols - 1 : mirror(cols, cols)), pixel);
    if (y == (repeat ? 0 : mirror(-1, rows))) std::memcpy(at(n, -1, -1), at(n, y, -1), line);
    if (y == (repeat ? rows - 1 : mirror(rows, rows))) std::memcpy(at(n, rows, -1), at(n, y, -1), line);
  }

  // Zeros the border next to row y of map n.
  void clear(int n, int y) const {
    const size_t side = sizeof(float) * border * channels, lines = sizeof(float) * border * pitch();
    std::memset(at(n, y, -border), 0, side);
    std::memset(at(n, y, cols), 0, side);
    if (y == 0) std::memset(at(n, -border, -border), 0, lines);
    if (y == rows - 1) std::memset(at(n, rows, -border), 0, lines);
  }
};

// Memory that grows to the largest size wanted and is used for one purpose at a time.
class Workspace {
 public:
  char *bytes(size_t count) {
    if (count > count_) {
      memory_.reset();
      count_ = 0;
      memory_ = allocate(count);
      count_ = count;
    }
    return memory_.get();
  }
  float *floats(size_t count) { return reinterpret_cast<float *>(bytes(4 * count)); }
  Maps maps(int count, int rows, int cols, int channels, int border) {
    Maps m{nullptr, count, rows, cols, channels, border};
    m.data = floats(m.floats());
    return m;
  }

 private:
  Memory memory_;
  size_t count_ = 0;
};

}  // namespace adain
