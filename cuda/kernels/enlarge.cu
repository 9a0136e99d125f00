// The result of a small frame at the frame's size, along the frame's own edges, as model/processing.go defines it, in two kernels:
// enlarge_fit gives each small pixel its slope a and offset r, enlarge gives each sample of the frame up(a)*I + up(r), up bilinear.
//
//   small   w x h pixels: the frame that the network saw
//   result  w x h pixels: what it made of it
//   coefficients  float [h][w][2] of YUV formats: a, r of Y; [h][w][4] of RGB ones: a, r of R, G and B. Luminances and offsets are on the scale
//                   of 8 bits
//   src     W x H pixels, W >= w and H >= h: the frame; gives I, alpha and padding bytes
//   dst     W x H pixels, of the format of the others. Rows of all pictures begin anywhere; bytes between them stay
//   preserve_color  1: the colours of src with the luminance of the result, model.Stylization.PreserveColor; kr, kg and kb of RGB
//                   formats are BT.601's
//   Grid: enlarge_fit (tiles of small), enlarge (tiles of dst, 2): the second are chroma positions where pixels share chroma
//
// enlarge is bound by memory: 1.5 to 8 bytes are read and written for each pixel of the frame, and 8 or 16 bytes of coefficients for each
// small pixel, which L2 gives to the neighbours. Where a pixel lies between small ones is counted in whole numbers: in float the
// place would be off by more the farther right it is. A thread makes a pixel: rows begin anywhere, so words would not fit.
// enlarge_fit takes 100 values from shared memory for each pixel, of which there are a quarter or less of the frame's. Deviations are
// taken from the mean: float has no digits left in box(i*q) - box(i)*box(q).
// Rejected: a and the luminance apart, r at the frame's size (up(r) is the mean of four offsets, each with its own slope: four luminances
// and samples to read instead of one value); boxes by running sums (they need the plane in memory between rows and columns).
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

// One code of 8 bits in the frame's samples.
__device__ __forceinline__ float enlarge_unit(const Frame &f) { return (float)(f.most + 1) / 256; }

// Y of YUV formats, else Y', 0 to 255.
template <class Word> __device__ __forceinline__ float enlarge_luma(const Frame &f, int y, int x) {
  const float scale = 1 / enlarge_unit(f);  // a power of two
  if (f.yuv && sizeof(Word) != 4) return scale * frame_sample<Word>(f, f.channel[0], y, x);
  const Pixel p = pixel_get<Word>(f, y, x);
  return scale * (f.yuv ? p.v[0] : pixel_luma(f, (float)p.v[0], (float)p.v[1], (float)p.v[2]));
}

// Luminances of the pixels around a tile; 0 for those that do not exist, which no box takes.
template <class Word, int W, int H>
__device__ __forceinline__ void enlarge_load(EnlargeTile<W, H> &to, const Frame &f, int top, int left) {
  for (int i = threadIdx.x; i < W * H; i += enlarge_threads) {
    const int y = top + i / W, x = left + i % W;
    to.at(i) = y >= 0 && x >= 0 && y < f.height && x < f.width ? enlarge_luma<Word>(f, y, x) : 0.0f;
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

// The slope of this thread's pixel goes with what it leaves of the result's samples.
template <class Word>
__device__ __forceinline__ void enlarge_offsets(const Frame &result, float *coefficients, int y, int x, float a, float i) {
  const float scale = 1 / enlarge_unit(result);
  const size_t at = (size_t)y * result.width + x;
  if (result.yuv) {
    ((float2 *)coefficients)[at] = make_float2(a, enlarge_luma<Word>(result, y, x) - a * i);
    return;
  }
  const Pixel p = pixel_get<Word>(result, y, x);
  ((float4 *)coefficients)[at] = make_float4(a, scale * p.v[0] - a * i, scale * p.v[1] - a * i, scale * p.v[2] - a * i);
}

template <class Word>
__device__ __forceinline__ void enlarge_loads(EnlargeWide &frame, EnlargeWide &made, const Frame &small, const Frame &result, int top,
                                              int left) {
  enlarge_load<Word>(frame, small, top, left);
  enlarge_load<Word>(made, result, top, left);
}

extern "C" __global__ void __launch_bounds__(enlarge_threads) enlarge_fit(Frame small, Frame result, float *coefficients) {
  __shared__ EnlargeWide frame, made;
  __shared__ EnlargeNarrow fitted;
  const int tiles = (small.width + enlarge_w - 1) / enlarge_w;
  const int top = blockIdx.x / tiles * enlarge_h, left = blockIdx.x % tiles * enlarge_w;
  frame_with_word(small, [&](auto word) { enlarge_loads<decltype(word)>(frame, made, small, result, top - 2 * enlarge_box, left - 2 * enlarge_box); });
  __syncthreads();
  enlarge_unsmoothed(fitted, frame, made, small, top - enlarge_box, left - enlarge_box);
  __syncthreads();
  const int y = top + threadIdx.x / enlarge_w, x = left + threadIdx.x % enlarge_w;
  if (y >= small.height || x >= small.width) return;
  const EnlargeBox box(y, x, top - enlarge_box, left - enlarge_box, small.height, small.width);
  const float a = fminf(fmaxf(box.mean([&](int v, int u) { return fitted.v[v][u]; }), -1.0f), 1.0f);
  const float i = frame.v[y - top + 2 * enlarge_box][x - left + 2 * enlarge_box];
  frame_with_word(result, [&](auto word) { enlarge_offsets<decltype(word)>(result, coefficients, y, x, a, i); });
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

// Chroma c at (y, x) of its grid: that of the frame, or of the small result.
template <class Word>
__device__ __forceinline__ int enlarge_chroma(const Frame &dst, const Frame &src, const Frame &result, int c, int y, int x,
                                              const EnlargePlace &down, const EnlargePlace &across, int preserve_color) {
  if (preserve_color) return frame_sample<Word>(src, src.channel[c], y, x);
  const Channel &from = result.channel[c];
  const float upper = across((float)frame_sample<Word>(result, from, down.first, across.first),
                             (float)frame_sample<Word>(result, from, down.first, across.second));
  const float lower = across((float)frame_sample<Word>(result, from, down.second, across.first),
                             (float)frame_sample<Word>(result, from, down.second, across.second));
  return pixel_sample(dst, down(upper, lower));
}

// Writes a chroma position where pixels share chroma.
template <class Word>
__device__ __forceinline__ void enlarge_shared(const Frame &dst, const Frame &src, const Frame &result, int y, int x, int preserve_color) {
  const int height = (dst.height + dst.half_y) >> dst.half_y, width = (dst.width + 1) / 2;
  if (y >= height || x >= width) return;
  const EnlargePlace down(y, height, (result.height + dst.half_y) >> dst.half_y), across(x, width, (result.width + 1) / 2);
#pragma unroll
  for (int c = 1; c < 3; c++)
    frame_put_sample<Word>(dst, dst.channel[c], y, x, enlarge_chroma<Word>(dst, src, result, c, y, x, down, across, preserve_color));
}

// Writes a pixel of an RGB frame.
template <class Word>
__device__ __forceinline__ void enlarge_rgb(const Frame &dst, const Frame &src, const float4 &s, int y, int x, int preserve_color) {
  const float unit = enlarge_unit(dst), i = s.x * enlarge_luma<Word>(src, y, x);
  Pixel v = {{pixel_sample(dst, unit * (i + s.y)), pixel_sample(dst, unit * (i + s.z)), pixel_sample(dst, unit * (i + s.w))}};
  if (preserve_color) {
    const Pixel made = v;
    v = pixel_get<Word>(src, y, x);
    pixel_preserve_color(v, dst, (float)made.v[0], (float)made.v[1], (float)made.v[2]);
  }
  pixel_put<Word>(dst, y, x, v, pixel_rest<Word>(src, y, x));
}

template <class Word>
__device__ __forceinline__ void enlarge_block(const Frame &dst, const Frame &src, const Frame &result, const float *coefficients, int y,
                                              int x, int preserve_color) {
  const bool shared = sizeof(Word) != 4 && dst.half_x;
  if (blockIdx.y == 1) {
    if (shared) enlarge_shared<Word>(dst, src, result, y, x, preserve_color);
    return;
  }
  if (y >= dst.height || x >= dst.width) return;
  const EnlargePlace down(y, dst.height, result.height), across(x, dst.width, result.width);
  if (!dst.yuv) {
    enlarge_rgb<Word>(dst, src, enlarge_coefficients<float4>(coefficients, result.width, down, across), y, x, preserve_color);
    return;
  }
  const float2 s = enlarge_coefficients<float2>(coefficients, result.width, down, across);
  Pixel v = {{pixel_sample(dst, enlarge_unit(dst) * (s.x * enlarge_luma<Word>(src, y, x) + s.y)), 0, 0}};
  if (shared) {
    frame_put_sample<Word>(dst, dst.channel[0], y, x, v.v[0]);
    return;
  }
#pragma unroll
  for (int c = 1; c < 3; c++) v.v[c] = enlarge_chroma<Word>(dst, src, result, c, y, x, down, across, preserve_color);
  pixel_put<Word>(dst, y, x, v, pixel_rest<Word>(src, y, x));
}

extern "C" __global__ void __launch_bounds__(enlarge_threads)
    enlarge(Frame dst, Frame src, Frame result, const float *coefficients, int preserve_color) {
  const int tiles = (dst.width + enlarge_w - 1) / enlarge_w;
  const int y = blockIdx.x / tiles * enlarge_h + threadIdx.x / enlarge_w, x = blockIdx.x % tiles * enlarge_w + threadIdx.x % enlarge_w;
  frame_with_word(dst, [&](auto word) { enlarge_block<decltype(word)>(dst, src, result, coefficients, y, x, preserve_color); });
}
DESCRIBE(enlarge, enlarge_w, enlarge_h, 1, enlarge_threads, 0)
