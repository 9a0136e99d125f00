// A kernel for the tests of everything around kernels: y[i] = scale * x[i] + offset.add for i < n.
#include "../emu.h"

struct ProbeOffset {
  double add;
  long long unused[2];
};

extern "C" __global__ void probe(const float *x, float *y, float scale, int n, ProbeOffset offset) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] = scale * x[i] + float(offset.add);
}

static const emu::Kernel probe_kernel("probe", probe, emu::Launch{64, 1, 1, 64, 0});
