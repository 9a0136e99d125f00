#define _GNU_SOURCE
#include "table.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

// Defined by jump_*.S (or jump_other.c): in the beginning each entry leads to driver_load.
extern DRIVER_HIDDEN void *driver_table[DRIVER_FUNCTIONS];

static void *real[DRIVER_FUNCTIONS];
static CUresult (*real_count)(int *);
static driver_state state;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define F(name) #name,
static const char *const names[] = {
#include "functions.h"
};
#undef F

static CUresult no_driver(void) { return CUDA_ERROR_NO_DEVICE; }
static CUresult not_in_driver(void) { return CUDA_ERROR_NOT_FOUND; }

static void load(void) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library) {
    CUresult (*init)(unsigned) = (CUresult(*)(unsigned))dlsym(library, "cuInit");
    real_count = (CUresult(*)(int *))dlsym(library, "cuDeviceGetCount");
    state.init = init && real_count ? init(0) : CUDA_ERROR_NOT_FOUND;
  } else {
    const char *why = dlerror();
    snprintf(state.missing, sizeof state.missing, "%s", why ? why : "libcuda.so.1 cannot be opened");
    state.init = CUDA_ERROR_NO_DEVICE;
  }
  for (int i = 0; i < DRIVER_FUNCTIONS; i++) {
    real[i] = library ? dlsym(library, names[i]) : NULL;
    void *target = !library ? (void *)no_driver : !real[i] ? (void *)not_in_driver : driver_counting(i);
    // Other threads jump through the table meanwhile: they find either the way to driver_load, where they wait, or a driver that is ready.
    __atomic_store_n(&driver_table[i], target ? target : real[i], __ATOMIC_RELEASE);
  }
}

const driver_state *driver_load(void) {
  pthread_once(&once, load);
  return &state;
}

void *driver_real(int function) { return real[function]; }

// gorgonia.org/cu calls this when the program starts and ends the program on anything but success. The real one is called by load:
// a program that works on the CPU, or a plugin that is only looked at, must not wake the driver.
DRIVER_HIDDEN CUresult cuInit(unsigned flags) {
  (void)flags;
  return CUDA_SUCCESS;
}

DRIVER_HIDDEN CUresult cuDeviceGetCount(int *count) {
  *count = 0;
  if (driver_load()->init != CUDA_SUCCESS) return CUDA_SUCCESS;
  return real_count(count);
}
