// Convolutions of bytes.
#pragma once

#include <string>
#include <vector>

#include "engine_memory.h"
#include "kernel_bytes.h"
#include "layer_convolution.h"

namespace adain {

// A layer with bytes as source. Its weights are rounded to bytes here, a step for each output.
class Bytes : public Convolution {
 public:
  using Convolution::run;
  // For results of rows x cols. to has the steps of the bytes that row makes, of channel o % size for output o; null where only float32 is wanted.
  Bytes(const Parameters &layer, int rows, int cols, const std::vector<float> *to);
  // src (rows+K-1,cols+K-1,I) bytes.
  void run(int thread, const void *src, int rows, float *dst) override;
  // One row of results, dst (cols,O).
  void row(const void *src, uint8_t *dst) const { kernels_.bytes(layer_, static_cast<const uint8_t *>(src), pitch_, cols_, dst); }
  bool any_rows() const override { return true; }

 private:
  const ByteKernels &kernels_;
  ByteLayer layer_;
  const int cols_;
  const size_t pitch_;
  Memory weight_;
  std::vector<float> bias_, scale_;
};

}  // namespace adain
