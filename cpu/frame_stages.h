// The stages of a frame. Each computes chunks of rows or tiles that are small enough to stay in a core's cache between
// the convolution and what follows it.
#pragma once

#include <string>
#include <vector>

#include "engine_threads.h"
#include "frame_map.h"
#include "frame_pixels.h"
#include "frame_smoothing.h"
#include "kernel_lookup.h"
#include "kernel_network.h"
#include "layer_bytes.h"
#include "layer_convolution.h"

namespace adain {

// Pieces of nearly equal length: the first `longer` have length+1, the others length.
struct Division {
  int count, length, longer;
  Division(int total, int wanted);
  int begin(int i) const { return i * length + (i < longer ? i : longer); }
  int size(int i) const { return length + (i < longer); }
};

// Pixels of a frame -> conv1_1 -> conv1_2 -> 2x2 maximum, in tiles.
class Head : public Stage {
 public:
  Head(Parameters &first, Parameters &second, const Parameters &third, int rows, int cols, Map dst, int threads);
  int chunks() const override { return down_.count * across_.count; }
  void run(int chunk, int thread) override;
  const std::string &implementation() const { return bytes_ ? bytes_->implementation() : second_->implementation(); }
  Picture src{};  // of the next frame
  Lookup before{};  // the network

 private:
  void reflect(char *tile, int y0, int x0) const;
  const Parameters &first_;
  std::vector<float> weight_;  // (27,C)
  int rows_, cols_;            // of the frame
  Map dst_;
  Division down_, across_;     // in pairs of pooled pixels
  int tile_rows_, tile_cols_;  // of the frame
  size_t pixel_;
  Number source_;  // of the second convolution
  std::unique_ptr<Convolution> second_;
  std::unique_ptr<Bytes> bytes_;  // instead, where its results are bytes too
};

// Fills the border of a map whose rows were written in pieces.
class Edge : public Stage {
 public:
  explicit Edge(Map map) : map_(map) {}
  int chunks() const override { return 1; }
  void run(int, int) override {
    for (int y = 0; y < map_.rows; y++) map_.finish_row(y);
  }

 private:
  Map map_;
};

// What happens to a convolution's result on its way to the next map.
enum class PostOp { store, pool, interleave };

// One convolution from map to map, in chunks of whole rows.
class Rows : public Stage {
 public:
  Rows(Parameters &layer, Map src, Map dst, PostOp post_op, int threads);
  int chunks() const override { return chunks_.count(); }
  void run(int chunk, int thread) override;
  const std::string &implementation() const { return chunks_.implementation(); }

 private:
  void finish(const float *result, int begin, int size);
  const Parameters &layer_;
  Map src_, dst_;
  PostOp post_op_;
  bool windows_;   // a folded upsampling by 2x2 windows, one more than pixels along each side
  int cols_;       // of the result
  Chunks chunks_;  // in rows of the result, pooled rows, or rows of an upsampling's positions
};

// The same from bytes to bytes, row by row.
class ByteRows : public Stage {
 public:
  ByteRows(Parameters &layer, const Parameters &next, Map src, Map dst, PostOp post_op, int threads);
  int chunks() const override { return down_.count; }
  void run(int chunk, int thread) override;
  const std::string &implementation() const { return convolution_.implementation(); }

 private:
  void pool(int y);
  void interleave(int y);
  const int channels_;
  Map src_, dst_;
  PostOp post_op_;
  bool windows_;   // as Rows has it
  int cols_;       // of the result
  Bytes convolution_;
  Division down_;  // in rows as Rows has them
};

// What the features are to become: see adain_cpu_stylize.
struct Target {
  struct Style {
    const float *mean, *std;  // (C)
  } style[2];                 // of each region
  const float *shares;        // (2,rows,cols), null where there is one region
  float alpha, smoothing;
  double scene_cut;
  Smoothing *before;

  int regions() const { return shares ? 2 : 1; }
};

// conv4_1 -> features in float, and each row's moments, of each region if there are shares.
class Features : public Stage {
 public:
  Features(Parameters &layer, Map src, int threads);
  int chunks() const override { return chunks_.count(); }
  void run(int chunk, int thread) override;
  const std::string &implementation() const { return chunks_.implementation(); }

  int rows() const { return src_.rows; }
  int cols() const { return src_.cols; }
  int channels() const { return layer_.shape.out; }
  const float *row(int y) const { return reinterpret_cast<const float *>(features_.get()) + size_t(y) * cols() * channels(); }
  // (C) mean and std of a region over all rows, see merge_moments; false where the region is empty.
  bool statistics(int region, float *mean, float *std);
  const float *shares = nullptr;  // (2,rows,cols) of the next frame, null for one region

 private:
  const Parameters &layer_;
  Map src_;
  Chunks chunks_;
  Memory features_;
  std::vector<float> moments_;  // (2,rows,2,C)
  std::vector<float> weights_;  // (2,rows): sums of shares
  std::vector<double> merged_;  // (2,C)
};

// The statistics of the content and, from them, AdaIN and alpha as one affine map per channel and region.
class Adapt : public Stage {
 public:
  explicit Adapt(Features &features);
  int chunks() const override { return 1; }
  void run(int, int) override;
  Target target{};  // of the next frame
  const float *scale() const { return scale_.data(); }  // (2,C); 0 in an empty region
  const float *shift() const { return shift_.data(); }

 private:
  Features &features_;
  std::vector<float> mean_, std_, scale_, shift_;
};

// Features -> affine map, or the mean of two by a pixel's shares -> the decoder's first map.
class Apply : public Stage {
 public:
  Apply(const Features &features, const Adapt &adapt, Map dst) : features_(features), adapt_(adapt), dst_(dst) {}
  int chunks() const override { return dst_.rows; }
  void run(int y, int) override;

 private:
  const Features &features_;
  const Adapt &adapt_;
  Map dst_;
};

// Folded upsampling -> last convolution -> pixels of a frame, in tiles.
class Tail : public Stage {
 public:
  Tail(Parameters &folded, Parameters &last, Map src, int rows, int cols, int threads);
  int chunks() const override { return down_.count * across_.count; }
  void run(int chunk, int thread) override;
  Canvas dst{};
  Picture content{};  // of the next frame
  Lookup after{};     // the network
  const std::string &implementation() const { return positions_->implementation(); }

 private:
  void reflect(float *positions, int y0, int x0) const;
  const Parameters &last_;
  std::vector<float> weight_;  // (3,9,C)
  Map src_;
  const int even_;             // see Kernels::last
  Division down_, across_;  // in pairs of rows, quadruples of columns
  int tile_rows_, tile_cols_;
  std::unique_ptr<Convolution> positions_;
};

}  // namespace adain
