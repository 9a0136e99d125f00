// The border between C++ and Go: no exception crosses it.
#pragma once

#include <cstdio>
#include <new>

#include <dnnl.hpp>

#include "engine.h"

namespace adain {

// Runs work and turns whatever it throws into a text.
template <class Work>
int guarded(char *error, Work work) {
  try {
    work();
    return 0;
  } catch (const std::bad_alloc &) {
    std::snprintf(error, ADAIN_CPU_ERROR, "not enough memory");
  } catch (const dnnl::error &e) {
    std::snprintf(error, ADAIN_CPU_ERROR, e.status == dnnl_out_of_memory ? "not enough memory" : "oneDNN: %s (status %d)", e.what(), int(e.status));
  } catch (const std::exception &e) {
    std::snprintf(error, ADAIN_CPU_ERROR, "%s", e.what());
  }
  return 1;
}

}  // namespace adain
