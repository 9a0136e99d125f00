// The kernels of kernel_motion.h, written once, in loops that the compiler makes vectors of: see kernel_network_body.h. All sums are whole
// numbers in 16 bits, of patches in 32.

inline void halve(const uint8_t *a, const uint8_t *b, int n, uint8_t *__restrict out) {
  for (int x = 0; x < (n + 1) / 2; x++) out[x] = uint8_t((a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1] + 2) >> 2);
}

inline void motion_patch(const uint8_t *p, ptrdiff_t pitch, MotionPatch *__restrict out) {
  for (int j = 0; j < 8; j++, p += pitch)
    for (int i = 0; i < 8; i++) {
      out->light[8 * j + i] = int16_t(16 * p[i]);
      out->across[8 * j + i] = int16_t(p[i + 1] - p[i - 1]);
      out->down[8 * j + i] = int16_t(p[pitch + i] - p[i - pitch]);
    }
  int32_t x = 0, y = 0, xx = 0, xy = 0, yy = 0;
  for (int k = 0; k < 64; k++) {
    const int32_t a = out->across[k], d = out->down[k];
    x += a;
    y += d;
    xx += a * a;
    xy += a * d;
    yy += d * d;
  }
  out->sum_across = x;
  out->sum_down = y;
  out->xx = 64 * int64_t(xx) - int64_t(x) * x;
  out->xy = 64 * int64_t(xy) - int64_t(x) * y;
  out->yy = 64 * int64_t(yy) - int64_t(y) * y;
}

inline void motion_match(const MotionPatch *patch, const uint8_t *p, ptrdiff_t pitch, int fx, int fy, MotionMatch *out) {
  uint16_t rows[72];
  int16_t apart[64];
  const uint16_t right = uint16_t(fx), left = uint16_t(16 - fx), below = uint16_t(fy), above = uint16_t(16 - fy);
  for (int j = 0; j < 9; j++, p += pitch)
    for (int i = 0; i < 8; i++) rows[8 * j + i] = uint16_t(left * p[i] + right * p[i + 1]);
  for (int k = 0; k < 64; k++) apart[k] = int16_t(int16_t(uint16_t(above * rows[k] + below * rows[k + 8] + 8) >> 4) - patch->light[k]);
  int32_t s = 0, ss = 0, x = 0, y = 0;
  for (int k = 0; k < 64; k++) {
    s += apart[k];
    ss += int32_t(apart[k]) * apart[k];
    x += int32_t(apart[k]) * patch->across[k];
    y += int32_t(apart[k]) * patch->down[k];
  }
  out->cost = 64 * int64_t(ss) - int64_t(s) * s;
  out->x = 64 * int64_t(x) - int64_t(s) * patch->sum_across;
  out->y = 64 * int64_t(y) - int64_t(s) * patch->sum_down;
}

inline void mix(const int32_t *a, const int32_t *b, int f, int log, int n, int32_t *__restrict out) {
  const int32_t above = (1 << log) - f, half = 1 << (log - 1);
  for (int i = 0; i < n; i++) out[i] = (above * a[i] + f * b[i] + half) >> log;
}

inline void spread(const int32_t *a, int log, int fine, int first, int n, int32_t *__restrict out) {
  const int32_t unit = 2 << log, half = 1 << (log + fine);
  const int shift = log + 1 + fine;
  for (int done = 0; done < n; a++) {
    const int32_t step = 2 * (a[1] - a[0]);
    int32_t at = unit * a[0] + first * (a[1] - a[0]) + half;
    const int left = (unit - first + 1) / 2, wanted = n - done < left ? n - done : left;
    for (int k = 0; k < wanted; k += 8, at += 8 * step)
      for (int i = 0; i < 8; i++) out[done + k + i] = (at + i * step) >> shift;
    done += wanted;
    first = 1;
  }
}

inline void doubt(uint8_t *__restrict c, const int32_t *q, int n) {
  for (int i = 0; i < n; i++) {
    const int32_t more = c[i] + q[i];
    c[i] = uint8_t(more < 255 ? more : 255);
  }
}

inline uint8_t largest_byte(const uint8_t *p, int n) {
  uint8_t most = 0;
  for (int i = 0; i < n; i++) most = most_of(most, p[i]);
  return most;
}

inline void weights_in_place(const uint8_t *e, const uint8_t *a, const uint8_t *d, int n, int weight, uint8_t *__restrict w) {
  for (int i = 0; i < n; i++) {
    const uint8_t rest = least(less(12, e[i]), 8), near = least(less(128, a[i]), 32), left = uint8_t(16 - least(less(40, d[i]), 16));
    w[i] = uint8_t(uint16_t(uint16_t(uint16_t(uint16_t(weight) * rest * near) >> 8) * left) >> 4);
  }
}

inline void motion_weights(const uint8_t *d, int n, int weight, uint8_t *__restrict w) {
  for (int i = 0; i < n; i++) w[i] = uint8_t(uint16_t(uint16_t(weight) * least(less(40, d[i]), 16)) >> 4);
}

constexpr MotionKernels motion_table = {halve, motion_patch, motion_match, mix, spread, doubt, largest_byte, weights_in_place, motion_weights};

// What sums of samples take.
template <class Sample>
struct WideOf {
  typedef uint16_t Plain;  // in 1/256
  typedef int16_t Signed;  // in 1/64
  typedef uint32_t Four;   // samples, side by side
};
template <>
struct WideOf<uint16_t> {
  typedef uint32_t Plain;
  typedef int32_t Signed;
  typedef uint64_t Four;
};

template <class Sample>
void light(const Sample *p, int n, int weight, int shift, int deeper, uint32_t *__restrict sum) {
  for (int x = 0; x < n; x++) sum[x >> shift] += uint32_t(weight) * uint32_t(p[x] >> deeper);
}

template <class Sample>
void bilinear(const Sample *p, ptrdiff_t pitch, int n, int fx, int fy, int, Sample *__restrict out) {
  typedef typename WideOf<Sample>::Plain Wide;
  const Wide right = Wide(fx), left = Wide(16 - fx), below = Wide(fy), above = Wide(16 - fy);
  const Sample *a = p, *b = p + 1, *c = p + pitch, *d = p + pitch + 1;
  n = (n + 31) / 32 * 32;
  for (int i = 0; i < n; i++) {
    const Wide top = Wide(left * a[i] + right * b[i]), bottom = Wide(left * c[i] + right * d[i]);
    out[i] = Sample(Wide(above * top + below * bottom + 128) >> 8);
  }
}

// model.CubicWeights.
inline void cubic_weights(int f, int16_t (&w)[4]) {
  w[0] = int16_t(-((3 * f * (16 - f) * (16 - f) + 128) >> 8));
  w[3] = int16_t(-((3 * f * f * (16 - f) + 128) >> 8));
  w[1] = int16_t(64 - ((2304 * f * f - 80 * f * f * f + 2048) >> 12));
  w[2] = int16_t(64 - w[0] - w[1] - w[3]);
}

// Four of them in each word, from the lowest byte on.
struct CubicTable {
  CubicTable() {
    for (int f = 0; f < 16; f++) {
      int16_t w[4];
      cubic_weights(f, w);
      weights[f] = 0;
      for (int k = 0; k < 4; k++) weights[f] |= uint32_t(uint8_t(w[k])) << (8 * k);
    }
  }
  uint32_t weights[16];
};

template <class Sample>
Sample limited(int32_t v, int32_t largest) {
  v = v > 0 ? v : 0;
  return Sample(v < largest ? v : largest);
}

template <class Sample>
void cubic(const Sample *p, ptrdiff_t pitch, int n, int fx, int fy, int largest, Sample *__restrict out) {
  typedef typename WideOf<Sample>::Signed Wide;
  int16_t x[4], y[4];
  Wide rows[4][32];
  cubic_weights(fx, x);
  cubic_weights(fy, y);
  p -= pitch + 1;
  for (int begin = 0; begin < n; begin += 32, p += 32, out += 32) {
    for (int j = 0; j < 4; j++) {
      const Sample *a = p + j * pitch, *b = a + 1, *c = a + 2, *d = a + 3;
      for (int i = 0; i < 32; i++) rows[j][i] = Wide(x[0] * a[i] + x[1] * b[i] + x[2] * c[i] + x[3] * d[i]);
    }
    for (int i = 0; i < 32; i++)
      out[i] = limited<Sample>((y[0] * rows[0][i] + y[1] * rows[1][i] + y[2] * rows[2][i] + y[3] * rows[3][i] + 2048) >> 12, largest);
  }
}

// Rows of `taps` samples around n <= 32 places, the first of them `before` in front of each, side by side.
template <class Sample, int kTaps>
void fetch(const Sample *channel, ptrdiff_t pitch, int cols, int rows, const int32_t *x, const int32_t *y, int n,
           typename WideOf<Sample>::Four (&out)[kTaps][32]) {
  typedef typename WideOf<Sample>::Four Four;
  constexpr int kBefore = kTaps / 2 - 1;
  int32_t left = x[0], right = x[0], top = y[0], bottom = y[0];
  for (int i = 0; i < n; i++) {
    left = x[i] < left ? x[i] : left;
    right = x[i] > right ? x[i] : right;
    top = y[i] < top ? y[i] : top;
    bottom = y[i] > bottom ? y[i] : bottom;
  }
  const bool inside = (left >> 4) >= 1 && (right >> 4) + 4 <= cols && (top >> 4) >= 1 && (bottom >> 4) + 3 <= rows;
  for (int i = 0; i < n; i++) {
    const int u = (x[i] >> 4) - kBefore, v = (y[i] >> 4) - kBefore;
    if (inside) {
      const Sample *p = channel + v * pitch + u;
      for (int j = 0; j < kTaps; j++) __builtin_memcpy(&out[j][i], p + j * pitch, sizeof(Four));
      continue;
    }
    for (int j = 0; j < kTaps; j++) {
      const int at = v + j < 0 ? 0 : v + j < rows ? v + j : rows - 1;
      Sample four[4] = {};
      for (int k = 0; k < kTaps; k++) four[k] = channel[at * pitch + (u + k < 0 ? 0 : u + k < cols ? u + k : cols - 1)];
      __builtin_memcpy(&out[j][i], four, sizeof(Four));
    }
  }
}

// Sample k of four.
template <class Sample>
int32_t nth(typename WideOf<Sample>::Four four, int k) {
  return int32_t(Sample(four >> (k * 8 * int(sizeof(Sample)))));
}

template <class Sample>
void bilinear_at(const Sample *channel, ptrdiff_t pitch, int cols, int rows, const int32_t *x, const int32_t *y, int n, int, Sample *__restrict out) {
  typename WideOf<Sample>::Four four[2][32] = {};
  for (; n > 0; n -= 32, x += 32, y += 32, out += 32) {
    const int wanted = n < 32 ? n : 32;
    fetch<Sample, 2>(channel, pitch, cols, rows, x, y, wanted, four);
    for (int i = 0; i < wanted; i++) {
      const int32_t fx = x[i] & 15, fy = y[i] & 15;
      const int32_t top = (16 - fx) * nth<Sample>(four[0][i], 0) + fx * nth<Sample>(four[0][i], 1);
      const int32_t bottom = (16 - fx) * nth<Sample>(four[1][i], 0) + fx * nth<Sample>(four[1][i], 1);
      out[i] = Sample(((16 - fy) * top + fy * bottom + 128) >> 8);
    }
  }
}

template <class Sample>
void cubic_at(const Sample *channel, ptrdiff_t pitch, int cols, int rows, const int32_t *x, const int32_t *y, int n, int largest, Sample *__restrict out) {
  typename WideOf<Sample>::Four four[4][32] = {};
  static const CubicTable table;
  for (; n > 0; n -= 32, x += 32, y += 32, out += 32) {
    const int wanted = n < 32 ? n : 32;
    fetch<Sample, 4>(channel, pitch, cols, rows, x, y, wanted, four);
    for (int i = 0; i < wanted; i++) {
      const uint32_t wx = table.weights[x[i] & 15], wy = table.weights[y[i] & 15];
      int32_t sum = 2048;
      for (int j = 0; j < 4; j++) {
        int32_t row = 0;
        for (int k = 0; k < 4; k++) row += int32_t(int8_t(wx >> (8 * k))) * nth<Sample>(four[j][i], k);
        sum += int32_t(int8_t(wy >> (8 * j))) * row;
      }
      out[i] = limited<Sample>(sum >> 12, largest);
    }
  }
}

template <class Sample>
void steps(const Sample *p, int n, int deeper, uint16_t *__restrict sum) {
  for (int i = 0; i < n; i++) {
    const Sample apart = p[i] > p[i + 1] ? Sample(p[i] - p[i + 1]) : Sample(p[i + 1] - p[i]);
    sum[i] = uint16_t(sum[i] + (apart >> deeper));
  }
}

template <class Sample>
void sharpen(const Sample *above, const Sample *p, const Sample *below, const int32_t *gain, int n, int largest, Sample *__restrict out) {
  for (int i = 0; i < n; i++) {
    const int32_t corners = above[i - 1] + above[i + 1] + below[i - 1] + below[i + 1];
    const int32_t sides = above[i] + below[i] + p[i - 1] + p[i + 1];
    const int32_t detail = 12 * p[i] - 2 * sides - corners;
    out[i] = limited<Sample>(p[i] + ((detail * gain[i] + 128) >> 8), largest);
  }
}

template <class Sample>
constexpr FollowKernels<Sample> follow_table = {light<Sample>, bilinear<Sample>, cubic<Sample>, bilinear_at<Sample>, cubic_at<Sample>, steps<Sample>, sharpen<Sample>};
