// The instructions of the emulated machine, against what the PTX ISA says of them.
#include "hopper.cuh"
#include "test.h"
#include "transposed.cuh"

#include <string>
#include <vector>

namespace {

// Copies land as a test says; afterwards as the environment says.
struct Landing {
  explicit Landing(const char *when) { emu::copies(when); }
  ~Landing() {
    const char *when = std::getenv("EMU_CP");
    emu::copies(when ? when : "late");
  }
};

int halves(int i) { return i % 23 - 11; }  // exact in half precision, and so are the sums of products below

}  // namespace

TEST(instructions_shuffles) {
  static int got[6][32];
  emu::launch(dim3(1), dim3(32), 0, [] {
    const int i = threadIdx.x;
    got[0][i] = __shfl_xor_sync(0xffffffffu, i, 5);
    got[1][i] = __shfl_down_sync(0xffffffffu, i, 3);
    got[2][i] = __shfl_up_sync(0xffffffffu, i, 3);
    got[3][i] = __shfl_sync(0xffffffffu, i, i * 7);
    got[4][i] = __shfl_down_sync(0xffffffffu, i, 3, 8);
    got[5][i] = int(__shfl_sync(0xffffffffu, float(i), 9, 4));
  });
  for (int i = 0; i < 32; i++) {
    CHECK(got[0][i] == (i ^ 5));
    CHECK(got[1][i] == (i + 3 < 32 ? i + 3 : i));
    CHECK(got[2][i] == (i >= 3 ? i - 3 : i));
    CHECK(got[3][i] == i * 7 % 32);
    CHECK(got[4][i] == (i % 8 + 3 < 8 ? i + 3 : i));
    CHECK(got[5][i] == i / 4 * 4 + 1);
  }
}

TEST(instructions_votes) {
  static unsigned got[64];
  emu::launch(dim3(1), dim3(64), 0, [] {
    const int i = threadIdx.x;
    got[i] = __ballot_sync(0xffffffffu, i % 3 == 0);
    if (!__any_sync(0xffffffffu, i == 40) != (i < 32) || !__all_sync(0xffffffffu, i < 32) != (i >= 32)) got[i] = 0;
  });
  for (int i = 0; i < 64; i++) CHECK(got[i] == (i < 32 ? 0x49249249u : 0x92492492u));
}

// Lanes exchange through shared memory. Without __syncwarp (a seeded bug) they take what is not there yet.
TEST(instructions_syncwarp) {
  static float got[64];
  emu::launch(dim3(1), dim3(64), 256, [] {
    DYN_SMEM(smem);
    float *row = reinterpret_cast<float *>(smem) + threadIdx.x / 32 * 32;
    const int lane = threadIdx.x % 32;
    for (int round = 0; round < 3; round++) {
      row[lane] = float(lane + round);
      __syncwarp();
      got[threadIdx.x] = row[31 - lane];
      __syncwarp();
    }
  });
  for (int i = 0; i < 64; i++) CHECK(got[i] == float(31 - i % 32 + 2));
}

// D = A * B with both operands through ldmatrix.
TEST(instructions_mma) {
  static float got[16][8];
  emu::launch(dim3(1), dim3(32), (16 + 8) * 32, [] {
    DYN_SMEM(smem);
    __half *a = reinterpret_cast<__half *>(smem), *b = a + 16 * 16;  // a [m][k], b [n][k]
    const int lane = threadIdx.x;
    for (int i = lane; i < 16 * 16; i += 32) a[i] = __float2half_rn(float(halves(i)));
    for (int i = lane; i < 8 * 16; i += 32) b[i] = __float2half_rn(float(halves(i * 5 + 1)));
    __syncwarp();
    uint32_t x[4], y[4];
    ldmatrix_x4(x, a + lane % 16 * 16 + lane / 16 * 8);
    ldmatrix_x4(y, b + lane % 8 * 16 + lane / 8 % 2 * 8);
    float d[4] = {1, 1, 1, 1};
    mma_m16n8k16(d, x, {y[0], y[1]});
    for (int e = 0; e < 4; e++) got[lane / 4 + e / 2 * 8][lane % 4 * 2 + e % 2] = d[e];
  });
  for (int m = 0; m < 16; m++)
    for (int n = 0; n < 8; n++) {
      int sum = 1;
      for (int k = 0; k < 16; k++) sum += halves(m * 16 + k) * halves((n * 16 + k) * 5 + 1);
      CHECK(got[m][n] == float(sum));
    }
}

TEST(instructions_stmatrix) {
  static uint16_t got[4][8][8];  // [matrix][column][row]
  emu::launch(dim3(1), dim3(32), sizeof got, [] {
    DYN_SMEM(smem);
    const uint32_t lane = threadIdx.x;
    uint32_t r[4];
    for (uint32_t m = 0; m < 4; m++) r[m] = (m << 8 | lane << 1) | (m << 8 | lane << 1 | 1) << 16;  // element 2*lane and the next
    stmatrix_x4_trans(smem + lane * 16, r);
    __syncwarp();
    if (lane == 0) std::memcpy(got, smem, sizeof got);
  });
  for (int m = 0; m < 4; m++)
    for (int c = 0; c < 8; c++)
      for (int r = 0; r < 8; r++) CHECK(got[m][c][r] == (m << 8 | (r * 8 + c)));
  emu::launch(dim3(1), dim3(32), sizeof got, [] {
    DYN_SMEM(smem);
    const uint32_t lane = threadIdx.x;
    uint32_t r[4];
    for (uint32_t m = 0; m < 4; m++) r[m] = (m << 8 | lane << 1) | (m << 8 | lane << 1 | 1) << 16;
    stmatrix_x4(smem + lane * 16, r);
    __syncwarp();
    if (lane == 0) std::memcpy(got, smem, sizeof got);
  });
  for (int m = 0; m < 4; m++)
    for (int r = 0; r < 8; r++)
      for (int c = 0; c < 8; c++) CHECK(got[m][r][c] == (m << 8 | (r * 8 + c)));
}

TEST(instructions_ldmatrix_trans) {
  static uint32_t got[32][4];
  emu::launch(dim3(1), dim3(32), 4 * 128, [] {
    DYN_SMEM(smem);
    const uint32_t lane = threadIdx.x;
    for (uint32_t i = lane; i < 256; i += 32) reinterpret_cast<uint16_t *>(smem)[i] = uint16_t(i);  // [matrix][row][column]
    __syncwarp();
    uint32_t r[4];
    ldmatrix_x4_trans(r, smem + lane * 16);
    for (int m = 0; m < 4; m++) got[lane][m] = r[m];
  });
  for (uint32_t lane = 0; lane < 32; lane++)
    for (uint32_t m = 0; m < 4; m++) {
      const uint32_t first = m * 64 + lane % 4 * 2 * 8 + lane / 4;
      CHECK(got[lane][m] == (first | (first + 8) << 16));
    }
}

TEST(instructions_cp_async) {
  static test::Buffer<uint32_t> from(32 * 4);
  for (size_t i = 0; i < from.size(); i++) from[i] = uint32_t(i);
  static uint32_t early[32], waited[32], zero[32], second[32];
  for (const char *when : {"now", "late"}) {
    const Landing landing(when);
    emu::launch(dim3(1), dim3(32), 32 * 48, [] {
      DYN_SMEM(smem);
      const uint32_t i = threadIdx.x;
      const auto at = [&](uint32_t n) -> volatile uint32_t & { return *reinterpret_cast<uint32_t *>(smem + i * 48 + n * 16); };
      cp_async16(smem + i * 48, from.data() + i * 4);
      cp_async16_zfill(smem + i * 48 + 16, from.data() + i * 4, false);
      cp_async_commit();
      cp_async16_zfill(smem + i * 48 + 32, from.data() + i * 4, true);
      cp_async_commit();
      early[i] = at(0);
      cp_async_wait<1>();
      waited[i] = at(0), zero[i] = at(1), second[i] = at(2);
      cp_async_wait<0>();
      if (at(2) != i * 4) waited[i] = 12345;
    });
    const bool late = std::string(when) == "late";
    for (uint32_t i = 0; i < 32; i++) {
      CHECK(early[i] == (late ? 0xffffffffu : i * 4) && second[i] == early[i]);
      CHECK(waited[i] == i * 4 && zero[i] == 0);
    }
  }
}

// A box that hangs over the tensor on all sides; what is outside is zero and counts.
TEST(instructions_tensor_copy) {
  constexpr int kW = 24, kH = 5, kBoxW = 64, kBoxH = 8;
  static test::Buffer<__half> tensor(kW * kH);
  for (int i = 0; i < kW * kH; i++) tensor[i] = __float2half_rn(float(i + 1));
  for (const uint32_t swizzle : {0u, 1u}) {
    static __half got[kBoxH][kBoxW];
    const TMap map = {reinterpret_cast<unsigned char *>(tensor.data()), {kW, kH, 1, 1}, {kW * 2, kW * kH * 2, kW * kH * 2},
                      {kBoxW, kBoxH, 1, 1}, 2, swizzle};
    emu::launch(dim3(1), dim3(32), 2048, [&] {
      DYN_SMEM(smem);
      unsigned char *bar = smem + 1024 - 8;
      if (threadIdx.x == 0) mbar_init(bar, 1);
      __syncthreads();
      if (threadIdx.x == 0) {
        mbar_expect_tx(bar, kBoxW * kBoxH * 2);
        tma_load_4d(smem + 1024, &map, bar, -3, -2, 0, 0);
      }
      mbar_wait(bar, 0);
      for (int i = threadIdx.x; i < kBoxW * kBoxH; i += 32) {
        const int y = i / kBoxW, x = i % kBoxW;
        got[y][x] = *reinterpret_cast<__half *>(smem + 1024 + y * 128 + ((x / 8) ^ (swizzle ? y % 8 : 0)) * 16 + x % 8 * 2);
      }
    });
    for (int y = 0; y < kBoxH; y++)
      for (int x = 0; x < kBoxW; x++) {
        const int ty = y - 2, tx = x - 3;
        CHECK(__half2float(got[y][x]) == (ty >= 0 && ty < kH && tx >= 0 && tx < kW ? float(ty * kW + tx + 1) : 0.0f));
      }
  }
}

// 64 x N products of one warpgroup, operands stored with the swizzle by hand.
TEST(instructions_wgmma) {
  constexpr int kN = 64;
  static float got[64][kN];
  emu::launch(dim3(1), dim3(128), (64 + kN) * 128, [] {
    DYN_SMEM(smem);
    const int t = threadIdx.x;
    const auto put = [&](int row, int k, int v) {
      const __half h = __float2half_rn(float(v));
      std::memcpy(smem + row * 128 + ((k / 8) ^ row % 8) * 16 + k % 8 * 2, &h, 2);
    };
    for (int k = 0; k < 64; k++) put(t, k, t < 64 ? halves(t * 64 + k) : halves((t - 64) * 64 + k + 7));
    __syncthreads();
    float d[kN / 2] = {};
    for (uint32_t k = 0; k < 4; k++) {
      const uint64_t form = uint64_t(1) << 62 | uint64_t(1024 / 16) << 32;
      wgmma(d, form | (k * 32) / 16, form | (64 * 128 + k * 32) / 16);
      wgmma_commit();
      wgmma_wait<1>();
    }
    wgmma_wait<0>();
    for (int e = 0; e < kN / 2; e++)
      got[t / 32 * 16 + t % 32 / 4 + e / 2 % 2 * 8][e / 4 * 8 + t % 4 * 2 + e % 2] = d[e];
  });
  for (int m = 0; m < 64; m++)
    for (int n = 0; n < kN; n++) {
      int sum = 0;
      for (int k = 0; k < 64; k++) sum += halves(m * 64 + k) * halves(n * 64 + k + 7);
      CHECK(got[m][n] == float(sum));
    }
}

// One warp writes rounds of a number for another; a barrier each way, named or with phases.
TEST(instructions_hand_over) {
  for (const bool named : {true, false}) {
    static int got[8][32];
    emu::launch(dim3(1), dim3(64), 256, [&] {
      DYN_SMEM(smem);
      int *slot = reinterpret_cast<int *>(smem + 32);
      const int lane = threadIdx.x % 32;
      if (threadIdx.x == 0) mbar_init(smem, 32), mbar_init(smem + 8, 32);
      __syncthreads();
      for (int round = 0; round < 8; round++) {
        if (threadIdx.x < 32) {
          if (!named) mbar_wait(smem + 8, (round + 1) & 1);
          slot[lane] = round * 100 + lane;
          named ? named_bar(1, 64) : mbar_arrive(smem);
          if (named) named_bar(2, 64);
        } else {
          named ? named_bar(1, 64) : mbar_wait(smem, round & 1);
          got[round][lane] = slot[31 - lane];
          named ? named_bar(2, 64) : mbar_arrive(smem + 8);
        }
      }
    });
    for (int i = 0; i < 8 * 32; i++) CHECK(got[i / 32][i % 32] == i / 32 * 100 + 31 - i % 32);
  }
}
