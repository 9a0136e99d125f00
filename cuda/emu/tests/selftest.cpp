// The proof that selftest.cu makes on a GPU has to hold in the emulator too.
#include "selftest.cu"
#include "test.h"

TEST(selftest_80) {
  const int n = test::kernel("selftest_80").launch.tile_c;
  test::Buffer<int> result(n);
  test::launch("selftest_80", dim3(1), result.data());
  for (int i = 0; i < n; i++)
    if (result[i]) test::fail("test %d has %d wrong values", i, result[i]);
}
