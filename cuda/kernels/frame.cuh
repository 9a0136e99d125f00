// A picture as kernels get it.
#pragma once

enum Format { FORMAT_RGB, FORMAT_BGR, FORMAT_RGBA, FORMAT_BGRA, FORMAT_RGBX, FORMAT_BGRX, FORMAT_NV12, FORMAT_I420 };

// Where the samples lie and what they mean; passed by value. Planes and strides that the format does not have are not looked at.
//   y = (Y - offset_y) * scale_y, u = (Cb - 128) * scale_c, v = (Cr - 128) * scale_c
//   R = y + rv*v, G = y + gu*u + gv*v, B = y + bu*u, and back y = kr*R + kg*G + kb*B, u = (B - y)/bu, v = (R - y)/rv
// R'G'B' lies in [0,1]; one chroma sample is shared by 2x2 pixels.
struct Frame {
  unsigned char *plane[3];
  long long stride[3];  // bytes from row to row, of any value: rows begin anywhere
  int format, width, height;
  float offset_y, scale_y, scale_c;
  float kr, kg, kb;
  float rv, gu, gv, bu;
};
static_assert(sizeof(Frame) == 104, "the host fills this struct");

// Bytes of a pixel in the packed formats, in plane 0; 1 in NV12 and I420.
__device__ __forceinline__ int pixel_bytes(int format) {
  return format >= FORMAT_NV12 ? 1 : format <= FORMAT_BGR ? 3 : 4;
}

// Whether a packed format begins its pixels with blue.
__device__ __forceinline__ bool blue_first(int format) {
  return format == FORMAT_BGR || format == FORMAT_BGRA || format == FORMAT_BGRX;
}
