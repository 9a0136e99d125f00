#include "options.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "block.h"

namespace emu {

Options options;

namespace {

bool environment_was_read;
uint64_t random_state = 1;

void seed(uint64_t n) {
  random_state = n * 0x9E3779B97F4A7C15u + 1;
  for (int i = 0; i < 8; i++) random_bits();
}

// text is name, then ":" and a number that seeds.
bool seeded(const char *text, const char *name) {
  const size_t n = std::strlen(name);
  if (std::strncmp(text, name, n) || text[n] != ':' || text[n + 1] < '0' || text[n + 1] > '9') return false;
  char *end;
  errno = 0;
  const unsigned long long number = std::strtoull(text + n + 1, &end, 10);
  if (*end || errno) return false;
  seed(number);
  return true;
}

bool set_order(const char *text) {
  if (!std::strcmp(text, "fwd")) return options.order = Order::forward, true;
  if (!std::strcmp(text, "rev")) return options.order = Order::reverse, true;
  if (!std::strcmp(text, "lock")) return options.order = Order::lockstep, true;
  if (seeded(text, "skew")) return options.order = Order::skewed, true;
  if (seeded(text, "rand")) return options.order = Order::random, true;
  return false;
}

bool set_landing(const char *text) {
  if (!std::strcmp(text, "now")) return options.landing = Landing::now, true;
  if (!std::strcmp(text, "late")) return options.landing = Landing::late, true;
  if (!std::strcmp(text, "mix")) return options.landing = Landing::mixed, true;
  return false;
}

bool set_swizzle(const char *text) {
  if (!std::strcmp(text, "abs")) return options.swizzle = Swizzle::address, true;
  if (!std::strcmp(text, "strict")) return options.swizzle = Swizzle::strict, true;
  if (!std::strcmp(text, "rel")) return options.swizzle = Swizzle::relative, true;
  return false;
}

void read_variable(const char *name, bool (*set)(const char *)) {
  const char *text = std::getenv(name);
  if (text && !set(text)) fail(0, "%s=%s is not one of the values in launch.h", name, text);
}

}  // namespace

void read_environment() {
  if (environment_was_read) return;
  environment_was_read = true;
  read_variable("EMU_SCHED", set_order);
  read_variable("EMU_CP", set_landing);
  read_variable("EMU_SWZ", set_swizzle);
}

bool schedule(const char *order) {
  read_environment();
  return set_order(order);
}

bool copies(const char *when) {
  read_environment();
  return set_landing(when);
}

bool swizzle(const char *reading) {
  read_environment();
  return set_swizzle(reading);
}

bool broken(const char *instruction) {
  const char *text = std::getenv("EMU_WRONG");
  return text && !std::strcmp(text, instruction);
}

uint32_t random_bits() {  // xorshift64
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return uint32_t(random_state >> 16);
}

}  // namespace emu
