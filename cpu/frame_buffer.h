// Pictures in memory of the engine.
#pragma once

#include "frame_map.h"

namespace adain {

class FrameBuffer {
 public:
  // Of the format and colorimetry of form.
  FrameBuffer(const adain_cpu_image &form, int width, int height) : form(form) {
    this->form.width = width;
    this->form.height = height;
    size_t bytes = 0, begin[3] = {};
    for (int i = 0; i < planes(form); i++) {
      const Plane p = adain::plane(this->form, i);
      const size_t stride = (p.bytes() + 63) / 64 * 64;
      this->form.stride[i] = int32_t(stride);
      begin[i] = bytes;
      bytes += stride * p.rows;
    }
    memory_ = allocate(bytes);
    for (int i = 0; i < planes(form); i++) plane_[i] = reinterpret_cast<uint8_t *>(memory_.get()) + begin[i];
  }

  adain_cpu_image form;
  Picture picture() const { return {form, {plane_[0], plane_[1], plane_[2]}}; }
  Canvas canvas() const { return {form, {plane_[0], plane_[1], plane_[2]}, false}; }
  uint8_t *row(int i, int y) const { return plane_[i] + size_t(y) * form.stride[i]; }

 private:
  Memory memory_;
  uint8_t *plane_[3] = {};
};

}  // namespace adain
