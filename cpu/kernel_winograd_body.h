// Winograd's algorithm: see layer_winograd.cpp.

constexpr float R2 = 1.41421356237309505f;
constexpr double HALF_ROOT = 0.70710678118654752;  // sqrt(1/2)

// Six samples to the points 0, r/2, -r/2, r, -r, infinity, r being the square root of 2.
template <class V>
inline void to_points(const V *d, int stride, V *t) {
  const V a = d[4 * stride] - 2.f * d[2 * stride], b = R2 / 2 * d[3 * stride] - R2 * d[stride];
  const V e = d[4 * stride] - .5f * d[2 * stride], f = R2 * d[3 * stride] - R2 / 2 * d[stride];
  t[0] = d[0] - 2.5f * d[2 * stride] + d[4 * stride];
  t[1] = a + b;
  t[2] = a - b;
  t[3] = e + f;
  t[4] = e - f;
  t[5] = d[stride] - 2.5f * d[3 * stride] + d[5 * stride];
}

// And back to four or five results.
template <int side, class V>
inline void from_points(const V *m, int stride, V *y) {
  const V a = m[stride] + m[2 * stride], b = m[stride] - m[2 * stride], c = m[3 * stride] + m[4 * stride], d = m[3 * stride] - m[4 * stride];
  y[0] = m[0] + a + c;
  y[1] = R2 / 2 * b + R2 * d;
  y[2] = .5f * a + 2.f * c;
  y[3] = R2 / 4 * b + 2 * R2 * d;
  if constexpr (side == 5) y[4] = .25f * a + 4.f * c;
  y[side - 1] += m[5 * stride];
}

template <class Feature>
void winograd_in(const float *src, int pitch, int rows, int cols, int channels, void *dst, size_t distance) {
  typedef typename Vector<LANES>::V V;
  auto to = (typename Feature::T *)dst;
  for (int c = 0; c < channels; c += LANES) {
    V in[36], half[36], out[36];
    if (rows >= 6 && cols >= 6) {
      // The samples that the tile to the right has beside these: the six rows of a tile are more than what the processor looks ahead for.
#pragma GCC unroll 24
      for (int i = 0; i < 24; i++) __builtin_prefetch(src + (size_t(i / 4) * pitch + 6 + i % 4) * channels + c);
#pragma GCC unroll 36
      for (int i = 0; i < 36; i++) in[i] = load<LANES>(src + (size_t(i / 6) * pitch + i % 6) * channels + c);
    } else {
      for (int i = 0; i < 36; i++) in[i] = i / 6 < rows && i % 6 < cols ? load<LANES>(src + (size_t(i / 6) * pitch + i % 6) * channels + c) : V{};
    }
#pragma GCC unroll 6
    for (int x = 0; x < 6; x++) to_points(in + x, 6, half + 6 * x);
#pragma GCC unroll 6
    for (int y = 0; y < 6; y++) to_points(half + y, 6, out + 6 * y);
#pragma GCC unroll 36
    for (int i = 0; i < 36; i++) Feature::template put<LANES>(out[i], to + i * distance + c);
  }
}

// Three taps, or two, to the six points, G of the paper.
template <int kernel, class D>
inline void taps_to_points(const D *w, int stride, D *t) {
  const D third = kernel == 3 ? w[2 * stride] : D{};
  const D a = -2 / 3. * w[0] - 1 / 3. * third, b = HALF_ROOT / 1.5 * w[stride];
  const D c = 1 / 6. * w[0] + 1 / 3. * third, d = HALF_ROOT / 3 * w[stride];
  t[0] = w[0];
  t[1] = a - b;
  t[2] = a + b;
  t[3] = c + d;
  t[4] = c - d;
  t[5] = w[(kernel - 1) * stride];
}

template <int kernel, class Feature>
void winograd_weights_of(const float *weight, int inputs, int outputs, typename Feature::T *to, size_t distance) {
  constexpr int lanes = LANES / 2, taps = kernel * kernel;
  typedef typename Vector<lanes>::D D;
  for (int o = 0; o < outputs; o += lanes, weight += size_t(lanes) * inputs * taps) {
    D in[taps], half[6 * kernel], out[36];
#pragma GCC unroll 9
    for (int k = 0; k < taps; k++) {
      D tap{};
#pragma GCC unroll 8
      for (int i = 0; i < lanes; i++) tap[i] = weight[size_t(i) * inputs * taps + k];
      in[k] = tap;
    }
#pragma GCC unroll 3
    for (int x = 0; x < kernel; x++) taps_to_points<kernel>(in + x, kernel, half + 6 * x);
#pragma GCC unroll 6
    for (int y = 0; y < 6; y++) taps_to_points<kernel>(half + y, 6, out + 6 * y);
#pragma GCC unroll 36
    for (int i = 0; i < 36; i++)
      Feature::template put<lanes>(__builtin_convertvector(out[i], typename Vector<lanes>::V), to + i * distance + o);
  }
}

template <class Feature>
void winograd_weights(const float *weight, int kernel, int inputs, int outputs, void *dst, size_t distance) {
  auto to = (typename Feature::T *)dst;
  kernel == 3 ? winograd_weights_of<3, Feature>(weight, inputs, outputs, to, distance)
              : winograd_weights_of<2, Feature>(weight, inputs, outputs, to, distance);
}

template <int side>
void winograd_out_of(const float *src, size_t distance, const float *bias, bool relu, int channels, int rows, int cols, int pitch, float *dst) {
  typedef typename Vector<LANES>::V V;
  for (int c = 0; c < channels; c += LANES) {
    V in[36], half[6 * side], out[side * side];
#pragma GCC unroll 36
    for (int i = 0; i < 36; i++) in[i] = load<LANES>(src + i * distance + c);
#pragma GCC unroll 6
    for (int x = 0; x < 6; x++) from_points<side>(in + x, 6, half + side * x);
#pragma GCC unroll 5
    for (int y = 0; y < side; y++) from_points<side>(half + y, side, out + side * y);
    const V b = load<LANES>(bias + c), least = V{} - (relu ? 0.f : __builtin_inff());
#pragma GCC unroll 25
    for (int i = 0; i < side * side; i++) {
      const V v = out[i] + b;
      if (i / side < rows && i % side < cols) *(V *)(dst + (size_t(i / side) * pitch + i % side) * channels + c) = v > least ? v : least;
    }
  }
}

inline void winograd_out(const float *src, size_t distance, const float *bias, bool relu, int channels, int side, int rows, int cols, int pitch,
                         float *dst) {
  side == 4 ? winograd_out_of<4>(src, distance, bias, relu, channels, rows, cols, pitch, dst)
            : winograd_out_of<5>(src, distance, bias, relu, channels, rows, cols, pitch, dst);
}

// A factor of products: `step` neighbouring inputs are multiplied and summed at once.
template <class Feature>
struct Factor;

template <>
struct Factor<Float> {
  static constexpr int step = 1;
  typedef Vector<LANES>::V V;
  typedef V W;
  static W load(const float *weight) { return *(const V *)weight; }
  static V add(V sum, const float *input, W weight) { return sum + *input * weight; }
};

#if defined(ADAIN_NATIVE_BFLOAT16)
template <>
struct Factor<BFloat16> {
  static constexpr int step = 2;
  typedef Vector<LANES>::V V;
  typedef __m512bh W;
  static W load(const uint16_t *weight) { return (__m512bh)_mm512_loadu_si512(weight); }
  static V add(V sum, const uint16_t *input, W weight) {
    int32_t pair;
    __builtin_memcpy(&pair, input, 4);
    return (V)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(pair), weight);
  }
};
#endif

// tiles rows of results, vectors*LANES columns, all in registers while the inputs go by.
template <class Feature, int tiles, int vectors, class T = typename Feature::T>
inline void product_block(const T *input, int inputs, const T *weight, int outputs, float *result) {
  typedef Factor<Feature> F;
  typename F::V sum[tiles][vectors] = {};
  for (int i = 0; i < inputs; i += F::step, weight += F::step * outputs) {
    typename F::W w[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) w[v] = F::load(weight + F::step * LANES * v);
#pragma GCC unroll 24
    for (int t = 0; t < tiles; t++)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++) sum[t][v] = F::add(sum[t][v], input + size_t(t) * inputs + i, w[v]);
  }
#pragma GCC unroll 24
  for (int t = 0; t < tiles; t++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) *(typename F::V *)(result + size_t(t) * outputs + LANES * v) = sum[t][v];
}

// Blocks of as many tiles as registers hold, then of ever fewer.
template <class Feature, int tiles, int vectors, class T = typename Feature::T>
void product_column(int all, const T *input, int inputs, const T *weight, int outputs, float *result) {
  for (; all >= tiles; all -= tiles, input += size_t(tiles) * inputs, result += size_t(tiles) * outputs)
    product_block<Feature, tiles, vectors>(input, inputs, weight, outputs, result);
  if constexpr (tiles > 1) product_column<Feature, tiles == 3 ? 1 : tiles / 2, vectors>(all, input, inputs, weight, outputs, result);
}

// Sums that stay in registers, of 32 or 16, beside weights and, where an instruction does not take them from memory, inputs.
#if defined(__aarch64__)
constexpr int SUMS = 20;
#else
constexpr int SUMS = LANES == 16 ? 24 : 12;
#endif

template <class Feature, int vectors, class T = typename Feature::T>
void product_columns(const T *input, int tiles, int inputs, const T *weight, int outputs, float *result) {
  for (int o = 0; o < outputs; o += LANES * vectors)
    product_column<Feature, SUMS / vectors, vectors>(tiles, input, inputs, weight + Factor<Feature>::step * o, outputs, result + o);
}

template <class Feature>
void product(const void *input, int tiles, int inputs, const void *weight, int outputs, float *result) {
  auto from = (const typename Feature::T *)input, w = (const typename Feature::T *)weight;
  if (SUMS >= 20 && outputs % (4 * LANES) == 0) return product_columns<Feature, 4>(from, tiles, inputs, w, outputs, result);
  if (outputs % (2 * LANES) == 0) return product_columns<Feature, 2>(from, tiles, inputs, w, outputs, result);
  product_columns<Feature, 1>(from, tiles, inputs, w, outputs, result);
}
