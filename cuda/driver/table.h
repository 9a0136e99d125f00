// The table through which this program reaches the driver. Everything here may be called from any thread.
#pragma once
#include <cuda.h>

#define DRIVER_HIDDEN __attribute__((visibility("hidden")))

// What became of the driver's library. `missing` is dlopen's text where there is none, else empty.
typedef struct driver_state {
  char missing[512];
  CUresult init;  // of the real cuInit
} driver_state;

// Fills the table at the first call, from dlopen("libcuda.so.1"), and calls the real cuInit.
DRIVER_HIDDEN const driver_state *driver_load(void);

// The driver's own function behind one that counts; NULL where the driver lacks it.
DRIVER_HIDDEN void *driver_real(int function);

// Copies by direction since the program began: 0 host to device, 1 device to host, 2 device to device. Arrays are device memory;
// from host to host is not counted.
enum { DRIVER_HTOD, DRIVER_DTOH, DRIVER_DTOD, DRIVER_DIRECTIONS };
DRIVER_HIDDEN void driver_copies(unsigned long long calls[DRIVER_DIRECTIONS], unsigned long long bytes[DRIVER_DIRECTIONS]);

// The place of each function in the table.
#define F(name) DRIVER_##name,
enum {
#include "functions.h"
  DRIVER_FUNCTIONS
};
#undef F

// What stands in the table for a cuMemcpy*, NULL for any other function.
DRIVER_HIDDEN void *driver_counting(int function);
