// The result of a small frame at the frame's size, along the frame's own edges, as model/processing.go defines it, in two kernels:
// enlarge_fit gives each small pixel its slope a and offset r, enlarge gives each sample of the frame up(a)*I + up(r), up bilinear.
//
//   small   w x h pixels: the frame that the network saw
//   result  w x h pixels: what it made of it
//   coefficients  float [h][w][2] of YUV formats: a, r of Y; [h][w][4] of packed ones: a, r of each sample in the format's order
//   src     W x H pixels, W >= w and H >= h: the frame; gives I, alpha and padding bytes
//   dst     W x H pixels, of the format of the others. Rows of all pictures begin anywhere; bytes between them stay
//   preserve_color  1: the colours of src with the luminance of the result, model.Stylization.PreserveColor; kr, kg and kb of packed
//                   formats are BT.601's
//   Grid: enlarge_fit (tiles of small), enlarge (tiles of dst, 2): the second are chroma positions, which packed formats lack
//
// enlarge is bound by memory: 1.5 to 4 bytes are read and written for each pixel of the frame, and 8 or 16 bytes of coefficients for each
// small pixel, which L2 gives to the neighbours. Where a pixel lies between small ones is counted in whole numbers: in float the
// place would be off by more the farther right it is. A thread makes a pixel: rows begin anywhere, so words would not fit.
// enlarge_fit takes 100 values from shared memory for each pixel, of which there are a quarter or less of the frame's. Deviations are
// taken from the mean: float has no digits left in box(i*q) - box(i)*box(q).
// Rejected: a and the luminance apart, r at the frame's size (up(r) is the mean of four offsets, each with its own slope: four luminances
// and samples to read instead of one value); boxes by running sums (they need the plane in memory between rows and columns).
#include "frame.cuh"
#include "launch.cuh"
#include "pixel.cuh"

constexpr int enlarge_w = 32, enlarge_h = 8, enlarge_threads = enlarge_w * enlarge_h, enlarge_box = 2;

// Pixels of the tile at (top, left), which starts before it, in shared memory: H rows of W.
template <int W, int H> struct EnlargeTile {
  float v[H][W];
  __device__ __forceinline__ float &at(int i) { return v[i / W][i % W]; }
};
typedef EnlargeTile<enlarge_w + 4 * enlarge_box, enlarge_h + 4 * enlarge_box> EnlargeWide;
typedef EnlargeTile<enlarge_w + 2 * enlarge_box, enlarge_h + 2 * enlarge_box> EnlargeNarrow;

__device__ __forceinline__ float enlarge_luma(const Frame &f, int y, int x) {
  const unsigned char *p = pixel_at(f, y, x);
  return f.format >= FORMAT_NV12 ? p[0] : pixel_luma(f, p[0], p[1], p[2]);
}

// Luminances of the pixels around a tile; 0 for those that do not exist, which no box takes.
template <int W, int H> __device__ __forceinline__ void enlarge_load(EnlargeTile<W, H> &to, const Frame &f, int top, int left) {
  for (int i = threadIdx.x; i < W * H; i += enlarge_threads) {
    const int y = top + i / W, x = left + i % W;
    to.at(i) = y >= 0 && x >= 0 && y < f.height && x < f.width ? enlarge_luma(f, y, x) : 0.0f;
  }
}

// The pixels of a box around one that exist, in a tile's own counting.
struct EnlargeBox {
  int y0, y1, x0, x1;

  __device__ __forceinline__ EnlargeBox(int y, int x, int top, int left, int height, int width)
      : y0(max(y - enlarge_box, 0) - top), y1(min(y + enlarge_box + 1, height) - top),
        x0(max(x - enlarge_box, 0) - left), x1(min(x + enlarge_box + 1, width) - left) {}

  template <class Value> __device__ __forceinline__ float mean(Value value) const {
    float sum = 0;
    for (int y = y0; y < y1; y++)
      for (int x = x0; x < x1; x++) sum += value(y, x);
    return sum / ((y1 - y0) * (x1 - x0));
  }
};

// Coefficient a as it is before the last box, of the pixels around a tile.
__device__ __forceinline__ void enlarge_unsmoothed(EnlargeNarrow &to, EnlargeWide &frame, EnlargeWide &made, const Frame &f, int top,
                                                   int left) {
  constexpr int W = enlarge_w + 2 * enlarge_box, H = enlarge_h + 2 * enlarge_box;
  for (int k = threadIdx.x; k < W * H; k += enlarge_threads) {
    const int y = top + k / W, x = left + k % W;
    if (y < 0 || x < 0 || y >= f.height || x >= f.width) continue;
    const EnlargeBox box(y, x, top - enlarge_box, left - enlarge_box, f.height, f.width);
    const float i = box.mean([&](int v, int u) { return frame.v[v][u]; }), q = box.mean([&](int v, int u) { return made.v[v][u]; });
    const float both = box.mean([&](int v, int u) { return (frame.v[v][u] - i) * (made.v[v][u] - q); });
    const float square = box.mean([&](int v, int u) { return (frame.v[v][u] - i) * (frame.v[v][u] - i); });
    to.at(k) = both / (square + 65);
  }
}

extern "C" __global__ void __launch_bounds__(enlarge_threads) enlarge_fit(Frame small, Frame result, float *coefficients) {
  __shared__ EnlargeWide frame, made;
  __shared__ EnlargeNarrow fitted;
  const int tiles = (small.width + enlarge_w - 1) / enlarge_w;
  const int top = blockIdx.x / tiles * enlarge_h, left = blockIdx.x % tiles * enlarge_w;
  enlarge_load(frame, small, top - 2 * enlarge_box, left - 2 * enlarge_box);
  enlarge_load(made, result, top - 2 * enlarge_box, left - 2 * enlarge_box);
  __syncthreads();
  enlarge_unsmoothed(fitted, frame, made, small, top - enlarge_box, left - enlarge_box);
  __syncthreads();
  const int y = top + threadIdx.x / enlarge_w, x = left + threadIdx.x % enlarge_w;
  if (y >= small.height || x >= small.width) return;
  const EnlargeBox box(y, x, top - enlarge_box, left - enlarge_box, small.height, small.width);
  const float a = fminf(fmaxf(box.mean([&](int v, int u) { return fitted.v[v][u]; }), -1.0f), 1.0f);
  const float i = a * frame.v[y - top + 2 * enlarge_box][x - left + 2 * enlarge_box];
  const unsigned char *p = pixel_at(result, y, x);
  const size_t at = (size_t)y * small.width + x;
  if (small.format >= FORMAT_NV12)
    ((float2 *)coefficients)[at] = make_float2(a, p[0] - i);
  else
    ((float4 *)coefficients)[at] = make_float4(a, p[0] - i, p[1] - i, p[2] - i);
}
DESCRIBE(enlarge_fit, enlarge_w, enlarge_h, 1, enlarge_threads, 0)

// Where pixel k of n lies among m: between `first` and `second`, this share of the way.
struct EnlargePlace {
  int first, second;
  float share;

  __device__ __forceinline__ EnlargePlace(int k, int n, int m) {
    const long long at = (2LL * k + 1) * m - n;  // in units of 1/(2n)
    const unsigned long long from = at > 0 ? at : 0, whole = 2ULL * n;
    first = (int)(from / whole);
    second = min(first + 1, m - 1);
    share = (float)(from - first * whole) / (float)whole;
  }

  __device__ __forceinline__ float operator()(float a, float b) const { return a + share * (b - a); }
  __device__ __forceinline__ float2 operator()(float2 a, float2 b) const { return make_float2((*this)(a.x, b.x), (*this)(a.y, b.y)); }
  __device__ __forceinline__ float4 operator()(float4 a, float4 b) const {
    return make_float4((*this)(a.x, b.x), (*this)(a.y, b.y), (*this)(a.z, b.z), (*this)(a.w, b.w));
  }
};

template <class Vector>
__device__ __forceinline__ Vector enlarge_coefficients(const float *coefficients, int width, const EnlargePlace &down,
                                                       const EnlargePlace &across) {
  const Vector *all = (const Vector *)coefficients;
  const Vector *upper = all + (size_t)down.first * width, *lower = all + (size_t)down.second * width;
  const Vector above = across(__ldg(upper + across.first), __ldg(upper + across.second));
  return down(above, across(__ldg(lower + across.first), __ldg(lower + across.second)));
}

__device__ __forceinline__ void enlarge_packed(const Frame &dst, const Frame &src, const Frame &result, const float *coefficients, int y,
                                               int x, int preserve_color) {
  const EnlargePlace down(y, dst.height, result.height), across(x, dst.width, result.width);
  const float4 s = enlarge_coefficients<float4>(coefficients, result.width, down, across);
  const unsigned char *from = pixel_at(src, y, x);
  const float i = s.x * pixel_luma(src, from[0], from[1], from[2]);
  unsigned char v[3] = {pixel_sample(i + s.y), pixel_sample(i + s.z), pixel_sample(i + s.w)};
  if (preserve_color) {
    const unsigned char made[3] = {v[0], v[1], v[2]};
    v[0] = from[0], v[1] = from[1], v[2] = from[2];
    pixel_preserve_color(v, dst, made[0], made[1], made[2]);
  }
  pixel_put(dst, y, x, v, from);
}

__device__ __forceinline__ void enlarge_chroma(const Frame &dst, const Frame &src, const Frame &result, int y, int x, int preserve_color) {
  const Chroma to = pixel_chroma(dst, y, x);
  if (preserve_color) {
    const Chroma from = pixel_chroma(src, y, x);
    *to.cb = *from.cb, *to.cr = *from.cr;
    return;
  }
  const EnlargePlace down(y, (dst.height + 1) / 2, (result.height + 1) / 2), across(x, (dst.width + 1) / 2, (result.width + 1) / 2);
  const Chroma a = pixel_chroma(result, down.first, across.first), b = pixel_chroma(result, down.first, across.second);
  const Chroma c = pixel_chroma(result, down.second, across.first), d = pixel_chroma(result, down.second, across.second);
  *to.cb = pixel_sample(down(across(*a.cb, *b.cb), across(*c.cb, *d.cb)));
  *to.cr = pixel_sample(down(across(*a.cr, *b.cr), across(*c.cr, *d.cr)));
}

extern "C" __global__ void __launch_bounds__(enlarge_threads)
    enlarge(Frame dst, Frame src, Frame result, const float *coefficients, int preserve_color) {
  const int tiles = (dst.width + enlarge_w - 1) / enlarge_w;
  const int y = blockIdx.x / tiles * enlarge_h + threadIdx.x / enlarge_w, x = blockIdx.x % tiles * enlarge_w + threadIdx.x % enlarge_w;
  const bool yuv = dst.format >= FORMAT_NV12;
  if (blockIdx.y == 1) {
    if (yuv && y < (dst.height + 1) / 2 && x < (dst.width + 1) / 2) enlarge_chroma(dst, src, result, y, x, preserve_color);
    return;
  }
  if (y >= dst.height || x >= dst.width) return;
  if (!yuv) return enlarge_packed(dst, src, result, coefficients, y, x, preserve_color);
  const EnlargePlace down(y, dst.height, result.height), across(x, dst.width, result.width);
  const float2 s = enlarge_coefficients<float2>(coefficients, result.width, down, across);
  *pixel_at(dst, y, x) = pixel_sample(s.x * *pixel_at(src, y, x) + s.y);
}
DESCRIBE(enlarge, enlarge_w, enlarge_h, 1, enlarge_threads, 0)
