// last.cu against plain loops: every format, odd sizes, rows at odd addresses, crops.
#include "last.cu"
#include "last.h"

namespace {

struct Plane {
  int H, W, C;
};

// R'G'B' of the picture, clamped.
std::vector<test::Rgb> convolve(const Plane &s, test::Buffer<__half> &x, test::Buffer<__half> &w, test::Buffer<float> &bias) {
  std::vector<test::Rgb> out(size_t(s.H) * s.W);
  for (int y = 0; y < s.H; y++)
    for (int px = 0; px < s.W; px++)
      for (int colour = 0; colour < 3; colour++) {
        double sum = bias[colour];
        for (int tap = 0; tap < 9; tap++)
          for (int c = 0; c < s.C; c++)
            sum += __half2float(x[(size_t(y + tap / 3) * (s.W + 2) + px + tap % 3) * s.C + c]) *
                   __half2float(w[(tap * 3 + colour) * s.C + c]);
        out[size_t(y) * s.W + px].v[colour] = test::clamp(sum);
      }
  return out;
}

// Sets dst and src, which may be the same.
void run(test::Picture &dst, const test::Picture &src, const Plane &s, bool preserve = false, const test::Table &table = {}) {
  test::Random random(s.H * 100 + s.W + s.C);
  test::Buffer<__half> x(size_t(s.H + 2) * (s.W + 2) * s.C), w(size_t(32) * s.C);
  test::Buffer<float> bias(3);
  const float largest = 1.5f / std::sqrt(9.0f * s.C);  // results from below 0 to above 1
  for (auto &v : x) v = __float2half_rn(random.uniform(-1, 1));
  for (size_t i = 0; i < w.size(); i++) w[i] = __float2half_rn(i < size_t(27) * s.C ? random.uniform(-largest, largest) : 0);
  for (auto &b : bias) b = random.uniform(0.3f, 0.7f);
  std::vector<test::Rgb> rgb = convolve(s, x, w, bias);
  for (auto &p : rgb) p = table.at(p);
  const auto before = dst.all();
  const auto rest = src.rest();

  const Frame &f = dst.frame();
  const emu::Launch l = test::kernel("last").launch;
  const int tiles = (f.height + l.tile_h - 1) / l.tile_h * ((f.width + l.tile_w - 1) / l.tile_w);
  test::launch("last", dim3(tiles), static_cast<const __half *>(x.data()), static_cast<const __half *>(w.data()),
               static_cast<const float *>(bias.data()), f, src.frame(), table.lookup(), s.H, s.W, s.C,
               int(preserve));

  const std::string what = "last " + std::to_string(s.W) + "x" + std::to_string(s.H) + "x" + std::to_string(s.C) + " -> " + dst.text();
  test::check_result(what, dst, src, rgb, s.W, preserve, rest, before);
}

void run(const test::Shape &shape, int width, int height, bool aligned, const Plane &s, bool preserve = false) {
  test::Picture dst(shape, width, height, aligned, 1), src(shape, width, height, !aligned, 2);
  run(dst, src, s, preserve);
}

}  // namespace

TEST(last_formats) {
  for (const test::Shape &shape : test::shapes()) {
    run(shape, 33, 17, false, {17, 33, 16});
    run(shape, 50, 12, true, {12, 50, 16});
  }
}

TEST(last_small_pictures) {
  const int sizes[][2] = {{1, 1}, {1, 9}, {9, 1}, {2, 2}, {3, 2}, {2, 3}, {8, 8}};
  for (const char *name : {"RGB", "BGRA", "NV12", "YV12", "I422_10"})
    for (const auto &size : sizes) run(test::shape(name), size[0], size[1], false, {size[1], size[0], 16});
}

TEST(last_widths) {
  for (int C : {32, 48, 64, 128}) run(test::shape("NV12"), 34, 19, false, {19, 34, C});
}

TEST(last_crops) {
  run(test::shape("BGRA"), 33, 17, false, {24, 40, 32});
  run(test::shape("NV12"), 29, 13, false, {16, 32, 32});
}

TEST(last_in_place) {
  for (const char *name : {"BGRA", "RGB10A2"}) {
    test::Picture picture(test::shape(name), 21, 9, true, 5);
    const test::Picture copy(test::shape(name), 21, 9, true, 5);
    run(picture, picture, {9, 21, 16});
    CHECK(picture.rest() == copy.rest());
  }
}

TEST(last_preserve_color) {
  const int sizes[][2] = {{1, 1}, {1, 9}, {2, 3}, {33, 17}, {50, 12}};
  int i = 0;
  for (const test::Shape &shape : test::shapes())
    for (const auto &size : sizes)
      if (i++ % 2 || size[0] == 33) run(shape, size[0], size[1], size[1] % 2, {size[1], size[0], 16}, true);
  test::Picture dst(test::shape("NV12"), 18, 11, false, 3), src(test::shape("NV12"), 18, 11, false, 4);
  test::set_colorimetry(dst.frame(), 0.2126, 0.0722, true);
  run(dst, src, {16, 24, 16}, true);
}

// Each place of chroma, in more than one tile.
TEST(last_sitings) {
  for (int kind = 1; kind < 8; kind++)
    for (int width : {33, 70}) {
      const test::Shape &shape = test::shape(kind % 3 ? "NV12" : "I422_10");
      test::Picture dst(shape, width, 19, false, 3), src(shape, width, 19, false, 4);
      dst.frame().cosited_x = kind & 1, dst.frame().cosited_y = kind >> 1 & 1, dst.frame().interlaced = kind >> 2;
      run(dst, src, {19, width, 16});
    }
}

TEST(last_colorimetry) {
  const double matrices[][2] = {{0.2126, 0.0722}, {0.2627, 0.0593}, {0.212, 0.087}};
  for (const auto &m : matrices)
    for (bool full_range : {false, true}) {
      const test::Shape &shape = test::shape(full_range ? "YV12" : "P010");
      test::Picture dst(shape, 18, 11, false, 3), src(shape, 18, 11, false, 4);
      test::set_colorimetry(dst.frame(), m[0], m[1], full_range);
      run(dst, src, {11, 18, 16});
    }
}

// A sample has to be something where the network's result is not a number.
TEST(last_not_a_number) {
  test::Picture picture(test::shape("RGB"), 5, 3, false, 6);
  test::Buffer<__half> x(5 * 7 * 16), w(32 * 16);  // NaN
  test::Buffer<float> bias(3);
  for (auto &b : bias) b = 0.5f;
  test::launch("last", dim3(1), static_cast<const __half *>(x.data()), static_cast<const __half *>(w.data()),
               static_cast<const float *>(bias.data()), picture.frame(), picture.frame(), Lookup{}, 3, 5, 16, 0);
  for (int y = 0; y < 3; y++)
    for (int i = 0; i < 15; i++) CHECK(picture.sample(i % 3, y, i / 3) == 0);
}

TEST(last_tables) {
  for (const char *name : {"RGB", "RGB10A2", "YV12"})
    for (const test::Table &table : test::tables()) {
      test::Picture dst(test::shape(name), 33, 17, false, 1), src(test::shape(name), 33, 17, true, 2);
      run(dst, src, {17, 33, 16}, dst.most() > 255, table);
    }
}
