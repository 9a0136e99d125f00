// A picture as kernels get it: by channels, whatever its format.
#pragma once

// R, G and B, or Y, Cb and Cr. The samples of a row lie in words that are `step` bytes apart, `shift` bits up.
struct Channel {
  unsigned char *first;  // the word of the first sample
  long long stride;  // bytes from row to row, of any value: rows begin anywhere
  int step, shift;
};

// Where the samples lie and what they mean; passed by value. With s the samples of a pixel, R'G'B' is to_rgb * s, each row ending with what
// is added, and s is from_rgb * R'G'B'. R'G'B' lies in [0,1]. A chroma sample of 2x1 or 2x2 pixels lies in their middle or, cosited, on their
// left or top; where the rows of two fields alternate, those of chroma do too. The filters are those of model/ref/chroma.go.
struct Frame {
  Channel channel[3];
  int width, height;
  int word;  // bytes: 1 or 2, with a sample each; or 4, with those of a pixel (all channels have the address of the first), and `rest`
  int aligned;  // words lie at multiples of their size
  int depth, most;  // bits of a sample, and the largest
  unsigned rest;  // bits of a word of 4 that are copied from frame to result: alpha or padding; words of 1 and 2 have none
  int yuv, half_x, half_y;  // whether chroma has a sample for two columns, and for two rows
  int cosited_x, cosited_y, interlaced;
  float to_rgb[3][4], from_rgb[3][4];
  float kr, kg, kb;  // of luminance
};
static_assert(sizeof(Frame) == 232, "the host fills this struct");

__device__ __forceinline__ unsigned char *frame_at(const Channel &c, int y, int x) {
  return c.first + y * c.stride + (long long)x * c.step;
}

// Calls f with a value of the type that a word of the frame has, which f takes as `auto`.
template <class F> __device__ __forceinline__ void frame_with_word(const Frame &frame, F f) {
  if (frame.word == 1)
    f((unsigned char)0);
  else if (frame.word == 2)
    f((unsigned short)0);
  else
    f(0u);
}

template <class Word> __device__ __forceinline__ unsigned frame_word(const Frame &f, const unsigned char *p) {
  if constexpr (sizeof(Word) > 1) {
    if (!f.aligned) {
      unsigned v = 0;
#pragma unroll
      for (int i = 0; i < (int)sizeof(Word); i++) v |= (unsigned)p[i] << (8 * i);
      return v;
    }
  }
  return *(const Word *)p;
}

template <class Word> __device__ __forceinline__ void frame_put_word(const Frame &f, unsigned char *p, unsigned v) {
  if constexpr (sizeof(Word) > 1) {
    if (!f.aligned) {
#pragma unroll
      for (int i = 0; i < (int)sizeof(Word); i++) p[i] = (unsigned char)(v >> (8 * i));
      return;
    }
  }
  *(Word *)p = (Word)v;
}

// A sample of one channel, on its own grid. Word is unsigned char, unsigned short or unsigned, as the frame says.
template <class Word> __device__ __forceinline__ int frame_sample(const Frame &f, const Channel &c, int y, int x) {
  const unsigned v = frame_word<Word>(f, frame_at(c, y, x));
  return sizeof(Word) == 1 ? v : v >> c.shift & f.most;
}

// The other bits of the word become 0: not for words of 4.
template <class Word> __device__ __forceinline__ void frame_put_sample(const Frame &f, const Channel &c, int y, int x, int v) {
  frame_put_word<Word>(f, frame_at(c, y, x), sizeof(Word) == 1 ? v : (unsigned)v << c.shift);
}
