// The kernels of kernel_samples.h, written once, in loops that the compiler makes vectors of: see kernel_network_body.h. Bytes stay bytes
// where they can, since then a register holds the most of them.

inline uint8_t least(uint8_t a, uint8_t b) { return a < b ? a : b; }
inline uint8_t most_of(uint8_t a, uint8_t b) { return a > b ? a : b; }
inline uint8_t less(uint8_t a, uint8_t b) { return uint8_t(most_of(a, b) - b); }  // a-b, at least 0
inline uint8_t away(uint8_t a, uint8_t b) { return uint8_t(most_of(a, b) - least(a, b)); }

template <class Word>
inline Word load_word(const uint8_t *p) {
  Word v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class Sample, class Word, int step>
void unpack_single(const uint8_t *p, const adain_cpu_channel &c, int n, Sample *__restrict out) {
  const int shift = c.shift[0];
  const Word mask = Word((uint32_t(1) << c.depth) - 1);
  p += c.offset[0];
  if (sizeof(Word) * 8 == size_t(c.depth)) {
    for (int i = 0; i < n; i++) out[i] = Sample(load_word<Word>(p + size_t(i) * step));
    return;
  }
  for (int i = 0; i < n; i++) out[i] = Sample(Word(load_word<Word>(p + size_t(i) * step) >> shift) & mask);
}

// Groups of `count` samples of ten bits in words of four bytes.
template <class Sample, int count, int step>
void unpack_group(const uint8_t *p, const adain_cpu_channel &c, int n, Sample *__restrict out) {
  int i = 0;
  for (; i + count <= n; i += count, p += step)
    for (int k = 0; k < count; k++) out[i + k] = Sample(load_word<uint32_t>(p + c.offset[k]) >> c.shift[k] & 1023);
  for (int k = 0; i + k < n; k++) out[i + k] = Sample(load_word<uint32_t>(p + c.offset[k]) >> c.shift[k] & 1023);
}

template <class Sample>
void unpack(const uint8_t *p, const adain_cpu_channel &c, int n, Sample *out) {
  switch (c.count << 16 | c.word << 8 | c.step) {
    case 1 << 16 | 1 << 8 | 1: return unpack_single<Sample, uint8_t, 1>(p, c, n, out);
    case 1 << 16 | 1 << 8 | 2: return unpack_single<Sample, uint8_t, 2>(p, c, n, out);
    case 1 << 16 | 1 << 8 | 3: return unpack_single<Sample, uint8_t, 3>(p, c, n, out);
    case 1 << 16 | 1 << 8 | 4: return unpack_single<Sample, uint8_t, 4>(p, c, n, out);
    case 1 << 16 | 2 << 8 | 2: return unpack_single<Sample, uint16_t, 2>(p, c, n, out);
    case 1 << 16 | 2 << 8 | 4: return unpack_single<Sample, uint16_t, 4>(p, c, n, out);
    case 1 << 16 | 2 << 8 | 8: return unpack_single<Sample, uint16_t, 8>(p, c, n, out);
    case 1 << 16 | 4 << 8 | 4: return unpack_single<Sample, uint32_t, 4>(p, c, n, out);
    case 3 << 16 | 4 << 8 | 4: return unpack_group<Sample, 3, 4>(p, c, n, out);
    case 3 << 16 | 4 << 8 | 8: return unpack_group<Sample, 3, 8>(p, c, n, out);
    case 3 << 16 | 4 << 8 | 16: return unpack_group<Sample, 3, 16>(p, c, n, out);
    case 6 << 16 | 4 << 8 | 16: return unpack_group<Sample, 6, 16>(p, c, n, out);
  }
}

template <class Word>
inline void store_word(uint8_t *p, Word v) {
  __builtin_memcpy(p, &v, sizeof v);
}

// Words of four bytes are shared with other channels.
template <class Sample, class Word, int step>
void pack_single(const Sample *__restrict src, const adain_cpu_channel &c, int n, uint8_t *__restrict p) {
  const int shift = c.shift[0];
  p += c.offset[0];
  if (sizeof(Word) == 4) {
    for (int i = 0; i < n; i++, p += step) store_word<Word>(p, Word(load_word<Word>(p) | Word(src[i]) << shift));
    return;
  }
  for (int i = 0; i < n; i++) store_word<Word>(p + size_t(i) * step, Word(Word(src[i]) << shift));
}

template <class Sample, int count, int step>
void pack_group(const Sample *src, const adain_cpu_channel &c, int n, uint8_t *p) {
  auto put = [&](int k, Sample v) { store_word<uint32_t>(p + c.offset[k], load_word<uint32_t>(p + c.offset[k]) | uint32_t(v) << c.shift[k]); };
  int i = 0;
  for (; i + count <= n; i += count, p += step)
    for (int k = 0; k < count; k++) put(k, src[i + k]);
  for (int k = 0; i + k < n; k++) put(k, src[i + k]);
}

template <class Sample>
void pack(const Sample *src, const adain_cpu_channel &c, int n, uint8_t *p) {
  switch (c.count << 16 | c.word << 8 | c.step) {
    case 1 << 16 | 1 << 8 | 1: return pack_single<Sample, uint8_t, 1>(src, c, n, p);
    case 1 << 16 | 1 << 8 | 2: return pack_single<Sample, uint8_t, 2>(src, c, n, p);
    case 1 << 16 | 1 << 8 | 3: return pack_single<Sample, uint8_t, 3>(src, c, n, p);
    case 1 << 16 | 1 << 8 | 4: return pack_single<Sample, uint8_t, 4>(src, c, n, p);
    case 1 << 16 | 2 << 8 | 2: return pack_single<Sample, uint16_t, 2>(src, c, n, p);
    case 1 << 16 | 2 << 8 | 4: return pack_single<Sample, uint16_t, 4>(src, c, n, p);
    case 1 << 16 | 2 << 8 | 8: return pack_single<Sample, uint16_t, 8>(src, c, n, p);
    case 1 << 16 | 4 << 8 | 4: return pack_single<Sample, uint32_t, 4>(src, c, n, p);
    case 3 << 16 | 4 << 8 | 4: return pack_group<Sample, 3, 4>(src, c, n, p);
    case 3 << 16 | 4 << 8 | 8: return pack_group<Sample, 3, 8>(src, c, n, p);
    case 3 << 16 | 4 << 8 | 16: return pack_group<Sample, 3, 16>(src, c, n, p);
    case 6 << 16 | 4 << 8 | 16: return pack_group<Sample, 6, 16>(src, c, n, p);
  }
}

// Of one row of a plane into another: whole words, or some bits of one.
inline void copy_bits(const uint8_t *__restrict src, const adain_cpu_channel &c, int n, uint8_t *__restrict p) {
  src += c.offset[0];
  p += c.offset[0];
  if (c.word == 4) {
    const uint32_t mask = ((uint32_t(1) << c.depth) - 1) << c.shift[0];
    for (int i = 0; i < n; i++, p += c.step, src += c.step) store_word<uint32_t>(p, load_word<uint32_t>(p) | (load_word<uint32_t>(src) & mask));
  } else if (c.word == 1) {
    for (int i = 0; i < n; i++) p[size_t(i) * c.step] = src[size_t(i) * c.step];
  } else {
    const auto mask = uint16_t((uint32_t(1) << c.depth) - 1);
    for (int i = 0; i < n; i++, p += c.step, src += c.step) store_word<uint16_t>(p, load_word<uint16_t>(src) & mask);
  }
}

template <class Sample>
void widen(const Sample *src, int n, float *__restrict out) {
  for (int i = 0; i < n; i++) out[i] = float(src[i]);
}

template <class Sample>
void mix_samples(const Sample *a, const Sample *b, float share, int n, float *__restrict out) {
  for (int x = 0; x < n; x++) {
    const float u = a[x], v = b[x];
    out[x] = u + share * (v - u);
  }
}

// Rounded half up; NaN gives 0.
template <class Sample>
inline Sample to_sample(float v, float max) {
  const float w = v > 0 ? v : 0;
  return Sample(int((w < max ? w : max) + .5f));
}

template <class Sample>
void write_channel(const float *r, const float *g, const float *b, const float *matrix, float max, int n, Sample *__restrict out) {
  const float m0 = matrix[0], m1 = matrix[1], m2 = matrix[2], m3 = matrix[3];
  for (int i = 0; i < n; i++) out[i] = to_sample<Sample>(m0 * r[i] + m1 * g[i] + m2 * b[i] + m3, max);
}

template <class Sample>
void round_samples(const float *src, float max, int n, Sample *__restrict out) {
  for (int i = 0; i < n; i++) out[i] = to_sample<Sample>(src[i], max);
}

template <class Sample>
void preserve(const float *r, const float *g, const float *b, float scale, float offset, const float *luminance, float max,
              const Sample *const *content, int n, Sample *const *out) {
  const float k0 = luminance[0], k1 = luminance[1], k2 = luminance[2];
  const Sample *f0 = content[0], *f1 = content[1], *f2 = content[2];
  Sample *o0 = out[0], *o1 = out[1], *o2 = out[2];
#pragma GCC ivdep
  for (int i = 0; i < n; i++) {
    const int red = f0[i], green = f1[i], blue = f2[i];
    const float change = k0 * (r[i] * scale + offset - red) + k1 * (g[i] * scale + offset - green) + k2 * (b[i] * scale + offset - blue);
    const int lowest = red < green ? red : green, highest = red > green ? red : green;
    const int low = lowest < blue ? lowest : blue, high = highest > blue ? highest : blue;
    const int floor = int(change + 65536.5f) - 65536;  // rounded half up: no float here is below -65536
    const int bounded = floor > -low ? floor : -low, most = int(max) - high, shift = bounded < most ? bounded : most;
    o0[i] = Sample(red + shift);
    o1[i] = Sample(green + shift);
    o2[i] = Sample(blue + shift);
  }
}

template <class Sample>
void apart(const Sample *a, const Sample *b, int n, int shift, uint8_t *__restrict out) {
  if (sizeof(Sample) == 1) {
    for (int i = 0; i < n; i++) out[i] = away(uint8_t(a[i]), uint8_t(b[i]));
    return;
  }
  for (int i = 0; i < n; i++) {
    const Sample u = a[i], v = b[i];
    out[i] = uint8_t(Sample(u > v ? u - v : v - u) >> shift);
  }
}

inline void most(const uint8_t *a, const uint8_t *b, const uint8_t *c, int n, uint8_t *out) {
#pragma GCC ivdep
  for (int i = 0; i < n; i++) out[i] = most_of(most_of(a[i], b[i]), c[i]);
}

template <int sub>
void spread_of(const uint8_t *chroma, int n, uint8_t *__restrict out) {
  constexpr int all = 1 << sub;
  for (int i = 0; i < n >> sub; i++)
    for (int k = 0; k < all; k++) out[(i << sub) + k] = chroma[i];
  for (int i = n >> sub << sub; i < n; i++) out[i] = chroma[n >> sub];
}

inline void spread(const uint8_t *chroma, int sub, int n, uint8_t *out) {
  sub == 0 ? spread_of<0>(chroma, n, out) : sub == 1 ? spread_of<1>(chroma, n, out) : spread_of<2>(chroma, n, out);
}

template <int sub>
void gather_of(const uint8_t *pixels, int n, uint8_t *__restrict out) {
  constexpr int all = 1 << sub;
  for (int i = 0; i < n >> sub; i++) {
    uint8_t m = pixels[i << sub];
    for (int k = 1; k < all; k++) m = most_of(m, pixels[(i << sub) + k]);
    out[i] = m;
  }
  if (n % all == 0) return;
  uint8_t m = 0;
  for (int i = n >> sub << sub; i < n; i++) m = most_of(m, pixels[i]);
  out[n >> sub] = m;
}

inline void gather(const uint8_t *pixels, int sub, int n, uint8_t *out) {
  sub == 0 ? gather_of<0>(pixels, n, out) : sub == 1 ? gather_of<1>(pixels, n, out) : gather_of<2>(pixels, n, out);
}

inline void weights(const uint8_t *d, const uint8_t *a, int n, int weight, uint8_t *__restrict w) {
  const uint16_t all = uint16_t(weight);
  for (int i = 0; i < n; i++) {
    const uint8_t rest = least(less(12, d[i]), 8), near = least(less(48, a[i]), 32);
    const uint16_t share = uint16_t(uint16_t(all * rest) * near);  // at most 243 * 8 * 32
    w[i] = uint8_t(share >> 8);
  }
}

inline void blend(uint8_t *__restrict now, uint8_t *__restrict before, const uint8_t *__restrict w, int n) {
  for (int i = 0; i < n; i++) {
    const uint8_t up = less(before[i], now[i]), down = less(now[i], before[i]), apart = up | down;
    const uint8_t move = uint8_t(uint16_t(uint16_t(w[i] * apart) + 128) >> 8);
    const uint8_t e = least(move, most_of(least(apart, 2), less(apart, 1)));  // apart-1 where apart is above 2
    now[i] = before[i] = uint8_t(now[i] + least(up, e) - least(down, e));
  }
}

inline void blend(uint16_t *__restrict now, uint16_t *__restrict before, const uint8_t *__restrict w, int n) {
  for (int i = 0; i < n; i++) {
    const int v = now[i], apart = before[i] - v, distance = apart < 0 ? -apart : apart;
    const int move = (w[i] * distance + 128) >> 8, most = distance > 2 ? distance - 1 : distance, e = move < most ? move : most;
    now[i] = before[i] = uint16_t(v + (apart < 0 ? -e : e));
  }
}

template <class Sample, class Sum>
void add_samples(const Sample *src, int n, uint32_t weight, Sum *__restrict sum) {
  for (int i = 0; i < n; i++) sum[i] += Sum(weight) * src[i];
}

template <class Sample, class Sum>
void narrow(const Sum *sums, const int *begin, const double *weight, int taps, int n, double rounding, double scale, Sample *out) {
  for (int k = 0; k < n; k++, weight += taps) {
    const Sum *p = sums + begin[k];
    double sum = 0;
    for (int t = 0; t < taps; t++) sum += weight[t] * double(p[t]);
    out[k] = Sample((sum + rounding) * scale);
  }
}

template <class Sample>
void luminance(const Sample *const *p, int channels, int n, const float *k, float *__restrict out) {
  const float k0 = k[0], k1 = k[1], k2 = k[2];
  const Sample *a = p[0], *b = p[1], *c = p[2];
  if (channels == 1) {
    for (int x = 0; x < n; x++) out[x] = k0 * a[x];
    return;
  }
  for (int x = 0; x < n; x++) out[x] = k0 * a[x] + k1 * b[x] + k2 * c[x];
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

template <class Sample>
void offsets(const Sample *p, int n, float unit, const float *a, const float *i, float *__restrict out) {
  const float scale = 1 / unit;
  for (int x = 0; x < n; x++) out[x] = p[x] * scale - a[x] * i[x];
}

inline void mix(const float *a, const float *b, float share, size_t n, float *__restrict out) {
  for (size_t x = 0; x < n; x++) out[x] = a[x] + share * (b[x] - a[x]);
}

template <class Sample>
void guided(const float *offset, const float *slope, const int *at, const float *share, const float *light, int n, float unit, float max,
            Sample *__restrict out) {
  for (int x = 0; x < n; x++) {
    const float *r = offset + at[x], *a = slope + at[x];
    out[x] = to_sample<Sample>((r[0] + share[x] * (r[1] - r[0]) + (a[0] + share[x] * (a[1] - a[0])) * light[x]) * unit, max);
  }
}

template <class Sample>
void interpolated(const float *line, const int *at, const float *share, int n, float max, Sample *__restrict out) {
  for (int x = 0; x < n; x++) {
    const float *p = line + at[x];
    out[x] = to_sample<Sample>(p[0] + share[x] * (p[1] - p[0]), max);
  }
}

// Four pixels to a sample lie between two samples in fours; a four that the picture's end cuts takes no part of the next sample.
inline void spread_quarters(const float *c, int cosited, int n, int edge, float *__restrict out) {
  for (int x = 0; x < n; x++) {
    const int k = x >> 2, part = x & 3;
    if (cosited) {
      out[x] = c[k] + part * .25f * (c[k + 1] - c[k]);
      continue;
    }
    const float beside = (x + 2) / 4 * 4 + 1 > edge - 1 ? c[k] : c[k - 1 + (x & 2)];
    out[x] = c[k] + (part == 0 || part == 3 ? .375f : .125f) * (beside - c[k]);
  }
}

inline void spread_chroma(const float *c, int sub, int cosited, int n, int edge, float *__restrict out) {
  if (sub == 2) return spread_quarters(c, cosited, n, edge, out);
  if (sub == 0) {
    for (int i = 0; i < n; i++) out[i] = c[i];
    return;
  }
  if (cosited) {
    for (int i = 0; i < n / 2; i++) {
      out[2 * i] = c[i];
      out[2 * i + 1] = .5f * (c[i] + c[i + 1]);
    }
    if (n % 2) out[n - 1] = c[n / 2];
    return;
  }
  for (int i = 0; i < n / 2; i++) {
    out[2 * i] = .75f * c[i] + .25f * c[i - 1];
    out[2 * i + 1] = .75f * c[i] + .25f * c[i + 1];
  }
  if (n % 2) out[n - 1] = .75f * c[n / 2] + .25f * c[n / 2 - 1];
}

template <int sub>
void gather_chroma_of(const float *p, const float *weight, int n, float *__restrict out) {
  const float w0 = weight[0], w1 = weight[1], w2 = weight[2], w3 = weight[3], w4 = weight[4], w5 = weight[5], w6 = weight[6];
  for (int i = 0; i < n; i++) {
    const float *q = p + (i << sub);
    out[i] = sub < 2 ? w2 * q[-1] + w3 * q[0] + w4 * q[1] : w0 * q[-3] + w1 * q[-2] + w2 * q[-1] + w3 * q[0] + w4 * q[1] + w5 * q[2] + w6 * q[3];
  }
}

inline void gather_chroma(const float *p, const float *weight, int sub, int n, float *out) {
  sub == 0 ? gather_chroma_of<0>(p, weight, n, out) : sub == 1 ? gather_chroma_of<1>(p, weight, n, out) : gather_chroma_of<2>(p, weight, n, out);
}

inline void scaled(const uint16_t *src, float weight, int add, int n, float *__restrict sum) {
  if (!add)
    for (int i = 0; i < n; i++) sum[i] = weight * src[i];
  else
    for (int i = 0; i < n; i++) sum[i] += weight * src[i];
}

// A NaN becomes 0.
inline float unit_range(float v) {
  const float w = v > 0 ? v : 0;
  return w < 1 ? w : 1;
}

inline void colour(const float *const *s, int channels, const float *m, int n, float *__restrict r, float *__restrict g, float *__restrict b) {
  const float *x = s[0], *y = s[1], *z = s[2];
  if (channels == 1) {
    for (int i = 0; i < n; i++) r[i] = g[i] = b[i] = unit_range(m[0] * x[i] + m[3]);
    return;
  }
  for (int i = 0; i < n; i++) {
    r[i] = unit_range(m[0] * x[i] + m[1] * y[i] + m[2] * z[i] + m[3]);
    g[i] = unit_range(m[4] * x[i] + m[5] * y[i] + m[6] * z[i] + m[7]);
    b[i] = unit_range(m[8] * x[i] + m[9] * y[i] + m[10] * z[i] + m[11]);
  }
}

template <class Sample>
constexpr SampleKernels<Sample> samples_table = {
    unpack<Sample>, pack<Sample>, copy_bits, widen<Sample>, mix_samples<Sample>, write_channel<Sample>, round_samples<Sample>, preserve<Sample>,
    apart<Sample>, blend, add_samples<Sample>, narrow<Sample>, luminance<Sample>, offsets<Sample>, guided<Sample>, interpolated<Sample>};

constexpr RowKernels rows_table = {spread_chroma, gather_chroma, scaled, colour, most, spread, gather, weights, guide_slopes, box, mix};
