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
#ifndef BUG_NO_EMPTY
        mbar_wait(sm.box_empty(box.slot), box.parity ^ 1);
#endif
        mbar_expect_tx(sm.box_full(box.slot), S::box_bytes);
        tma_load_4d(sm.box(box.slot), p.x, sm.box_full(box.slot), k, t.x + dx + (t.phase & 1), t.y + (t.phase >> 1), 0);
        box.next();
        if (S::resident && i != (int)blockIdx.x) continue;
        for (int dy = 0; dy < S::side; dy++) {
          const int tap = (t.phase * S::side + dy) * S::side + dx;
          if (!S::resident) mbar_wait(sm.weight_empty(weight.slot), weight.parity ^ 1);
          mbar_expect_tx(sm.weight_full(weight.slot), S::weight_bytes);
          tma_load_4d(sm.weight(weight.slot), p.w, sm.weight_full(weight.slot), k, tap * p.Cout + t.channel, 0, 0);
          weight.next();
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

  // Without its turn a warpgroup may look at a "full" barrier two phases early and take old data: parity cannot tell these apart.
  __device__ __forceinline__ void wait_turn() {
#ifndef BUG_NO_ORDER
    mbar_wait(sm.turn(group), turn);
#endif
    turn ^= 1;
  }

  __device__ __forceinline__ void release(int box_slot, int weight_slot) const {
    if (lane != 0) return;
    if (!S::resident && weight_slot >= 0) mbar_arrive(sm.weight_empty(weight_slot));
    if (box_slot >= 0) mbar_arrive(sm.box_empty(box_slot));
  }

  // d = the sums of a tile.
  __device__ __forceinline__ void multiply(float (&d)[S::sums]) {
    // Zeroed, and never scale-d = 0: see wgmma.cuh.
#pragma unroll
    for (int i = 0; i < S::sums; i++) d[i] = 0.0f;
    int box_done = -1, weight_done = -1;  // read by the newest group of wgmma
    for (int k = 0; k < p.Cin; k += 64)
      for (int dx = 0; dx < S::side; dx++) {
        mbar_wait(sm.box_full(box.slot), box.parity);
#pragma unroll
        for (int dy = 0; dy < S::side; dy++) {
          mbar_wait(sm.weight_full(weight.slot), S::resident ? 0 : weight.parity);
          tap(d, smem_u32(sm.weight(weight.slot)) + (S::alternate ? 0 : group * 64 * 128), smem_u32(sm.box(box.slot)) + dy * S::row_bytes);
          // The group before this one is complete: what it read may be overwritten.
#ifdef BUG_EARLY_FREE
          wgmma_wait<2>();
#else
          wgmma_wait<1>();
#endif
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

  // Adds one tap: 64 channels of input, 16 at a time.
  __device__ __forceinline__ void tap(float (&d)[S::sums], uint32_t weights, uint32_t pixels) const {
    acc_fence(d);
    wgmma_fence();
#pragma unroll
    for (int k = 0; k < 4; k++) wgmma(d, operand(weights + k * 32, 1024), operand(pixels + k * 32, 1024));
    wgmma_commit();
    acc_fence(d);
  }

  __device__ __forceinline__ void finish(float (&d)[S::sums], const Tile &t) const {
    const int channel = t.channel + (S::alternate ? 0 : group * 64), own = channel + (threadIdx.x >> 5 & 3) * 16 + (lane >> 2);
    const float bias[2] = {p.bias[own], p.bias[own + 8]};
    if (S::pool) mask<S>(d, t, p.H, p.W);
    const Output out{p.y, S::pool ? (p.H + 1) / 2 : S::up ? 2 * p.H : p.H, S::pool ? (p.W + 1) / 2 : S::up ? 2 * p.W : p.W, p.Cout, p.replicate};
    store<S>(d, sm.staging(group), out, t, channel, bias);
  }
};

// Two warpgroups.
template <class S> __device__ __forceinline__ void consume(const Shared<S> &sm, const Tiles<S> &tiles, const Problem &p) {
  Consumer<S> c(sm, p);
  float d[S::sums];
  int owner = 0;
  for (int i = blockIdx.x; i < tiles.count; i += gridDim.x, owner ^= 1) {
    if (S::alternate && owner != c.group) {
      c.skip();
      continue;
    }
    if (S::alternate || i == (int)blockIdx.x) c.wait_turn();
    c.multiply(d);
    c.finish(d, tiles[i]);
  }
}

// Registers are handed out per quarter of an SM, so the producer's warpgroup is a whole one: with one warp of it ptxas has no more per
// thread (168) and spilled. Of 3 * 168 the producer gives 128 to the consumers; 24 were not enough for it.
template <class S> __device__ __forceinline__ void conv90(const Problem &p) {
  DYN_SMEM_SWIZZLED(base);
  require_swizzle_base(base);
  const Shared<S> sm{base};
  const Tiles<S> tiles(p.H, p.W, p.Cout);
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
