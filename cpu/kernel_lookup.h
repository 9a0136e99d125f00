// Look-up tables around the network: lut.Table. One source, compiled for several instruction sets.
#pragma once

#include <cstddef>

#include "engine.h"

namespace adain {

// A table; the values belong to the caller. Of size 0 it is none.
struct Lookup {
  adain_cpu_lut form;
  const float *values;
};

// The n colours of three planes, limited to 0 to 1, become those of the table, limited again.
struct LookupKernels {
  void (*curves)(const Lookup &table, float *r, float *g, float *b, size_t n);
  void (*cube)(const Lookup &table, float *r, float *g, float *b, size_t n);
};

// rgb (3,area) through a table, by the kernels for the instruction set of kernel_network.h; without one it stays.
void look_up(const Lookup &table, float *rgb, size_t area);

}  // namespace adain
