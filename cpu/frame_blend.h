// The temporal blend: pixels of a film's results rest where its frames do.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "frame_buffer.h"
#include "frame_motion.h"
#include "frame_stages.h"
#include "frame_way.h"

namespace adain {

// The result in dst is blended with that of the frame before, as model/smoothing.go and model/motion.go define it, in groups of rows.
class TemporalBlend : public Stage {
 public:
  // Memory for frames of one shape. With motion_shift, a model.MotionShift, pixels follow the motion; 0 lets them stay where they are.
  TemporalBlend(const adain_cpu_image &form, int motion_shift);
  TemporalBlend(const TemporalBlend &) = delete;
  bool fits(const adain_cpu_image &form) const { return same_shape(form, result_.form); }
  // Another motion_shift from the next frame on. Throws std::bad_alloc, and nothing has changed then.
  void follow(int motion_shift);

  struct Next {
    Canvas dst;              // holds the result without preserve_color, which is heeded here
    Picture src;             // the frame
    int weight;              // model.BlendWeight
    bool blended;            // with the frame before, if all regions of before go on when its turn comes
    bool moves;              // the motion since then can be told
    const Smoothing *before;  // read during the run only
  };
  // Puts the stages of the next frame behind others.
  void add(std::vector<Stage *> &stages, const Next &next);

  int chunks() const override { return down_.count; }
  void run(int chunk, int) override;

 private:
  struct Lines;
  // Keeps the frame, and the blended result along the motion, for the next frame, when nothing reads those of before any more.
  class Keep : public Stage {
   public:
    explicit Keep(TemporalBlend &blend) : blend_(blend) {}
    int chunks() const override { return blend_.down_.count; }
    void run(int chunk, int) override;

   private:
    TemporalBlend &blend_;
  };
  // Shows the blended result, sharpened.
  class Show : public Stage {
   public:
    explicit Show(TemporalBlend &blend) : blend_(blend) {}
    int chunks() const override { return blend_.down_.count; }
    void run(int chunk, int) override;

   private:
    TemporalBlend &blend_;
  };
  void divide();
  template <class Sample>
  void run_rows(int begin, int end) const;
  template <class Sample>
  void apart(Lines &l, const Picture &a, const Picture &b, int first, int end, int y, bool along, uint8_t *other, uint8_t *out) const;
  template <class Sample>
  void change(Lines &l, int y) const;
  template <class Sample>
  void change(Lines &l, int y, bool along, uint8_t *covering, int &covers, uint8_t *out) const;
  void moved(Lines &l, uint8_t *const *changes, int y, uint8_t *d) const;
  template <class Sample>
  void blend(Lines &l, int y) const;
  template <class Sample>
  void blend_chroma(Lines &l, int y) const;
  int rows() const { return motion_ ? motion_->side() : 2; }  // of a unit of down_
  std::pair<int, int> rows(int chunk) const;                  // the first and that behind the last
  int alike() const { return next_.src.form.colour == ADAIN_COLOUR_YUV ? 1 : next_.src.form.channels; }  // first channels, which move together
  int luminous() const { return is_rgb(next_.src.form) ? 3 : 1; }  // first channels, which have luminance

  // What belongs to motion, frame_follow.cpp.
  const Way &way(Lines &l, int c, int y) const;
  void doubt(Lines &l, int y) const;
  template <class Sample>
  void find_still(Lines &l, int y) const;
  template <class Sample>
  void follow_in_place(Lines &l, int first, int end, int y, const uint8_t *e, const uint8_t *d) const;
  template <class Sample>
  void follow(Lines &l, int first, int end, int y, const uint8_t *e, const uint8_t *d) const;
  static bool trusted(const uint8_t *d, int n);
  template <class Sample>
  void follow_row(Lines &l, int y) const;
  void measure(int row, std::vector<uint32_t> &steps) const;
  int gain(int x, int y) const;
  template <class Sample>
  void show(int y, const int32_t *above, const int32_t *below) const;

  FrameBuffer frame_, result_;  // those of before
  std::unique_ptr<Motion> motion_;
  std::vector<uint32_t> steps_[2];  // of the plain and the blended result, (cells)
  Keep keep_{*this};
  Show show_{*this};
  Division down_;  // in pairs of rows, or in rows of cells
  Next next_{};
};

// Rows that a chunk works on, in the cache: 8 bits of each pixel or chroma sample.
struct TemporalBlend::Lines {
  static constexpr size_t kEdge = 64;  // zeros on either side of a line
  explicit Lines(size_t width);
  // c of row y, of which three are kept.
  uint8_t *change(int y) const { return changes[y % 3]; }

  size_t pitch;
  uint8_t *none, *changes[3], *stills[3];
  uint8_t *chroma, *other, *covering;  // c of a chroma row, of one more channel, and of the pixels that the row covers
  uint8_t *still_covering;
  int chroma_of = -1;  // which row that is
  uint8_t *tallest, *d[2], *w;
  uint8_t *e[2], *chroma_d, *chroma_e;
  int still_of[3] = {-1, -1, -1}, still_chroma_of = -1;
  bool found_still[2] = {};
  uint8_t *before;  // a row of what comes along, of two bytes each
  Way *ways;        // of two rows of pixels and one of chroma
  int way_of[3] = {-1, -1, -1};
};

}  // namespace adain
