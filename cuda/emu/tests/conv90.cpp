// The convolutions of conv90.cu against plain loops: every pixel of the output plane, its halo included.
#include "conv90.cu"
#include "test.h"

#include <vector>

namespace {

struct Instance {
  const char *name;
  int Cin, Cout;  // 0: any multiple of 64, any multiple of the tile's channels
  int scale;      // of the output: 1, 2 behind an upsampling, -2 pooled
  int halo;       // rows of a box beyond the tile's
};

const Instance instances[] = {
    {"conv90_c64", 64, 64, 1, 2},       {"conv90_c64_pool", 64, 64, -2, 2}, {"conv90_c64", 64, 128, 1, 2},
    {"conv90_c128to64", 128, 64, 1, 2}, {"conv90_c128", 0, 0, 1, 2},        {"conv90_c128_pool", 0, 0, -2, 2},
    {"conv90_c128_small", 0, 0, 1, 2},  {"conv90_c64_up", 64, 64, 2, 2},    {"conv90_c128_up", 0, 0, 2, 1},
};

struct Problem90 {
  int H, W, Cin, Cout, blocks;
  bool replicate;
};

// The pixel that index i of a halo copies.
int mirrored(int i, int n, bool replicate) {
  if (replicate || n == 1) return std::min(std::max(i, 0), n - 1);
  return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i;
}

// A plane [H+2][W+2][C] in memory.
struct Plane {
  int H, W, C;
  std::vector<float> v;

  Plane(int H, int W, int C) : H(H), W(W), C(C), v(size_t(H + 2) * (W + 2) * C) {}
  float *at(int y, int x) { return &v[(size_t(y + 1) * (W + 2) + x + 1) * C]; }
  const float *at(int y, int x) const { return &v[(size_t(y + 1) * (W + 2) + x + 1) * C]; }

  void fill_halo(bool replicate) {
    for (int y = -1; y <= H; y++)
      for (int x = -1; x <= W; x++)
        if (y < 0 || x < 0 || y == H || x == W)
          std::memcpy(at(y, x), at(mirrored(y, H, replicate), mirrored(x, W, replicate)), size_t(C) * sizeof(float));
  }
};

float rounded(float v) { return __half2float(__float2half_rn(v)); }

// 64 channels at a time: plain loops took half of the tests' time.
typedef float Lanes __attribute__((vector_size(64 * sizeof(float))));

// w [9][Cin][Cout].
REFERENCE Plane convolve(const Plane &x, const std::vector<float> &w, const std::vector<float> &bias) {
  const int Cout = int(bias.size());
  Plane y(x.H, x.W, Cout);
  for (int i = 0; i < x.H; i++)
    for (int j = 0; j < x.W; j++)
      for (int o = 0; o < Cout; o += 64) {
        Lanes sum, taps;
        std::memcpy(&sum, &bias[o], sizeof sum);
        for (int tap = 0; tap < 9; tap++) {
          const float *p = x.at(i + tap / 3 - 1, j + tap % 3 - 1);
          for (int c = 0; c < x.C; c++) {
            std::memcpy(&taps, &w[(size_t(tap) * x.C + c) * Cout + o], sizeof taps);
            sum += p[c] * taps;
          }
        }
        for (int l = 0; l < 64; l++) y.at(i, j)[o + l] = std::max(sum[l], 0.0f);
      }
  return y;
}

Plane pooled(const Plane &x) {
  Plane y((x.H + 1) / 2, (x.W + 1) / 2, x.C);
  for (int i = 0; i < x.H; i++)
    for (int j = 0; j < x.W; j++)
      for (int c = 0; c < x.C; c++) y.at(i / 2, j / 2)[c] = std::max(y.at(i / 2, j / 2)[c], x.at(i, j)[c]);
  return y;
}

Plane upsampled(const Plane &x) {
  Plane y(2 * x.H, 2 * x.W, x.C);
  for (int i = 0; i < y.H; i++)
    for (int j = 0; j < y.W; j++) std::memcpy(y.at(i, j), x.at(i / 2, j / 2), size_t(x.C) * sizeof(float));
  y.fill_halo(false);
  return y;
}

// Where the tap d of a 3-pixel window lies among the two small pixels that an output pixel of this parity reads.
int small_tap(int parity, int d) { return (parity + d + 1) / 2 - parity; }

// The kernel's weights: [9][Cout][Cin], or summed up for the four phases [4][4][Cout][Cin].
void arrange(const std::vector<float> &w, int Cin, int Cout, bool up, test::Buffer<__half> &to) {
  std::vector<float> sums(to.size());
  for (int phase = 0; phase < (up ? 4 : 1); phase++)
    for (int tap = 0; tap < 9; tap++) {
      const int at = up ? 4 * phase + 2 * small_tap(phase / 2, tap / 3) + small_tap(phase % 2, tap % 3) : tap;
      for (int c = 0; c < Cin; c++)
        for (int o = 0; o < Cout; o++) sums[(size_t(at) * Cout + o) * Cin + c] += w[(size_t(tap) * Cin + c) * Cout + o];
    }
  for (size_t i = 0; i < to.size(); i++) to[i] = __float2half_rn(sums[i]);
}

TMap tensor_map(const __half *base, int c, int w, int h, int box_w, int box_h) {
  TMap m{};
  m.base = reinterpret_cast<const unsigned char *>(base);
  const uint64_t row = uint64_t(c) * 2;
  m.dim[0] = uint64_t(c), m.dim[1] = uint64_t(w), m.dim[2] = uint64_t(h), m.dim[3] = 1;
  m.stride[0] = row, m.stride[1] = row * w, m.stride[2] = row * w * h;
  m.box[0] = 64, m.box[1] = uint32_t(box_w), m.box[2] = uint32_t(box_h), m.box[3] = 1;
  m.elt = 2, m.swz = 1;
  return m;
}

void run(const Instance &k, const Problem90 &p, uint64_t seed) {
  const bool up = k.scale == 2;
  test::Random random(seed);
  Plane x(p.H, p.W, p.Cin);
  std::vector<float> w(size_t(9) * p.Cin * p.Cout), bias(p.Cout);
  for (auto &v : x.v) v = rounded(random.uniform(-1, 1));
  x.fill_halo(up);
  const float scale = 2 / std::sqrt(9.0f * p.Cin);
  for (auto &v : w) v = rounded(random.uniform(-scale, scale));
  for (auto &v : bias) v = random.uniform(-0.2f, 0.2f);

  Plane want = convolve(up ? upsampled(x) : x, w, bias);
  if (k.scale == -2) want = pooled(want);
  want.fill_halo(p.replicate);

  test::Buffer<__half> gx(x.v.size()), gw(size_t(up ? 16 : 9) * p.Cin * p.Cout), gy(want.v.size());
  test::Buffer<float> gbias(bias.size());
  for (size_t i = 0; i < x.v.size(); i++) gx[i] = __float2half_rn(x.v[i]);
  std::copy(bias.begin(), bias.end(), gbias.begin());
  arrange(w, p.Cin, p.Cout, up, gw);

  const emu::Launch &l = test::kernel(k.name).launch;
  const int across = k.Cin == 64 ? p.Cout / l.tile_c : 1;  // with resident weights a block must keep its channels
  const int blocks = (p.blocks + across - 1) / across * across;
  const TMap map_x = tensor_map(gx.data(), p.Cin, p.W + 2, p.H + 2, l.tile_w, l.tile_h + k.halo);
  const TMap map_w = tensor_map(gw.data(), p.Cin, (up ? 16 : 9) * p.Cout, 1, l.tile_c, 1);
  const uint64_t conflicts = emu::counters.bank_conflicts;
  const float *bias_at = gbias.data();
  test::launch(k.name, dim3(unsigned(blocks)), map_x, map_w, bias_at, gy.data(), p.H, p.W, p.Cin, p.Cout, int(p.replicate));

  char what[200];
  std::snprintf(what, sizeof what, "%s %dx%d %d->%d rep %d, %d blocks, seed %d", k.name, p.H, p.W, p.Cin, p.Cout, p.replicate,
                p.blocks, int(seed));
  test::near(what, gy.data(), want.v.data(), want.v.size(), 2e-3, 1e-3);
  if (emu::counters.bank_conflicts != conflicts) test::fail("%s: bank conflicts in the epilogue", what);
}

int tile_channels(const Instance &k) { return test::kernel(k.name).launch.tile_c; }

void run_all(std::initializer_list<Problem90> problems) {
  for (const Instance &k : instances)
    for (Problem90 p : problems) {
      p.Cin = k.Cin ? k.Cin : p.Cin;
      p.Cout = k.Cout ? k.Cout : p.Cout * tile_channels(k);
      run(k, p, 1);
    }
}

// Cout counts tiles of channels here.
TEST(conv90_several_tiles) { run_all({{18, 20, 128, 1, 2, false}, {17, 33, 64, 1, 1, true}}); }
TEST(conv90_many_channels) {
  run(instances[4], {9, 20, 192, 256, 3, false}, 1);
  run(instances[5], {9, 20, 192, 256, 3, false}, 1);
  run(instances[6], {9, 20, 192, 256, 3, false}, 1);
  run(instances[8], {5, 18, 192, 256, 4, false}, 1);
}
// Boxes that hang over all edges, sides whose halo repeats the only pixel, sides whose halo reflects the other one.
TEST(conv90_tiny_planes) {
  run_all({{1, 1, 64, 1, 1, false},
           {1, 18, 64, 1, 1, false},
           {17, 2, 64, 1, 1, false},
           {3, 1, 64, 1, 1, true},
           {2, 2, 64, 1, 2, true}});
}

// CONV90_CASES: how many per instance, CONV90_SEED: other ones.
TEST(conv90_random) {
  const char *cases = std::getenv("CONV90_CASES"), *seed = std::getenv("CONV90_SEED");
  const int side = cases ? 42 : 24;  // a larger plane takes half a second
  const uint64_t base = seed ? std::strtoull(seed, nullptr, 10) : 1;
  for (const Instance &k : instances) {
    test::Random random(base);
    for (int i = 0; i < (cases ? std::atoi(cases) : 1); i++) {
      const int height = 1 + random.below(side), width = 1 + random.below(side), blocks = 1 + random.below(4);
      Problem90 p{height, width, 64, tile_channels(k), blocks, random.below(2) != 0};
      p.Cin = k.Cin ? k.Cin : p.Cin * (1 + random.below(3));
      p.Cout = k.Cout ? k.Cout : p.Cout * (1 + random.below(256 / p.Cout));
      run(k, p, base * 1000 + uint64_t(i));
    }
  }
}

}  // namespace
