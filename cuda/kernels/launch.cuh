// How a kernel tells the host what it must know to launch it.
#pragma once

struct Launch {
  int tile_w, tile_h;  // pixels of a block's tile
  int tile_c;          // channels of a block's tile
  int threads;         // of a block
  int smem;            // bytes of dynamic shared memory
};

// Stands behind a kernel. On the device NAME_launch is a constant that the host reads from the loaded module; on the CPU the kernel
// enters the emulator's register.
#ifdef CUDA_EMU
#define DESCRIBE(name, ...) static const emu::Kernel name##_kernel(#name, name, Launch{__VA_ARGS__});
#else
#define DESCRIBE(name, ...) extern "C" __constant__ Launch name##_launch = {__VA_ARGS__};
#endif
