//go:build !amd64 && !arm64

// NVIDIA has no driver for these machines: every function says so.
#include "table.h"

DRIVER_HIDDEN void *driver_table[DRIVER_FUNCTIONS];

static CUresult no_driver(void) { return CUDA_ERROR_NO_DEVICE; }

#define F(name) extern DRIVER_HIDDEN __typeof__(name) name __attribute__((alias("no_driver")));
#include "functions.h"
