// How threads are ordered, when copies land, how swizzles are read: chosen by the host or the environment (launch.h).
#pragma once

#include <cstdint>

namespace emu {

enum class Order { forward, reverse, lockstep, skewed, random };
enum class Landing { now, late, mixed };
enum class Swizzle { address, strict, relative };

struct Options {
  Order order = Order::forward;
  Landing landing = Landing::late;
  Swizzle swizzle = Swizzle::address;

  // Orders in which threads may be overtaken where that is least expected.
  bool adversarial() const { return order == Order::skewed || order == Order::random; }
};
extern Options options;

// Until the first call of schedule, copies or swizzle, or of this, the options are the defaults. An unknown value is an error.
void read_environment();

// EMU_WRONG names an instruction that computes wrong, as on a GPU that does something else than we think: "wgmma64", "wgmma128", "wgmma256",
// "stmatrix".
bool broken(const char *instruction);

uint32_t random_bits();
inline bool coin() { return random_bits() & 1; }

}  // namespace emu
