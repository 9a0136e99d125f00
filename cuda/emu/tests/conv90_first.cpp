// conv90_first.cu against first.cu and conv90.cu, one after the other: the same bits.
#include "first.cu"
#include "conv90.cu"
#include "conv90_first.cu"
#include "picture.h"
#include "table.h"
#include "test.h"

namespace {

TMap tensor_map(const __half *base, int w, int h, int box_w, int box_h) {
  TMap m{};
  m.base = reinterpret_cast<const unsigned char *>(base);
  const uint64_t row = 128;
  m.dim[0] = 64, m.dim[1] = uint64_t(w), m.dim[2] = uint64_t(h), m.dim[3] = 1;
  m.stride[0] = row, m.stride[1] = row * w, m.stride[2] = row * w * h;
  m.box[0] = 64, m.box[1] = uint32_t(box_w), m.box[2] = uint32_t(box_h), m.box[3] = 1;
  m.elt = 2, m.swz = 1;
  return m;
}

int tiles(const char *kernel, int H, int W) {
  const emu::Launch &l = test::kernel(kernel).launch;
  return (H + l.tile_h - 1) / l.tile_h * ((W + l.tile_w - 1) / l.tile_w);
}

void run(const test::Picture &picture, int blocks, const test::Table &table = {}) {
  const Frame &f = picture.frame();
  const int H = f.height, W = f.width;
  test::Random random(uint64_t(H * 100 + W));
  test::Buffer<__half> w1(64 * 32), w(9 * 64 * 64), plane(size_t(H + 2) * (W + 2) * 64);
  test::Buffer<__half> want(size_t((H + 1) / 2 + 2) * ((W + 1) / 2 + 2) * 64), got(want.size());
  test::Buffer<float> bias1(64), bias(64);
  for (size_t i = 0; i < w1.size(); i++) w1[i] = __float2half_rn(i % 32 < 27 ? random.uniform(-0.6f, 0.6f) / 255 : 0);
  for (auto &v : w) v = __float2half_rn(random.uniform(-0.1f, 0.1f));
  for (auto &b : bias1) b = random.uniform(-0.5f, 0.5f);
  for (auto &b : bias) b = random.uniform(-0.2f, 0.2f);
  const __half *first_weights = w1.data();
  const float *first_bias = bias1.data(), *second_bias = bias.data();
  const TMap map_w = tensor_map(w.data(), 9 * 64, 1, 64, 1);

  test::launch("first", dim3(unsigned(tiles("first", H, W))), f, table.lookup(), first_weights, first_bias, plane.data(), 64);
  const TMap map_x = tensor_map(plane.data(), W + 2, H + 2, 16, 18);
  test::launch("conv90_c64_pool", dim3(1), map_x, map_w, second_bias, want.data(), H, W, 64, 64, 0);
  test::launch("conv90_first_pool", dim3(unsigned(std::min(blocks, tiles("conv90_first_pool", H, W)))), f, table.lookup(), first_weights,
               first_bias, map_w, second_bias, got.data());
  size_t wrong = 0;
  for (size_t i = 0; i < want.size(); i++) wrong += got[i].bits != want[i].bits;
  if (wrong) test::fail("%s, %d blocks: %zu of %zu values differ", picture.text().c_str(), blocks, wrong, want.size());
}

}  // namespace

TEST(conv90_first_sizes) {
  const int sizes[][2] = {{33, 18}, {1, 1}, {2, 1}, {1, 17}, {16, 16}, {17, 2}, {18, 34}};
  for (const auto &s : sizes) run(test::Picture(test::shape("NV12"), s[0], s[1], false, 3), 1 + s[0] % 2);
}

TEST(conv90_first_formats) {
  uint64_t seed = 1;
  for (const char *name : {"RGB", "BGRA", "I422_10", "RGB10A2"}) run(test::Picture(test::shape(name), 19, 17, true, seed++), 2);
  run(test::Picture(test::shape("RGB"), 20, 9, false, 9), 1, test::tables()[0]);
}
