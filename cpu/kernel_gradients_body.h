// The gradients, written once; see kernel_network_body.h, which must be included before.

inline void add(const float *src, size_t count, float *dst) {
  for (size_t i = 0; i < count; i++) dst[i] += src[i];
}

inline void mask(const float *gradient, const float *relu, size_t count, float *__restrict dst) {
  for (size_t i = 0; i < count; i++) dst[i] = relu[i] > 0 ? gradient[i] : 0.f;
}

inline void mask_affine(const float *gradient, const float *relu, size_t pixels, int channels, const float *shift, const float *slope,
                        float *__restrict dst) {
  for (size_t p = 0; p < pixels; p++, gradient += channels, relu += channels, dst += channels)
    for (int c = 0; c < channels; c++) {
      const float v = gradient[c] + shift[c] + slope[c] * relu[c];
      dst[c] = relu[c] > 0 ? v : 0.f;
    }
}

inline void unpool(const float *gradient, const float *above, const float *below, int cols, int channels, float *__restrict to_above,
                   float *__restrict to_below) {
  for (int x = 0; x < cols; x++) {
    const float *a = above, *b = above + channels, *c = below, *d = below + channels;
    float *ta = to_above, *tb = to_above + channels, *tc = to_below, *td = to_below + channels;
    for (int i = 0; i < channels; i++) {
      const float p = a[i] > b[i] ? a[i] : b[i], q = c[i] > d[i] ? c[i] : d[i], most = p > q ? p : q;
      const float g = most > 0 ? gradient[i] : 0.f;
      // Each takes what is left by those before it, so that ties go to the first.
      const float ga = a[i] == most ? g : 0.f, left_b = g - ga;
      const float gb = b[i] == most ? left_b : 0.f, left_c = left_b - gb;
      const float gc = c[i] == most ? left_c : 0.f;
      ta[i] = ga;
      tb[i] = gb;
      tc[i] = gc;
      td[i] = left_c - gc;
    }
    gradient += channels;
    above += 2 * channels, below += 2 * channels;
    to_above += 2 * channels, to_below += 2 * channels;
  }
}

inline void unrepeat(const float *above, const float *below, const float *relu, int cols, int channels, float *__restrict dst) {
  for (int x = 0; x < cols; x++, above += 2 * channels, below += 2 * channels, relu += 2 * channels, dst += channels)
    for (int c = 0; c < channels; c++) {
      const float sum = (above[c] + above[c + channels]) + (below[c] + below[c + channels]);
      dst[c] = relu[c] > 0 ? sum : 0.f;
    }
}

inline void add_scaled(const float *src, float factor, size_t count, float *__restrict dst) {
  for (size_t i = 0; i < count; i++) dst[i] += factor * src[i];
}

inline void stretch(const float *near, const float *far, int cols, int channels, float *__restrict dst) {
  for (int x = 0; x < cols; x++, near += channels, far += channels, dst += 2 * channels) {
    const int left = x > 0 ? -channels : 0, right = x + 1 < cols ? channels : 0;
    for (int c = 0; c < channels; c++) {
      const float here = .75f * near[c] + .25f * far[c];
      dst[c] = .75f * here + .25f * (.75f * near[c + left] + .25f * far[c + left]);
      dst[c + channels] = .75f * here + .25f * (.75f * near[c + right] + .25f * far[c + right]);
    }
  }
}

inline void unstretch(const float *gradient, const float *relu, int cols, int channels, float *__restrict dst) {
  for (int x = 0; x < cols; x++, gradient += 2 * channels, relu += channels, dst += channels) {
    // A pixel at the edge stands for the repeated one beyond it too.
    const float a = x > 0 ? .25f : 1.f, b = x > 0 ? .75f : 1.f, d = x + 1 < cols ? .75f : 1.f, e = x + 1 < cols ? .25f : 1.f;
    for (int c = 0; c < channels; c++) {
      const float sum = a * gradient[c] + b * gradient[c + channels] + d * gradient[c + 2 * channels] + e * gradient[c + 3 * channels];
      dst[c] = relu[c] > 0 ? sum : 0.f;
    }
  }
}

inline void accumulate(const float *row, size_t pixels, int channels, float *__restrict sum) {
  for (size_t p = 0; p < pixels; p++, row += channels)
    for (int c = 0; c < channels; c++) sum[c] += row[c];
}

template <int lanes, int many, int vectors>
inline void outer_block(const float *a, int a_stride, const float *b, int b_stride, size_t pixels, float *sum, int row) {
  typedef typename Vector<lanes>::V V;
  V s[many][vectors];
#pragma GCC unroll 6
  for (int i = 0; i < many; i++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) s[i][v] = load<lanes>(sum + i * row + v * lanes);
  for (size_t p = 0; p < pixels; p++, a += a_stride, b += b_stride) {
    V in[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) in[v] = load<lanes>(b + v * lanes);
#pragma GCC unroll 6
    for (int i = 0; i < many; i++)
#pragma GCC unroll 2
      for (int v = 0; v < vectors; v++) s[i][v] += a[i] * in[v];
  }
#pragma GCC unroll 6
  for (int i = 0; i < many; i++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) *(V *)(sum + i * row + v * lanes) = s[i][v];
}

template <int lanes, int vectors>
inline void outer_columns(const float *a, int a_stride, int A, const float *b, int b_stride, size_t pixels, float *sum, int row) {
  int i = 0;
  for (; i + 6 <= A; i += 6) outer_block<lanes, 6, vectors>(a + i, a_stride, b, b_stride, pixels, sum + size_t(i) * row, row);
  for (; i + 3 <= A; i += 3) outer_block<lanes, 3, vectors>(a + i, a_stride, b, b_stride, pixels, sum + size_t(i) * row, row);
  for (; i < A; i++) outer_block<lanes, 1, vectors>(a + i, a_stride, b, b_stride, pixels, sum + size_t(i) * row, row);
}

inline void outer(const float *a, int a_stride, int A, const float *b, int b_stride, int B, size_t pixels, float *sum) {
  int j = 0;
  for (; j + 2 * LANES <= B; j += 2 * LANES) outer_columns<LANES, 2>(a, a_stride, A, b + j, b_stride, pixels, sum + j, B);
  for (; j + LANES <= B; j += LANES) outer_columns<LANES, 1>(a, a_stride, A, b + j, b_stride, pixels, sum + j, B);
  for (; j + 4 <= B; j += 4) outer_columns<4, 1>(a, a_stride, A, b + j, b_stride, pixels, sum + j, B);
}

// The transpose of from_points: four gradients of results to six points.
template <class V>
inline void spread_points(const V *y, int stride, V *m) {
  const V a = y[0] + .5f * y[2 * stride], b = R2 / 2 * y[stride] + R2 / 4 * y[3 * stride];
  const V c = y[0] + 2.f * y[2 * stride], d = R2 * y[stride] + 2 * R2 * y[3 * stride];
  m[0] = y[0];
  m[1] = a + b;
  m[2] = a - b;
  m[3] = c + d;
  m[4] = c - d;
  m[5] = y[3 * stride];
}

template <class Feature>
void winograd_spread(const float *src, int pitch, int rows, int cols, int channels, void *dst, size_t distance) {
  typedef typename Vector<LANES>::V V;
  auto to = (typename Feature::T *)dst;
  for (int c = 0; c < channels; c += LANES) {
    V in[16], half[24], out[36];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) __builtin_prefetch(src + (size_t(i / 4) * pitch + 4 + i % 4) * channels + c);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) in[i] = i / 4 < rows && i % 4 < cols ? load<LANES>(src + (size_t(i / 4) * pitch + i % 4) * channels + c) : V{};
#pragma GCC unroll 4
    for (int x = 0; x < 4; x++) spread_points(in + x, 4, half + 6 * x);
#pragma GCC unroll 6
    for (int y = 0; y < 6; y++) spread_points(half + y, 6, out + 6 * y);
#pragma GCC unroll 36
    for (int i = 0; i < 36; i++) Feature::template put<LANES>(out[i], to + i * distance + c);
  }
}

// The transpose of taps_to_points.
template <class D>
inline void points_to_taps(const D *m, int stride, D *w) {
  const D a = m[stride] + m[2 * stride], b = m[2 * stride] - m[stride], c = m[3 * stride] + m[4 * stride], d = m[3 * stride] - m[4 * stride];
  w[0] = m[0] - 2 / 3. * a + 1 / 6. * c;
  w[1] = HALF_ROOT / 1.5 * b + HALF_ROOT / 3 * d;
  w[2] = m[5 * stride] - 1 / 3. * a + 1 / 3. * c;
}

inline void winograd_gather(const float *src, size_t distance, int inputs, int outputs, float *dst) {
  constexpr int lanes = LANES / 2;
  typedef typename Vector<lanes>::D D;
  for (int o = 0; o < outputs; o += lanes, dst += size_t(lanes) * inputs * 9) {
    D in[36], half[18], taps[9];
#pragma GCC unroll 36
    for (int i = 0; i < 36; i++) in[i] = __builtin_convertvector(load<lanes>(src + i * distance + o), D);
#pragma GCC unroll 6
    for (int x = 0; x < 6; x++) points_to_taps(in + x, 6, half + 3 * x);
#pragma GCC unroll 3
    for (int y = 0; y < 3; y++) points_to_taps(half + y, 3, taps + 3 * y);
#pragma GCC unroll 9
    for (int k = 0; k < 9; k++)
#pragma GCC unroll 8
      for (int i = 0; i < lanes; i++) dst[size_t(i) * inputs * 9 + k] = float(taps[k][i]);
  }
}

inline void adam(const float *gradient, float scale, float rate, float root, float decay, size_t count, float *__restrict parameter,
                 float *__restrict first, float *__restrict second, float *__restrict average) {
  for (size_t i = 0; i < count; i++) {
    const float g = gradient[i] * scale;
    first[i] = .9f * first[i] + .1f * g;
    second[i] = .999f * second[i] + .001f * g * g;
    parameter[i] -= rate * first[i] / (__builtin_sqrtf(second[i]) * root + 1e-8f);
    average[i] = decay * average[i] + (1 - decay) * parameter[i];
  }
}

template <class Feature>
constexpr Gradients gradients_table = {add, mask, mask_affine, unpool, unrepeat, add_scaled, stretch, unstretch, accumulate, outer, winograd_spread<Feature>,
                                       winograd_gather, adam};

extern const Gradients kGradients = gradients_table<Float>, kHalfGradients = gradients_table<BFloat16>;
