// Every instance of conv.cu against plain loops.
#include "conv.cu"
#include "test.h"

#include <string>
#include <vector>

namespace {

struct Shape {
  int H, W, Cin, Cout;
};

struct Problem {
  const Shape s;
  const bool pool, up, replicate;
  const int phases, side, oh, ow;
  test::Buffer<__half> x, w, y;
  test::Buffer<float> bias;
  std::vector<float> wanted;  // [oh][ow][Cout]

  Problem(const Shape &s, bool pool, bool up, bool bilinear, bool replicate, uint64_t seed)
      : s(s), pool(pool), up(up), replicate(replicate), phases(up ? 4 : 1), side(up && !bilinear ? 2 : 3),
        oh(up ? 2 * s.H : pool ? (s.H + 1) / 2 : s.H), ow(up ? 2 * s.W : pool ? (s.W + 1) / 2 : s.W),
        x(size_t(s.H + 2) * (s.W + 2) * s.Cin), w(size_t(phases) * side * side * s.Cout * s.Cin),
        y(size_t(oh + 2) * (ow + 2) * s.Cout), bias(s.Cout), wanted(size_t(oh) * ow * s.Cout) {
    test::Random random(seed);
    // The halo is random too: the convolution has to take what is there.
    for (auto &v : x) v = __float2half_rn(random.uniform(-1, 1));
    const float largest = 3 / std::sqrt(float(side * side * s.Cin));
    for (auto &v : w) v = __float2half_rn(random.uniform(-largest, largest));
    for (auto &v : bias) v = random.uniform(-0.5f, 0.5f);
    convolve();
  }

  REFERENCE void convolve() {
    std::vector<float> xf(x.size()), wf(w.size());
    for (size_t i = 0; i < x.size(); i++) xf[i] = __half2float(x[i]);
    for (size_t i = 0; i < w.size(); i++) wf[i] = __half2float(w[i]);
    std::fill(wanted.begin(), wanted.end(), 0.0f);
    for (int phase = 0; phase < phases; phase++)
      for (int py = 0; py < s.H; py++)
        for (int px = 0; px < s.W; px++)
          for (int o = 0; o < s.Cout; o++) {
            double sum = bias[o];
            for (int tap = 0; tap < side * side; tap++) {
              const int later = side == 2 ? phase : 0, row = py + later / 2 + tap / side, col = px + later % 2 + tap % side;
              const float *a = &xf[(size_t(row) * (s.W + 2) + col) * s.Cin];
              const float *b = &wf[((size_t(phase) * side * side + tap) * s.Cout + o) * s.Cin];
              float part = 0;
              for (int c = 0; c < s.Cin; c++) part += a[c] * b[c];
              sum += part;
            }
            const int qy = up ? 2 * py + phase / 2 : pool ? py / 2 : py, qx = up ? 2 * px + phase % 2 : pool ? px / 2 : px;
            float &to = wanted[(size_t(qy) * ow + qx) * s.Cout + o];
            to = std::max(to, float(sum));
          }
  }

  std::string text(const std::string &kernel) const {
    return kernel + " " + std::to_string(s.H) + "x" + std::to_string(s.W) + " " + std::to_string(s.Cin) + " -> " + std::to_string(s.Cout) +
           (replicate ? " repeated" : " reflected");
  }

  // Which pixel the halo copies.
  int source(int i, int n) const {
    if (i >= 0 && i < n) return i;
    if (replicate || n == 1) return i < 0 ? 0 : n - 1;
    return i < 0 ? 1 : n - 2;
  }

  void check(const std::string &kernel) {
    std::vector<__half> inside(wanted.size());
    for (int py = 0; py < oh; py++)
      std::memcpy(&inside[size_t(py) * ow * s.Cout], &y[(size_t(py + 1) * (ow + 2) + 1) * s.Cout], size_t(ow) * s.Cout * 2);
    // Half a step of float16 is 2^-11 of the value; sums of 1000 products of this size lose up to 1e-4 in float.
    test::near(text(kernel).c_str(), inside.data(), wanted.data(), wanted.size(), 1e-4, 0x1p-11 + 1e-5);
    int wrong = 0;
    for (int py = -1; py <= oh; py++)
      for (int px = -1; px <= ow; px++) {
        const __half *halo = &y[(size_t(py + 1) * (ow + 2) + px + 1) * s.Cout];
        wrong += std::memcmp(halo, &inside[(size_t(source(py, oh)) * ow + source(px, ow)) * s.Cout], size_t(s.Cout) * 2) != 0;
      }
    if (wrong) test::fail("%s: %d pixels of the halo are not copies", text(kernel).c_str(), wrong);
  }
};

void run(const std::string &kernel, const Shape &s, bool replicate) {
  const bool pool = kernel.find("_pool") != std::string::npos, bilinear = kernel.find("_bilinear") != std::string::npos;
  const bool up = bilinear || kernel.find("_up") != std::string::npos;
  Problem p(s, pool, up, bilinear, replicate, 100 * s.H + s.W + s.Cin + 7 * replicate);
  const emu::Launch l = test::kernel(kernel.c_str()).launch;
  const int tiles = (s.H + l.tile_h - 1) / l.tile_h * ((s.W + l.tile_w - 1) / l.tile_w);
  test::launch(kernel.c_str(), dim3(tiles, s.Cout / l.tile_c, p.phases), static_cast<const __half *>(p.x.data()),
               static_cast<const __half *>(p.w.data()), static_cast<const float *>(p.bias.data()), p.y.data(), s.H, s.W, s.Cin, s.Cout,
               int(replicate));
  p.check(kernel);
}

}  // namespace

// Sides of one and two pixels have halos of their own; odd sides leave pools and tiles unfilled.
TEST(conv_small_planes) {
  const int planes[][2] = {{1, 1}, {1, 9}, {2, 2}, {3, 2}, {8, 8}};
  int i = 0;
  for (const char *kernel : {"conv_n16", "conv_n16_pool", "conv_n16_up", "conv_n16_bilinear", "conv_n128", "conv_n128_pool", "conv_n128_up", "conv_n128_bilinear"})
    for (const auto &plane : planes) {
      const Shape s = {plane[0], plane[1], ++i % 3 ? 16 : 32, std::strstr(kernel, "128") ? 128 : 16};
      run(kernel, s, false);
      run(kernel, s, true);
    }
}

TEST(conv_n16) {
  run("conv_n16", {33, 50, 16, 16}, false);
  run("conv_n16_pool", {17, 33, 48, 32}, true);
  run("conv_n16_up", {24, 40, 16, 16}, false);
  run("conv_n16_bilinear", {17, 33, 48, 16}, false);
}

TEST(conv_n32) {
  run("conv_n32", {17, 33, 32, 32}, true);
  run("conv_n32_pool", {33, 50, 16, 32}, false);
  run("conv_n32_up", {17, 33, 48, 96}, true);
  run("conv_n32_bilinear", {24, 17, 32, 64}, true);
}

TEST(conv_n64) {
  run("conv_n64", {24, 40, 64, 64}, false);
  run("conv_n64_pool", {17, 33, 80, 64}, true);
  run("conv_n64_up", {17, 20, 64, 64}, false);
  run("conv_n64_bilinear", {9, 33, 64, 64}, false);
}

TEST(conv_n128) {
  run("conv_n128", {17, 20, 128, 256}, true);
  run("conv_n128_pool", {24, 40, 48, 128}, false);
  run("conv_n128_up", {9, 17, 128, 128}, false);
  run("conv_n128_bilinear", {9, 17, 64, 128}, true);
  run("conv_n128_up", {25, 24, 16, 128}, false);  // tiles whose only halo is that of one side
}

// Rows that ldmatrix reads together lie in different banks, whatever the tap.
TEST(conv_banks) {
  const uint64_t before = emu::counters.bank_conflicts;
  for (const char *kernel : {"conv_n16", "conv_n16_up", "conv_n32", "conv_n64_pool", "conv_n128_up", "conv_n64_bilinear"})
    run(kernel, {9, 17, 32, 128}, false);
  CHECK(emu::counters.bank_conflicts == before);
}
