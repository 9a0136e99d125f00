// train_conv.cu against plain loops, forward and back.
#include "train_conv.cu"
#include "batch.h"

#include <string>

namespace {

struct Layer {
  const int in, out;
  test::Buffer<__half> w;  // [9][out][in]
  test::Buffer<float> bias;

  Layer(int in, int out, uint64_t seed) : in(in), out(out), w(size_t(9) * out * in), bias(out) {
    test::Random random(seed);
    for (auto &v : w) v = __float2half_rn(random.uniform(-1, 1) / std::sqrt(3.0f * in));
    for (auto &v : bias) v = random.uniform(-0.5f, 0.5f);
  }

  // The sum at (y, x), or with `back` what gradients g of the sums send to pixel (y, x) of the input, halo included.
  REFERENCE double sum(Batch &x, int n, int py, int px, int to, bool back) {
    double sum = 0;
    for (int tap = 0; tap < 9; tap++) {
      const int y = back ? py + 1 - tap / 3 : py + tap / 3 - 1, col = back ? px + 1 - tap % 3 : px + tap % 3 - 1;
      if (back && (y < 0 || y >= x.H || col < 0 || col >= x.W)) continue;
      for (int c = 0; c < x.C; c++) sum += double(x(n, y, col, c)) * __half2float(w[(size_t(tap) * out + (back ? c : to)) * in + (back ? to : c)]);
    }
    return sum;
  }
};

void launch(Batch &x, const __half *w, const float *bias, void *y, int Cout, int kind) {
  const std::string name = "train_conv_n" + std::to_string(Cout % 64 == 0 ? 64 : Cout % 32 == 0 ? 32 : 16);
  const emu::Launch l = test::kernel(name.c_str()).launch;
  const int pixels = x.N * (x.H + 2) * (x.W + 2);
  test::launch(name.c_str(), dim3((pixels + l.tile_w - 1) / l.tile_w, Cout / l.tile_c), x.data(), w, bias, y, x.N, x.H, x.W, x.C, Cout, kind);
}

// Half a step of float16 is 2^-11; sums of some hundred products lose up to 1e-4 in float.
void forward(int N, int H, int W, int in, int out, bool repeated) {
  Layer l(in, out, H + W + in);
  Batch x(N, H, W, in), y(N, H, W, out);
  x.random(N + out);
  launch(x, l.w.data(), l.bias.data(), y.values.data(), out, repeated ? TRAIN_REPEATED : TRAIN_REFLECTED);
  y.check("train_conv forward", repeated, 1e-4, 0x1p-11 + 1e-5,
          [&](int n, int py, int px, int c) { return std::max(0.0, l.sum(x, n, py, px, c, false) + l.bias[c]); });
}

void backward(int N, int H, int W, int in, int out) {
  Layer l(in, out, H + W + in);
  Batch g(N, H, W, out), e(N, H, W, in);
  g.random(N + out).clear_halo();
  test::Buffer<__half> turned(l.w.size());
  for (int tap = 0; tap < 9; tap++)
    for (int o = 0; o < out; o++)
      for (int i = 0; i < in; i++) turned[(size_t(8 - tap) * in + i) * out + o] = l.w[(size_t(tap) * out + o) * in + i];
  launch(g, turned.data(), nullptr, e.values.data(), in, TRAIN_GRADIENT);
  std::vector<float> got, wanted;
  for (int n = 0; n < N; n++)
    for (int y = -1; y <= H; y++)
      for (int x = -1; x <= W; x++)
        for (int c = 0; c < in; c++) got.push_back(e(n, y, x, c)), wanted.push_back(float(l.sum(g, n, y, x, c, true)));
  test::near("train_conv back", got.data(), wanted.data(), got.size(), 1e-4, 0x1p-11 + 1e-5);
}

}  // namespace

TEST(train_conv_forward) {
  forward(1, 1, 1, 16, 16, false);
  forward(3, 1, 2, 16, 32, false);
  forward(2, 9, 17, 48, 16, true);
  forward(8, 2, 3, 32, 32, true);
}

TEST(train_conv_wide) { forward(3, 8, 13, 80, 64, false); }

TEST(train_conv_back) {
  backward(1, 1, 1, 16, 16);
  backward(3, 1, 2, 32, 16);
  backward(2, 9, 17, 16, 48);
  backward(8, 2, 3, 64, 32);
}

TEST(train_conv_picture) {
  const int N = 2, H = 9, W = 15;
  Layer l(32, 16, 4);
  Batch x(N, H, W, 32);
  x.random(3);
  test::Buffer<float> y(size_t(N) * 3 * H * W);
  launch(x, l.w.data(), l.bias.data(), y.data(), 16, TRAIN_PICTURE);
  std::vector<float> wanted;
  for (int n = 0; n < N; n++)
    for (int c = 0; c < 3; c++)
      for (int i = 0; i < H * W; i++) wanted.push_back(float(l.sum(x, n, i / W, i % W, c, false) + l.bias[c]));
  test::near("train_conv picture", y.data(), wanted.data(), y.size(), 1e-4, 1e-5);
}

// Rows that ldmatrix reads together lie in different banks, whatever the tap.
TEST(train_conv_banks) {
  const uint64_t before = emu::counters.bank_conflicts;
  forward(1, 9, 17, 32, 64, false);
  CHECK(emu::counters.bank_conflicts == before);
}
