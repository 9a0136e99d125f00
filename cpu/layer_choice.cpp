#include "layer_choice.h"

#include <stdexcept>

#include "kernel_network.h"

namespace adain {

namespace {

// Whether oneDNN has faster bfloat16 products than vectors.
bool has_matrices() {
#if defined(__x86_64__)
  return dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_amx;
#else
  return true;
#endif
}

// The letter of Winograd's algorithm for a layer in bfloat16 where vectors multiply; d where it is not worth while.
char tiled(const adain_cpu_layer &layer, bool folded) {
  if (!kernels(true).product || !Winograd::suits(layer, Product::own)) return 'd';
  // Narrow upsamplings write results as fast as they multiply.
  if (Winograd::suits(layer, Product::onednn) || (folded && layer.in >= 64)) return 'm';
  // As fast in float32 as directly in bfloat16, and exact.
  return layer.kernel == 3 && layer.in + layer.out >= 48 ? 'f' : 'd';
}

// Whether oneDNN has products for these vectors. On arm64 it has them for SVE only, by itself, and falls to plain loops where there is none; distributions
// build it without the Compute Library.
#if defined(__aarch64__)
constexpr bool kLibraryProducts = false;
#else
constexpr bool kLibraryProducts = true;
#endif

// Of 2x2 kernels, wide ones outgrow the caches with their transformed weights.
bool outgrows(const adain_cpu_layer &layer) { return layer.kernel == 2 && layer.in > 128; }

}  // namespace

Method by_rule(const adain_cpu_layer &layer, bool half, bool tail) {
  if (half) return method(layer, methods(layer)[0]);
  // A tile of Tail has few tiles of Winograd's, for which all weights have to come.
  const bool large = layer.kernel == 2 ? outgrows(layer) || (tail && layer.in > 32) : layer.in * layer.out > 1 << 16;
  return {Factors::float32, large && kLibraryProducts ? Product::onednn : Product::own};
}

std::string methods(const adain_cpu_layer &layer) {
  const char rule = has_matrices() ? 'd' : tiled(layer, layer.kernel == 2 && !outgrows(layer));
  std::string all(1, rule);
  if (rule == 'm') all += 'd';
  if (rule != 'f' && Winograd::suits(layer, Product::own) && !outgrows(layer)) all += 'f';
  return all;
}

Method method(const adain_cpu_layer &layer, char letter) {
  if (methods(layer).find(letter) == std::string::npos) throw std::invalid_argument("a layer cannot be computed by method " + std::string(1, letter));
  switch (letter) {
    case 'm':
      return {Factors::mixed, Product::own};
    case 'f':
      return {Factors::float32, Product::own};
  }
  return {Factors::bfloat16, Product::onednn};
}

}  // namespace adain
