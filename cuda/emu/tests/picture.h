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

// An arrangement of samples: one for each way in which kernels find them.
struct Shape {
  const char *name;
  std::vector<const char *> planes;  // R, G, B or Y, U, V in the order of memory, and A for what is copied
  int depth, word, shift;  // words of 4 have four samples, from their lowest bits on; others one
  int half_x, half_y;
};

inline const std::vector<Shape> &shapes() {
  static const std::vector<Shape> all = {
      {"RGB", {"RGB"}, 8, 1, 0, 0, 0},
      {"BGRA", {"BGRA"}, 8, 4, 0, 0, 0},
      {"ARGB", {"ARGB"}, 8, 4, 0, 0, 0},
      {"VUYA", {"VUYA"}, 8, 4, 0, 0, 0},
      {"RGB10A2", {"RGBA"}, 10, 4, 0, 0, 0},
      {"planes of G, B and R", {"G", "B", "R"}, 8, 1, 0, 0, 0},
      {"NV12", {"Y", "UV"}, 8, 1, 0, 1, 1},
      {"YV12", {"Y", "V", "U"}, 8, 1, 0, 1, 1},
      {"Y42B", {"Y", "U", "V"}, 8, 1, 0, 1, 0},
      {"Y444_16", {"Y", "U", "V"}, 16, 2, 0, 0, 0},
      {"P010", {"Y", "UV"}, 10, 2, 6, 1, 1},
      {"I422_10", {"Y", "U", "V"}, 10, 2, 0, 1, 0},
  };
  return all;
}

inline const Shape &shape(const std::string &name) {
  for (const Shape &s : shapes())
    if (s.name == name) return s;
  std::abort();
}

// The arithmetic of a frame for a matrix given by its luminance coefficients (ITU-T H.273).
inline void set_colorimetry(Frame &f, double kr, double kb, bool full_range) {
  const double kg = 1 - kr - kb, most = f.most, unit = (most + 1) / 256;
  const double scale[3] = {full_range ? most : 219 * unit, full_range ? most : 224 * unit, full_range ? most : 224 * unit};
  const double zero[3] = {full_range ? 0. : 16 * unit, 128 * unit, 128 * unit};
  double to[3][3] = {{1, 0, 2 * (1 - kr)}, {1, -2 * (1 - kb) * kb / kg, -2 * (1 - kr) * kr / kg}, {1, 2 * (1 - kb), 0}};
  double from[3][3] = {{kr, kg, kb}, {-kr / (2 - 2 * kb), -kg / (2 - 2 * kb), 0.5}, {0.5, -kg / (2 - 2 * kr), -kb / (2 - 2 * kr)}};
  const bool rgb = !f.yuv;
  for (int i = 0; i < 3; i++) {
    double shift = 0;
    for (int j = 0; j < 3; j++) {
      f.to_rgb[i][j] = float(rgb ? (i == j) / most : to[i][j] / scale[j]);
      f.from_rgb[i][j] = float(rgb ? (i == j) * most : from[i][j] * scale[i]);
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
  Picture(const Shape &shape, int width, int height, bool aligned, uint64_t seed) : shape_(&shape), frame_() {
    frame_.width = width, frame_.height = height, frame_.word = shape.word, frame_.aligned = aligned || shape.word == 1;
    frame_.depth = shape.depth, frame_.most = (1 << shape.depth) - 1;
    frame_.yuv = std::strchr(shape.planes[0], 'Y') != nullptr;
    frame_.half_x = shape.half_x, frame_.half_y = shape.half_y;
    for (const char *plane : shape.planes) {
      const int pixel = shape.word == 4 ? 4 : shape.word * int(std::strlen(plane));
      const int half_x = std::strchr("UV", *plane) ? shape.half_x : 0, half_y = std::strchr("UV", *plane) ? shape.half_y : 0;
      add(pixel * ((width + half_x) >> half_x), (height + half_y) >> half_y, aligned);
      for (int i = 0; plane[i]; i++) place(plane[i], i, pixel);
    }
    Random random(seed);
    for (auto &plane : planes_)
      for (auto &b : *plane.bytes) b = static_cast<unsigned char>(random.bits());
    set_colorimetry(frame_, 0.299, 0.114, false);
  }

  Frame &frame() { return frame_; }
  const Frame &frame() const { return frame_; }
  int planes() const { return int(planes_.size()); }
  bool yuv() const { return frame_.yuv; }
  int most() const { return frame_.most; }
  // One code of 8 bits.
  int unit() const { return 1 << (frame_.depth - 8); }

  // Channel 0 to 2: R, G, B or Y, Cb, Cr, on grids of their own.
  int half_x(int c) const { return yuv() && c ? frame_.half_x : 0; }
  int half_y(int c) const { return yuv() && c ? frame_.half_y : 0; }
  int channel_width(int c) const { return (frame_.width + half_x(c)) >> half_x(c); }
  int channel_height(int c) const { return (frame_.height + half_y(c)) >> half_y(c); }
  int sample(int c, int y, int x) const { return int(word(c, y, x) >> frame_.channel[c].shift) & most(); }
  void set(int c, int y, int x, int v) {
    const int shift = frame_.channel[c].shift;
    unsigned w = (word(c, y, x) & ~(unsigned(most()) << shift)) | unsigned(v) << shift;
    for (int i = 0; i < frame_.word; i++, w >>= 8) at(c, y, x)[i] = static_cast<unsigned char>(w);
  }
  // All of a channel's samples become what change makes of them.
  template <class Change>
  void each(int c, Change change) {
    for (int y = 0; y < channel_height(c); y++)
      for (int x = 0; x < channel_width(c); x++) set(c, y, x, std::min(std::max(change(y, x, sample(c, y, x)), 0), most()));
  }

  // Y of YUV formats, else Y', 0 to 255 and parts of it.
  double luma(int y, int x) const {
    if (yuv()) return double(sample(0, y, x)) / unit();
    const float weight[3] = {frame_.kr, frame_.kg, frame_.kb};
    double sum = 0;
    for (int c = 0; c < 3; c++) sum += double(weight[c]) * sample(c, y, x) / unit();
    return sum;
  }

  // Which chroma samples column x or row y of the picture is made of, by linear interpolation between their places.
  Taps between(int i, bool row) const {
    const int n = row ? (frame_.height + 1) / 2 : (frame_.width + 1) / 2;
    if (!(row ? frame_.half_y : frame_.half_x)) return {{i, 1.}};
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
      if (!yuv() || c == 0) s[c] = sample(c, y, x);
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
    const size_t start = planes_[plane].start;
    return i >= start && (i - start) % planes_[plane].stride < size_t(planes_[plane].row);
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

  // What is copied, of shapes that have it.
  std::vector<unsigned> rest() const {
    std::vector<unsigned> out;
    for (int y = 0; frame_.rest && y < frame_.height; y++)
      for (int x = 0; x < frame_.width; x++) out.push_back(word(0, y, x) & frame_.rest);
    return out;
  }
  // Whether nothing is copied, or all of it is 0.
  bool no_rest() const { return rest() == std::vector<unsigned>(rest().size()); }

  // How many words have bits that no channel has.
  int stray() const {
    int bad = 0;
    for (int c = 0; frame_.word == 2 && c < 3; c++)
      for (int y = 0; y < channel_height(c); y++)
        for (int x = 0; x < channel_width(c); x++) bad += (word(c, y, x) & ~(unsigned(most()) << frame_.channel[c].shift)) != 0;
    return bad;
  }

  std::string text() const { return std::string(shape_->name) + " " + std::to_string(frame_.width) + "x" + std::to_string(frame_.height); }

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
    size_t start, stride;
  };

  void add(int row, int rows, bool aligned) {
    const int i = int(planes_.size()), stride = aligned ? (row + 31) / 32 * 32 : (row + 2 + i) | 1, start = aligned ? 0 : 1;
    planes_.push_back({std::make_unique<Buffer<unsigned char>>(size_t(start + stride * (rows - 1) + row)), row, rows, size_t(start), size_t(stride)});
  }

  // The samples of a letter are the i-th of each pixel of the last plane.
  void place(char letter, int i, int pixel) {
    const int shift = frame_.word == 4 ? i * frame_.depth : shape_->shift;
    if (letter == 'A') {
      frame_.rest = frame_.depth == 8 ? 255u << shift : 3u << 30;
      return;
    }
    Plane &p = planes_.back();
    unsigned char *first = p.bytes->data() + p.start + (frame_.word == 4 ? 0 : i * frame_.word);
    static const char letters[] = "RYGUBV";
    frame_.channel[(std::strchr(letters, letter) - letters) / 2] = {first, static_cast<long long>(p.stride), pixel, shift};
  }

  unsigned char *at(int c, int y, int x) const {
    const Channel &k = frame_.channel[c];
    return k.first + y * k.stride + x * k.step;
  }
  unsigned word(int c, int y, int x) const {
    unsigned v = 0;
    for (int i = 0; i < frame_.word; i++) v |= unsigned(at(c, y, x)[i]) << (8 * i);
    return v;
  }

  const Shape *shape_;
  Frame frame_;
  std::vector<Plane> planes_;
};

}  // namespace test
