// CUDA's vector types, with its alignments.
#pragma once

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

#define EMU_VECTORS(type, name)                                                                                  \
  struct alignas(8) name##2 {                                                                                    \
    type x, y;                                                                                                   \
  };                                                                                                             \
  struct alignas(16) name##4 {                                                                                   \
    type x, y, z, w;                                                                                             \
  };                                                                                                             \
  inline name##2 make_##name##2(type x, type y) { return {x, y}; }                                               \
  inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }

EMU_VECTORS(int, int)
EMU_VECTORS(unsigned, uint)
EMU_VECTORS(float, float)

#undef EMU_VECTORS
