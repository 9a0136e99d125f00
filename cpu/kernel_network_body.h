// The kernels, written once. The including file sets the instruction set, LANES (floats in its widest register) and
// the namespace. No standard library here: an inline function of it compiled for AVX-512 could replace the one that an
// older processor runs.

template <int lanes>
struct Vector {
  typedef float V __attribute__((vector_size(4 * lanes), aligned(4), may_alias));
  typedef int I __attribute__((vector_size(4 * lanes)));
  typedef uint32_t U __attribute__((vector_size(4 * lanes)));
  typedef uint16_t H __attribute__((vector_size(2 * lanes), aligned(2), may_alias));
  typedef double D __attribute__((vector_size(8 * lanes)));
};

struct Float {
  typedef float T;
  static T from(float v) { return v; }
  template <int lanes>
  static void put(typename Vector<lanes>::V v, T *p) {
    *(typename Vector<lanes>::V *)p = v;
  }
};

// Upper half of a float, rounded to nearest even.
struct BFloat16 {
  typedef uint16_t T;
  static T from(float v) {
    uint32_t u;
    __builtin_memcpy(&u, &v, 4);
    return T((u + 0x7fff + (u >> 16 & 1)) >> 16);
  }
  template <int lanes>
  static void put(typename Vector<lanes>::V v, T *p) {
#if defined(ADAIN_NATIVE_BFLOAT16)
    if constexpr (lanes == 16) return _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh((__m512)v));
#endif
    typedef typename Vector<lanes>::H H;
    const auto u = (typename Vector<lanes>::U)v;
    *(H *)p = __builtin_convertvector((u + 0x7fff + (u >> 16 & 1)) >> 16, H);
  }
};

// 0 to 255, rounded to nearest even; a NaN is 0.
struct UInt8 {
  typedef uint8_t T;
  static T from(float v) {
    v = v > 0 ? v : 0.f;
    v = v < 255 ? v : 255.f;
    v += 8388608.f;  // from 2^23 on a float has no bits behind the point
    uint32_t u;
    __builtin_memcpy(&u, &v, 4);
    return T(u);
  }
  template <int lanes>
  static void put(typename Vector<lanes>::V v, T *p) {
    typedef uint8_t B __attribute__((vector_size(lanes), aligned(1), may_alias));
    v = v > 0 ? v : typename Vector<lanes>::V{};
    v = v < 255 ? v : typename Vector<lanes>::V{} + 255;
    *(B *)p = __builtin_convertvector((typename Vector<lanes>::U)(v + 8388608.f) & 255, B);
  }
};

template <int lanes>
inline typename Vector<lanes>::V load(const float *p) {
  return *(const typename Vector<lanes>::V *)p;
}

// Sums of neighbouring lanes: those of a in the lower half, those of b in the upper half.
template <int lanes>
inline typename Vector<lanes>::V pairs(typename Vector<lanes>::V a, typename Vector<lanes>::V b) {
  typename Vector<lanes>::I even, odd;
#pragma GCC unroll 16
  for (int i = 0; i < lanes; i++) {
    even[i] = 2 * i;
    odd[i] = 2 * i + 1;
  }
  return __builtin_shuffle(a, b, even) + __builtin_shuffle(a, b, odd);
}

// pixels neighbouring results of the first layer, vectors*lanes channels of each, accumulated in registers.
template <int lanes, int vectors, int pixels, class Feature>
inline void first_block(const float *rgb, size_t plane, int pitch, int channels, const float *weight, const float *bias, typename Feature::T *dst) {
  typedef typename Vector<lanes>::V V;
  V sum[pixels][vectors];
#pragma GCC unroll 16
  for (int p = 0; p < pixels; p++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) sum[p][v] = load<lanes>(bias + v * lanes);
  for (int i = 0; i < 3; i++)
    for (int y = 0; y < 3; y++)
#pragma GCC unroll 3
      for (int x = 0; x < 3; x++, weight += channels) {
        const float *from = rgb + i * plane + y * pitch + x;
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
          const V w = load<lanes>(weight + v * lanes);
#pragma GCC unroll 16
          for (int p = 0; p < pixels; p++) sum[p][v] += from[p] * w;
        }
      }
#pragma GCC unroll 16
  for (int p = 0; p < pixels; p++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      const V s = sum[p][v];
      Feature::template put<lanes>(s > 0 ? s : V{}, dst + p * channels + v * lanes);
    }
}

template <int lanes, int vectors, class Feature>
void first_lanes(const float *rgb, int rows, int cols, int channels, const float *weight, const float *bias, typename Feature::T *dst) {
  constexpr int pixels = 12 / vectors;
  const int pitch = cols + 2;
  const size_t plane = size_t(rows + 2) * pitch;
  for (int y = 0; y < rows; y++)
    for (int c = 0; c < channels; c += vectors * lanes) {
      const float *from = rgb + size_t(y) * pitch;
      typename Feature::T *to = dst + size_t(y) * cols * channels + c;
      int x = 0;
      // The last block begins earlier and computes some results again: one by one they would take longer.
      for (; cols >= pixels && x < cols; x += pixels) {
        if (x + pixels > cols) x = cols - pixels;
        first_block<lanes, vectors, pixels, Feature>(from + x, plane, pitch, channels, weight + c, bias + c, to + size_t(x) * channels);
      }
      for (; x < cols; x++) first_block<lanes, vectors, 1, Feature>(from + x, plane, pitch, channels, weight + c, bias + c, to + size_t(x) * channels);
    }
}

template <class Feature>
void first(const float *rgb, int rows, int cols, int channels, const float *weight, const float *bias, void *dst) {
  auto to = (typename Feature::T *)dst;
  if (channels % (2 * LANES) == 0) return first_lanes<LANES, 2, Feature>(rgb, rows, cols, channels, weight, bias, to);
  if (channels % LANES == 0) return first_lanes<LANES, 1, Feature>(rgb, rows, cols, channels, weight, bias, to);
  first_lanes<4, 1, Feature>(rgb, rows, cols, channels, weight, bias, to);
}

template <class Feature>
void store(const float *src, size_t count, void *dst) {
  auto to = (typename Feature::T *)dst;
  for (size_t i = 0; i < count; i++) to[i] = Feature::from(src[i]);
}

template <class Feature>
void pool(const float *above, const float *below, int cols, int channels, void *dst) {
  auto to = (typename Feature::T *)dst;
  for (int x = 0; x < cols; x += 2, above += 2 * channels, below += 2 * channels, to += channels) {
    const int right = x + 1 < cols ? channels : 0;
    for (int c = 0; c < channels; c++) {
      const float a = above[c] > above[c + right] ? above[c] : above[c + right];
      const float b = below[c] > below[c + right] ? below[c] : below[c + right];
      to[c] = Feature::from(a > b ? a : b);
    }
  }
}

template <class Feature>
void interleave(const float *position, int right, int cols, int channels, void *dst) {
  auto to = (typename Feature::T *)dst;
  for (int x = 0; x < cols; x++, position += 4 * channels, to += 2 * channels) {
    store<Feature>(position, channels, to);
    store<Feature>(position + right, channels, to + channels);
  }
}

template <class Feature>
void affine(const float *src, size_t pixels, int channels, const float *scale, const float *shift, void *dst) {
  auto to = (typename Feature::T *)dst;
  for (size_t p = 0; p < pixels; p++, src += channels, to += channels)
    for (int c = 0; c < channels; c++) to[c] = Feature::from(src[c] * scale[c] + shift[c]);
}

template <class Feature>
void affine_regions(const float *src, size_t pixels, int channels, const float *share, const float *scale, const float *shift, void *dst) {
  auto to = (typename Feature::T *)dst;
  for (size_t p = 0; p < pixels; p++, src += channels, to += channels) {
    const float first = share[p], second = 1 - first;
    for (int c = 0; c < channels; c++)
      to[c] = Feature::from(src[c] * (first * scale[c] + second * scale[channels + c]) + (first * shift[c] + second * shift[channels + c]));
  }
}

inline void moments(const float *row, int cols, int channels, float *__restrict mean, float *__restrict distances) {
  for (int c = 0; c < channels; c++) mean[c] = distances[c] = 0;
  for (int x = 0; x < cols; x++)
    for (int c = 0; c < channels; c++) mean[c] += row[size_t(x) * channels + c];
  for (int c = 0; c < channels; c++) mean[c] /= float(cols);
  for (int x = 0; x < cols; x++)
    for (int c = 0; c < channels; c++) {
      const float d = row[size_t(x) * channels + c] - mean[c];
      distances[c] += d * d;
    }
}

inline float weighted_moments(const float *row, const float *weight, int cols, int channels, float *__restrict mean, float *__restrict distances) {
  for (int c = 0; c < channels; c++) mean[c] = distances[c] = 0;
  float all = 0;
  for (int x = 0; x < cols; x++) {
    const float w = weight[x];
    if (w == 0) continue;
    all += w;
    for (int c = 0; c < channels; c++) mean[c] += w * row[size_t(x) * channels + c];
  }
  if (all == 0) return 0;
  for (int c = 0; c < channels; c++) mean[c] /= all;
  for (int x = 0; x < cols; x++) {
    const float w = weight[x];
    if (w == 0) continue;
    for (int c = 0; c < channels; c++) {
      const float d = row[size_t(x) * channels + c] - mean[c];
      distances[c] += w * d * d;
    }
  }
  return all;
}

template <int lanes>
void last_lanes(const float *positions, int pitch, int even, int channels, const float *weight, const float *bias, int rows, int cols, int stride, float *rgb) {
  typedef typename Vector<lanes>::V V;
  const size_t window = 4 * size_t(channels), taps = 9 * size_t(channels);
  for (int y = 0; y < rows; y++)
    for (int x = 0; x < cols; x += 4) {
      V sum[3][4] = {};
      for (int ky = 0; ky < 3; ky++) {
        // An odd row r of the picture lies in the lower phases of position row (r+1)/2, an even one in the upper phases of row
        // r/2+even; columns likewise.
        const int r = y + ky - 1;
        const float *p = positions + (size_t((r + 1) >> 1) * pitch + x / 2) * window + (r & 1 ? 2 * channels : even * pitch * window);
        const float *q = p + even * window;
        const float *at[6] = {p + channels, q, p + window + channels, q + window, p + 2 * window + channels, q + 2 * window};
        for (int c = 0; c < channels; c += lanes) {
          V in[6];
#pragma GCC unroll 6
          for (int i = 0; i < 6; i++) in[i] = load<lanes>(at[i] + c);
#pragma GCC unroll 3
          for (int o = 0; o < 3; o++)
#pragma GCC unroll 3
            for (int kx = 0; kx < 3; kx++) {
              const V w = load<lanes>(weight + o * taps + (3 * ky + kx) * channels + c);
#pragma GCC unroll 4
              for (int i = 0; i < 4; i++) sum[o][i] += in[i + kx] * w;
            }
        }
      }
#pragma GCC unroll 3
      for (int o = 0; o < 3; o++) {
        V s = pairs<lanes>(pairs<lanes>(sum[o][0], sum[o][1]), pairs<lanes>(sum[o][2], sum[o][3]));
        for (int n = lanes; n > 4; n /= 2) s = pairs<lanes>(s, s);
        float *to = rgb + (size_t(o) * rows + y) * stride + x;
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) to[i] = s[i] + bias[o];
      }
    }
}

inline void last(const float *positions, int pitch, int even, int channels, const float *weight, const float *bias, int rows, int cols, int stride, float *rgb) {
  if (channels % LANES == 0) return last_lanes<LANES>(positions, pitch, even, channels, weight, bias, rows, cols, stride, rgb);
  last_lanes<4>(positions, pitch, even, channels, weight, bias, rows, cols, stride, rgb);
}
