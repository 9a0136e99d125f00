// first.cu against plain loops: every format, odd sizes, rows at odd addresses.
#include "first.cu"
#include "picture.h"
#include "table.h"

namespace {

int reflect(int i, int n) { return n == 1 ? 0 : i < 0 ? -i : i >= n ? 2 * n - 2 - i : i; }

void run(const test::Picture &picture, int C, const test::Table &table = {}) {
  const Frame &f = picture.frame();
  const int H = f.height, W = f.width;
  test::Random random(H * 100 + W + C);
  test::Buffer<__half> w(size_t(C) * 32), y(size_t(H + 2) * (W + 2) * C);
  test::Buffer<float> bias(C);
  for (size_t i = 0; i < w.size(); i++) w[i] = __float2half_rn(i % 32 < 27 ? random.uniform(-0.6f, 0.6f) / 255 : 0);
  for (auto &b : bias) b = random.uniform(-0.5f, 0.5f);

  std::vector<float> pixels(size_t(H) * W * 3), wanted(y.size());
  for (int py = 0; py < H; py++)
    for (int px = 0; px < W; px++) {
      const test::Rgb p = table.at(picture.pixel(py, px));
      for (int c = 0; c < 3; c++) pixels[(size_t(py) * W + px) * 3 + c] = __half2float(__float2half_rn(float(255 * p.v[c])));
    }
  for (int hy = -1; hy <= H; hy++)
    for (int hx = -1; hx <= W; hx++)
      for (int o = 0; o < C; o++) {
        double sum = bias[o];
        for (int tap = 0; tap < 9; tap++) {
          const int py = reflect(reflect(hy, H) + tap / 3 - 1, H), px = reflect(reflect(hx, W) + tap % 3 - 1, W);
          for (int c = 0; c < 3; c++) sum += pixels[(size_t(py) * W + px) * 3 + c] * __half2float(w[o * 32 + tap * 3 + c]);
        }
        wanted[(size_t(hy + 1) * (W + 2) + hx + 1) * C + o] = float(std::max(sum, 0.0));
      }

  const emu::Launch l = test::kernel("first").launch;
  const int tiles = (H + l.tile_h - 1) / l.tile_h * ((W + l.tile_w - 1) / l.tile_w);
  test::launch("first", dim3(tiles, (C + l.tile_c - 1) / l.tile_c), f, table.lookup(), static_cast<const __half *>(w.data()),
               static_cast<const float *>(bias.data()), y.data(), C);
  // A pixel converted from YCbCr, of more than 8 bits, or by a table, may be rounded the other way: a step of up to 1/8, times a weight of up to 0.6/255.
  const std::string what = "first " + picture.text() + " -> " + std::to_string(C);
  test::near(what.c_str(), y.data(), wanted.data(), y.size(), picture.yuv() || picture.most() > 255 || table.exists() ? 6e-4 : 1e-5, 0x1p-11 + 1e-5);
}

}  // namespace

TEST(first_formats) {
  uint64_t seed = 1;
  for (const test::Shape &shape : test::shapes()) {
    run(test::Picture(shape, 33, 17, false, seed++), 16);
    run(test::Picture(shape, 20, 18, true, seed++), 16);
  }
}

TEST(first_small_pictures) {
  const int sizes[][2] = {{1, 1}, {1, 9}, {9, 1}, {2, 2}, {3, 2}, {2, 3}, {8, 8}, {17, 1}};
  for (const char *name : {"RGB", "BGRA", "NV12", "YV12", "I422_10"})
    for (const auto &size : sizes) run(test::Picture(test::shape(name), size[0], size[1], false, 7), 16);
}

TEST(first_widths) {
  for (int C : {32, 48, 64, 80, 128, 160}) run(test::Picture(test::shape("NV12"), 33, 50, false, C), C);
}

// Each place of chroma.
TEST(first_sitings) {
  for (int kind = 1; kind < 8; kind++) {
    test::Picture picture(test::shape(kind % 3 ? "NV12" : "I422_10"), 33, 19, false, 3);
    picture.frame().cosited_x = kind & 1, picture.frame().cosited_y = kind >> 1 & 1, picture.frame().interlaced = kind >> 2;
    run(picture, 16);
  }
}

TEST(first_colorimetry) {
  const double matrices[][2] = {{0.2126, 0.0722}, {0.2627, 0.0593}, {0.212, 0.087}};
  for (const auto &m : matrices)
    for (bool full_range : {false, true}) {
      test::Picture picture(test::shape(full_range ? "NV12" : "P010"), 18, 11, false, 3);
      test::set_colorimetry(picture.frame(), m[0], m[1], full_range);
      run(picture, 16);
    }
}

TEST(first_tables) {
  for (const char *name : {"RGB", "RGB10A2", "NV12"})
    for (const test::Table &table : test::tables()) run(test::Picture(test::shape(name), 33, 17, false, 9), 16, table);
}
