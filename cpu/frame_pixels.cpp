#include "frame_pixels.h"

#include <algorithm>
#include <cstring>

#include "frame_map.h"
#include "kernel_samples.h"

namespace adain {

namespace {

// Byte offsets of red, green, blue and of the sample to copy (-1: none) in a packed pixel, and the pixel's size.
struct Packed {
  int r, g, b, copy, size;
};

constexpr Packed kPacked[] = {
    {0, 1, 2, -1, 3}, {2, 1, 0, -1, 3}, {0, 1, 2, 3, 4}, {2, 1, 0, 3, 4}, {0, 1, 2, 3, 4}, {2, 1, 0, 3, 4},
};

inline uint8_t sample(float v) { return uint8_t(std::min(std::max(v, 0.f), 255.f) + 0.5f); }

template <int size>
void unpack(const uint8_t *p, Packed f, int n, float *r, float *g, float *b) {
  for (int x = 0; x < n; x++) {
    r[x] = p[size * x + f.r] * (1 / 255.f);
    g[x] = p[size * x + f.g] * (1 / 255.f);
    b[x] = p[size * x + f.b] * (1 / 255.f);
  }
}

}  // namespace

Plane plane(const adain_cpu_image &form, int i) {
  if (!is_yuv(form)) return {form.width, form.height, kPacked[form.format].size};
  if (i == 0) return {form.width, form.height, 1};
  return {(form.width + 1) / 2, (form.height + 1) / 2, form.format == ADAIN_NV12 ? 2 : 1};
}

void Picture::luminance(int y, float *out) const {
  float in_order[3] = {};
  const Plane p = adain::plane(form, 0);
  if (p.pixel_bytes > 1) {
    const Packed f = kPacked[form.format];
    in_order[f.r] = form.yuv.kr;
    in_order[f.g] = form.yuv.kg;
    in_order[f.b] = form.yuv.kb;
  }
  sample_kernels().luminance(row(0, y), p.cols, p.pixel_bytes, in_order, out);
}

void Picture::read_row(int y, int x0, int n, float *r, float *g, float *b) const {
  const uint8_t *p = plane[0] + size_t(y) * form.stride[0];
  if (form.format < ADAIN_NV12) {
    const Packed f = kPacked[form.format];
    p += size_t(x0) * f.size;
    f.size == 3 ? unpack<3>(p, f, n, r, g, b) : unpack<4>(p, f, n, r, g, b);
    return;
  }
  const adain_cpu_yuv &k = form.yuv;
  const int pixel_bytes = form.format == ADAIN_NV12 ? 2 : 1;
  const uint8_t *cb = plane[1] + size_t(y / 2) * form.stride[1];
  const uint8_t *cr = pixel_bytes == 2 ? cb + 1 : plane[2] + size_t(y / 2) * form.stride[2];
  for (int i = 0; i < n; i++) {
    const int x = x0 + i, c = x / 2 * pixel_bytes;
    const float l = (p[x] - k.offset_y) * k.scale_y, u = (cb[c] - 128) * k.scale_c, v = (cr[c] - 128) * k.scale_c;
    r[i] = std::clamp(l + k.rv * v, 0.f, 1.f);
    g[i] = std::clamp(l + k.gu * u + k.gv * v, 0.f, 1.f);
    b[i] = std::clamp(l + k.bu * u, 0.f, 1.f);
  }
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

void Canvas::write_packed(int y, int x0, int n, const float *r, const float *g, const float *b, const Picture &content) const {
  const Packed f = kPacked[form.format];
  uint8_t *p = plane[0] + size_t(y) * form.stride[0] + size_t(x0) * f.size;
  const uint8_t *from = content.plane[0] + size_t(y) * content.form.stride[0] + size_t(x0) * f.size;
  for (int x = 0; x < n; x++, p += f.size, from += f.size) {
    p[f.r] = sample(r[x] * 255);
    p[f.g] = sample(g[x] * 255);
    p[f.b] = sample(b[x] * 255);
    if (f.copy >= 0) p[f.copy] = from[f.copy];
  }
}

// A pixel's samples all move by what its luminance changes, as far as all of them can.
void Canvas::write_preserved(int y, int x0, int n, const float *r, const float *g, const float *b, const Picture &content) const {
  const Packed f = kPacked[form.format];
  const adain_cpu_yuv &k = form.yuv;
  uint8_t *p = plane[0] + size_t(y) * form.stride[0] + size_t(x0) * f.size;
  const uint8_t *from = content.plane[0] + size_t(y) * content.form.stride[0] + size_t(x0) * f.size;
  for (int x = 0; x < n; x++, p += f.size, from += f.size) {
    const int red = from[f.r], green = from[f.g], blue = from[f.b];
    const float change = k.kr * (r[x] * 255 - red) + k.kg * (g[x] * 255 - green) + k.kb * (b[x] * 255 - blue);
    const int least = -std::min(std::min(red, green), blue), most = 255 - std::max(std::max(red, green), blue);
    const int shift = std::min(std::max(int(change + 256.5f) - 256, least), most);  // rounded half up: no float here is below -255.5
    p[f.r] = uint8_t(red + shift);
    p[f.g] = uint8_t(green + shift);
    p[f.b] = uint8_t(blue + shift);
    if (f.copy >= 0) p[f.copy] = from[f.copy];
  }
}

// One chroma row from the content.
void Canvas::copy_chroma(int y, int x0, int n, const Picture &content) const {
  const bool nv12 = form.format == ADAIN_NV12;
  const size_t first = nv12 ? x0 : x0 / 2, bytes = (n + 1) / 2 * (nv12 ? 2 : 1);
  for (int i = 1; i < (nv12 ? 2 : 3); i++)
    std::memcpy(plane[i] + size_t(y / 2) * form.stride[i] + first, content.plane[i] + size_t(y / 2) * content.form.stride[i] + first, bytes);
}

// One chroma row: the mean of the pixels that exist under each sample.
void Canvas::write_chroma(int y0, int x0, int rows, int n, const float *rgb, int pitch, int area) const {
  const adain_cpu_yuv &k = form.yuv;
  const bool nv12 = form.format == ADAIN_NV12;
  uint8_t *cb = plane[1] + size_t(y0 / 2) * form.stride[1] + size_t(x0 / 2) * (nv12 ? 2 : 1);
  uint8_t *cr = nv12 ? cb + 1 : plane[2] + size_t(y0 / 2) * form.stride[2] + size_t(x0 / 2);
  const float to_u = 1 / (k.bu * k.scale_c), to_v = 1 / (k.rv * k.scale_c);
  for (int x = 0; x < n; x += 2, cb += nv12 ? 2 : 1, cr += nv12 ? 2 : 1) {
    const int right = x + 1 < n, below = rows > 1 ? pitch : 0;
    float c[3];
    for (int i = 0; i < 3; i++) {
      const float *p = rgb + size_t(i) * area + x;
      c[i] = (p[0] + p[right] + p[below] + p[below + right]) * 0.25f;
    }
    const float l = k.kr * c[0] + k.kg * c[1] + k.kb * c[2];
    *cb = sample((c[2] - l) * to_u + 128);
    *cr = sample((c[0] - l) * to_v + 128);
  }
}

void Canvas::write(int y0, int x0, int rows, int cols, float *rgb, int pitch, int area, const Picture &content) const {
  const int h = std::min(rows, form.height - y0), w = std::min(cols, form.width - x0);
  for (int i = 0; i < 3 * area; i++) rgb[i] = std::min(std::max(rgb[i], 0.f), 1.f);
  const adain_cpu_yuv &k = form.yuv;
  for (int y = 0; y < h; y++) {
    const float *r = rgb + size_t(y) * pitch, *g = r + area, *b = g + area;
    if (form.format < ADAIN_NV12) {
      preserve_color ? write_preserved(y0 + y, x0, w, r, g, b, content) : write_packed(y0 + y, x0, w, r, g, b, content);
      continue;
    }
    uint8_t *p = plane[0] + size_t(y0 + y) * form.stride[0] + x0;
    for (int x = 0; x < w; x++) p[x] = sample((k.kr * r[x] + k.kg * g[x] + k.kb * b[x]) / k.scale_y + k.offset_y);
    if (y % 2 == 0) preserve_color ? copy_chroma(y0 + y, x0, w, content) : write_chroma(y0 + y, x0, h - y, w, r, pitch, area);
  }
}

void Canvas::recolour(int y, const Picture &samples, const Picture &content) const {
  if (is_yuv(form)) {
    if (y % 2 == 0) copy_chroma(y, 0, form.width, content);
    return;
  }
  const size_t n = form.width;
  float *r = scratch_floats(Scratch::pixels, 3 * n), *g = r + n, *b = g + n;
  samples.read_row(y, 0, form.width, r, g, b);
  write_preserved(y, 0, form.width, r, g, b, content);
}

}  // namespace adain
