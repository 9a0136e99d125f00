#include <algorithm>
#include <cstring>
#include <vector>

#include <dnnl.hpp>

#include "engine.h"
#include "engine_guard.h"
#include "engine_memory.h"
#include "engine_threads.h"
#include "layer_convolution.h"

namespace adain {

namespace {

constexpr int kSide = 384;    // of the matrices: 0.6 MB each at most, and a multiple of every register
constexpr int kTimes = 24;    // products of a chunk
constexpr int kRounds = 5;    // the best counts: others lend the cores to somebody else

// Products of matrices, each thread with its own.
class Products : public Stage {
 public:
  Products(int threads, adain_cpu_number number) : threads_(threads) {
    using dnnl::memory;
    OneThread one;
    using type = memory::data_type;
    const bool bytes = number == ADAIN_INT8;
    const auto factor = number == ADAIN_BFLOAT16 ? type::bf16 : bytes ? type::u8 : type::f32;
    const memory::dims size{kSide, kSide};
    const memory::desc given(size, factor, memory::format_tag::ab), any(size, bytes ? type::s8 : factor, memory::format_tag::any),
        result(size, bytes ? type::s32 : type::f32, memory::format_tag::ab);
#if DNNL_VERSION_MAJOR >= 3
    const dnnl::matmul::primitive_desc pd(processor(), given, any, result);
#else
    const dnnl::matmul::primitive_desc pd({given, any, result}, processor());
#endif
    product_ = dnnl::matmul(pd);
    for (int i = 0; i < threads; i++) {
      calls_.push_back({memory(given, processor()), memory(pd.weights_desc(), processor()), memory(result, processor()), dnnl::stream(processor())});
      for (const memory *m : {&calls_.back().a, &calls_.back().b}) std::memset(m->get_data_handle(), 0, m->get_desc().get_size());
    }
  }
  int chunks() const override { return threads_; }
  void run(int chunk, int) override {
    Call &c = calls_[chunk];
    for (int i = 0; i < kTimes; i++) product_.execute(c.stream, {{DNNL_ARG_SRC, c.a}, {DNNL_ARG_WEIGHTS, c.b}, {DNNL_ARG_DST, c.c}});
  }

 private:
  struct Call {
    dnnl::memory a, b, c;
    dnnl::stream stream;
  };
  int threads_;
  dnnl::primitive product_;
  std::vector<Call> calls_;
};

}  // namespace

}  // namespace adain

extern "C" double adain_cpu_peak(int threads, int number, char *error) {
  double best = 0;
  adain::guarded(error, [&] {
    adain::Threads team(threads);
    adain::Products products(threads, adain_cpu_number(number));
    team.run({&products});  // code and caches are warm behind it
    std::vector<double> seconds;
    team.time(&seconds);
    for (int i = 0; i < adain::kRounds; i++) {
      team.run({&products});
      best = std::max(best, 2.0 * adain::kSide * adain::kSide * adain::kSide * adain::kTimes * threads / seconds[0]);
    }
  });
  return best;
}
