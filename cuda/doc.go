// Package cuda is the engine for NVIDIA GPUs of compute capability 8.0 and later: kernels of our own, in float16 with sums in
// float32, from the memory of the frame that comes in to the memory of the frame that goes out. README.md in this folder follows a
// frame through it; kernels holds the kernels, driver makes the driver's library optional, emu runs all of it without a GPU.
package cuda
