package driver

/*
#include <string.h>
#include "table.h"

// Drivers up to CUDA 13.1 set bit 85 of the map, which belongs to addresses outside of the tensor, for tensors below 128 KiB too
// (CUTLASS, copy_traits_sm90_tma.hpp, clears it for them).
static void correct(CUtensorMap *map, size_t bytes) {
  int version = 0;
  if (bytes < 131072 && cuDriverGetVersion(&version) == CUDA_SUCCESS && version <= 13010) map->opaque[1] &= ~(1ull << 21);
}

static CUresult encode(void *out, CUdeviceptr address, const cuuint64_t *size, const cuuint64_t *stride, const cuuint32_t *box) {
  CUtensorMap map;  // aligned as the driver demands, which Go memory is not
  const cuuint32_t step[4] = {1, 1, 1, 1};
  CUresult r = cuTensorMapEncodeTiled(&map, CU_TENSOR_MAP_DATA_TYPE_FLOAT16, 4, (void *)address, size, stride, box, step,
                                      CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                                      CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (r != CUDA_SUCCESS) return r;
  size_t bytes = size[0] * 2;
  for (int i = 1; i < 4; i++) bytes += (size[i] - 1) * stride[i - 1];
  correct(&map, bytes);
  memcpy(out, &map, sizeof map);
  return CUDA_SUCCESS;
}
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// TensorMap tells the device's copy engine (TMA) how a tensor lies in memory. It is passed to a kernel by value: Kernel.SetBytes.
type TensorMap [128]byte

// EncodeTiled describes a tensor of rank 4 in float16 at a device address, a multiple of 16. size counts elements, innermost first; stride
// is in bytes from each step of dimension 1, 2, 3 to the next, multiples of 16; box is what one copy takes, in elements, the innermost 64,
// others 1 to 256. Copies land in shared memory in the 128-byte swizzle; outside of the tensor they read zeros. No context need be current.
func EncodeTiled(address uintptr, size [4]int, stride [3]int, box [4]int) (TensorMap, error) {
	var m TensorMap
	var sizes [4]C.cuuint64_t
	var strides [3]C.cuuint64_t
	var boxes [4]C.cuuint32_t
	for i := range sizes {
		sizes[i], boxes[i] = C.cuuint64_t(size[i]), C.cuuint32_t(box[i])
	}
	for i := range strides {
		strides[i] = C.cuuint64_t(stride[i])
	}
	r := C.encode(unsafe.Pointer(&m[0]), C.CUdeviceptr(address), &sizes[0], &strides[0], &boxes[0])
	if r != C.CUDA_SUCCESS {
		return m, result(fmt.Sprintf("tensor map at %#x, sizes %v, strides %v, box %v", address, size, stride, box), r)
	}
	return m, nil
}
