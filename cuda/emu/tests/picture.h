// Pictures in GPU memory for the tests of the kernels that read or write some, and what their samples mean, in double precision.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frame.cuh"
#include "test.h"

namespace test {

struct Rgb {
  double v[3];
};

inline const char *const format_names[] = {"RGB", "BGR", "RGBA", "BGRA", "RGBx", "BGRx", "NV12", "I420"};

// The arithmetic of YCbCr for a matrix given by its luminance coefficients (ITU-T H.273).
inline void set_colorimetry(Frame &f, double kr, double kb, bool full_range) {
  const double kg = 1 - kr - kb;
  f.offset_y = full_range ? 0 : 16;
  f.scale_y = float(full_range ? 1. / 255 : 1. / 219);
  f.scale_c = float(full_range ? 1. / 255 : 1. / 224);
  f.kr = float(kr), f.kg = float(kg), f.kb = float(kb);
  f.rv = float(2 * (1 - kr)), f.bu = float(2 * (1 - kb));
  f.gu = float(-2 * (1 - kb) * kb / kg), f.gv = float(-2 * (1 - kr) * kr / kg);
}

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

  // R'G'B' in [0,1].
  Rgb pixel(int y, int x) const {
    Rgb p;
    const Frame &f = frame_;
    if (!yuv()) {
      for (int c = 0; c < 3; c++) p.v[c] = byte(0, y, x * pixel_bytes(f.format) + place(c)) / 255.;
      return p;
    }
    const double l = (byte(0, y, x) - double(f.offset_y)) * f.scale_y;
    const double u = (chroma(y, x, false) - 128.) * f.scale_c, v = (chroma(y, x, true) - 128.) * f.scale_c;
    p.v[0] = clamp(l + f.rv * v), p.v[1] = clamp(l + f.gu * u + f.gv * v), p.v[2] = clamp(l + f.bu * u);
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
