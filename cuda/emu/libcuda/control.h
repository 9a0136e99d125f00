// What tests ask of and order from the emulated driver: C functions beside the driver's own, found by dlsym.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Lets the n-th call from now on, 1 is the next, of a function (its exported name, as "cuMemAlloc_v2"; NULL or "": of any) answer code
// instead of working; functions that release something release it nevertheless. n = 0 takes the order back. One order at a time.
void emu_fail(const char *function, long n, int code);
// How many orders were carried out.
long emu_failed(void);

// Calls of a function (NULL or "": of all) since the start or emu_reset. What only tells something that is written down does not count:
// cuGetErrorName, cuGetErrorString, cuFuncGetParamInfo; nor does what is not supported.
long emu_calls(const char *function);
// All calls as lines "name count", at most room bytes with the final 0. Returns the bytes needed.
size_t emu_call_list(char *text, size_t room);
// Copies that succeeded: 0 host to device, 1 device to host, 2 device to device.
void emu_copies(unsigned long long calls[3], unsigned long long bytes[3]);
void emu_reset(void);

// What exists now. Primary contexts are counted, default streams are not.
typedef struct {
  long contexts, modules, streams, events, allocations, pinned, graphs, executables;
  unsigned long long bytes;  // of device memory, those that were asked for
} emu_objects;
void emu_live(emu_objects *objects);

// Destroys a context under its users, as another part of a program might. 0: done; else a CUresult.
int emu_destroy_context(void *context);

#ifdef __cplusplus
}
#endif
