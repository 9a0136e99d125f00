// A frame at the network's size.
#pragma once

#include "enlarge.h"
#include "reduce.h"

namespace adain {

// The memory of frames that the network sees at another size, and the steps before and behind it.
class Resized {
 public:
  // form is the shape of the frames to come.
  Resized(const adain_cpu_image &form, int width, int height)
      : form_(form), frame_(form, width, height), result_(form, width, height), reduce_(form, frame_), slopes_(frame_, result_),
        rests_(frame_, result_, slopes_), enlarge_(form, result_, rests_) {}

  bool fits(const adain_cpu_image &form, int width, int height) const {
    return same_shape(form, form_) && width == frame_.form.width && height == frame_.form.height;
  }

  // What the next frame needs; what of it the network reads and writes is frame and result.
  void next(const Canvas &dst, const Picture &src) {
    frame_.form.yuv = result_.form.yuv = src.form.yuv;
    reduce_.src = src;
    enlarge_.src = src;
    enlarge_.dst = dst;
  }
  Picture frame() const { return frame_.picture(); }
  Canvas result() const { return result_.canvas(); }

  void add_before(std::vector<Step *> &steps) { steps.push_back(&reduce_); }
  void add_behind(std::vector<Step *> &steps) { steps.insert(steps.end(), {&slopes_, &rests_, &enlarge_}); }

 private:
  const adain_cpu_image form_;
  Kept frame_, result_;
  Reduce reduce_;
  Slopes slopes_;
  Rests rests_;
  Enlarge enlarge_;
};

}  // namespace adain
