// Calls through the table: "echo" with echo.c's library, "none" without any. Ends with 0 if all is as it should be.
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "table.h"

#define EXPECT(condition) \
  if (!(condition)) { \
    printf("line %d: %s\n", __LINE__, #condition); \
    failed = 1; \
  }

static int failed;

static void *launch(void *unused) {
  (void)unused;
  for (int i = 0; i < 3; i++)
    EXPECT(cuLaunchKernel((CUfunction)1, 2, 3, 4, 5, 6, 7, 8, (CUstream)9, (void **)10, (void **)11) == CUDA_SUCCESS);
  EXPECT(cuTexRefSetMipmapLevelClamp((CUtexref)1, 2.5f, 3.5f) == CUDA_SUCCESS);
  return NULL;
}

static void echo(void) {
  pthread_t threads[8];
  for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, launch, NULL);
  for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
  EXPECT(cuTexRefSetMipmapLevelClamp((CUtexref)1, 2.5f, 3.5f) == CUDA_SUCCESS);
  EXPECT(cuTexRefSetMipmapLevelClamp((CUtexref)1, 2.5f, 4.5f) == CUDA_ERROR_INVALID_VALUE);
  int n;
  EXPECT(cuDeviceGetCount(&n) == CUDA_SUCCESS && n == 7);
  EXPECT(cuMemFree(1) == CUDA_ERROR_NOT_FOUND);  // this driver lacks it

  EXPECT(cuMemcpyHtoD(1, (void *)2, 3) == CUDA_SUCCESS);
  EXPECT(cuMemcpyHtoD(1, (void *)2, 4) == CUDA_ERROR_INVALID_VALUE);  // does not count
  EXPECT(cuMemcpyDtoH((void *)1, 2, 5) == CUDA_SUCCESS);
  EXPECT(cuMemcpyDtoH((void *)1, 2, 6) == CUDA_SUCCESS);
  CUDA_MEMCPY2D area = {.WidthInBytes = 10, .Height = 10, .srcMemoryType = CU_MEMORYTYPE_DEVICE, .dstMemoryType = CU_MEMORYTYPE_DEVICE};
  EXPECT(cuMemcpy2D(&area) == CUDA_SUCCESS);
  area.srcMemoryType = area.dstMemoryType = CU_MEMORYTYPE_HOST;
  EXPECT(cuMemcpy2D(&area) == CUDA_SUCCESS);  // from host to host: no count
  area.srcMemoryType = CU_MEMORYTYPE_UNIFIED, area.srcDevice = 2000;
  EXPECT(cuMemcpy2D(&area) == CUDA_SUCCESS);
  EXPECT(cuMemcpyAsync(2000, 20, 1000, (CUstream)1) == CUDA_SUCCESS);
  unsigned long long calls[3], bytes[3];
  driver_copies(calls, bytes);
  EXPECT(calls[DRIVER_HTOD] == 2 && bytes[DRIVER_HTOD] == 1003);
  EXPECT(calls[DRIVER_DTOH] == 3 && bytes[DRIVER_DTOH] == 111);
  EXPECT(calls[DRIVER_DTOD] == 1 && bytes[DRIVER_DTOD] == 100);
}

static void none(void) {
  int n = 1, functions = 0;
#define F(name) EXPECT(((CUresult(*)(void))name)() == CUDA_ERROR_NO_DEVICE) functions++;
#include "functions.h"
  EXPECT(functions == DRIVER_FUNCTIONS && functions == 166);
  EXPECT(cuDeviceGetCount(&n) == CUDA_SUCCESS && n == 0);
  EXPECT(strstr(driver_load()->missing, "libcuda.so.1"));
}

int main(int count, char **arguments) {
  EXPECT(cuInit(0) == CUDA_SUCCESS);
  // Nothing may have been loaded by that.
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[4096];
  while (maps && fgets(line, sizeof line, maps)) EXPECT(!strstr(line, "libcuda"));
  if (count > 1 && !strcmp(arguments[1], "echo")) {
    echo();
  } else {
    none();
  }
  return failed;
}
