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
  // Values of a row of cells, the first and the last repeated in front and behind: where they were, so many 64ths of a pixel of the frame away, and
  // how doubtful that is.
  struct Cells {
    const int32_t *x, *y, *doubt;
  };

  // Memory for frames of one shape, level 0 smaller by 2^shift.
  Motion(const adain_cpu_image &form, int shift);
  Motion(const Motion &) = delete;
  bool fits(int shift) const { return shift_ == shift; }

  // Puts the stages of the next frame behind others. With follows and if all regions of before go on when their turn comes, they find where its
  // cells were in the frame before; otherwise they only keep it for the next. before is read during the run only.
  void add(std::vector<Stage *> &stages, const Picture &src, bool follows, const Smoothing &before);

  // A row of cells of the frame, which rest where the stages found none; outside of the frame that of the edge. Each has side() pixels along each side.
  Cells cells(int row) const;
  int cells_across() const { return levels_[0][0].cells_across(); }
  int cells_down() const { return levels_[0][0].cells_down(); }
  int side() const { return 4 << shift_; }

 private:
  struct Vector {
    int x, y;
    bool operator==(const Vector &) const = default;
  };
  // What a patch says of a vector.
  struct Slopes {
    int32_t xx, xy, yy;
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
  // What a search of a level has found, in sixteenths of its pixels.
  struct Field {
    Field(int cols, int rows) : cols(cols), rows(rows), last(size_t(cols) * rows) {}
    Vector at(const std::vector<Vector> &from, int x, int y) const;
    int cols, rows;
    std::vector<Vector> last;
  };
  // What a search needs on its way, for one level after the other. relaxed is in 256ths of a level's pixels, the first of them in sixteenths until
  // the cells have settled.
  struct Working {
    void resize(size_t cells);
    std::vector<Vector> &found() { return relaxed[0]; }
    std::vector<Vector> settled, relaxed[2];
    std::vector<int64_t> cost;
    std::vector<Slopes> slopes;
  };
  // whole is all that is done for a small level, relax_all all passes over one that is not large: each stage has to wait for the last thread.
  enum class Work { light, halve, whole, search, settle, relax_all, relax, check };
  class Step : public Stage {
   public:
    Step(Motion &motion, Work work, int level, int pass = 0);
    int chunks() const override;
    void run(int chunk, int) override;

   private:
    bool undivided() const { return work_ == Work::whole || work_ == Work::relax_all; }
    bool both() const { return work_ >= Work::whole && work_ <= Work::relax; }
    Motion &motion_;
    const Work work_;
    const int level_, pass_;
    Division down_;  // rows, or rows of cells of one direction
  };

  void add_level(int level);
  bool follows() const { return follows_ && before_->continues(); }
  int last() const { return int(levels_[0].size()) - 1; }
  // Whether level l is searched in this direction; 1 is from the frame before to this one.
  bool searched(int level, int direction) const { return direction == 0 || level >= std::min(1, last()); }
  void light(int y) const;
  void halve(int level, int y) const;
  void search(int level, int direction, int y);
  void settle(int level, int direction, int y);
  void relax(int level, int direction, int pass, int y);
  void relax_all(int level, int direction);
  void limit(int level, int direction, int y);
  int doubt(int x, int y) const;
  void spread_doubt(int y, int32_t *out) const;
  void check(int y);
  static Vector limited(const Level &in, int x, int y, Vector v);
  static void match(const Level &in, const MotionPatch &patch, int x, int y, Vector v, MotionMatch *out);

  const int shift_;
  std::vector<Level> levels_[2];  // the next frame becomes levels_[now_]
  std::vector<Field> fields_[2];  // of both directions, one for each level; where one is not searched it is empty
  Working working_[2];            // after a search that of the finest level
  std::vector<int32_t> cells_[3];  // as Cells
  std::vector<Step> keep_, follow_;
  int now_ = 0;
  Picture src_{};
  bool follows_ = false;
  const Smoothing *before_ = nullptr;
};

}  // namespace adain
