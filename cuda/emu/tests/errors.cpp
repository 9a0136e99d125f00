// What the emulator must refuse, each with the line or the place that is wrong.
#include "hopper.cuh"
#include "test.h"

namespace {

// Runs body in every thread of one block, in a process of its own. Which of two errors comes first depends on the order.
void refused(const char *text, unsigned threads, size_t smem, const std::function<void()> &body) {
  test::dies(text, [&] {
    emu::schedule("fwd");
    emu::launch(dim3(1), dim3(threads), smem, body);
  });
}

TMap map_of(const void *base, uint64_t width, uint64_t height, uint32_t box_w, uint32_t box_h) {
  return {static_cast<const unsigned char *>(base), {width, height, 1, 1}, {width * 2, width * 2 * height, width * 2 * height},
          {box_w, box_h, 1, 1}, 2, 0};
}

void nothing() {}

}  // namespace

TEST(errors_barriers) {
  refused("wait at different __syncthreads", 64, 0, [] {
    if (threadIdx.x < 32) {
      __syncthreads();
    } else {
      __syncthreads();
    }
  });
  refused("wait at different __syncthreads", 64, 0, [] {  // a loop that one warp leaves early
    for (unsigned i = 0; i < 1 + threadIdx.x / 32; i++) __syncthreads();
    __syncthreads();
  });
  refused("while lanes of the same warp wait in the instruction of line", 32, 0, [] {
    if (threadIdx.x & 1) __syncwarp();
    __syncthreads();
  });
  refused("named barrier 1 for 64 threads and for 128", 128, 0, [] { named_bar(1, threadIdx.x < 32 ? 64 : 128); });
  refused("named barrier 16", 32, 0, [] { named_bar(16, 32); });
  refused("lane 0 at named barrier 2", 64, 0, [] {
    if (threadIdx.x < 32) named_bar(2, 64);
  });
}

TEST(errors_warps) {
  refused("a thread ends while its warp waits", 32, 0, [] {
    if (threadIdx.x < 16) __shfl_xor_sync(0xffffffffu, 1, 1);
  });
  refused("only the full mask is emulated", 32, 0, [] {
    if (threadIdx.x < 16) __shfl_xor_sync(0xffffu, 1, 1);
  });
  refused("only the full mask is emulated", 32, 0, [] { __ballot_sync(0xffffu, true); });
  refused("different instructions: lines", 32, 0, [] {
    if (threadIdx.x < 16) {
      __syncwarp();
    } else {
      __syncwarp();
    }
  });
  refused("different shuffles", 32, 0, [] {  // of one line, which is why they share it
    threadIdx.x < 16 ? __shfl_xor_sync(0xffffffffu, 1, 1) : __shfl_down_sync(0xffffffffu, 1, 1);
  });
  refused("lanes have ended or never were (live: ffff0000)", 32, 0, [] {
    if (threadIdx.x >= 16) __syncwarp();
  });
  refused("lanes have ended or never were (live: 00ffffff)", 56, 0, [] { __ballot_sync(0xffffffffu, true); });
  refused("the kernel traps", 32, 0, [] { __trap(); });
}

TEST(errors_copies) {
  static test::Buffer<__half> global(64);
  refused("ldmatrix: the row is not aligned", 32, 1024, [] {
    uint32_t r[4];
    ldmatrix_x4(r, emu::dyn + threadIdx.x * 16 + 8);
  });
  refused("stmatrix: the row is not aligned", 32, 1024, [] {
    const uint32_t r[4] = {};
    stmatrix_x4_trans(emu::dyn + threadIdx.x * 16 + 2, r);
  });
  refused("cp.async: an address is not aligned", 32, 1024, [] { cp_async16(emu::dyn, global.data() + 1); });
  refused("cp.async: an address is not aligned", 32, 1024, [] { cp_async16_zfill(emu::dyn + 4, global.data(), false); });
}

TEST(errors_mbarriers) {
  refused("not initialised", 32, 64, [] { mbar_arrive(emu::dyn); });
  refused("more arrivals in a phase than its count of 2", 1, 64, [] {
    mbar_init(emu::dyn, 2);
    mbar_expect_tx(emu::dyn, 64);
    mbar_arrive(emu::dyn);
    mbar_arrive(emu::dyn);
  });
  refused("lane 0 at the mbarrier in byte 8 of shared memory (and others)", 32, 64, [] {
    if (threadIdx.x == 0) mbar_init(emu::dyn + 8, 33);
    __syncthreads();
    mbar_arrive(emu::dyn + 8);
    mbar_wait(emu::dyn + 8, 0);
  });
}

TEST(errors_tensor_copies) {
  static test::Buffer<__half> global(64 * 8);
  const auto copy = [](uint32_t to, uint32_t box_w, uint32_t swizzle) {
    TMap map = map_of(global.data(), 64, 8, box_w, 8);
    map.swz = swizzle;
    mbar_init(emu::dyn, 1);
    tma_load_4d(emu::dyn + to, &map, emu::dyn, 0, 0, 0, 0);
  };
  refused("not aligned to 128", 1, 4096, [&] { copy(64, 64, 0); });
  refused("not aligned to 1024", 1, 4096, [&] { copy(128, 64, 1); });
  refused("of shared memory, of which there are 1088", 1, 1088, [&] { copy(128, 64, 0); });
  refused("rows of 12 bytes in the box", 1, 4096, [&] { copy(128, 6, 0); });
  refused("in a dimension of the box", 1, 4096, [&] { copy(128, 0, 0); });
  refused("a block ends with 1 tensor copies in flight", 1, 4096, [&] {
    emu::copies("late");
    copy(1024, 64, 0);
  });
}

TEST(errors_wgmma) {
  const auto product = [](uint32_t a, uint32_t b, uint64_t mode) {
    float d[4] = {};
    wgmma_any(d, 8, a >> 4 | mode << 62 | uint64_t(64) << 32, b >> 4 | uint64_t(1) << 62 | uint64_t(64) << 32, 1, __LINE__);
    wgmma_commit();
    wgmma_wait<0>();
  };
  refused("only the 128-byte swizzle", 32, 16384, [&] { product(0, 8192, 2); });
  refused("wgmma operand at bytes 8192 to 8208 of shared memory", 32, 8192, [&] { product(0, 8192, 1); });
  refused("lanes of a warp have different operands", 32, 16384, [&] { product(threadIdx.x < 16 ? 0 : 1024, 8192, 1); });
  refused("off the 1024-byte swizzle pattern", 32, 16384, [&] {
    emu::swizzle("strict");
    product(128, 8192, 1);
  });
  refused("wgmma of its warp is in flight", 32, 16384, [&] {
    float d[4] = {};
    wgmma_any(d, 8, uint64_t(1) << 62, uint64_t(1) << 62, 1, __LINE__);
  });
}

TEST(errors_launches) {
  refused("a block wrote 16 bytes behind its 64 bytes of shared memory", 1, 64, [] { emu::dyn[80] = 0; });
  test::dies("a block of 1025 threads", [] { emu::launch(dim3(1), dim3(1025), 0, nothing); });
  test::dies("a grid of 1 x 0 x 1 blocks", [] { emu::launch(dim3(1, 0), dim3(32), 0, nothing); });
  test::dies("bytes of shared memory; a block can have", [] { emu::launch(dim3(1), dim3(32), (227 << 10) + 1, nothing); });
  test::dies("EMU_SCHED=forward is not one of", [] {
    setenv("EMU_SCHED", "forward", 1);
    emu::launch(dim3(1), dim3(32), 0, nothing);
  });
}
