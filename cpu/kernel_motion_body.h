// The kernels of kernel_motion.h, written once, in loops that the compiler makes vectors of: see kernel_network_body.h. All sums are whole
// numbers in 16 bits, of patches in 32.

inline void light(const uint8_t *p, int n, int weight, int shift, uint32_t *__restrict sum) {
  for (int x = 0; x < n; x++) sum[x >> shift] += uint32_t(weight) * p[x];
}

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

inline void bilinear(const uint8_t *p, ptrdiff_t pitch, int n, int fx, int fy, uint8_t *__restrict out) {
  const uint16_t right = uint16_t(fx), left = uint16_t(16 - fx), below = uint16_t(fy), above = uint16_t(16 - fy);
  const uint8_t *a = p, *b = p + 1, *c = p + pitch, *d = p + pitch + 1;
  n = (n + 31) / 32 * 32;
  for (int i = 0; i < n; i++) {
    const uint16_t top = uint16_t(left * a[i] + right * b[i]), bottom = uint16_t(left * c[i] + right * d[i]);
    out[i] = uint8_t(uint16_t(above * top + below * bottom + 128) >> 8);
  }
}

// model.CubicWeights.
inline void cubic_weights(int f, int16_t (&w)[4]) {
  w[0] = int16_t(-((3 * f * (16 - f) * (16 - f) + 128) >> 8));
  w[3] = int16_t(-((3 * f * f * (16 - f) + 128) >> 8));
  w[1] = int16_t(64 - ((2304 * f * f - 80 * f * f * f + 2048) >> 12));
  w[2] = int16_t(64 - w[0] - w[1] - w[3]);
}

inline void cubic(const uint8_t *p, ptrdiff_t pitch, int n, int fx, int fy, uint8_t *__restrict out) {
  int16_t x[4], y[4], rows[4][32];
  cubic_weights(fx, x);
  cubic_weights(fy, y);
  p -= pitch + 1;
  for (int begin = 0; begin < n; begin += 32, p += 32, out += 32) {
    for (int j = 0; j < 4; j++) {
      const uint8_t *a = p + j * pitch, *b = a + 1, *c = a + 2, *d = a + 3;
      for (int i = 0; i < 32; i++) rows[j][i] = int16_t(x[0] * a[i] + x[1] * b[i] + x[2] * c[i] + x[3] * d[i]);
    }
    for (int i = 0; i < 32; i++) {
      const int32_t v = (y[0] * rows[0][i] + y[1] * rows[1][i] + y[2] * rows[2][i] + y[3] * rows[3][i] + 2048) >> 12;
      const int32_t w = v > 0 ? v : 0;
      out[i] = uint8_t(w < 255 ? w : 255);
    }
  }
}

inline void doubt(uint8_t *__restrict c, int n) {
  for (int i = 0; i < n; i++) c[i] = uint8_t(least(c[i], 231) + 24);
}

inline void motion_weights(const uint8_t *d, int n, int weight, uint8_t *__restrict w) {
  for (int i = 0; i < n; i++) w[i] = uint8_t(uint16_t(uint16_t(weight) * least(less(40, d[i]), 16)) >> 4);
}

inline void steps(const uint8_t *p, int n, uint16_t *__restrict sum) {
  for (int i = 0; i < n; i++) sum[i] = uint16_t(sum[i] + away(p[i], p[i + 1]));
}

inline void sharpen(const uint8_t *above, const uint8_t *p, const uint8_t *below, int n, int gain, uint8_t *__restrict out) {
  for (int i = 0; i < n; i++) {
    const int16_t corners = int16_t(above[i - 1] + above[i + 1] + below[i - 1] + below[i + 1]);
    const int16_t sides = int16_t(above[i] + below[i] + p[i - 1] + p[i + 1]);
    const int16_t detail = int16_t(12 * p[i] - 2 * sides - corners);
    const int32_t v = p[i] + ((detail * gain + 128) >> 8), w = v > 0 ? v : 0;
    out[i] = uint8_t(w < 255 ? w : 255);
  }
}

constexpr MotionKernels motion_table = {light, halve, motion_patch, motion_match, bilinear, cubic, doubt, motion_weights, steps, sharpen};
