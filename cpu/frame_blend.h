// The temporal blend: pixels of a film's results rest where its frames do.
#pragma once

#include "frame_buffer.h"
#include "frame_stages.h"

namespace adain {

// The result in dst is blended with that of the frame before, as model/smoothing.go defines it, in groups of rows.
class TemporalBlend : public Stage {
 public:
  // Memory for frames of one shape.
  explicit TemporalBlend(const adain_cpu_image &form);
  bool fits(const adain_cpu_image &form) const { return same_shape(form, result_.form); }

  // What the next frame needs. It is blended with the one before by weight, a model.BlendWeight, if blended is set and all regions of before
  // go on when its turn comes. dst holds the result without preserve_color, which is heeded here. before is read during the run only.
  void next(const Canvas &dst, const Picture &src, int weight, bool blended, const Smoothing &before);

  int chunks() const override { return down_.count; }
  void run(int chunk, int) override;

 private:
  struct Lines;
  template <class Sample>
  void run_rows(int begin, int end, bool blended) const;
  template <class Sample>
  void apart(const Picture &a, const Picture &b, int first, int end, int y, uint8_t *other, uint8_t *out) const;
  template <class Sample>
  void change(Lines &l, int y) const;
  void moved(const Lines &l, int y, uint8_t *d) const;
  template <class Sample>
  void blend(const Lines &l, int y) const;
  template <class Sample>
  void blend_chroma(const Lines &l, int y) const;
  void remember(int y, bool blended) const;
  int alike() const { return src_.form.colour == ADAIN_COLOUR_YUV ? 1 : src_.form.channels; }  // first channels, which move together

  FrameBuffer frames_[2], result_;  // the next frame becomes frames_[now_]
  int now_ = 0;
  Division down_;  // in pairs of rows
  Canvas dst_{};
  Picture src_{};
  int weight_ = 0;
  bool blended_ = false;
  const Smoothing *before_ = nullptr;
};

}  // namespace adain
