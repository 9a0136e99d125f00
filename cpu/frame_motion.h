// The motion between a frame and the one before.
#pragma once

#include <vector>

#include "frame_buffer.h"
#include "frame_smoothing.h"
#include "frame_stages.h"
#include "kernel_motion.h"

namespace adain {

// Where the cells of a frame were, as model/motion.go defines it.
class Motion {
 public:
  // Where a cell was: so many sixteenths of a pixel of the frame away.
  struct Cell {
    int x, y;
    bool doubtful;
  };

  // Memory for frames of one shape, level 0 smaller by 2^shift.
  Motion(const adain_cpu_image &form, int shift);
  Motion(const Motion &) = delete;
  bool fits(int shift) const { return shift_ == shift; }

  // Puts the stages of the next frame behind others. With follows and if all regions of before go on when their turn comes, they find where its
  // cells were in the frame before; otherwise they only keep it for the next. before is read during the run only.
  void add(std::vector<Stage *> &stages, const Picture &src, bool follows, const Smoothing &before);

  // The cells of the frame, which rest where the stages found none. Each has side() pixels along each side.
  const Cell *cells(int row) const { return &cells_[size_t(row) * cells_across()]; }
  int cells_across() const { return levels_[0][0].cells_across(); }
  int cells_down() const { return levels_[0][0].cells_down(); }
  int side() const { return 4 << shift_; }

 private:
  struct Vector {
    int x, y;
    bool operator==(const Vector &) const = default;
  };
  // Luminances with a border that repeats the edge.
  struct Level {
    Level(int cols, int rows);
    int cells_across() const { return (cols + 3) / 4; }
    int cells_down() const { return (rows + 3) / 4; }
    uint8_t *at(int x, int y) const;
    void finish_row(int y) const;
    int cols, rows;
    size_t pitch;
    Memory memory;
  };
  struct Field {
    explicit Field(const Level &level);
    Vector at(const std::vector<Vector> &from, int x, int y) const;
    int cols, rows;
    std::vector<Vector> found, settled;
    std::vector<int64_t> cost;
  };
  enum class Work { light, halve, search, settle, check };
  class Step : public Stage {
   public:
    Step(Motion &motion, Work work, int level);
    int chunks() const override;
    void run(int chunk, int) override;

   private:
    Motion &motion_;
    const Work work_;
    const int level_;
    Division down_;  // rows, or rows of cells of one direction
  };

  bool follows() const { return follows_ && before_->continues(); }
  int last() const { return int(levels_[0].size()) - 1; }
  // Whether level l is searched in this direction; 1 is from the frame before to this one.
  bool searched(int level, int direction) const { return direction == 0 || level >= std::min(1, last()); }
  void light(int y) const;
  void halve(int level, int y) const;
  void search(int level, int direction, int y);
  void settle(int level, int direction, int y);
  void check(int y);
  static Vector limited(const Level &in, int x, int y, Vector v);
  static void match(const Level &in, const MotionPatch &patch, int x, int y, Vector v, MotionMatch *out);

  const int shift_;
  std::vector<Level> levels_[2];  // the next frame becomes levels_[now_]
  std::vector<Field> fields_[2];  // of both directions, one for each level
  std::vector<Cell> cells_;
  std::vector<Step> keep_, follow_;
  int now_ = 0;
  Picture src_{};
  bool follows_ = false;
  const Smoothing *before_ = nullptr;
};

}  // namespace adain
