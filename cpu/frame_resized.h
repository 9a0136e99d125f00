// A frame at the network's size.
#pragma once

#include "frame_enlarge.h"
#include "frame_reduce.h"

namespace adain {

// The memory of frames that the network sees at another size, and the stages before and behind it.
class Resized {
 public:
  // form is the shape of the frames to come.
  Resized(const adain_cpu_image &form, int width, int height)
      : form_(form), frame_(form, width, height), result_(form, width, height), reduce_(form, frame_), slopes_(frame_, result_),
        coefficients_(frame_, result_, slopes_), enlarge_(form, result_, coefficients_) {}

  bool fits(const adain_cpu_image &form, int width, int height) const {
    return same_shape(form, form_) && width == frame_.form.width && height == frame_.form.height;
  }

  // What the next frame needs; what of it the network reads and writes is frame and result.
  void next(const Canvas &dst, const Picture &src) {
    for (FrameBuffer *b : {&frame_, &result_}) {
      adain_cpu_image form = src.form;
      form.width = b->form.width, form.height = b->form.height, form.interlaced = 0;
      b->form = form;
    }
    reduce_.src = src;
    enlarge_.src = src;
    enlarge_.dst = dst;
  }
  Picture frame() const { return frame_.picture(); }
  Canvas result() const { return {result_.picture(), false, {}}; }

  void add_before(std::vector<Stage *> &stages) { stages.push_back(&reduce_); }
  void add_behind(std::vector<Stage *> &stages) { stages.insert(stages.end(), {&slopes_, &coefficients_, &enlarge_}); }

 private:
  const adain_cpu_image form_;
  FrameBuffer frame_, result_;
  Reduce reduce_;
  GuideSlopes slopes_;
  GuideCoefficients coefficients_;
  Enlarge enlarge_;
};

}  // namespace adain
