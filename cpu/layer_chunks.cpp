#include <algorithm>

#include "layer_bytes.h"
#include "layer_convolution.h"

namespace adain {

namespace {

// A chunk's result should stay in the second-level cache until it is stored, yet be long enough that the weights that were
// loaded are used often. Products of bfloat16 are done with the weights in half the time and need twice the rows.
constexpr size_t kChunkBytes = 512 << 10, kHalfChunkBytes = 1 << 20;
// Winograd's algorithm in frames reads weights per group of tiles whatever the chunk, and fills the cache with the points of the group.
constexpr size_t kTileChunkBytes = 256 << 10;
constexpr int kLeastRows = 4;

}  // namespace

std::unique_ptr<Convolution> Convolution::make(Parameters &layer, int rows, int cols, int threads, int maps) {
  if (layer.bytes) return std::make_unique<Bytes>(layer, rows, cols, nullptr);
  if (Winograd::suits(layer)) return std::make_unique<Winograd>(layer, rows, cols, threads, maps);
  return std::make_unique<Direct>(layer, rows, cols, threads);
}

Chunks::Chunks(Parameters &layer, int rows, int cols, int per, int threads, int share, int maps)
    : rows_(rows), per_(per), unit_(Winograd::suits(layer) ? Winograd::side(layer.shape) / per : 1) {
  const size_t row_bytes = size_t(4) * per * cols * layer.shape.out;
  const size_t wanted_bytes = layer.own_product && Winograd::suits(layer) ? kTileChunkBytes : layer.half_products ? kHalfChunkBytes : kChunkBytes;
  const int fitting = int(std::clamp<size_t>(wanted_bytes / row_bytes, kLeastRows, 1 << 20));
  const int needed = (rows + fitting - 1) / fitting;
  const int wanted = std::max((needed + share - 1) / share * share, share > 1 ? 2 * share : 1);
  const int units = (rows + unit_ - 1) / unit_;
  count_ = std::min(wanted, units);
  length_ = units / count_;
  longer_ = units % count_;
  most_ = Convolution::make(layer, per * size(0), cols, threads, whole() ? maps : 1);
  if (longer_ && !most_->any_rows()) fewer_ = Convolution::make(layer, per * size(count_ - 1), cols, threads);
}

void Chunks::run(int i, int thread, const void *src, float *dst) const {
  const bool most = !fewer_ || size(i) == size(0);
  (most ? most_ : fewer_)->run(thread, src, per_ * size(i), dst);
}

bool Chunks::run_apart(int i, int thread, const void *src, float *dst, int pitch) const {
  const bool most = !fewer_ || size(i) == size(0);
  return (most ? most_ : fewer_)->run_apart(thread, src, per_ * size(i), dst, pitch);
}

void Chunks::run(int thread, const float *src, size_t src_step, int maps, float *dst, size_t dst_step) const {
  most_->run(thread, src, src_step, maps, per_ * size(0), dst, dst_step);
}

}  // namespace adain
