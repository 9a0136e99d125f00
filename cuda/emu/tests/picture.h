// Pictures in GPU memory for the tests of the kernels that read or write some, and what their samples mean, in double precision.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "frame.cuh"
#include "test.h"

namespace test {

struct Rgb {
  double v[3];
};

inline const char *const format_names[] = {"RGB", "BGR", "RGBA", "BGRA", "RGBx", "BGRx", "NV12", "I420"};

// The arithmetic of a frame for a matrix given by its luminance coefficients (ITU-T H.273).
inline void set_colorimetry(Frame &f, double kr, double kb, bool full_range) {
  const double kg = 1 - kr - kb, scale[3] = {full_range ? 255. : 219., full_range ? 255. : 224., full_range ? 255. : 224.};
  const double zero[3] = {full_range ? 0. : 16., 128, 128};
  double to[3][3] = {{1, 0, 2 * (1 - kr)}, {1, -2 * (1 - kb) * kb / kg, -2 * (1 - kr) * kr / kg}, {1, 2 * (1 - kb), 0}};
  double from[3][3] = {{kr, kg, kb}, {-kr / (2 - 2 * kb), -kg / (2 - 2 * kb), 0.5}, {0.5, -kg / (2 - 2 * kr), -kb / (2 - 2 * kr)}};
  const bool rgb = f.format < FORMAT_NV12;
  for (int i = 0; i < 3; i++) {
    double shift = 0;
    for (int j = 0; j < 3; j++) {
      f.to_rgb[i][j] = float(rgb ? (i == j) / 255. : to[i][j] / scale[j]);
      f.from_rgb[i][j] = float(rgb ? (i == j) * 255. : from[i][j] * scale[i]);
      shift -= rgb ? 0 : to[i][j] * zero[j] / scale[j];
    }
    f.to_rgb[i][3] = float(shift);
    f.from_rgb[i][3] = float(rgb ? 0 : zero[i]);
  }
  f.kr = float(kr), f.kg = float(kg), f.kb = float(kb);
}

// Row i of from_rgb applied to R'G'B'.
inline double row(const float (&m)[4], const double (&p)[3]) { return m[0] * p[0] + m[1] * p[1] + m[2] * p[2] + m[3]; }

// Places and their shares.
typedef std::vector<std::pair<int, double>> Taps;

inline double clamp(double v) { return v > 0 ? std::min(v, 1.0) : 0; }

class Picture {
 public:
  // Aligned: rows begin at multiples of 32 bytes. Else planes and rows begin at odd addresses. All bytes are random.
  Picture(int format, int width, int height, bool aligned, uint64_t seed) : frame_() {
    frame_.format = format, frame_.width = width, frame_.height = height;
    const bool i420 = format == FORMAT_I420, nv12 = format == FORMAT_NV12;
    const int half = (width + 1) / 2, half_rows = (height + 1) / 2;
    add(width * pixel_bytes(format), height, aligned);
    if (nv12) add(2 * half, half_rows, aligned);
    if (i420) add(half, half_rows, aligned), add(half, half_rows, aligned);
    Random random(seed);
    for (auto &plane : planes_)
      for (auto &b : *plane.bytes) b = static_cast<unsigned char>(random.bits());
    set_colorimetry(frame_, 0.299, 0.114, false);
  }

  Frame &frame() { return frame_; }
  const Frame &frame() const { return frame_; }
  int planes() const { return int(planes_.size()); }
  int row_bytes(int plane) const { return planes_[plane].row; }
  int rows(int plane) const { return planes_[plane].rows; }
  unsigned char &byte(int plane, int y, int i) const { return frame_.plane[plane][y * frame_.stride[plane] + i]; }

  // Where R, G or B lies in a pixel of a packed format: what its name says.
  int place(int colour) const { return int(std::strchr(format_names[frame_.format], "RGB"[colour]) - format_names[frame_.format]); }
  bool yuv() const { return frame_.format >= FORMAT_NV12; }

  unsigned char &chroma(int y, int x, bool red) const {
    return frame_.format == FORMAT_NV12 ? byte(1, y / 2, x / 2 * 2 + red) : byte(1 + red, y / 2, x / 2);
  }

  // Channel 0 to 2 of a place: Y, Cb, Cr on grids of their own, or samples in the format's order.
  int channel_width(int c) const { return yuv() && c ? (frame_.width + 1) / 2 : frame_.width; }
  int channel_height(int c) const { return yuv() && c ? (frame_.height + 1) / 2 : frame_.height; }
  unsigned char &sample(int c, int y, int x) const {
    if (!yuv()) return byte(0, y, x * pixel_bytes(frame_.format) + c);
    return c == 0 ? byte(0, y, x) : chroma(2 * y, 2 * x, c == 2);
  }
  // Y of YUV formats, else Y', 0 to 255.
  double luma(int y, int x) const {
    if (yuv()) return byte(0, y, x);
    const float weight[3] = {frame_.kr, frame_.kg, frame_.kb};
    double sum = 0;
    for (int c = 0; c < 3; c++) sum += double(weight[c]) * sample(place(c), y, x);
    return sum;
  }

  // Which chroma samples column x or row y of the picture is made of, by linear interpolation between their places.
  Taps between(int i, bool row) const {
    const int n = row ? (frame_.height + 1) / 2 : (frame_.width + 1) / 2;
    if (row && frame_.interlaced) {
      const int field = i % 2, count = (n - field + 1) / 2;
      return line((i / 2 - 0.25 - 0.5 * field) / 2, count, 2, field);
    }
    if (row && frame_.cosited_y) return {{i / 2, 1.}};
    return line((i - (row || !frame_.cosited_x ? 0.5 : 0.)) / 2, n, 1, 0);
  }

  // R'G'B' in [0,1].
  Rgb pixel(int y, int x) const {
    Rgb p;
    const Frame &f = frame_;
    double s[3] = {};
    for (int c = 0; c < 3; c++) {
      if (!yuv()) s[c] = byte(0, y, x * pixel_bytes(f.format) + place(c));
      else if (c == 0) s[c] = byte(0, y, x);
      else
        for (const auto &down : between(y, true))
          for (const auto &across : between(x, false)) s[c] += down.second * across.second * sample(c, down.first, across.first);
    }
    for (int c = 0; c < 3; c++) p.v[c] = clamp(row(f.to_rgb[c], s));
    return p;
  }

  // Everything of a plane, with the bytes before and between its rows.
  std::vector<unsigned char> bytes(int plane) const {
    return std::vector<unsigned char>(planes_[plane].bytes->begin(), planes_[plane].bytes->end());
  }
  // Whether a byte of bytes() is one of a row.
  bool in_row(int plane, size_t i) const {
    const size_t start = size_t(frame_.plane[plane] - planes_[plane].bytes->data());
    return i >= start && (i - start) % size_t(frame_.stride[plane]) < size_t(planes_[plane].row);
  }

  // How many bytes beside the rows are not what they were; all() says what that is.
  int damage(const std::vector<std::vector<unsigned char>> &before) const {
    int bad = 0;
    for (int i = 0; i < planes(); i++) {
      const std::vector<unsigned char> after = bytes(i);
      for (size_t k = 0; k < after.size(); k++) bad += after[k] != before[i][k] && !in_row(i, k);
    }
    return bad;
  }
  std::vector<std::vector<unsigned char>> all() const {
    std::vector<std::vector<unsigned char>> out;
    for (int i = 0; i < planes(); i++) out.push_back(bytes(i));
    return out;
  }

  // Alpha or padding, of formats that have it.
  std::vector<unsigned char> fourth() const {
    std::vector<unsigned char> out;
    for (int y = 0; pixel_bytes(frame_.format) == 4 && y < frame_.height; y++)
      for (int x = 0; x < frame_.width; x++) out.push_back(byte(0, y, 4 * x + 3));
    return out;
  }

  std::string text() const {
    return std::string(format_names[frame_.format]) + " " + std::to_string(frame_.width) + "x" + std::to_string(frame_.height);
  }

 private:
  // The two of n samples around a place, which are every step-th from first on.
  static Taps line(double at, int n, int step, int first) {
    const int lower = int(std::floor(at));
    auto place = [&](int i) { return std::min(std::max(i, 0), n - 1) * step + first; };
    return {{place(lower), 1 - (at - lower)}, {place(lower + 1), at - lower}};
  }

  struct Plane {
    std::unique_ptr<Buffer<unsigned char>> bytes;  // ends where the last row ends
    int row, rows;
  };

  void add(int row, int rows, bool aligned) {
    const int i = int(planes_.size()), stride = aligned ? (row + 31) / 32 * 32 : (row + 2 + i) | 1, start = aligned ? 0 : 1;
    planes_.push_back({std::make_unique<Buffer<unsigned char>>(size_t(start + stride * (rows - 1) + row)), row, rows});
    frame_.plane[i] = planes_[i].bytes->data() + start;
    frame_.stride[i] = stride;
  }

  Frame frame_;
  std::vector<Plane> planes_;
};

}  // namespace test
