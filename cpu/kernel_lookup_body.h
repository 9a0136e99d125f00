// The kernels of kernel_lookup.h, written once: see kernel_network_body.h; unit_range is of kernel_samples_body.h.

// The place of a colour in the table; last is the largest.
inline float place(float v, float low, float scale, float last) {
  v = (unit_range(v) - low) * scale;
  v = v > 0 ? v : 0;
  return v < last ? v : last;
}

inline void look_up_curves(const Lookup &t, float *r, float *g, float *b, size_t n) {
  float *planes[3] = {r, g, b};
  const float last = float(t.form.size - 1);
  for (int c = 0; c < 3; c++) {
    float *p = planes[c];
    const float *values = t.values + c, low = t.form.low[c], scale = t.form.scale[c];
    for (size_t i = 0; i < n; i++) {
      const float at = place(p[i], low, scale, last);
      const int sample = at < last ? int(at) : t.form.size - 2;
      const float *v = values + 4 * size_t(sample);
      p[i] = unit_range(v[0] + (at - float(sample)) * (v[4] - v[0]));
    }
  }
}

// Colours of a block: the first corner of a colour's cell, the ways from there to the next two of its tetrahedron, and the shares of all four
// corners. The fourth lies always equally far.
struct Corners {
  static constexpr int block = 64;
  int first[block], second[block], third[block];
  float share[4][block];
};

// The largest of the three places within the cell says where the second corner lies, the smallest which axis the third lacks.
inline void find_corners(const Lookup &t, const float *r, const float *g, const float *b, int n, Corners &k) {
  const int size = t.form.size, red = 4, green = 4 * size, blue = 4 * size * size;
  const float last = float(size - 1);
  for (int i = 0; i < n; i++) {
    const float x = place(r[i], t.form.low[0], t.form.scale[0], last);
    const float y = place(g[i], t.form.low[1], t.form.scale[1], last);
    const float z = place(b[i], t.form.low[2], t.form.scale[2], last);
    int cx = int(x), cy = int(y), cz = int(z);
    cx = cx < size - 2 ? cx : size - 2;
    cy = cy < size - 2 ? cy : size - 2;
    cz = cz < size - 2 ? cz : size - 2;
    const float u = x - float(cx), v = y - float(cy), w = z - float(cz);
    const float more = u > v ? u : v, less = u > v ? v : u;
    const float most = more > w ? more : w, least = less < w ? less : w, rest = more < w ? more : w, middle = less > rest ? less : rest;
    const int along = u >= v ? (u >= w ? red : blue) : (v >= w ? green : blue);
    const int without = u < v ? (u < w ? red : blue) : (v < w ? green : blue);
    k.first[i] = red * cx + green * cy + blue * cz;
    k.second[i] = along;
    k.third[i] = red + green + blue - without;
    k.share[0][i] = 1 - most;
    k.share[1][i] = most - middle;
    k.share[2][i] = middle - least;
    k.share[3][i] = least;
  }
}

inline void look_up_cube(const Lookup &t, float *r, float *g, float *b, size_t n) {
  typedef typename Vector<4>::V V;
  const int size = t.form.size, fourth = 4 + 4 * size + 4 * size * size;
  Corners k;
  for (; n > 0; r += k.block, g += k.block, b += k.block) {
    const int count = n < size_t(k.block) ? int(n) : k.block;
    find_corners(t, r, g, b, count, k);
    for (int i = 0; i < count; i++) {
      const float *p = t.values + k.first[i];
      V v = k.share[0][i] * load<4>(p) + k.share[1][i] * load<4>(p + k.second[i]) + k.share[2][i] * load<4>(p + k.third[i]) +
            k.share[3][i] * load<4>(p + fourth);
      v = v > 0 ? v : V{};
      v = v < 1 ? v : V{} + 1.f;
      r[i] = v[0];
      g[i] = v[1];
      b[i] = v[2];
    }
    n -= size_t(count);
  }
}
