// CUDA's vector types, with its alignments.
#pragma once

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

#define EMU_VECTORS(type, name, align2, align4)                                                                  \
  struct alignas(align2) name##2 {                                                                               \
    type x, y;                                                                                                   \
  };                                                                                                             \
  struct alignas(align4) name##4 {                                                                               \
    type x, y, z, w;                                                                                             \
  };                                                                                                             \
  inline name##2 make_##name##2(type x, type y) { return {x, y}; }                                               \
  inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }

EMU_VECTORS(unsigned char, uchar, 2, 4)
EMU_VECTORS(unsigned short, ushort, 4, 8)
EMU_VECTORS(int, int, 8, 16)
EMU_VECTORS(unsigned, uint, 8, 16)
EMU_VECTORS(float, float, 8, 16)

#undef EMU_VECTORS

struct uchar3 {
  unsigned char x, y, z;
};
struct float3 {
  float x, y, z;
};
inline uchar3 make_uchar3(unsigned char x, unsigned char y, unsigned char z) { return {x, y, z}; }
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
