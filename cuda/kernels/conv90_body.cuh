// The two roles of conv90.cu: the producer, which copies boxes and weights into the rings, and the consumers, which multiply.
#pragma once
#include "conv90_store.cuh"

struct Problem {
  const TMap *x, *w;
  const float *bias;
  __half *y;
  int H, W, Cin, Cout;
  bool replicate;
};

template <class S>
__device__ __forceinline__ void load_weights(const Shared<S> &sm, const Problem &p, int slot, int k, int tap, int channel) {
  mbar_expect_tx(sm.weight_full(slot), S::weight_bytes);
  tma_load_4d(sm.weight(slot), p.w, sm.weight_full(slot), k, tap * p.Cout + channel, 0, 0);
}

// One thread.
template <class S> __device__ __forceinline__ void produce(const Shared<S> &sm, const Tiles<S> &tiles, const Problem &p) {
  tma_prefetch(p.x);
  tma_prefetch(p.w);
  Ring<S::boxes> box;
  Ring<S::weights> weight;
  for (int i = blockIdx.x; i < tiles.count; i += gridDim.x) {
    const Tile t = tiles[i];
    for (int k = 0; k < p.Cin; k += 64)
      for (int dx = 0; dx < S::side; dx++) {
        mbar_wait(sm.box_empty(box.slot), box.parity ^ 1);
        mbar_expect_tx(sm.box_full(box.slot), S::box_bytes);
        tma_load_4d(sm.box(box.slot), p.x, sm.box_full(box.slot), k, t.x + dx + (t.phase & 1), t.y + (t.phase >> 1), 0);
        box.next();
        if (S::resident && i != (int)blockIdx.x) continue;
        if constexpr (S::all_phases) {
          for (int tap = 0; tap < S::weights && dx == 0; tap++) load_weights<S>(sm, p, tap, k, tap, t.channel);
        } else {
          for (int dy = 0; dy < S::side; dy++, weight.next()) {
            if (!S::resident) mbar_wait(sm.weight_empty(weight.slot), weight.parity ^ 1);
            load_weights<S>(sm, p, weight.slot, k, (t.phase * S::side + dy) * S::side + dx, t.channel);
          }
        }
      }
  }
}

template <class S> struct Consumer {
  const Shared<S> &sm;
  const Problem &p;
  const int group, lane;  // which warpgroup this is
  Ring<S::boxes> box;
  Ring<S::weights> weight;
  int turn;    // parity of the phase of sm.turn(group) that ends when the other warpgroup lets this one multiply
  bool ahead;  // this warpgroup has yet to let the other one start

  __device__ __forceinline__ Consumer(const Shared<S> &sm, const Problem &p)
      : sm(sm), p(p), group(threadIdx.x >> 7), lane(threadIdx.x & 31), turn(group ^ 1), ahead(!S::alternate && group == 0) {}

  __device__ __forceinline__ void skip() {
    box.skip(p.Cin / 64 * S::side);
    weight.skip(p.Cin / 64 * S::side * S::side);
  }

  // Without its turn a warpgroup may look at a "full" barrier two phases early and take old data: parity cannot tell.
  __device__ __forceinline__ void wait_turn() {
    mbar_wait(sm.turn(group), turn);
    turn ^= 1;
  }

  __device__ __forceinline__ void release(int box_slot, int weight_slot) const {
    if (lane != 0) return;
    if (!S::resident && weight_slot >= 0) mbar_arrive(sm.weight_empty(weight_slot));
    if (box_slot >= 0) mbar_arrive(sm.box_empty(box_slot));
  }

  // Accumulators are zeroed, and scale-d is never 0: see wgmma.cuh.
  static __device__ __forceinline__ void clear(float (&d)[S::sums]) {
#pragma unroll
    for (int i = 0; i < S::sums; i++) d[i] = 0.0f;
  }

  // d = the sums of a tile.
  __device__ __forceinline__ void multiply(float (&d)[S::sums]) {
    clear(d);
    int box_done = -1, weight_done = -1;  // read by the newest group of wgmma
    for (int k = 0; k < p.Cin; k += 64)
      for (int dx = 0; dx < S::side; dx++) {
        mbar_wait(sm.box_full(box.slot), box.parity);
#pragma unroll
        for (int dy = 0; dy < S::side; dy++) {
          mbar_wait(sm.weight_full(weight.slot), S::resident ? 0 : weight.parity);
          const int half = S::channels == 64 ? 0 : group;
          acc_fence(d);
          wgmma_fence();
          add(d, smem_u32(sm.weight(weight.slot)) + half * 64 * 128, smem_u32(sm.box(box.slot)) + dy * S::row_bytes);
          wgmma_commit();
          acc_fence(d);
          // The group before this one is complete: what it read may be overwritten.
          wgmma_wait<1>();
          release(box_done, weight_done);
          if (dy == S::lead - 1 && ahead) {
            if (lane == 0) mbar_arrive(sm.turn(1));
            ahead = false;
          }
          weight_done = weight.slot;
          box_done = dy == S::side - 1 ? box.slot : -1;
          weight.next();
        }
        box.next();
      }
    // Every "full" barrier of this tile has been passed; the other's wgmma may queue behind these.
    if (S::alternate && lane == 0) mbar_arrive(sm.turn(group ^ 1));
    wgmma_wait<0>();
    acc_fence(d);
    release(box_done, weight_done);
  }

  // d[py] = the sums of the tile's output rows of parity py, of its columns of parity `group`. 64 input channels.
  __device__ __forceinline__ void multiply_phases(float (&d)[2][S::sums]) {
    clear(d[0]);
    clear(d[1]);
    int box_done = -1;
    for (int dx = 0; dx < S::side; dx++, box.next()) {
      mbar_wait(sm.box_full(box.slot), box.parity);
      const int b = dx - group;  // the pixel's column among the two that these output columns read
      if (b < 0 || b > 1) {
        __syncwarp();  // lane 0 must not release it while another one has yet to see that it is full
        release(box.slot, -1);
        continue;
      }
      auto slot = [&](int py, int a) { return (2 * py + group) * 4 + 2 * a + b; };
      for (int i = 0; i < 4; i++) mbar_wait(sm.weight_full(slot(i >> 1, i & 1)), 0);
      acc_fence(d[0]);
      acc_fence(d[1]);
      wgmma_fence();
#pragma unroll
      for (int py = 0; py < 2; py++)
#pragma unroll
        for (int a = 0; a < 2; a++)
          add(d[py], smem_u32(sm.weight(slot(py, a))), smem_u32(sm.box(box.slot)) + (py + a) * S::row_bytes);
      wgmma_commit();
      acc_fence(d[0]);
      acc_fence(d[1]);
      wgmma_wait<1>();
      release(box_done, -1);
      box_done = box.slot;
    }
    wgmma_wait<0>();
    acc_fence(d[0]);
    acc_fence(d[1]);
    release(box_done, -1);
  }

  // Adds a product with 64 channels of input, 16 at a time.
  static __device__ __forceinline__ void add(float (&d)[S::sums], uint32_t weights, uint32_t pixels) {
#pragma unroll
    for (int k = 0; k < 4; k++) wgmma(d, operand(weights + k * 32, 1024), operand(pixels + k * 32, 1024));
  }

  __device__ __forceinline__ void finish(float (&d)[S::sums], const Tile &t) const {
    const int channel = t.channel + (S::channels == 64 ? 0 : group * 64);
    const int own = channel + (threadIdx.x >> 5 & 3) * 16 + (lane >> 2);
    const float bias[2] = {p.bias[own], p.bias[own + 8]};
    if (S::pool) mask<S>(d, t, p.H, p.W);
    const int H = S::pool ? (p.H + 1) / 2 : S::up ? 2 * p.H : p.H, W = S::pool ? (p.W + 1) / 2 : S::up ? 2 * p.W : p.W;
    const HaloPlane out{p.y, H, W, p.Cout, p.replicate};
    store<S>(d, sm.staging(group), out, t, channel, bias);
  }
};

// Two warpgroups.
template <class S> __device__ __forceinline__ void consume(const Shared<S> &sm, const Tiles<S> &tiles, const Problem &p) {
  Consumer<S> c(sm, p);
  float d[S::all_phases ? 2 : 1][S::sums];
  int owner = 0;
  for (int i = blockIdx.x; i < tiles.count; i += gridDim.x, owner ^= 1) {
    Tile t = tiles[i];
    if constexpr (S::all_phases) {
      c.multiply_phases(d);
#pragma unroll
      for (int py = 0; py < 2; py++) {
        t.phase = 2 * py + c.group;
        c.finish(d[py], t);
      }
    } else {
      if (S::alternate && owner != c.group) {
        c.skip();
        continue;
      }
      if (S::alternate || i == (int)blockIdx.x) c.wait_turn();
      c.multiply(d[0]);
      c.finish(d[0], t);
    }
  }
}

// Registers are handed out per quarter of an SM, so the producer's warpgroup is a whole one: with one warp of it ptxas has no
// more per thread (168) and spilled. Of the 3 * 168 it keeps 40, with 24 it spilled.
template <class S> __device__ __forceinline__ void conv90(const Problem &p) {
  DYN_SMEM_SWIZZLED(base);
  require_swizzle_base(base);
  const Shared<S> sm{base};
  const Tiles<S> tiles(p.H, p.W, p.Cout);
  if (S::resident && gridDim.x % tiles.per_place) __trap();  // its weights would be those of other channels
  if (threadIdx.x == 0) sm.init_barriers();
  __syncthreads();
  if (threadIdx.x >= 256) {
    reg_dec<40>();
    if (threadIdx.x == 256) produce<S>(sm, tiles, p);
  } else {
    reg_inc<232>();
    consume<S>(sm, tiles, p);
  }
}
