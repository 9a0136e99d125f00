// The convolutions of the network: valid (no padding), stride 1, bias and ReLU fused, dense (H,W,C) on both sides, run by
// one thread. Padding is the business of whoever fills the source; dense rows are the layout that keeps
// oneDNN on its fast paths, any other pitch falls to its reference code.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <dnnl.hpp>

#include "engine.h"
#include "kernel_network.h"

namespace adain {

// The one oneDNN engine of the process.
dnnl::engine &processor();

// oneDNN plans a primitive for as many threads as it may use when asked; while this lives that is one.
class OneThread {
 public:
  OneThread();
  ~OneThread();

 private:
  const int before_;
};

// What oneDNN chose, behind the type that it multiplies: "bf16 brg_matmul:avx10_1_512_amx". Its own name need not tell the type.
std::string implementation_of(const dnnl::primitive_desc &chosen);

// What a layer multiplies; sums and results are float32.
enum class Factors {
  float32,
  bfloat16,  // weights and source are bfloat16
  mixed,     // source and weights are float32; Winograd's products, where the layer has them, are of bfloat16
  int8,      // source and weights are bytes, see kernel_bytes.h; sums are integers, results bytes where the next layer takes them
};

// Whose matrix product Winograd's algorithm takes. Ours is the faster for few channels and for kernels of 2x2.
enum class Product { onednn, own };

// A layer's parameters, and each arrangement of them that oneDNN asked for.
class Parameters {
 public:
  Parameters(const adain_cpu_layer &shape, const float *values, Factors factors, Product product = Product::onednn, const float *step = nullptr);

  const adain_cpu_layer shape;
  // Changes what the layer multiplies, for all that is made of it from now on.
  void use(Factors factors, Product product);
  bool half, half_products;  // bfloat16 source and weights; bfloat16 in Winograd's domain only
  bool bytes;                // bytes as source and weights
  Number source() const { return bytes ? Number::uint8 : half ? Number::bfloat16 : Number::float32; }
  std::vector<float> step;   // (I) of what the source's bytes count, empty without
  bool own_product;
  std::vector<float> weight, bias;  // (O,I,K,K), (O); after a change call refresh

  // The work of making all arrangements anew, in pieces that may run at the same time.
  int refresh_pieces() const { return 1 + (transformed_ ? shape.in : 0); }
  void refresh(int piece);

  dnnl::memory arranged(const dnnl::memory::desc &wanted);
  dnnl::memory bias_memory() const { return bias_memory_; }
  // Transformed weights (36,I,O), bfloat16 if half_products, made when first asked for.
  dnnl::memory transformed();
  // The same as Kernels::product wants them, (36,I/2,O,2) of bfloat16.
  dnnl::memory paired();

 private:
  void arrange(dnnl::memory to);
  void transform(int input);
  std::vector<dnnl::memory> arrangements_;
  dnnl::memory transformed_, paired_;
  dnnl::memory bias_memory_;
};

// The convolution of one layer for results of up to rows x cols.
class Convolution {
 public:
  // Takes the faster way for the layer. run gets up to `maps` maps at once.
  static std::unique_ptr<Convolution> make(Parameters &layer, int rows, int cols, int threads, int maps = 1);
  virtual ~Convolution() = default;

  // src (rows+K-1, cols+K-1, I) float32 or bfloat16, dst (rows,cols,O) float32.
  virtual void run(int thread, const void *src, int rows, float *dst) = 0;
  // The same with rows of dst that begin `pitch` pixels apart. False, and nothing done, where results are dense only.
  virtual bool run_apart(int, const void *, int, float *, int) { return false; }
  // The same for several maps of float32, of which a source begins src_step floats behind the one before and a result dst_step.
  virtual void run(int thread, const float *src, size_t src_step, int maps, int rows, float *dst, size_t dst_step) {
    for (int i = 0; i < maps; i++) run(thread, src + i * src_step, rows, dst + i * dst_step);
  }
  // Whether run takes fewer rows than it was made for.
  virtual bool any_rows() const = 0;

  size_t result_floats() const { return result_; }
  const std::string &implementation() const { return implementation_; }

 protected:
  std::string implementation_;
  size_t result_ = 0;
};

// oneDNN's convolution.
class Direct : public Convolution {
 public:
  using Convolution::run;
  Direct(Parameters &layer, int rows, int cols, int threads);
  void run(int thread, const void *src, int rows, float *dst) override;
  bool any_rows() const override { return false; }

 private:
  struct Call {  // one thread's arguments
    dnnl::memory src, dst, scratchpad;
    dnnl::stream stream;
  };
  dnnl::primitive primitive_;
  dnnl::memory weight_, bias_;
  std::vector<Call> calls_;
};

// Winograd's F(4x4,3x3) (Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", 2016): tiles of 6x6 samples are
// transformed, multiplied by transformed weights at each of 36 points and transformed back to 4x4 results: 2.25 multiply-accumulates
// instead of 9. The same tiles give 5x5 results of a 2x2 kernel, F(5x5,2x2): 1.44 instead of 4. The interpolation points 0,
// +-sqrt(1/2), +-sqrt(2) and infinity keep the transforms' factors near 1, and with them the rounding near that of the direct way.
class Winograd : public Convolution {
 public:
  // A float32 source, and channels enough that the products outweigh the transforms; 3x3 unless the product is ours.
  static bool suits(const Parameters &layer);
  static bool suits(const adain_cpu_layer &shape, Product product);
  Winograd(Parameters &layer, int rows, int cols, int threads, int maps);
  void run(int thread, const void *src, int rows, float *dst) override { run_apart(thread, src, rows, dst, cols_); }
  bool run_apart(int thread, const void *src, int rows, float *dst, int pitch) override {
    return tiles(thread, static_cast<const float *>(src), 0, 1, rows, dst, 0, pitch), true;
  }
  // Products are of the tiles of all maps.
  void run(int thread, const float *src, size_t src_step, int maps, int rows, float *dst, size_t dst_step) override {
    tiles(thread, src, src_step, maps, rows, dst, dst_step, cols_);
  }
  bool any_rows() const override { return true; }

  static constexpr int kSide = 4;     // results of a tile along a side, of 3x3
  static constexpr int side(const adain_cpu_layer &s) { return 7 - s.kernel; }
  static constexpr int kPoints = 36;  // of a transformed tile

 private:
  struct Call {
    dnnl::memory inputs, outputs, scratchpad;
    dnnl::stream stream;
  };
  void tiles(int thread, const float *src, size_t src_step, int maps, int rows, float *dst, size_t dst_step, int pitch);
  // Transformed inputs (36,tiles_,I) -> outputs (36,tiles_,O), of the first tiles.
  void multiply(int thread, char *inputs, int tiles, float *outputs);
  const Parameters &layer_;
  const int cols_;
  int tiles_;  // of one product, an odd number: see tiles_of_product
  dnnl::primitive product_;
  dnnl::memory weight_;  // (36,I,O), or paired
  std::vector<Call> calls_;
};

// A layer over a whole map, divided into chunks of rows.
class Chunks {
 public:
  // per result rows make one row of the division: 2 before a pooling. share of the threads work on one map at a time. Where
  // a chunk is a whole map, a thread runs up to `maps` at once.
  Chunks(Parameters &layer, int rows, int cols, int per, int threads, int share, int maps = 1);
  int count() const { return count_; }
  int begin(int i) const { return std::min(rows_, unit_ * (i * length_ + std::min(i, longer_))); }
  int size(int i) const { return begin(i + 1) - begin(i); }
  // src as for Convolution, of the chunk's first row.
  void run(int i, int thread, const void *src, float *dst) const;
  bool run_apart(int i, int thread, const void *src, float *dst, int pitch) const;
  // Where a chunk is a whole map: several maps, as for Convolution.
  bool whole() const { return count_ == 1; }
  void run(int thread, const float *src, size_t src_step, int maps, float *dst, size_t dst_step) const;
  size_t result_floats() const { return most_->result_floats(); }
  const std::string &implementation() const { return most_->implementation(); }

 private:
  int rows_, per_, unit_, count_, length_, longer_;
  std::unique_ptr<Convolution> most_, fewer_;
};

}  // namespace adain
