// The matrix products of weight gradients in Winograd's domain.
#pragma once

#include <string>
#include <vector>

#include <dnnl.hpp>

namespace adain {

// sums (I,O) = the transpose of inputs (tiles,I) times gradients (tiles,O), both bfloat16, or with add that much more. Sums are float32.
class TileProduct {
 public:
  TileProduct(int inputs, int outputs, size_t tiles, bool add, int threads);
  bool fits(size_t tiles, bool add) const { return tiles == tiles_ && add == add_; }
  void run(int thread, const void *inputs, const void *gradients, float *sums);
  const std::string &implementation() const { return implementation_; }

 private:
  struct Call {  // one thread's arguments
    dnnl::memory inputs, gradients, sums, scratchpad;
    dnnl::stream stream;
  };
  const size_t tiles_;
  const bool add_;
  std::string implementation_;
  dnnl::primitive product_;
  std::vector<Call> calls_;
};

}  // namespace adain
