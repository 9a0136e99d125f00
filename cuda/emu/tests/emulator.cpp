// Tests of the emulator itself, with small kernels.
#include "test.h"

static __global__ void exchange(float *out) {
  __shared__ float row[32];
  row[threadIdx.x] = float(threadIdx.x);
  __syncwarp();
  out[threadIdx.x] = row[31 - threadIdx.x];
}

TEST(emulator_exchange) {
  test::Buffer<float> out(32);
  emu::launch(dim3(1), dim3(32), 0, [&] { exchange(out.data()); });
  for (int i = 0; i < 32; i++) CHECK(out[i] == 31 - i);
}

static __global__ void add(const float *a, float *b, int n, float c) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) b[i] = a[i] + c;
}
static const emu::Kernel add_kernel("add", add, emu::Launch{1, 1, 1, 64, 0});

TEST(emulator_registry) {
  test::Buffer<float> a(100), b(100), want(100);
  for (int i = 0; i < 100; i++) a[i] = float(i), want[i] = float(i) + 0.5f;
  test::launch("add", dim3(2), static_cast<const float *>(a.data()), b.data(), 100, 0.5f);
  test::near("add", b.data(), want.data(), 100, 0, 0);
  CHECK(emu::Kernel::find("subtract") == nullptr);
}
