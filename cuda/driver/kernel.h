// Launches of kernels and chains of them as graphs, in C memory. A Go value in them would be allocated anew for each call.
#pragma once
#include "table.h"

typedef struct driver_kernel {
  CUDA_KERNEL_NODE_PARAMS launch;
  int arguments;
  void *argument[];  // where each lies: behind this table, each at a multiple of 64 bytes
} driver_kernel;

// Bytes of parameter i as the function declares it. CUDA_ERROR_INVALID_VALUE: it has no more.
typedef struct driver_parameter {
  CUresult result;
  size_t bytes;
} driver_parameter;
DRIVER_HIDDEN driver_parameter driver_parameter_of(CUfunction function, size_t i);

DRIVER_HIDDEN driver_kernel *driver_kernel_new(CUfunction function, int arguments, const int *sizes);
DRIVER_HIDDEN CUresult driver_kernel_launch(const driver_kernel *kernel, CUstream stream);

typedef struct driver_graph {
  CUgraph graph;
  CUgraphExec exec;
  CUgraphNode node[];
} driver_graph;

// Each kernel waits for the one before. On an error nothing is left behind.
DRIVER_HIDDEN CUresult driver_graph_new(driver_graph **graph, int kernels, driver_kernel *const *kernel);
DRIVER_HIDDEN CUresult driver_graph_set(driver_graph *graph, int node, const driver_kernel *kernel);
DRIVER_HIDDEN CUresult driver_graph_free(driver_graph *graph);
