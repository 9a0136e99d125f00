// train_wgrad.cu against plain loops.
#include "train_wgrad.cu"
#include "batch.h"

#include <string>

namespace {

REFERENCE double weight(Batch &x, Batch &g, int first, int last, int tap, int o, int i) {
  double sum = 0;
  const int plane = (x.H + 2) * (x.W + 2);
  for (int q = first; q < last; q++) {
    const int n = q / plane, y = q % plane / (x.W + 2) - 1, c = q % (x.W + 2) - 1;
    if (y < 0 || y >= x.H || c < 0 || c >= x.W) continue;
    sum += double(g(n, y, c, o)) * (tap < 0 ? 1 : x(n, y + tap / 3 - 1, c + tap % 3 - 1, i));
  }
  return sum;
}

void run(int tile, int N, int H, int W, int in, int out, int rows) {
  Batch x(N, H, W, in), g(N, H, W, out);
  x.random(N + H);
  g.random(N + W + 1).clear_halo();
  const int pixels = N * (H + 2) * (W + 2), splits = (pixels + rows - 1) / rows;
  const size_t weights = size_t(splits) * 9 * out * in;
  test::Buffer<float> partial(weights + size_t(splits) * out);
  test::launch(("train_wgrad_c" + std::to_string(tile)).c_str(), dim3(out / tile * (in / tile), 3, splits), x.data(), g.data(), partial.data(), N, H,
               W, in, out, rows);
  std::vector<float> wanted;
  for (int s = 0; s < splits; s++)
    for (int tap = 0; tap < 9; tap++)
      for (int o = 0; o < out; o++)
        for (int i = 0; i < in; i++) wanted.push_back(float(weight(x, g, s * rows, std::min(pixels, (s + 1) * rows), tap, o, i)));
  for (int s = 0; s < splits; s++)
    for (int o = 0; o < out; o++) wanted.push_back(float(weight(x, g, s * rows, std::min(pixels, (s + 1) * rows), -1, o, 0)));
  // Sums of some hundred products of at most 1.
  test::near("train_wgrad", partial.data(), wanted.data(), wanted.size(), 1e-4, 1e-5);
}

}  // namespace

TEST(train_wgrad_c16) {
  run(16, 1, 1, 1, 16, 16, 64);
  run(16, 3, 5, 9, 32, 16, 64);
  run(16, 8, 2, 3, 16, 48, 128);
}

TEST(train_wgrad_c32) { run(32, 2, 7, 9, 64, 32, 128); }

TEST(train_wgrad_c64) { run(64, 1, 9, 10, 64, 128, 64); }

TEST(train_wgrad_banks) {
  const uint64_t before = emu::counters.bank_conflicts;
  run(16, 1, 5, 5, 16, 16, 64);
  run(32, 1, 5, 5, 32, 32, 64);
  run(64, 1, 5, 5, 64, 64, 64);
  CHECK(emu::counters.bank_conflicts == before);
}
