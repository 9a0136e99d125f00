// Look-up tables around the network: lut.Table.
#pragma once

// A curve for each channel, (size,4) values, or a cube, (size,size,size,4) with blue first and red last; passed by value. The place of a colour
// is (x - low) * scale, limited to 0 to size-1.
struct Lookup {
  const float *values;  // null: there is no table
  int size, cube;
  float low[3], scale[3];
};
static_assert(sizeof(Lookup) == 40, "the host fills this struct");

// The sample below a colour, and how far the colour lies towards the next one. A NaN is at the first sample.
__device__ __forceinline__ int lookup_place(float x, float low, float scale, int size, float &share) {
  const float at = fminf(fmaxf((x - low) * scale, 0.0f), (float)(size - 1));
  const int below = min((int)at, size - 2);
  share = at - (float)below;
  return below;
}

__device__ __forceinline__ float lookup_curve(const Lookup &t, float x, int c) {
  float share;
  const float *p = t.values + (size_t)lookup_place(x, t.low[c], t.scale[c], t.size, share) * 4 + c;
  const float a = __ldg(p), b = __ldg(p + 4);
  return __saturatef(a + share * (b - a));
}

// Tetrahedral interpolation: from the cell's corner along the axis with the largest share to a second corner, to the one that only lacks the
// axis with the smallest, and to the opposite corner.
__device__ __forceinline__ void lookup_cube(const Lookup &t, float &r, float &g, float &b) {
  const int red = 4, green = 4 * t.size, blue = green * t.size;
  float u, v, w;
  const int x = lookup_place(r, t.low[0], t.scale[0], t.size, u), y = lookup_place(g, t.low[1], t.scale[1], t.size, v);
  const int z = lookup_place(b, t.low[2], t.scale[2], t.size, w);
  const float most = fmaxf(fmaxf(u, v), w), least = fminf(fminf(u, v), w), middle = fmaxf(fminf(u, v), fminf(fmaxf(u, v), w));
  const int along = u >= v ? (u >= w ? red : blue) : (v >= w ? green : blue);
  const int without = u < v ? (u < w ? red : blue) : (v < w ? green : blue);
  const float *p = t.values + red * x + green * y + blue * z;
  const float *q = p + along, *s = p + (red + green + blue - without), *o = p + (red + green + blue);
  const float a = 1 - most, c = most - middle, d = middle - least;
  r = __saturatef(a * __ldg(p) + c * __ldg(q) + d * __ldg(s) + least * __ldg(o));
  g = __saturatef(a * __ldg(p + 1) + c * __ldg(q + 1) + d * __ldg(s + 1) + least * __ldg(o + 1));
  b = __saturatef(a * __ldg(p + 2) + c * __ldg(q + 2) + d * __ldg(s + 2) + least * __ldg(o + 2));
}

// R'G'B' in [0,1] through a table, if there is one.
__device__ __forceinline__ void lookup(const Lookup &t, float &r, float &g, float &b) {
  if (!t.values) return;
  if (t.cube) {
    lookup_cube(t, r, g, b);
  } else {
    r = lookup_curve(t, r, 0);
    g = lookup_curve(t, g, 1);
    b = lookup_curve(t, b, 2);
  }
}
