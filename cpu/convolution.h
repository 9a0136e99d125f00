// One convolution of the network on oneDNN: valid (no padding), stride 1, bias and ReLU fused, dense (H,W,C) on both
// sides, run by one thread. Padding is the business of whoever fills the source; dense rows are the layout that keeps
// oneDNN on its fast paths, any other pitch falls to its reference code.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <dnnl.hpp>

#include "engine.h"

namespace adain {

// A layer's parameters, and each arrangement of them that oneDNN asked for.
class Parameters {
 public:
  Parameters(const adain_cpu_layer &shape, const float *values, bool half);

  const adain_cpu_layer shape;
  const bool half;                // bfloat16 weights and source
  std::vector<float> weight, bias;  // (O,I,K,K), (O)

  dnnl::memory arranged(const dnnl::memory::desc &wanted);
  dnnl::memory bias_memory() const { return bias_memory_; }

 private:
  std::vector<dnnl::memory> arrangements_;
  dnnl::memory bias_memory_;
};

// The convolution of one layer at one size.
class Convolution {
 public:
  // rows and cols are those of the result; the source has K-1 more of each.
  Convolution(Parameters &layer, int rows, int cols, int threads);

  // src (rows+K-1, cols+K-1, I) float32 or bfloat16, dst (rows,cols,O) float32. Allocates nothing.
  void run(int thread, const void *src, float *dst);

  size_t result_floats() const { return result_; }
  const char *implementation() const { return implementation_.c_str(); }

 private:
  struct Call {  // one thread's arguments
    dnnl::memory src, dst, scratchpad;
    dnnl::stream stream;
  };
  dnnl::primitive primitive_;
  dnnl::memory weight_, bias_;
  std::vector<Call> calls_;
  std::string implementation_;
  size_t result_;
};

}  // namespace adain
