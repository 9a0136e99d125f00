// Memory of an engine: what cannot be had is an exception, never a null pointer.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace adain {

struct Free {
  void operator()(void *p) const { std::free(p); }
};
using Memory = std::unique_ptr<char[], Free>;

// Bytes aligned for any vector, zeroed: what lies beside a picture is computed too and must at least be a number.
inline Memory allocate(size_t bytes) {
  bytes = (bytes + 4095) / 4096 * 4096;
  void *p = std::aligned_alloc(4096, bytes);
  if (!p) throw std::bad_alloc();
  std::memset(p, 0, bytes);
  return Memory(static_cast<char *>(p));
}

// Throws std::bad_alloc where the system would not give some more than oneDNN takes for a primitive, or a thread for its start. Both are
// asked for before, since oneDNN does not look at each of its allocations (2.6 crashes), and OpenMP and the C library end the process.
inline void expect_memory() {
#if !defined(__SANITIZE_ADDRESS__)  // which clears a map of it each time
  constexpr size_t kBytes = size_t(64) << 20;
  void *volatile p = std::aligned_alloc(4096, kBytes);  // volatile: the compiler may leave out what nobody uses
  if (!p) throw std::bad_alloc();
  std::free(p);
#endif
}

// What a chunk needs beside the maps, one memory for each purpose.
enum class Scratch { pixels, source, result, inputs, outputs, lines, channels };

// The calling thread's memory for a purpose: at least bytes, kept for the thread's next chunk, whatever its stage. Threads of
// a team end with their engine, and this memory with them.
inline char *scratch(Scratch purpose, size_t bytes) {
  struct Buffer {
    Memory memory;
    size_t bytes = 0;
  };
  thread_local Buffer buffers[7];
  Buffer &b = buffers[int(purpose)];
  if (b.bytes < bytes) {
    b.memory.reset();
    b.bytes = 0;  // there may be no memory
    b.memory = allocate(bytes);
    b.bytes = bytes;
  }
  return b.memory.get();
}

inline float *scratch_floats(Scratch purpose, size_t count) { return reinterpret_cast<float *>(scratch(purpose, 4 * count)); }

}  // namespace adain
