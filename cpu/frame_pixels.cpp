#include "frame_pixels.h"

#include <algorithm>
#include <cstring>

#include "engine_memory.h"

namespace adain {

namespace {

// A row of chroma for row y of the picture: two rows of samples with this share of the second.
struct Between {
  int first, second;
  float share;
};

// See model/ref/chroma.go, spreadDown.
Between spread_down(const adain_cpu_image &form, int y) {
  const int h = rows(form, 1);
  auto limit = [](int i, int n) { return std::clamp(i, 0, n - 1); };
  if (form.sub_y == 0) return {y, y, 0};
  if (form.interlaced) {
    const int field = y & 1, j = y >> 1, n = (h - field + 1) / 2;
    auto row = [&](int k) { return field + 2 * limit(k, n); };
    return {row(j >> 1), row((j >> 1) - 1 + 2 * (j & 1)), (j & 1) == field ? .125f : .375f};
  }
  if (form.cosited_y) return {y >> 1, y >> 1, 0};
  return {y >> 1, limit((y >> 1) - 1 + 2 * (y & 1), h), .25f};
}

// Chroma of n pixels from x on, a multiple of what shares a sample. line has room for their samples and one beside either end.
template <class Sample>
void spread_row(const Picture &p, int c, int y, int x, int n, float *line, float *out) {
  const SampleKernels<Sample> &k = sample_kernels<Sample>();
  const Between b = spread_down(p.form, y);
  const int all = cols(p.form, c), begin = x >> p.form.sub_x, end = std::min(all, ((x + n - 1) >> p.form.sub_x) + 2), from = std::max(begin - 1, 0);
  float *at = line + 1 + from - begin;
  const Sample *first = p.row<Sample>(c, b.first) + from, *second = p.row<Sample>(c, b.second) + from;
  b.first == b.second ? k.widen(first, end - from, at) : k.mix_samples(first, second, b.share, end - from, at);
  if (begin == 0) line[0] = line[1];
  for (int i = end; i < ((x + n - 1) >> p.form.sub_x) + 2; i++) line[1 + i - begin] = line[end - begin];
  row_kernels().spread_chroma(line + 1, p.form.sub_x, p.form.cosited_x, n, p.form.width - x, out);
}

template <class Sample>
void read_samples(const Picture &p, int y, int x0, int n, float *r, float *g, float *b) {
  const int before = x0 & ((1 << p.form.sub_x) - 1), whole = n + before;
  const size_t pitch = size_t(whole) + 8;
  float *s = scratch_floats(Scratch::channels, 4 * pitch), *line = s + 3 * pitch;
  const float *channels[3] = {s, s + pitch, s + 2 * pitch};
  for (int c = 0; c < p.form.channels; c++) {
    if (shared(p.form, c)) {
      spread_row<Sample>(p, c, y, x0 - before, whole, line, s + c * pitch);
      channels[c] += before;
    } else {
      sample_kernels<Sample>().widen(p.row<Sample>(c, y) + x0, n, s + c * pitch);
    }
  }
  row_kernels().colour(channels, p.form.channels, &p.form.to_rgb[0][0], n, r, g, b);
}

template <class Sample>
void write_samples(const Canvas &canvas, int y, int x, int n, const float *r, const float *g, const float *b, const Picture &content) {
  const SampleKernels<Sample> &k = sample_kernels<Sample>();
  const adain_cpu_image &form = canvas.picture.form;
  Sample *out[3] = {};
  for (int c = 0; c < form.channels && !shared(form, c); c++) out[c] = canvas.picture.row<Sample>(c, y) + x;
  if (canvas.preserve_color && is_rgb(form)) {
    const Sample *from[3];
    for (int c = 0; c < 3; c++) from[c] = content.row<Sample>(c, y) + x;
    k.preserve(r, g, b, form.from_rgb[0][0], form.from_rgb[0][3], form.luminance, form.max, from, n, out);
    return;
  }
  for (int c = 0; c < form.channels; c++) {
    if (canvas.preserve_color && c > 0) {
      if (!shared(form, c)) std::memcpy(out[c], content.row<Sample>(c, y) + x, n * sizeof(Sample));
      continue;
    }
    if (!shared(form, c)) {
      k.write(r, g, b, form.from_rgb[c], form.max, n, out[c]);
      continue;
    }
    float matrix[4];
    for (int i = 0; i < 4; i++) matrix[i] = form.from_rgb[c][i] * float(1 << (16 - form.depth));
    sample_kernels<uint16_t>().write(r, g, b, matrix, 65535, n, canvas.chroma[c - 1] + size_t(y) * form.width + x);
  }
}

}  // namespace

void Picture::copy_row(int c, int y, const Picture &from) const {
  const int sub = sub_y(form, c);
  if (y % (1 << sub) == 0) std::memcpy(bytes(c, y >> sub), from.bytes(c, y >> sub), row_bytes(c));
}

void Picture::luminance(int y, float *out) const {
  const float scale = 1 / unit(form), y_only[3] = {scale, 0, 0};
  float k[3];
  for (int c = 0; c < 3; c++) k[c] = is_rgb(form) ? form.luminance[c] * scale : y_only[c];
  with_samples(form, [&](auto sample) {
    using Sample = decltype(sample);
    const Sample *p[3] = {row<Sample>(0, y), nullptr, nullptr};
    if (is_rgb(form)) p[1] = row<Sample>(1, y), p[2] = row<Sample>(2, y);
    sample_kernels<Sample>().luminance(p, is_rgb(form) ? 3 : 1, form.width, k, out);
  });
}

void Picture::read_row(int y, int x0, int n, float *r, float *g, float *b) const {
  with_samples(form, [&](auto sample) { read_samples<decltype(sample)>(*this, y, x0, n, r, g, b); });
}

void Picture::read(int y0, int x0, int rows, int cols, float *rgb) const {
  const int first = std::max(0, -x0), n = std::min(cols - first, form.width - std::max(x0, 0));
  const size_t area = size_t(rows) * cols;
  for (int y = 0; y < rows; y++) {
    float *row[3] = {rgb + size_t(y) * cols, rgb + area + size_t(y) * cols, rgb + 2 * area + size_t(y) * cols};
    const int from = y0 + y;
    if (from < -1 || from > form.height || n <= 0) {
      for (float *c : row) std::fill_n(c, cols, 0.f);
      continue;
    }
    read_row(mirror(from, form.height), x0 + first, n, row[0] + first, row[1] + first, row[2] + first);
    for (float *c : row) {
      std::fill_n(c, first, 0.f);
      std::fill(c + first + n, c + cols, 0.f);
      if (first > 0) c[first - 1] = c[first + mirror(-1, form.width)];
      if (const int right = form.width - x0; right < cols) c[right] = c[mirror(form.width, form.width) - x0];
    }
  }
}

void Canvas::write(int y0, int x0, int rows, int cols, float *rgb, int pitch, int area, const Picture &content) const {
  const int h = std::min(rows, picture.form.height - y0), w = std::min(cols, picture.form.width - x0);
  for (int i = 0; i < 3 * area; i++) rgb[i] = std::min(std::max(rgb[i], 0.f), 1.f);
  with_samples(picture.form, [&](auto sample) {
    for (int y = 0; y < h; y++) {
      const float *r = rgb + size_t(y) * pitch;
      write_samples<decltype(sample)>(*this, y0 + y, x0, w, r, r + area, r + 2 * area, content);
    }
  });
}

void Canvas::recolour(int y, const Picture &samples, const Picture &content) const {
  if (!is_rgb(picture.form)) {
    for (int c = 1; c < picture.form.channels; c++) picture.copy_row(c, y, content);
    return;
  }
  const size_t n = picture.form.width;
  float *r = scratch_floats(Scratch::pixels, 3 * n), *g = r + n, *b = g + n;
  samples.read_row(y, 0, picture.form.width, r, g, b);
  Canvas preserving = *this;
  preserving.preserve_color = true;
  with_samples(picture.form, [&](auto sample) { write_samples<decltype(sample)>(preserving, y, 0, picture.form.width, r, g, b, content); });
}

}  // namespace adain
