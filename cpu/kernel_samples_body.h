// The kernels of kernel_samples.h, written once, in loops that the compiler makes vectors of: see kernel_network_body.h. Bytes stay bytes
// where they can, since then a register holds the most of them.

inline uint8_t least(uint8_t a, uint8_t b) { return a < b ? a : b; }
inline uint8_t most_of(uint8_t a, uint8_t b) { return a > b ? a : b; }
inline uint8_t less(uint8_t a, uint8_t b) { return uint8_t(most_of(a, b) - b); }  // a-b, at least 0
inline uint8_t away(uint8_t a, uint8_t b) { return uint8_t(most_of(a, b) - least(a, b)); }

template <int span>
void apart_span(const uint8_t *a, const uint8_t *b, int n, uint8_t *__restrict out) {
  for (int i = 0; i <= n - span; i++) {
    uint8_t d = away(a[i], b[i]);
    if (span > 1) d = most_of(d, away(a[i + 1], b[i + 1]));
    if (span > 2) d = most_of(d, away(a[i + 2], b[i + 2]));
    out[i] = d;
  }
}

inline void apart(const uint8_t *a, const uint8_t *b, int n, int span, uint8_t *out) {
  if (span == 3) return apart_span<3>(a, b, n, out);
  if (span == 2) return apart_span<2>(a, b, n, out);
  apart_span<1>(a, b, n, out);
}

inline void most(const uint8_t *a, const uint8_t *b, const uint8_t *c, int n, uint8_t *out) {
#pragma GCC ivdep
  for (int i = 0; i < n; i++) out[i] = most_of(most_of(a[i], b[i]), c[i]);
}

template <int pixel_bytes>
void spread_of(const uint8_t *chroma, int n, uint8_t *__restrict out) {
  for (int i = 0; i < n / 2; i++) out[2 * i] = out[2 * i + 1] = chroma[pixel_bytes * i];
  if (n % 2) out[n - 1] = chroma[n / 2 * pixel_bytes];
}

inline void spread(const uint8_t *chroma, int pixel_bytes, int n, uint8_t *out) {
  pixel_bytes == 2 ? spread_of<2>(chroma, n, out) : spread_of<1>(chroma, n, out);
}

template <int pixel_bytes>
void gather_of(const uint8_t *luminance, int n, uint8_t *__restrict out) {
  for (int i = 0; i < n / 2; i++) out[pixel_bytes * i] = most_of(luminance[2 * i], luminance[2 * i + 1]);
  if (n % 2) out[n / 2 * pixel_bytes] = luminance[n - 1];
}

inline void gather(const uint8_t *luminance, int pixel_bytes, int n, uint8_t *out) {
  pixel_bytes == 2 ? gather_of<2>(luminance, n, out) : gather_of<1>(luminance, n, out);
}

inline void weights(const uint8_t *d, const uint8_t *a, const uint8_t *first, int n, int weight, uint8_t *__restrict w) {
  const uint16_t all = uint16_t(weight);
  for (int i = 0; i < n; i++) {
    const uint8_t rest = least(less(12, d[i]), 8), near = least(less(48, a[i]), 32);
    const uint16_t share = uint16_t(uint16_t(all * rest) * near);  // at most 243 * 8 * 32
    w[i] = uint8_t(share >> 8) & first[i];
  }
}

template <int span>
void blend_span(uint8_t *__restrict now, uint8_t *__restrict before, const uint8_t *__restrict w, int n) {
  for (int i = 0; i < n; i++) {
    uint8_t share = w[i];
    if (span > 1) share |= w[i - 1];
    if (span > 2) share |= w[i - 2];
    const uint8_t up = less(before[i], now[i]), down = less(now[i], before[i]), apart = up | down;
    const uint8_t move = uint8_t(uint16_t(uint16_t(share * apart) + 128) >> 8);
    const uint8_t e = least(move, most_of(least(apart, 2), less(apart, 1)));  // apart-1 where apart is above 2
    now[i] = before[i] = uint8_t(now[i] + least(up, e) - least(down, e));
  }
}

inline void blend(uint8_t *now, uint8_t *before, const uint8_t *w, int n, int span) {
  if (span == 3) return blend_span<3>(now, before, w, n);
  if (span == 2) return blend_span<2>(now, before, w, n);
  blend_span<1>(now, before, w, n);
}

inline void add_samples(const uint8_t *src, int n, uint32_t weight, uint32_t *__restrict sum) {
  for (int i = 0; i < n; i++) sum[i] += weight * src[i];
}

template <int pixel_bytes>
void narrow_of(const uint32_t *sums, const int *begin, const double *weight, int taps, int pixels, double rounding, double scale, uint8_t *out) {
  for (int k = 0; k < pixels; k++, weight += taps, out += pixel_bytes) {
    const uint32_t *p = sums + size_t(begin[k]) * pixel_bytes;
    double sum[pixel_bytes] = {};
    for (int t = 0; t < taps; t++, p += pixel_bytes)
      for (int s = 0; s < pixel_bytes; s++) sum[s] += weight[t] * p[s];
    for (int s = 0; s < pixel_bytes; s++) out[s] = uint8_t((sum[s] + rounding) * scale);
  }
}

inline void narrow(const uint32_t *sums, const int *begin, const double *weight, int taps, int pixels, int pixel_bytes, double rounding, double scale,
                   uint8_t *out) {
  switch (pixel_bytes) {
    case 1: return narrow_of<1>(sums, begin, weight, taps, pixels, rounding, scale, out);
    case 2: return narrow_of<2>(sums, begin, weight, taps, pixels, rounding, scale, out);
    case 3: return narrow_of<3>(sums, begin, weight, taps, pixels, rounding, scale, out);
    default: return narrow_of<4>(sums, begin, weight, taps, pixels, rounding, scale, out);
  }
}

template <int pixel_bytes>
void luminance_of(const uint8_t *p, int pixels, const float *k, float *__restrict out) {
  const float k0 = k[0], k1 = k[1], k2 = k[2];
  for (int x = 0; x < pixels; x++) out[x] = k0 * p[pixel_bytes * x] + k1 * p[pixel_bytes * x + 1] + k2 * p[pixel_bytes * x + 2];
}

inline void luminance(const uint8_t *p, int pixels, int pixel_bytes, const float *k, float *out) {
  if (pixel_bytes == 3) return luminance_of<3>(p, pixels, k, out);
  if (pixel_bytes == 4) return luminance_of<4>(p, pixels, k, out);
  for (int x = 0; x < pixels; x++) out[x] = p[x];
}

// The sum of five neighbours; sums begins two before the first of them.
inline float five(const float *sums) { return sums[0] + sums[1] + sums[2] + sums[3] + sums[4]; }

// Rows are summed before columns, so that each is a loop without edges: two zeros stand on either side.
inline void guide_slopes(const float *const *i, const float *const *q, int rows, int cols, const float *scale, float *sums, float *__restrict out) {
  const size_t pitch = size_t(cols) + 4;
  float *__restrict si = sums, *__restrict sq = sums + pitch, *__restrict sii = sums + 2 * pitch, *__restrict siq = sums + 3 * pitch;
  for (size_t x = 0; x < 4 * pitch; x++) sums[x] = 0;
  for (int y = 0; y < rows; y++) {
    const float *a = i[y], *b = q[y];
    for (int x = 0; x < cols; x++) {
      const float u = a[x] - 128, v = b[x] - 128;  // as small as can be: squares are subtracted
      si[x + 2] += u;
      sq[x + 2] += v;
      sii[x + 2] += u * u;
      siq[x + 2] += u * v;
    }
  }
  const float of_rows = 1 / float(rows);
  for (int x = 0; x < cols; x++) {
    const float s = scale[x] * of_rows, mi = five(si + x) * s, mq = five(sq + x) * s;
    out[x] = (five(siq + x) * s - mi * mq) / (five(sii + x) * s - mi * mi + 65);
  }
}

inline void box(const float *const *row, int rows, int cols, const float *scale, float *__restrict sums, float *__restrict out) {
  for (int x = 0; x < cols + 4; x++) sums[x] = 0;
  for (int y = 0; y < rows; y++) {
    const float *a = row[y];
    for (int x = 0; x < cols; x++) sums[x + 2] += a[x];
  }
  const float of_rows = 1 / float(rows);
  for (int x = 0; x < cols; x++) {
    const float v = five(sums + x) * (scale[x] * of_rows), w = v < 1 ? v : 1;
    out[x] = w > -1 ? w : -1;
  }
}

template <int pixel_bytes>
void guide_coefficients_of(const uint8_t *p, int pixels, const float *a, const float *i, float *__restrict out) {
  for (int x = 0; x < pixels; x++) {
    const float lit = a[x] * i[x];
    for (int c = 0; c < 3; c++) out[4 * x + c] = p[pixel_bytes * x + c] - lit;
    out[4 * x + 3] = a[x];
  }
}

inline void guide_coefficients(const uint8_t *p, int pixels, int pixel_bytes, const float *a, const float *i, float *out) {
  if (pixel_bytes == 3) return guide_coefficients_of<3>(p, pixels, a, i, out);
  if (pixel_bytes == 4) return guide_coefficients_of<4>(p, pixels, a, i, out);
  for (int x = 0; x < pixels; x++) {
    out[2 * x] = p[x] - a[x] * i[x];
    out[2 * x + 1] = a[x];
  }
}

inline void mix(const float *a, const float *b, float share, size_t n, float *__restrict out) {
  for (size_t x = 0; x < n; x++) out[x] = a[x] + share * (b[x] - a[x]);
}

inline void mix_samples(const uint8_t *a, const uint8_t *b, float share, size_t n, float *__restrict out) {
  for (size_t x = 0; x < n; x++) {
    const float u = a[x], v = b[x];
    out[x] = u + share * (v - u);
  }
}

inline uint8_t to_sample(float v) {
  const float w = v > 0 ? v : 0;
  return uint8_t(int((w < 255 ? w : 255) + .5f));
}

// A pixel is one vector of four floats.
template <int pixel_bytes>
void guided_packed(const float *line, const int *at, const float *share, const float *light, int pixels, const uint8_t *src, uint8_t *__restrict out) {
  typedef typename Vector<4>::V V;
  typedef typename Vector<4>::I I;
  for (int x = 0; x < pixels; x++, src += pixel_bytes, out += pixel_bytes) {
    const float *p = line + size_t(at[x]) * 4;
    const V left = load<4>(p), between = left + share[x] * (load<4>(p + 4) - left);
    V v = between + between[3] * light[x];
    v = v > 0 ? v : V{};
    v = (v < 255 ? v : V{} + 255.f) + .5f;
    const I whole = __builtin_convertvector(v, I);
    for (int c = 0; c < 3; c++) out[c] = uint8_t(whole[c]);
    if (pixel_bytes == 4) out[3] = src[3];
  }
}

inline void guided(const float *line, const int *at, const float *share, const float *light, int pixels, int pixel_bytes, const uint8_t *src,
                   uint8_t *out) {
  if (pixel_bytes == 3) return guided_packed<3>(line, at, share, light, pixels, src, out);
  if (pixel_bytes == 4) return guided_packed<4>(line, at, share, light, pixels, src, out);
  for (int x = 0; x < pixels; x++) {
    const float *p = line + size_t(at[x]) * 2;
    out[x] = to_sample(p[0] + share[x] * (p[2] - p[0]) + (p[1] + share[x] * (p[3] - p[1])) * light[x]);
  }
}

inline void interpolated(const float *line, const int *at, const float *share, int pixels, int pixel_bytes, uint8_t *__restrict out) {
  for (int x = 0; x < pixels; x++, out += pixel_bytes) {
    const float *p = line + size_t(at[x]) * pixel_bytes;
    for (int c = 0; c < pixel_bytes; c++) out[c] = to_sample(p[c] + share[x] * (p[pixel_bytes + c] - p[c]));
  }
}

constexpr SampleKernels samples_table = {apart, most, spread, gather, weights, blend, add_samples, narrow, luminance,
                                         guide_slopes, box, guide_coefficients, mix, mix_samples, guided, interpolated};
