// All kernels and their tables, for the namespace and the instruction set of the including file, which sets LANES.

#include "kernel_network_body.h"
#include "kernel_winograd_body.h"
#include "kernel_bytes_body.h"
#include "kernel_network_table.h"
#include "kernel_gradients_body.h"
#include "kernel_samples_body.h"
#include "kernel_lookup_body.h"
#include "kernel_motion_body.h"

extern const Kernels kFloat = table<Float>;
extern const Kernels kHalf = table<BFloat16, nullptr>, kByte = table<UInt8, nullptr>;
extern const SampleKernels<uint8_t> kSamples = samples_table<uint8_t>;
extern const SampleKernels<uint16_t> kDeepSamples = samples_table<uint16_t>;
extern const RowKernels kRows = rows_table;
extern const LookupKernels kLookup = {look_up_curves, look_up_cube};
extern const MotionKernels kMotion = motion_table;
extern const FollowKernels<uint8_t> kFollow = follow_table<uint8_t>;
extern const FollowKernels<uint16_t> kDeepFollow = follow_table<uint16_t>;
