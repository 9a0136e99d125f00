#include "kernel.h"

#include <stdint.h>
#include <stdlib.h>

static size_t align(size_t n) { return (n + 63) & ~(size_t)63; }  // what a tensor map wants

driver_parameter driver_parameter_of(CUfunction function, size_t i) {
  driver_parameter p = {0};
  size_t offset;
  p.result = cuFuncGetParamInfo(function, i, &offset, &p.bytes);
  return p;
}

driver_kernel *driver_kernel_new(CUfunction function, int arguments, const int *sizes) {
  size_t head = align(sizeof(driver_kernel) + arguments * sizeof(void *)), room = head;
  for (int i = 0; i < arguments; i++) room += align(sizes[i]);
  driver_kernel *k = aligned_alloc(64, room);
  if (!k) return NULL;
  for (size_t i = 0; i < room; i++) ((char *)k)[i] = 0;
  k->launch.func = function;
  k->launch.kernelParams = k->argument;
  k->arguments = arguments;
  for (int i = 0; i < arguments; i++) {
    k->argument[i] = (char *)k + head;
    head += align(sizes[i]);
  }
  return k;
}

CUresult driver_kernel_launch(const driver_kernel *kernel, CUstream stream) {
  const CUDA_KERNEL_NODE_PARAMS *l = &kernel->launch;
  return cuLaunchKernel(l->func, l->gridDimX, l->gridDimY, l->gridDimZ, l->blockDimX, l->blockDimY, l->blockDimZ, l->sharedMemBytes, stream,
                        l->kernelParams, NULL);
}

CUresult driver_graph_new(driver_graph **graph, int kernels, driver_kernel *const *kernel) {
  driver_graph *g = calloc(1, sizeof *g + kernels * sizeof *g->node);
  if (!g) return CUDA_ERROR_OUT_OF_MEMORY;
  CUresult r = cuGraphCreate(&g->graph, 0);
  for (int i = 0; i < kernels && r == CUDA_SUCCESS; i++)
    r = cuGraphAddKernelNode(&g->node[i], g->graph, i ? &g->node[i - 1] : NULL, i ? 1 : 0, &kernel[i]->launch);
  if (r == CUDA_SUCCESS) r = cuGraphInstantiate(&g->exec, g->graph, 0);
  if (r == CUDA_SUCCESS) {
    *graph = g;
  } else {
    driver_graph_free(g);
  }
  return r;
}

CUresult driver_graph_set(driver_graph *graph, int node, const driver_kernel *kernel) {
  return cuGraphExecKernelNodeSetParams(graph->exec, graph->node[node], &kernel->launch);
}

CUresult driver_graph_free(driver_graph *graph) {
  CUresult exec = graph->exec ? cuGraphExecDestroy(graph->exec) : CUDA_SUCCESS;
  CUresult r = graph->graph ? cuGraphDestroy(graph->graph) : CUDA_SUCCESS;
  free(graph);
  return exec != CUDA_SUCCESS ? exec : r;
}
