// What a picture must hold behind the last layer, whose R'G'B' is known.
#pragma once
#include "picture.h"
#include "table.h"

#include <algorithm>

namespace test {

// Counts a sample of dst that is not the rounded value, which float may have on the other side of a half.
inline int wrong(const Picture &dst, int got, double value) {
  const double limited = std::min(std::max(value, 0.0), double(dst.most()));
  return std::fabs(got - limited) <= 0.5 + 2e-3 * dst.unit() ? 0 : 1;
}

inline double luma(const Frame &f, const Rgb &p) { return f.kr * p.v[0] + f.kg * p.v[1] + f.kb * p.v[2]; }

// With preserve_color all three samples of src move by the change of luminance, but none beyond its range.
inline int wrong_rgb(const Picture &dst, const Picture &src, int y, int x, const Rgb &p, bool preserve) {
  const Rgb before = src.pixel(y, x);
  const double least = -*std::min_element(before.v, before.v + 3), most = 1 - *std::max_element(before.v, before.v + 3);
  const double change = std::min(std::max(luma(dst.frame(), p) - luma(dst.frame(), before), least), most);
  int bad = 0;
  for (int c = 0; c < 3; c++) bad += wrong(dst, dst.sample(c, y, x), dst.most() * (preserve ? before.v[c] + change : p.v[c]));
  return bad;
}

// Which pixels a chroma sample is made of, along a row or a column.
inline Taps under(const Frame &f, int c, bool row) {
  const int n = row ? f.height : f.width, at = 2 * c, next = std::min(at + 1, n - 1);
  if (!(row ? f.half_y : f.half_x)) return {{c, 1.}};
  if (row && f.interlaced) {
    const int field = c % 2, upper = c / 2 * 4 + field, lower = upper + 2 < n ? upper + 2 : upper;
    return {{upper, field ? 0.25 : 0.75}, {lower, field ? 0.75 : 0.25}};
  }
  if (row && f.cosited_y) return {{at, 1.}};
  if (row || !f.cosited_x) return {{at, 0.5}, {next, 0.5}};
  return {{std::max(at - 1, 0), 0.25}, {at, 0.5}, {c > 0 && c == (n + 1) / 2 - 1 ? at : next, 0.25}};
}

inline int wrong_yuv(const Picture &dst, const Picture &src, int y, int x, const std::vector<Rgb> &rgb, int W, bool preserve) {
  const Frame &f = dst.frame();
  int bad = wrong(dst, dst.sample(0, y, x), row(f.from_rgb[0], rgb[size_t(y) * W + x].v));
  if ((f.half_y && y % 2) || (f.half_x && x % 2)) return bad;
  const int cy = y >> f.half_y, cx = x >> f.half_x;
  Rgb mean = {};
  for (const auto &down : under(f, cy, true))
    for (const auto &across : under(f, cx, false))
      for (int c = 0; c < 3; c++) mean.v[c] += down.second * across.second * rgb[size_t(down.first) * W + across.first].v[c];
  for (int c = 1; c < 3; c++)
    bad += preserve ? dst.sample(c, cy, cx) != src.sample(c, cy, cx) : wrong(dst, dst.sample(c, cy, cx), row(f.from_rgb[c], mean.v));
  return bad;
}

// Fails unless dst is what it must be where the last layer gives rgb, W pixels a row. rest: src.rest() and before: dst.all() from before the launch.
template <class Rest, class All>
void check_result(const std::string &what, const Picture &dst, const Picture &src, const std::vector<Rgb> &rgb, int W, bool preserve,
                  const Rest &rest, const All &before) {
  const Frame &f = dst.frame();
  int bad = dst.stray() + (dst.rest() != rest);
  for (int y = 0; y < f.height; y++)
    for (int x = 0; x < f.width; x++)
      bad += dst.yuv() ? wrong_yuv(dst, src, y, x, rgb, W, preserve) : wrong_rgb(dst, src, y, x, rgb[size_t(y) * W + x], preserve);
  if (bad) fail("%s: %d samples are wrong", what.c_str(), bad);
  if (int outside = dst.damage(before)) fail("%s: %d bytes between the rows were written", what.c_str(), outside);
}

}  // namespace test
