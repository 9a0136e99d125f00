// A picture as kernels get it.
#pragma once

enum Format { FORMAT_RGB, FORMAT_BGR, FORMAT_RGBA, FORMAT_BGRA, FORMAT_RGBX, FORMAT_BGRX, FORMAT_NV12, FORMAT_I420 };

// Where the samples lie and what they mean; passed by value. Planes and strides that the format does not have are not looked at. With s the
// samples of a pixel (R, G, B or Y, Cb, Cr), R'G'B' is to_rgb * s, each row ending with what is added, and s is from_rgb * R'G'B'. R'G'B' lies
// in [0,1]. Chroma has a sample for 2x2 pixels, which lies in their middle or, cosited, on their left or top; where the rows of two fields
// alternate, those of chroma do too. The filters are those of model/ref/chroma.go.
struct Frame {
  unsigned char *plane[3];
  long long stride[3];  // bytes from row to row, of any value: rows begin anywhere
  int format, width, height;
  int cosited_x, cosited_y, interlaced;
  float to_rgb[3][4], from_rgb[3][4];
  float kr, kg, kb;  // of luminance
};
static_assert(sizeof(Frame) == 184, "the host fills this struct");

// Bytes of a pixel in the packed formats, in plane 0; 1 in NV12 and I420.
__device__ __forceinline__ int pixel_bytes(int format) {
  return format >= FORMAT_NV12 ? 1 : format <= FORMAT_BGR ? 3 : 4;
}

// Whether a packed format begins its pixels with blue.
__device__ __forceinline__ bool blue_first(int format) {
  return format == FORMAT_BGR || format == FORMAT_BGRA || format == FORMAT_BGRX;
}
