// The instructions that the runtime defines, as the kernels see them.
#pragma once

#include "../../kernels/hopper.cuh"
#include "../../kernels/transposed.cuh"
