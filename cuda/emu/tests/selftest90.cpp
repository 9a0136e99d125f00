// The self-test for sm_90a: exact in the emulator, and it notices what it is there to notice.
#include "selftest90.cu"
#include "test.h"

#include <vector>

namespace {

TMap tensor_map(const __half *base, uint64_t w, uint64_t h, uint32_t box_w, uint32_t box_h) {
  TMap m{};
  m.base = reinterpret_cast<const unsigned char *>(base);
  m.dim[0] = 64, m.dim[1] = w, m.dim[2] = h, m.dim[3] = 1;
  m.stride[0] = 128, m.stride[1] = 128 * w, m.stride[2] = 128 * w * h;
  m.box[0] = 64, m.box[1] = box_w, m.box[2] = box_h, m.box[3] = 1;
  m.elt = 2, m.swz = 1;
  return m;
}

// Runs a kernel; spoil changes the inputs.
template <class F> std::vector<int> run(F spoil, const char *kernel = "selftest_90") {
  emu::swizzle("abs");  // the only reading under which the open question has an answer
  test::Buffer<__half> w(64 * 64), x(selftest90::pixels * 64);
  for (int i = 0; i < 64 * 64; i++) w[i] = __float2half_rn(float(selftest90::value(i / 64, i % 64)));
  for (size_t i = 0; i < x.size(); i++) x[i] = __float2half_rn(float(selftest90::value(1000 + int(i / 64), int(i % 64))));
  const emu::Launch &l = test::kernel(kernel).launch;
  TMap map_w = tensor_map(w.data(), 64, 1, uint32_t(l.tile_c), 1);
  TMap map_x = tensor_map(x.data(), 10, 34, uint32_t(l.tile_w), uint32_t(l.tile_h) + 2);
  spoil(w, x, map_x);
  test::Buffer<int> result(selftest90::results);
  test::launch(kernel, dim3(1), map_w, map_x, result.data());
  return {result.begin(), result.end()};
}

typedef test::Buffer<__half> Halves;

TEST(selftest90_exact) {
  const std::vector<int> result = run([](Halves &, Halves &, TMap &) {});
  for (int i = 0; i < 48; i++) {
    const int want = i == 0 ? 90 : i < 32 ? 0 : -1;
    if (result[i] != want) test::fail("result %d is %d, wanted %d", i, result[i], want);
  }
}

TEST(selftest90_notices_a_wrong_weight) {
  const std::vector<int> result = run([](Halves &w, Halves &, TMap &) { w[5 * 64 + 9] = __float2half_rn(17); });
  CHECK(result[0] == 90 && result[1] == 1 && result[2] == 0);
  CHECK(result[7] > 200 && result[7] <= 256);  // a row of the product, but for where a pixel's element is zero
}

TEST(selftest90_notices_a_missing_line) {
  const std::vector<int> result = run([](Halves &, Halves &, TMap &x) { x.dim[2] = 33; });
  CHECK(result[2] > 0 && result[4] > 0 && result[6] == 0 && result[8] == 0 && result[9] == 0);
}

TEST(selftest90_roles) {
  const std::vector<int> right = run([](Halves &, Halves &, TMap &) {}, "selftest_90_roles");
  CHECK(right[0] == 90 && right[1] == 0);
  const std::vector<int> wrong = run([](Halves &, Halves &, TMap &x) { x.dim[2] = 33; }, "selftest_90_roles");
  CHECK(wrong[0] == 90 && wrong[1] > 0);
}

}  // namespace
