// Half precision as storage: arithmetic goes through float and is rounded once, explicitly, so that no compiler keeps more digits.
#pragma once

#include <cstdint>
#include <cstring>

#include "vectors.h"

struct alignas(2) __half {
  uint16_t bits;
};
struct alignas(4) __half2 {
  __half x, y;
};

#if defined(__F16C__) && defined(__FLT16_MAX__)  // the processor converts
inline float __half2float(__half h) {
  _Float16 f;
  std::memcpy(&f, &h, 2);
  return float(f);
}
inline __half __float2half_rn(float f) {
  _Float16 rounded = _Float16(f);
  __half h;
  std::memcpy(&h, &rounded, 2);
  return h;
}
#else
inline float __half2float(__half h) {
  const uint32_t sign = uint32_t(h.bits & 0x8000) << 16, exponent = (h.bits >> 10) & 31, mantissa = h.bits & 1023;
  float f;
  if (exponent == 0) {
    f = float(mantissa) * 0x1p-24f;
    return sign ? -f : f;
  }
  uint32_t bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13;
  std::memcpy(&f, &bits, 4);
  return f;
}
inline __half __float2half_rn(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  const uint16_t sign = uint16_t(bits >> 16 & 0x8000);
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) return {uint16_t(sign | 0x7e00)};
  if (bits >= 0x477ff000) return {uint16_t(sign | 0x7c00)};  // 65520 and more round to infinity
  if (bits < 0x38800000) {  // subnormal: the last bits of the sum with 0.5 are the rounded steps of 2^-24
    float shifted;
    std::memcpy(&shifted, &bits, 4);
    shifted += 0.5f;
    std::memcpy(&bits, &shifted, 4);
    return {uint16_t(sign | (bits - 0x3f000000))};
  }
  bits += 0xfff + (bits >> 13 & 1);  // to nearest, ties to even
  return {uint16_t(sign | (bits - 0x38000000) >> 13)};
}
#endif

inline __half2 __floats2half2_rn(float x, float y) { return {__float2half_rn(x), __float2half_rn(y)}; }
inline float2 __half22float2(__half2 h) { return {__half2float(h.x), __half2float(h.y)}; }
inline __half2 __halves2half2(__half x, __half y) { return {x, y}; }
inline unsigned short __half_as_ushort(__half h) { return h.bits; }

// As on the device, a NaN loses against a number.
inline __half __hmax(__half a, __half b) {
  const float x = __half2float(a), y = __half2float(b);
  return x > y || y != y ? a : b;
}
inline __half2 __hmax2(__half2 a, __half2 b) { return {__hmax(a.x, b.x), __hmax(a.y, b.y)}; }
