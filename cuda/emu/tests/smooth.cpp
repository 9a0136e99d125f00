// smooth.cu against plain loops.
#include "smooth.cu"
#include "test.h"

#include <string>
#include <vector>

namespace {

constexpr float cut = 0.07f;

// Statistics of the content of several regions, and those before.
struct Film {
  int regions, C, channels;
  test::Buffer<float> stats;
  test::Buffer<double> previous;

  Film(int regions, int C, int channels)
      : regions(regions), C(C), channels(channels), stats(size_t(regions) * 2 * C), previous(size_t(regions) * 2 * C) {}

  // A region `apart` standard deviations away from what it was.
  void fill(int region, float apart) {
    test::Random random(C + region);
    for (int c = 0; c < C; c++) {
      const bool used = c < channels;
      const size_t mean = size_t(region) * 2 * C + c, std = mean + C;
      previous[mean] = used ? random.uniform(-1, 9) : 0;
      previous[std] = used ? random.uniform(0.1f, 2) : std::sqrt(1e-5);
      stats[std] = used ? float(previous[std] * random.uniform(0.9f, 1.1f)) : float(previous[std]);
      stats[mean] = used ? float(previous[mean] + apart * (previous[std] + stats[std]) * (c % 2 ? 1 : -1)) : 0;
    }
  }

  void launch(float share, int fresh) { test::launch("smooth", dim3(regions), stats.data(), previous.data(), share, cut, C, channels, fresh); }
};

void run(int regions, int C, int channels, float share) {
  Film film(regions, C, channels);
  std::vector<float> apart = {0.068f, 0.072f, 0};  // the second region is beyond a cut, the others are not
  for (int r = 0; r < regions; r++) film.fill(r, apart[r]);
  std::vector<float> wanted(film.stats.begin(), film.stats.end());
  for (size_t i = 0; i < wanted.size(); i++)
    if (apart[i / (2 * C)] < cut) wanted[i] = float(share * film.previous[i] + (1 - double(share)) * wanted[i]);
  film.launch(share, 0);
  const std::string what = "smooth " + std::to_string(regions) + "x" + std::to_string(C);
  test::near((what + " in force").c_str(), film.stats.data(), wanted.data(), wanted.size(), 0, 1e-7);
  for (size_t i = 0; i < wanted.size(); i++)
    if (float(film.previous[i]) != film.stats[i]) return test::fail("%s: value %zu in force is not what is remembered", what.c_str(), i);
}

// Demands that stats stay, bit for bit, and are remembered.
void untouched(Film &film, float share, int fresh) {
  const std::vector<float> before(film.stats.begin(), film.stats.end());
  film.launch(share, fresh);
  for (size_t i = 0; i < before.size(); i++) {
    CHECK(std::memcmp(&film.stats[i], &before[i], 4) == 0);
    CHECK(film.previous[i] == before[i] || before[i] != before[i]);
  }
}

}  // namespace

TEST(smooth_sizes) {
  run(1, 16, 3, 0.8f);
  run(2, 48, 44, 0.5f);
  run(1, 256, 256, 0.95f);
  run(3, 272, 272, 0.3f);
  run(2, 528, 520, 0.99f);
}

// Nothing is read of what was before: it is NaN.
TEST(smooth_fresh) {
  Film film(2, 32, 32);
  film.fill(0, 0);
  film.fill(1, 0.01f);
  for (auto &v : film.previous) v = std::nan("");
  untouched(film, 0.9f, 1);
}

TEST(smooth_none) {
  Film film(1, 32, 30);
  film.fill(0, 0.01f);
  untouched(film, 0, 0);
}

// What went wrong once must not stay.
TEST(smooth_not_a_number) {
  Film film(2, 32, 32);
  film.fill(0, 0);
  film.fill(1, 0);
  film.previous[3] = film.previous[64 + 32 + 5] = std::nan("");
  untouched(film, 0.9f, 0);
}

// With the largest share a step is less than float can tell from nothing; the value must get there all the same.
TEST(smooth_slowly) {
  Film film(1, 16, 16);
  film.fill(0, 0);
  const float share = 1 - 0x1p-24f;
  const double from = film.previous[0];
  for (int frame = 0; frame < 3; frame++) {
    film.stats[0] = float(from) + 0.01f;
    film.launch(share, 0);
  }
  CHECK(film.previous[0] > from + 0.029 * 0x1p-24 && film.previous[0] < from + 0.031 * 0x1p-24);
}
