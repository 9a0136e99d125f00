// Proof, on a GPU, that the instructions of warp.cuh do what the emulator takes them to do: small integers, compared exactly with plain
// arithmetic in the same kernel. One warp.
//
//   result  int [tile_c]: the number of wrong values of each test, in the order of SelftestResult
#include "launch.cuh"
#include "warp.cuh"

enum SelftestResult {
  SELFTEST_LDMATRIX,         // four 8x8 matrices from scattered rows
  SELFTEST_MMA,              // D = A*B from registers
  SELFTEST_MMA_SUM,          // D += A*B with what ldmatrix has loaded
  SELFTEST_CP_ASYNC,         // 16 bytes a lane
  SELFTEST_CP_ASYNC_FILL,    // zeros where not valid
  SELFTEST_CP_ASYNC_GROUPS,  // all but the newest of three groups are complete
  SELFTEST_RELU_PAIR,        // which half is which, negative numbers, ties to even, the largest number
  SELFTEST_RESULTS
};

__device__ uint32_t selftest_source[3 * 32 * 4];  // what cp.async reads

// Values for rows and columns that no permutation leaves as they are.
__device__ __forceinline__ int selftest_a(int row, int col) { return (row * 7 + col * 3) % 17 - 8; }
__device__ __forceinline__ int selftest_b(int row, int col) { return (row * 5 + col * 11) % 17 - 8; }

__device__ __forceinline__ uint32_t selftest_pair(int low, int high) {
  const __half2 v = __floats2half2_rn(low, high);
  uint32_t bits;
  memcpy(&bits, &v, 4);
  return bits;
}

// D[row][col] of A*B.
__device__ __forceinline__ float selftest_product(int row, int col) {
  int sum = 0;
  for (int k = 0; k < 16; k++) sum += selftest_a(row, k) * selftest_b(k, col);
  return sum;
}

// How many of d are not factor*A*B + rest.
__device__ __forceinline__ int selftest_wrong(const float (&d)[4], float factor, float rest) {
  const int g = (threadIdx.x & 31) >> 2, t = threadIdx.x & 3;
  int wrong = 0;
  for (int i = 0; i < 4; i++) wrong += d[i] != factor * selftest_product(g + i / 2 * 8, 2 * t + i % 2) + rest;
  return wrong;
}

__device__ __forceinline__ int selftest_ldmatrix(uint32_t *shared) {
  const int lane = threadIdx.x & 31;
  // Row i of matrix m lies at 16-byte piece (5*(8m + i) + 3) % 32 and holds 100*m + 10*i + column.
  for (int i = lane; i < 128; i += 32) {
    const int piece = i / 4, row = (piece - 3 + 32) * 13 % 32, value = row / 8 * 100 + row % 8 * 10 + i % 4 * 2;
    shared[i] = selftest_pair(value, value + 1);
  }
  __syncwarp();
  uint32_t r[4];
  ldmatrix_x4(r, shared + (5 * lane + 3) % 32 * 4);
  int wrong = 0;
  for (int m = 0; m < 4; m++) {
    const int value = m * 100 + (lane >> 2) * 10 + (lane & 3) * 2;
    wrong += r[m] != selftest_pair(value, value + 1);
  }
  __syncwarp();
  return wrong;
}

__device__ __forceinline__ int selftest_mma() {
  const int g = (threadIdx.x & 31) >> 2, t = threadIdx.x & 3;
  uint32_t a[4], b[2];
  for (int i = 0; i < 4; i++) {
    const int row = g + i % 2 * 8, col = 2 * t + i / 2 * 8;
    a[i] = selftest_pair(selftest_a(row, col), selftest_a(row, col + 1));
  }
  for (int i = 0; i < 2; i++) {
    const int row = 2 * t + i * 8;
    b[i] = selftest_pair(selftest_b(row, g), selftest_b(row + 1, g));
  }
  float d[4] = {0, 0, 0, 0};
  mma_m16n8k16(d, a, b);
  return selftest_wrong(d, 1, 0);
}

// As the convolutions do it: A by rows, B by columns, both from 32-byte rows in shared memory.
__device__ __forceinline__ int selftest_mma_sum(uint32_t *shared) {
  const int lane = threadIdx.x & 31;
  for (int i = lane; i < 128; i += 32) {
    const int row = i / 8, k = i % 8 * 2;
    shared[i] = selftest_pair(selftest_a(row, k), selftest_a(row, k + 1));
    shared[128 + i] = row < 8 ? selftest_pair(selftest_b(k, row), selftest_b(k + 1, row)) : 0;
  }
  __syncwarp();
  uint32_t a[4], b[4];
  ldmatrix_x4(a, shared + (lane & 15) * 8 + (lane >> 4) * 4);
  ldmatrix_x4(b, shared + 128 + ((lane & 7) + (lane >> 4) * 8) * 8 + (lane >> 3 & 1) * 4);
  float d[4] = {5, 5, 5, 5};
  const uint32_t columns[2] = {b[0], b[1]}, none[2] = {b[2], b[3]};
  mma_m16n8k16(d, a, columns);
  mma_m16n8k16(d, a, columns);
  mma_m16n8k16(d, a, none);
  __syncwarp();
  return selftest_wrong(d, 2, 5);
}

// Fills `shared` with a mark, copies from selftest_source with `copy`, and counts the words that are not as `expect` says.
template <class Copy, class Expect> __device__ __forceinline__ int selftest_copied(uint32_t *shared, int words, Copy copy, Expect expect) {
  const int lane = threadIdx.x & 31;
  for (int i = lane; i < words; i += 32) shared[i] = 0xabababab;
  __syncwarp();
  copy(lane);
  __syncwarp();
  int wrong = 0;
  for (int i = lane; i < words; i += 32) wrong += shared[i] != expect(i);
  __syncwarp();
  return wrong;
}

__device__ __forceinline__ int selftest_relu_pair() {
  const int lane = threadIdx.x & 31;
  int wrong = relu_pair(lane, lane + 100) != selftest_pair(lane, lane + 100);
  wrong += relu_pair(-1 - lane, lane) != selftest_pair(0, lane);
  wrong += relu_pair(lane, -1 - lane) != selftest_pair(lane, 0);
  // Steps of float16 are 2 from 2048 on: odd numbers are ties.
  const int odd = 2049 + 2 * lane, even = odd % 4 == 1 ? odd - 1 : odd + 1;
  wrong += relu_pair(odd, -odd) != selftest_pair(even, 0);
  return wrong + (relu_pair(65504.0f * (lane + 1), 3e38f) != selftest_pair(65504, 65504));
}

extern "C" __global__ void __launch_bounds__(32) selftest_80(int *result) {
  __shared__ uint4 memory[3 * 32];
  uint32_t *shared = (uint32_t *)memory;
  const int lane = threadIdx.x & 31;
  for (int i = lane; i < 3 * 128; i += 32) selftest_source[i] = 1000 + i;
  __syncthreads();
  int wrong[SELFTEST_RESULTS];
  wrong[SELFTEST_LDMATRIX] = selftest_ldmatrix(shared);
  wrong[SELFTEST_MMA] = selftest_mma();
  wrong[SELFTEST_MMA_SUM] = selftest_mma_sum(shared);
  wrong[SELFTEST_CP_ASYNC] = selftest_copied(
      shared, 128,
      [&](int lane) {
        cp_async16(shared + (31 - lane) * 4, selftest_source + lane * 4);
        cp_async_commit();
        cp_async_wait<0>();
      },
      [](int i) { return 1000u + (31 - i / 4) * 4 + i % 4; });
  wrong[SELFTEST_CP_ASYNC_FILL] = selftest_copied(
      shared, 128,
      [&](int lane) {
        cp_async16_zfill(shared + lane * 4, selftest_source + lane * 4, lane % 3 != 0);
        cp_async_commit();
        cp_async_wait<0>();
      },
      [](int i) { return i / 4 % 3 != 0 ? 1000u + i : 0u; });
  wrong[SELFTEST_CP_ASYNC_GROUPS] = selftest_copied(
      shared, 256,
      [&](int lane) {
        for (int group = 0; group < 3; group++) {
          cp_async16(shared + group * 128 + lane * 4, selftest_source + group * 128 + lane * 4);
          cp_async_commit();
        }
        cp_async_wait<1>();
      },
      [](int i) { return 1000u + i; });
  cp_async_wait<0>();
  wrong[SELFTEST_RELU_PAIR] = selftest_relu_pair();
  for (int i = 0; i < SELFTEST_RESULTS; i++) {
    for (int lanes = 16; lanes > 0; lanes /= 2) wrong[i] += __shfl_xor_sync(0xffffffffu, wrong[i], lanes);
    if (lane == 0) result[i] = wrong[i];
  }
}
DESCRIBE(selftest_80, 1, 1, SELFTEST_RESULTS, 32, 0)
