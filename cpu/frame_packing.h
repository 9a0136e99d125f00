// Between a format's planes, as model.Layout describes them, and pictures whose channels are planes of their own.
#pragma once

#include <memory>

#include "engine_threads.h"
#include "frame_buffer.h"
#include "frame_stages.h"

namespace adain {

// A frame's planes -> channels, but for those that are planes already and are read where they lie.
class Unpack : public Stage {
 public:
  // What the next frame's channels are, once this has run where needed says so.
  Picture next(const Frame &frame);
  bool needed() const { return needed_; }
  int chunks() const override { return down_.count; }
  void run(int chunk, int) override;

 private:
  Frame frame_{};
  Picture picture_{};
  bool needed_ = false;
  std::unique_ptr<FrameBuffer> buffer_;
  Division down_{1, 1};  // in groups of four rows
};

// Channels -> a frame's planes, with what is copied from another frame, and zero for bits that no channel has.
class Pack : public Stage {
 public:
  // Where the next frame's channels are to be written, before this runs where needed says so.
  Picture next(const Frame &frame, const Frame &content);
  bool needed() const { return needed_; }
  int chunks() const override { return down_.count; }
  void run(int chunk, int) override;

 private:
  void row(int plane, int y) const;

  Frame frame_{}, content_{};
  Picture picture_{};
  bool needed_ = false;
  std::unique_ptr<FrameBuffer> buffer_;
  Division down_{1, 1};
};

// Chroma of each pixel -> samples that pixels share, as model/ref/chroma.go has it; or those of the content, for preserve_color.
class GatherChroma : public Stage {
 public:
  explicit GatherChroma(const adain_cpu_image &form);
  bool fits(const adain_cpu_image &form) const { return same_shape(form, form_); }
  // Gives the canvas its memory; the colours of content are taken where it says so.
  void next(Canvas &canvas, const Picture &content);
  int chunks() const override { return down_.count; }
  void run(int chunk, int) override;

 private:
  void row(int c, int y) const;
  const adain_cpu_image form_;
  Memory memory_;
  Picture picture_{}, content_{};
  bool preserve_ = false;
  Division down_;
};

}  // namespace adain
