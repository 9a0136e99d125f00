// Pictures in memory of the engine.
#pragma once

#include "engine_memory.h"
#include "frame_pixels.h"

namespace adain {

class FrameBuffer {
 public:
  // Of the format and colorimetry of form.
  FrameBuffer(const adain_cpu_image &form, int width, int height) : form(form) {
    this->form.width = width;
    this->form.height = height;
    size_t bytes = 0, begin[3] = {};
    for (int c = 0; c < form.channels; c++) {
      pitch_[c] = (size_t(cols(this->form, c)) * sample_bytes(form) + 63) / 64 * 64;
      begin[c] = bytes;
      bytes += pitch_[c] * rows(this->form, c);
    }
    memory_ = allocate(bytes + 128);  // kernels read beyond a row
    for (int c = 0; c < form.channels; c++) channel_[c] = reinterpret_cast<uint8_t *>(memory_.get()) + begin[c];
  }

  adain_cpu_image form;
  Picture picture() const { return {form, {channel_[0], channel_[1], channel_[2]}, {pitch_[0], pitch_[1], pitch_[2]}}; }

 private:
  Memory memory_;
  uint8_t *channel_[3] = {};
  size_t pitch_[3] = {};
};

}  // namespace adain
