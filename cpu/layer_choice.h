// What a layer of frames in bfloat16 is computed with.
#pragma once

#include <string>

#include "layer_convolution.h"

namespace adain {

// What a layer multiplies, and whose product multiplies it where it is computed by Winograd's algorithm.
struct Method {
  Factors factors;
  Product product;
};

// The rule of thumb for frames; tail is true for the layer before the last. In float32 it is followed always: Winograd's algorithm nearly
// wherever Winograd::suits. With half, that is in bfloat16, its products are bfloat16 where the layer is wide and float32 where it is not, and it is
// not taken at all where the processor multiplies matrices of bfloat16 as such (AMX), eight times as fast as vectors: there the transforms would
// take longer than what they save.
Method by_rule(const adain_cpu_layer &layer, bool half, bool tail);

// The methods of a layer in bfloat16 as letters, that of by_rule first, then those that may be faster on other processors and round no more than
// it does, since weights are known for what they lose by the rule: m, Winograd's algorithm with products of bfloat16; d, directly in bfloat16;
// f, Winograd's algorithm in float32. Each rounds less than the one before.
std::string methods(const adain_cpu_layer &layer);

// The method of a letter; throws std::invalid_argument where it is none of methods.
Method method(const adain_cpu_layer &layer, char letter);

}  // namespace adain
