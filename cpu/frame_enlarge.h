// A small result brought to the frame's size, as model/processing.go defines it.
#pragma once

#include <vector>

#include "frame_buffer.h"
#include "frame_stages.h"

namespace adain {

// Small frame and small result -> the guided filter's slope a at each small pixel, before its mean.
class GuideSlopes : public Stage {
 public:
  // Both outlive this.
  GuideSlopes(const FrameBuffer &frame, const FrameBuffer &result);
  int chunks() const override { return down_.count; }
  void run(int chunk, int) override;

  int rows() const { return rows_; }
  int cols() const { return cols_; }
  float *row(int y) const { return reinterpret_cast<float *>(memory_.get()) + size_t(y) * cols_; }
  // 1 / (how many of the five columns around one exist).
  const float *scale() const { return scale_.data(); }

 private:
  const FrameBuffer &frame_, &result_;
  const int rows_, cols_;
  Division down_;
  std::vector<float> scale_;
  Memory memory_;
};

// The guided filter's coefficients: rows of the slope a, each followed by rows of the offsets r of the channels that it explains in part.
class GuideCoefficients : public Stage {
 public:
  // All outlive this.
  GuideCoefficients(const FrameBuffer &frame, const FrameBuffer &result, const GuideSlopes &slopes);
  int chunks() const override { return down_.count; }
  void run(int chunk, int) override;

  int lit() const { return lit_; }  // channels with luminance
  // (1+lit,cols), and one float more.
  float *row(int y) const { return reinterpret_cast<float *>(memory_.get()) + size_t(y) * slopes_.cols() * (lit_ + 1); }

 private:
  const FrameBuffer &frame_, &result_;
  const GuideSlopes &slopes_;
  const int lit_;
  Division down_;
  Memory memory_;
};

// Rows of the frame -> rows of the larger result.
class Enlarge : public Stage {
 public:
  // form is the shape of the frames to come; the others outlive this.
  Enlarge(const adain_cpu_image &form, const FrameBuffer &result, const GuideCoefficients &coefficients);
  int chunks() const override { return down_.count; }
  void run(int chunk, int) override;
  Canvas dst{};
  Picture src{};  // of the next frame

 private:
  // Between which samples of m each of n lies: at and at+1, share of the latter.
  struct Between {
    std::vector<int> at;
    std::vector<float> share;
    Between() = default;
    Between(int n, int m);
  };
  template <class Sample>
  void lit_row(int y) const;
  template <class Sample>
  void chroma_row(int channel, int y) const;

  const FrameBuffer &result_;
  const GuideCoefficients &coefficients_;
  Division down_;       // in pairs of rows
  Between across_[2], along_[2];  // columns and rows: of the first channel and of the others
};

}  // namespace adain
