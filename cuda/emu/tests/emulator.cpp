// The emulator's own tests: threads, blocks, what a launch leaves behind, the host's side. instructions.cpp has the warps'.
#include "test.h"

#include <thread>
#include <vector>

namespace {

__global__ void add(const float *a, float *b, int n, float c) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) b[i] = a[i] + c;
}
const emu::Kernel add_kernel("add", add, emu::Launch{1, 1, 1, 64, 0});

// Each thread hands its number to the one opposite in the block, through static and dynamic shared memory.
__global__ void turn(int *out) {
  DYN_SMEM(smem);
  __shared__ int fixed[1024];
  int *dynamic = reinterpret_cast<int *>(smem);
  const int n = blockDim.x * blockDim.y * blockDim.z;
  const int i = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  fixed[i] = i;
  dynamic[i] = block;
  __syncthreads();
  out[block * n + i] = fixed[n - 1 - i] * 1000 + dynamic[n - 1 - i];
}

void check_turn(dim3 grid, dim3 block) {
  const int n = int(block.x * block.y * block.z), blocks = int(grid.x * grid.y * grid.z);
  test::Buffer<int> out(size_t(n) * blocks);
  emu::launch(grid, block, size_t(n) * 4, [&] { turn(out.data()); });
  for (int i = 0; i < n * blocks; i++)
    if (out[i] != (n - 1 - i % n) * 1000 + i / n) return test::fail("%d blocks of %d: element %d is %d", blocks, n, i, out[i]);
}

}  // namespace

TEST(emulator_registry) {
  test::Buffer<float> a(100), b(100), want(100);
  for (int i = 0; i < 100; i++) a[i] = float(i), want[i] = float(i) + 0.5f;
  test::launch("add", dim3(2), static_cast<const float *>(a.data()), b.data(), 100, 0.5f);
  test::near("add", b.data(), want.data(), 100, 0, 0);
  CHECK(emu::Kernel::find("subtract") == nullptr);
  CHECK(emu::Kernel::find("add")->argument_bytes == std::vector<size_t>({8, 8, 4, 4}));
}

// A launch of another shape must not see the one before.
TEST(emulator_shapes) {
  check_turn(dim3(3, 2, 2), dim3(8, 4, 2));
  check_turn(dim3(1), dim3(1024));
  check_turn(dim3(2), dim3(1));
  check_turn(dim3(5), dim3(33));
  check_turn(dim3(2, 3), dim3(100, 3));
}

TEST(emulator_barrier_of_the_living) {
  static int sum;
  sum = 0;
  emu::launch(dim3(2), dim3(96), 0, [] {
    if (threadIdx.x >= 40) return;  // threads that have ended are not waited for
    __syncthreads();
    atomicAdd(&sum, 1);
    __syncthreads();
  });
  CHECK(sum == 2 * 40);
}

// Shared memory begins as NaN in every block, whatever the block before left there.
TEST(emulator_poison) {
  static int wrong;
  wrong = 0;
  for (int round = 0; round < 2; round++)
    emu::launch(dim3(3), dim3(32), 32 * 4, [] {
      DYN_SMEM(smem);
      __shared__ float fixed[32];
      float *dynamic = reinterpret_cast<float *>(smem);
      const int i = threadIdx.x;
      if (fixed[i] == fixed[i] || dynamic[i] == dynamic[i]) wrong++;
      fixed[i] = dynamic[i] = 1;
    });
  CHECK(wrong == 0);
}

TEST(emulator_every_block_once) {
  for (const unsigned blocks : {1u, 2u, 7u, 36u}) {
    std::vector<int> runs(blocks);
    emu::launch(dim3(blocks), dim3(1), 0, [&] { runs[blockIdx.x]++; });
    for (const int r : runs) CHECK(r == 1);
  }
}

// Which of two blocks that write one address comes last depends on the order: that is how it is found.
TEST(emulator_block_order) {
  static unsigned last;
  for (const bool forward : {true, false}) {
    emu::schedule(forward ? "fwd" : "rev");
    emu::launch(dim3(3), dim3(1), 0, [] { last = blockIdx.x; });
    CHECK(last == (forward ? 2 : 0));
  }
  const char *order = std::getenv("EMU_SCHED");
  emu::schedule(order ? order : "fwd");
}

// Calls from several OS threads come one after the other.
TEST(emulator_os_threads) {
  constexpr int kThreads = 4, kBlocks = 8, kSize = 64;
  std::vector<int> out(kThreads * kBlocks * kSize);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; t++)
    threads.emplace_back([&, t] {
      int *mine = &out[t * kBlocks * kSize];
      for (int round = 0; round < 5; round++) emu::launch(dim3(kBlocks), dim3(kSize), kSize * 4, [&] { turn(mine); });
    });
  for (auto &t : threads) t.join();
  for (int t = 0; t < kThreads; t++)
    for (int i = 0; i < kBlocks * kSize; i++) CHECK(out[t * kBlocks * kSize + i] == (kSize - 1 - i % kSize) * 1000 + i / kSize);
}

TEST(emulator_options) {
  for (const char *text : {"", "forward", "rand", "rand:", "rand:x", "rand:1x", "skew:-1", "rand:99999999999999999999"})
    CHECK(!emu::schedule(text));
  CHECK(!emu::copies("soon") && !emu::swizzle("none"));
}

// What a __half holds, by the definition of the format.
TEST(emulator_half) {
  for (int bits = 0; bits < 0x7c00; bits++) {
    const int exponent = bits >> 10;
    const double value = std::ldexp(exponent ? 1024 + bits % 1024 : bits % 1024, (exponent ? exponent : 1) - 25);
    const __half h{uint16_t(bits)}, minus{uint16_t(bits | 0x8000)};
    if (double(__half2float(h)) != value || double(__half2float(minus)) != -value)
      return test::fail("%04x is read as %g", bits, double(__half2float(h)));
    // Half way to the next it goes to the even one, beyond it to the next.
    const double next = bits == 0x7bff ? 65536 : double(__half2float({uint16_t(bits + 1)}));
    const float middle = float((value + next) / 2), above = std::nextafterf(middle, 1e9f), below = std::nextafterf(middle, 0);
    const uint16_t to = __float2half_rn(middle).bits;
    if (to != bits + (bits & 1) || __float2half_rn(above).bits != bits + 1 || __float2half_rn(below).bits != bits ||
        __float2half_rn(-middle).bits != (to | 0x8000) || __float2half_rn(float(value)).bits != bits)
      return test::fail("around %04x rounding is wrong: %g becomes %04x", bits, double(middle), to);
  }
  CHECK(__float2half_rn(1e30f).bits == 0x7c00 && __float2half_rn(-INFINITY).bits == 0xfc00);
  CHECK(std::isinf(__half2float({0x7c00})) && std::isnan(__half2float({0x7e00})));
  CHECK(std::isnan(__half2float(__float2half_rn(NAN))));
  CHECK(__hmax({0x3c00}, {0x4000}).bits == 0x4000);
  CHECK(__hmax({0x7e00}, {0x4000}).bits == 0x4000 && __hmax({0xbc00}, {0xffff}).bits == 0xbc00);
}
