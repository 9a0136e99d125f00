#include <algorithm>

#include "frame_stages.h"
#include "kernel_bytes.h"
#include "layer_bytes.h"

namespace adain {

namespace {

// Tiles of about this many pixels of the frame: large enough that the recomputed edge is small, small enough for the
// second-level cache.
int tile_side_rows(int channels) { return channels <= 16 ? 32 : 16; }
constexpr int kTileCols = 64;

int pieces(int total, int wanted) { return std::max(1, (total + wanted / 2) / wanted); }

}  // namespace

Division::Division(int total, int wanted) : count(std::clamp(wanted, 1, total)), length(total / count), longer(total % count) {}

Head::Head(Parameters &first, Parameters &second, const Parameters &third, int rows, int cols, Map dst, int threads)
    : first_(first),
      weight_(first.weight.size()),
      rows_(rows),
      cols_(cols),
      dst_(dst),
      down_((dst.rows + 1) / 2, pieces((dst.rows + 1) / 2, tile_side_rows(first.shape.out) / 4)),
      across_((dst.cols + 1) / 2, pieces((dst.cols + 1) / 2, kTileCols / 4)),
      tile_rows_(4 * down_.size(0)),
      tile_cols_(4 * across_.size(0)),
      pixel_(size_t(first.shape.out) * bytes(second.source())),
      source_(second.source()) {
  if (second.bytes && third.bytes)
    bytes_ = std::make_unique<Bytes>(second, tile_rows_, tile_cols_, &third.step);
  else
    second_ = Convolution::make(second, tile_rows_, tile_cols_, threads);
  const int c = first.shape.out;
  for (int o = 0; o < c; o++)
    for (int tap = 0; tap < 27; tap++) weight_[tap * c + o] = first.weight[o * 27 + tap];
}

// The border of conv1_1's features outside the frame. The tile begins at (y0-1,x0-1).
void Head::reflect(char *tile, int y0, int x0) const {
  const size_t pitch = (tile_cols_ + 2) * pixel_;
  auto copy_col = [&](int to, int from) {
    for (int y = 0; y < tile_rows_ + 2; y++) std::memcpy(tile + y * pitch + to * pixel_, tile + y * pitch + from * pixel_, pixel_);
  };
  auto copy_row = [&](int to, int from) { std::memcpy(tile + to * pitch, tile + from * pitch, pitch); };
  if (x0 == 0) copy_col(0, mirror(-1, cols_) + 1);
  if (const int right = cols_ - x0 + 1; right < tile_cols_ + 2) copy_col(right, mirror(cols_, cols_) - x0 + 1);
  if (y0 == 0) copy_row(0, mirror(-1, rows_) + 1);
  if (const int below = rows_ - y0 + 1; below < tile_rows_ + 2) copy_row(below, mirror(rows_, rows_) - y0 + 1);
}

void Head::run(int chunk, int thread) {
  const int i = chunk / across_.count, j = chunk % across_.count;
  const int y0 = 4 * down_.begin(i), x0 = 4 * across_.begin(j);
  float *rgb = scratch_floats(Scratch::pixels, size_t(3) * (tile_rows_ + 4) * (tile_cols_ + 4));
  char *features = scratch(Scratch::source, pixel_ * (tile_rows_ + 2) * (tile_cols_ + 2));
  src.read(y0 - 2, x0 - 2, tile_rows_ + 4, tile_cols_ + 4, rgb);
  look_up(before, rgb, size_t(tile_rows_ + 4) * (tile_cols_ + 4));
  kernels(source_).first(rgb, tile_rows_ + 2, tile_cols_ + 2, first_.shape.out, weight_.data(), first_.bias.data(), features);
  reflect(features, y0, x0);
  const int c = first_.shape.out, cols = std::min(4 * across_.size(j), cols_ - x0);
  const int pooled = std::min(2 * down_.size(i), dst_.rows - y0 / 2);
  const size_t row = size_t(tile_cols_) * c;
  if (bytes_) {
    auto above = reinterpret_cast<uint8_t *>(scratch(Scratch::result, 2 * row));
    for (int y = 0; y < pooled; y++) {
      const bool alone = y0 + 2 * y + 1 >= rows_;
      for (int below = 0; below < (alone ? 1 : 2); below++)
        bytes_->row(features + (2 * y + below) * (tile_cols_ + 2) * pixel_, above + below * row);
      pool_bytes(above, alone ? above : above + row, cols, c, reinterpret_cast<uint8_t *>(dst_.at(y0 / 2 + y, x0 / 2)));
    }
    return;
  }
  float *result = scratch_floats(Scratch::result, second_->result_floats());
  second_->run(thread, features, tile_rows_, result);
  for (int y = 0; y < pooled; y++) {
    const float *above = result + 2 * y * row;
    kernels(dst_.number).pool(above, y0 + 2 * y + 1 < rows_ ? above + row : above, cols, c, dst_.at(y0 / 2 + y, x0 / 2));
  }
}

Tail::Tail(Parameters &folded, Parameters &last, Map src, int rows, int cols, int threads)
    : last_(last),
      weight_(last.weight.size()),
      src_(src),
      even_(folded.shape.kernel == 3),
      down_((rows + 1) / 2, pieces((rows + 1) / 2, tile_side_rows(last.shape.in) / 2)),
      across_((cols + 3) / 4, pieces((cols + 3) / 4, kTileCols / 4)),
      tile_rows_(2 * down_.size(0)),
      tile_cols_(4 * across_.size(0)) {
  positions_ = Convolution::make(folded, tile_rows_ / 2 + 1 + even_, tile_cols_ / 2 + 1 + even_, threads);
  const int c = last.shape.in;
  for (int o = 0; o < 3; o++)
    for (int i = 0; i < c; i++)
      for (int tap = 0; tap < 9; tap++) weight_[(o * 9 + tap) * c + i] = last.weight[(o * c + i) * 9 + tap];
}

// The last convolution's reflected border, put where the positions' unused phases are: column -1 would be the right phase of
// position 0, column `cols` the left phase of the last position, and rows alike.
void Tail::reflect(float *positions, int y0, int x0) const {
  const int rows = 2 * src_.rows, cols = 2 * src_.cols, c = last_.shape.in;
  const int pitch = tile_cols_ / 2 + 1 + even_, high = tile_rows_ / 2 + 1 + even_;
  auto at = [&](int row, int col, int phase) { return positions + (size_t(row) * pitch + col) * 4 * c + phase * c; };
  auto copy_col = [&](int to, int from, int right) {
    for (int y = 0; y < high; y++)
      for (int lower = 0; lower < 4; lower += 2) std::memcpy(at(y, to, lower + right), at(y, from, lower + right), 4 * c);
  };
  auto copy_row = [&](int to, int from, int lower) {
    for (int x = 0; x < pitch; x++) std::memcpy(at(to, x, lower), at(from, x, lower), 8 * c);
  };
  if (x0 == 0) copy_col(0, 1, 1);
  if (const int last = (cols - x0) / 2 + even_; last < pitch) copy_col(last, last - 1, 0);
  if (y0 == 0) copy_row(0, 1, 2);
  if (const int last = (rows - y0) / 2 + even_; last < high) copy_row(last, last - 1, 0);
}

void Tail::run(int chunk, int thread) {
  const int i = chunk / across_.count, j = chunk % across_.count;
  const int y0 = 2 * down_.begin(i), x0 = 4 * across_.begin(j);
  const int high = tile_rows_ / 2 + 2 + 2 * even_, wide = tile_cols_ / 2 + 2 + 2 * even_;
  char *patch = scratch(Scratch::source, src_.pixel * high * wide);
  float *positions = scratch_floats(Scratch::result, positions_->result_floats());
  float *rgb = scratch_floats(Scratch::pixels, size_t(3) * tile_rows_ * tile_cols_);
  // What lies beyond the map's border makes only phases that reflect replaces.
  const int top = y0 / 2 - 1 - even_, left = x0 / 2 - 1 - even_, first = std::max(left, -1), last = std::min(left + wide, src_.cols + 1);
  for (int y = 0; y < high; y++)
    std::memcpy(patch + (y * wide + first - left) * src_.pixel, src_.at(std::clamp(top + y, -1, src_.rows), first), (last - first) * src_.pixel);
  positions_->run(thread, patch, tile_rows_ / 2 + 1 + even_, positions);
  reflect(positions, y0, x0);
  kernels(false).last(positions, tile_cols_ / 2 + 1 + even_, even_, last_.shape.in, weight_.data(), last_.bias.data(), tile_rows_, tile_cols_, tile_cols_, rgb);
  look_up(after, rgb, size_t(tile_rows_) * tile_cols_);
  dst.write(y0, x0, 2 * down_.size(i), 4 * across_.size(j), rgb, tile_cols_, tile_rows_ * tile_cols_, content);
}

}  // namespace adain
