// Convolutions of bytes: unsigned activations, signed weights, sums of 32 bits. Sums are exact, and what follows them is one addition, one
// product and one rounding in float32, so that all instruction sets give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace adain {

// A convolution as the kernels want it: without padding, stride 1, pixels dense.
struct ByteLayer {
  int kernel, inputs, outputs;  // inputs and outputs are multiples of 4
  int block;                    // of the kernel*inputs bytes of a row of the kernel a matrix unit takes so many at once: see byte_block
  // (kernel,kernel*inputs/4,columns,4), a multiple of 4 behind each other. Of neighbours with one sign, bytes 0 and 1 or 2 and 3 of four, the
  // sum is within 128: what AVX2 adds in 16 bits, 255 times that, does not saturate.
  const int8_t *weight;
  const float *bias, *scale;  // (columns): a result is (sum + bias) * scale
  bool relu;                  // of results in float32; those in bytes have nothing below 0
  int columns() const { return (outputs + 15) / 16 * 16; }
};

// The largest divisor of a row of the kernel that is a multiple of 4 and at most 64 bytes.
inline int byte_block(int row) {
  int block = row < 64 ? row : 64;
  while (row % block || block % 4) block--;
  return block;
}

struct ByteKernels {
  const char *name;
  // One row of results: src (kernel,cols+kernel-1,I), pitch bytes from row to row -> (cols,O), rounded to nearest even and limited to 0 to 255,
  // or as they are.
  void (*bytes)(const ByteLayer &layer, const uint8_t *src, size_t pitch, int cols, uint8_t *dst);
  void (*floats)(const ByteLayer &layer, const uint8_t *src, size_t pitch, int cols, float *dst);
};

// 2x2 maximum and one row of a folded upsampling, as Kernels has them, of bytes.
void pool_bytes(const uint8_t *above, const uint8_t *below, int cols, int channels, uint8_t *dst);
void interleave_bytes(const uint8_t *position, int right, int cols, int channels, uint8_t *dst);

// The best table for this processor.
const ByteKernels &byte_kernels();

// Replaces the choice by name, for tests: false where the processor lacks the instructions.
bool use_byte_kernels(const char *name);

}  // namespace adain
