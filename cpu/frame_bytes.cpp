#include <algorithm>

#include "frame_stages.h"

namespace adain {

namespace {

constexpr int kChunksPerThread = 6;  // rows take equally long: enough that no thread waits long for the last one

int results(PostOp post_op, const Map &src, const Map &dst, bool windows) { return post_op == PostOp::pool ? dst.rows : src.rows + windows; }

}  // namespace

ByteRows::ByteRows(Parameters &layer, const Parameters &next, Map src, Map dst, PostOp post_op, int threads)
    : channels_(layer.shape.out),
      src_(src),
      dst_(dst),
      post_op_(post_op),
      windows_(post_op == PostOp::interleave && layer.shape.kernel == 2),
      cols_(src.cols + windows_),
      convolution_(layer, 1, cols_, &next.step),
      down_(results(post_op, src, dst, windows_), kChunksPerThread * threads) {}

void ByteRows::run(int chunk, int) {
  for (int y = down_.begin(chunk); y < down_.begin(chunk) + down_.size(chunk); y++) switch (post_op_) {
      case PostOp::store:
        convolution_.row(src_.at(y - 1, -1), reinterpret_cast<uint8_t *>(dst_.at(y, 0)));
        dst_.finish_row(y);
        break;
      case PostOp::pool:
        pool(y);
        break;
      case PostOp::interleave:
        interleave(y);
    }
}

void ByteRows::pool(int y) {
  const size_t row = size_t(cols_) * channels_;
  auto above = reinterpret_cast<uint8_t *>(scratch(Scratch::result, 2 * row));
  const bool alone = 2 * y + 1 >= src_.rows;
  convolution_.row(src_.at(2 * y - 1, -1), above);
  if (!alone) convolution_.row(src_.at(2 * y, -1), above + row);
  pool_bytes(above, alone ? above : above + row, src_.cols, channels_, reinterpret_cast<uint8_t *>(dst_.at(y, 0)));
  dst_.finish_row(y);
}

// See Rows::finish.
void ByteRows::interleave(int y) {
  auto result = reinterpret_cast<uint8_t *>(scratch(Scratch::result, size_t(cols_) * channels_));
  convolution_.row(src_.at(y - 1, -1), result);
  for (int lower = 1; lower >= 0; lower--) {
    const int to = 2 * y + (windows_ ? -lower : lower);
    if (to < 0 || to >= dst_.rows) continue;
    interleave_bytes(result + lower * channels_ / 2, (windows_ ? 5 : 1) * channels_ / 4, src_.cols, channels_ / 4, reinterpret_cast<uint8_t *>(dst_.at(to, 0)));
    dst_.finish_row(to);
  }
}

}  // namespace adain
