// last_up.cu against plain loops: sides of one pixel, strips and blocks side by side and below each other, crops, every place of chroma.
#include "last_up.cu"
#include "upsampled.h"

namespace {

void run(test::Picture &dst, const test::Picture &src, int H, int W, int rows, bool preserve = false, const test::Table &table = {}) {
  test::Upsampled s(H, W, 16);
  s.check("last_up_n16", dst, src, preserve, table, [&] {
    const Frame &f = dst.frame();
    const int blocks = (f.height + rows - 1) / rows * ((f.width + strip_own - 1) / strip_own);
    test::launch("last_up_n16", dim3(unsigned(blocks)), s.x(), s.w1(), s.bias1(), s.w(), s.bias(), f, src.frame(), table.lookup(), H, W, rows,
                 int(preserve));
  });
}

void run(const char *format, int width, int height, int H, int W, int rows, bool preserve = false) {
  test::Picture dst(test::shape(format), width, height, height % 2, 1), src(test::shape(format), width, height, true, 2);
  run(dst, src, H, W, rows, preserve);
}

}  // namespace

TEST(last_up_formats) {
  for (const test::Shape &shape : test::shapes()) run(shape.name, 37, 11, 6, 19, 8);
}

TEST(last_up_small) {
  for (int H : {1, 2, 3})
    for (int W : {1, 2, 9})
      for (const char *format : {"RGB", "NV12"}) run(format, 2 * W - H % 2, 2 * H - W % 2, H, W, 4);
}

// Edges of strips, of the warps in them, and of blocks of rows.
TEST(last_up_strips) {
  for (int width : {124, 126, 127, 129, 249, 253}) run("RGB", width, 6, 3, (width + 1) / 2, 4);
  for (int W : {15, 16, 17, 31, 32, 33, 62, 63, 64}) run("NV12", 2 * W, 4, 2, W, 4);
  for (int rows : {4, 8, 12, 40}) run("NV12", 20, 26, 13, 10, rows);
}

TEST(last_up_crops) {
  run("BGRA", 33, 17, 12, 20, 8);
  run("NV12", 29, 13, 8, 16, 8);
}

TEST(last_up_preserve_color) {
  for (const char *format : {"BGRA", "NV12", "I422_10", "RGB10A2"}) run(format, 33, 13, 7, 17, 8, true);
  test::Picture picture(test::shape("BGRA"), 21, 9, true, 5);
  run(picture, picture, 5, 11, 4);
}

TEST(last_up_sitings) {
  for (int kind = 1; kind < 8; kind++)
    for (int width : {33, 130}) {
      const test::Shape &shape = test::shape(kind % 3 ? "NV12" : "I422_10");
      test::Picture dst(shape, width, 11, false, 3), src(shape, width, 11, false, 4);
      dst.frame().cosited_x = kind & 1, dst.frame().cosited_y = kind >> 1 & 1, dst.frame().interlaced = kind >> 2;
      run(dst, src, 6, (width + 1) / 2, 8);
    }
}

TEST(last_up_tables) {
  for (const test::Table &table : test::tables()) {
    test::Picture dst(test::shape("RGB"), 33, 9, false, 1), src(test::shape("RGB"), 33, 9, true, 2);
    run(dst, src, 5, 17, 12, false, table);
  }
}
