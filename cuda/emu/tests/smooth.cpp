// smooth.cu against plain loops.
#include "smooth.cu"
#include "test.h"

#include <string>
#include <vector>

namespace {

constexpr float cut = 0.18f;

// Statistics of the content of several regions, and of the frame before: of its content and in force.
struct Film {
  int regions, C, channels;
  test::Buffer<float> stats, content;
  test::Buffer<double> previous;
  test::Buffer<int> continues;

  Film(int regions, int C, int channels)
      : regions(regions), C(C), channels(channels), stats(size_t(regions) * 2 * C), content(stats.size()), previous(stats.size()),
        continues(regions) {}

  // A region whose content is `apart` from what it was. What was in force is another thing, `lag` behind.
  void fill(int region, float apart, double lag = 2) {
    test::Random random(C + region);
    for (int c = 0; c < C; c++) {
      const bool used = c < channels;
      const size_t mean = size_t(region) * 2 * C + c, std = mean + C;
      content[mean] = used ? random.uniform(-1, 9) : 0;
      content[std] = used ? random.uniform(0.1f, 2) : std::sqrt(1e-5f);
      stats[std] = used ? content[std] * random.uniform(0.99f, 1.01f) : content[std];
      const float step = apart * (content[std] + stats[std] + 0.1f) - std::fabs(content[std] - stats[std]);
      stats[mean] = used ? content[mean] + step * (c % 2 ? 1 : -1) : 0;
      previous[std] = used ? stats[std] * 1.01 : content[std];
      previous[mean] = used ? stats[mean] + (lag * (stats[std] + previous[std] + 0.1) - (previous[std] - stats[std])) * (c % 2 ? -1 : 1) : 0;
    }
  }

  void launch(float share, int discontinuity) {
    test::launch("smooth", dim3(regions), stats.data(), previous.data(), content.data(), continues.data(), share, cut, C, channels,
                 discontinuity);
  }
};

void run(int regions, int C, int channels, float share, double lag) {
  Film film(regions, C, channels);
  const std::vector<float> apart = {0.178f, 0.182f, 0.02f};  // the second region is beyond a cut, the others are not
  for (int r = 0; r < regions; r++) film.fill(r, apart[r], lag);
  const double kept = lag > cut / 4 ? share * (cut / 4) / lag : share;
  const std::vector<float> now(film.stats.begin(), film.stats.end());
  std::vector<float> wanted = now;
  for (size_t i = 0; i < wanted.size(); i++)
    if (apart[i / (2 * C)] < cut) wanted[i] = float(kept * film.previous[i] + (1 - kept) * wanted[i]);
  film.launch(share, 0);
  const std::string what = "smooth " + std::to_string(regions) + "x" + std::to_string(C);
  test::near((what + " in force").c_str(), film.stats.data(), wanted.data(), wanted.size(), 0, 1e-7);
  for (int r = 0; r < regions; r++) CHECK(film.continues[r] == (apart[r] < cut));
  for (size_t i = 0; i < wanted.size(); i++) {
    if (float(film.previous[i]) != film.stats[i]) return test::fail("%s: value %zu in force is not what is remembered", what.c_str(), i);
    if (film.content[i] != now[i]) return test::fail("%s: value %zu of the content is not what is remembered", what.c_str(), i);
  }
}

// Demands that stats stay, bit for bit, and are remembered; and the flag of each region.
void untouched(Film &film, float share, int discontinuity, int continues) {
  const std::vector<float> before(film.stats.begin(), film.stats.end());
  film.launch(share, discontinuity);
  for (size_t i = 0; i < before.size(); i++) {
    CHECK(std::memcmp(&film.stats[i], &before[i], 4) == 0);
    CHECK(std::memcmp(&film.content[i], &before[i], 4) == 0);
    CHECK(film.previous[i] == before[i] || before[i] != before[i]);
  }
  for (int flag : film.continues) CHECK(flag == continues);
}

}  // namespace

TEST(smooth_sizes) {
  run(1, 16, 3, 0.8f, 0.02);
  run(2, 48, 44, 0.5f, 0.04);
  run(1, 256, 256, 0.95f, 0.05);
  run(3, 272, 272, 0.3f, 0.6);
  run(2, 528, 520, 0.99f, 2);
}

// Nothing is read of what was before: it is NaN.
TEST(smooth_discontinuity) {
  Film film(2, 32, 32);
  film.fill(0, 0);
  film.fill(1, 0.01f);
  for (auto &v : film.previous) v = std::nan("");
  for (auto &v : film.content) v = std::nanf("");
  untouched(film, 0.9f, 1, 0);
}

// Without smoothing the statistics stay, and the frame goes on all the same.
TEST(smooth_none) {
  Film film(1, 32, 30);
  film.fill(0, 0.01f);
  untouched(film, 0, 0, 1);
}

// A region that is empty has a mean of 0 and a deviation of 1 in each frame.
TEST(smooth_empty) {
  Film film(1, 32, 32);
  for (int i = 0; i < 64; i++) film.stats[i] = film.content[i] = i < 32 ? 0 : 1, film.previous[i] = film.stats[i];
  untouched(film, 0.9f, 0, 1);
}

// What went wrong once must not stay.
TEST(smooth_not_a_number) {
  Film film(2, 32, 32);
  film.fill(0, 0);
  film.fill(1, 0);
  film.content[3] = film.content[64 + 32 + 5] = std::nanf("");
  untouched(film, 0.9f, 0, 0);
  film.fill(0, 0);
  film.fill(1, 0);
  film.stats[7] = film.stats[64 + 1] = std::nanf("");
  untouched(film, 0.9f, 0, 0);
}

// With the largest share a step is less than float can tell from nothing; the value must get there all the same.
TEST(smooth_slowly) {
  Film film(1, 16, 16);
  film.fill(0, 0);
  for (size_t i = 0; i < film.stats.size(); i++) film.previous[i] = film.content[i];
  const float share = 1 - 0x1p-24f;
  const double from = film.previous[0];
  for (int frame = 0; frame < 3; frame++) {
    film.stats[0] = float(from) + 0.01f;
    film.launch(share, 0);
  }
  CHECK(film.previous[0] > from + 0.029 * 0x1p-24 && film.previous[0] < from + 0.031 * 0x1p-24);
}
