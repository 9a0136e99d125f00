// From partial sums of gradients to new parameters. A layer's parameters are float, weight [out][in][3][3] and bias [out] behind it, as in
// model.TrainingState; in and out are channels of the network, Cin and Cout those in memory, multiples of 16.
// Grid: one thread for each value that is written, rounded up to blocks of 256, unless a kernel says otherwise. Bound by memory.
#include "launch.cuh"
#include "training.cuh"

// partial of train_wgrad; gradient times these factors, which undo the step's scale.
extern "C" __global__ void __launch_bounds__(train_threads) train_reduce(const float *partial, float *gradient, float weight_factor,
                                                                         float bias_factor, int splits, int Cin, int Cout, int in, int out) {
  const int k = blockIdx.x * train_threads + threadIdx.x, weights = out * in * 9;
  if (k >= weights + out) return;
  float sum = 0;
  if (k < weights) {
    const int tap = k / (out * in), o = k / in % out, i = k % in;  // successive threads read successive values
    for (int s = 0; s < splits; s++) sum += partial[((size_t)(s * 9 + tap) * Cout + o) * Cin + i];
    gradient[(o * in + i) * 9 + tap] = sum * weight_factor;
  } else {
    for (int s = 0; s < splits; s++) sum += partial[(size_t)splits * 9 * Cout * Cin + s * Cout + k - weights];
    gradient[k] = sum * bias_factor;
  }
}
DESCRIBE(train_reduce, train_threads, 1, 1, train_threads, 0)

// conv1_1 with the 1x1 colour layer (weight [3][3], bias [3]) folded in, from its parameters.
extern "C" __global__ void __launch_bounds__(train_threads) train_fold_colour(const float *parameters, const float *colour, float *folded, int out) {
  const int k = blockIdx.x * train_threads + threadIdx.x;
  if (k >= out * 28) return;
  double sum = 0;
  if (k < out * 27) {
    const int o = k / 27, i = k / 9 % 3, tap = k % 9;
    for (int m = 0; m < 3; m++) sum += (double)parameters[(o * 3 + m) * 9 + tap] * colour[m * 3 + i];
  } else {
    const int o = k - out * 27;
    sum = parameters[k];
    for (int m = 0; m < 3; m++)
      for (int tap = 0; tap < 9; tap++) sum += (double)parameters[(o * 3 + m) * 9 + tap] * colour[9 + m];
  }
  folded[k] = (float)sum;
}
DESCRIBE(train_fold_colour, train_threads, 1, 1, train_threads, 0)

// The gradient of conv1_1's parameters from that of the folded ones, to which folding is linear.
extern "C" __global__ void __launch_bounds__(train_threads) train_unfold_colour(const float *folded, const float *colour, float *gradient, int out) {
  const int k = blockIdx.x * train_threads + threadIdx.x;
  if (k >= out * 28) return;
  if (k >= out * 27) {
    gradient[k] = folded[k];
    return;
  }
  const int o = k / 27, m = k / 9 % 3, tap = k % 9;
  double sum = (double)folded[out * 27 + o] * colour[9 + m];
  for (int i = 0; i < 3; i++) sum += (double)folded[(o * 3 + i) * 9 + tap] * colour[m * 3 + i];
  gradient[k] = (float)sum;
}
DESCRIBE(train_unfold_colour, train_threads, 1, 1, train_threads, 0)

// partial double [blocks]: sums of squares of 4096 values each.
extern "C" __global__ void __launch_bounds__(train_threads) train_norm(const float *gradient, double *partial, int count) {
  __shared__ double values[train_threads];
  double sum = 0;
  for (int k = threadIdx.x; k < 4096; k += train_threads) {
    const int at = blockIdx.x * 4096 + k;
    if (at < count) sum += (double)gradient[at] * gradient[at];
  }
  sum = train_sum(sum, values);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}
DESCRIBE(train_norm, 4096, 1, 1, train_threads, 0)

// Adam (Kingma & Ba 2015, algorithm 1) and the moving average, from the state `old` to the state `now`: parameters, first moments, second
// moments, averages, count values each. clip: factor of the gradients. Rates hold 1 / (1 - 0.9^t): one for values below `first`, one below
// `encoder`, one for the others. second: 1 / (1 - 0.999^t).
extern "C" __global__ void __launch_bounds__(train_threads)
    train_adam(const float *gradient, const float *old, float *now, float clip, float first_rate, float encoder_rate, float rate, float second,
               float average, int first, int encoder, int count) {
  const int k = blockIdx.x * train_threads + threadIdx.x;
  if (k >= count) return;
  const size_t n = count;
  const float g = gradient[k] * clip, r = k < first ? first_rate : k < encoder ? encoder_rate : rate;
  const float m = 0.9f * old[n + k] + 0.1f * g, v = 0.999f * old[2 * n + k] + 0.001f * g * g;
  const float p = old[k] - r * m / (sqrtf(v * second) + 1e-8f);
  now[k] = p;
  now[n + k] = m;
  now[2 * n + k] = v;
  now[3 * n + k] = average > 0 ? average * old[3 * n + k] + (1 - average) * p : p;
}
DESCRIBE(train_adam, train_threads, 1, 1, train_threads, 0)

// A layer as train_conv reads it: w [9][Cout][Cin], turned [8 - tap][Cin][Cout], bias float [Cout]; zeros where the network has no channel.
// factor: of weights. Grid: 9 * Cout * Cin threads
extern "C" __global__ void __launch_bounds__(train_threads)
    train_pack(const float *parameters, __half *w, __half *turned, float *bias, float factor, int in, int out, int Cin, int Cout) {
  const int k = blockIdx.x * train_threads + threadIdx.x;
  if (k >= 9 * Cout * Cin) return;
  const int tap = k / (Cout * Cin), o = k / Cin % Cout, i = k % Cin;
  const __half v = __float2half_rn(o < out && i < in ? parameters[(o * in + i) * 9 + tap] * factor : 0.0f);
  w[k] = v;
  turned[((size_t)(8 - tap) * Cin + i) * Cout + o] = v;
  if (k < Cout) bias[k] = k < out ? parameters[out * in * 9 + k] : 0.0f;
}
DESCRIBE(train_pack, train_threads, 1, 1, train_threads, 0)
