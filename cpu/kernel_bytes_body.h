// Convolutions of bytes in vectors; see kernel_bytes.h. The including file sets LANES and, where the processor has them, ADAIN_VNNI for products of
// four bytes in one instruction.

typedef int32_t Sums __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

// Adds to each sum the products of four source bytes with four weights of its own.
inline Sums dot(Sums sum, int32_t four, const int8_t *weight) {
#if defined(ADAIN_VNNI) && ADAIN_VNNI == 512
  return (Sums)_mm512_dpbusd_epi32((__m512i)sum, _mm512_set1_epi32(four), _mm512_loadu_si512(weight));
#elif defined(ADAIN_VNNI)
  return (Sums)_mm256_dpbusd_avx_epi32((__m256i)sum, _mm256_set1_epi32(four), _mm256_loadu_si256((const __m256i *)weight));
#elif defined(__x86_64__) && defined(ADAIN_AVX512)
  const __m512i pairs = _mm512_maddubs_epi16(_mm512_set1_epi32(four), _mm512_loadu_si512(weight));
  return sum + (Sums)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
#elif defined(__x86_64__) && defined(ADAIN_AVX2)
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi32(four), _mm256_loadu_si256((const __m256i *)weight));
  return sum + (Sums)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#else
  uint8_t source[4];
  __builtin_memcpy(source, &four, 4);
  for (int i = 0; i < LANES; i++)
    for (int k = 0; k < 4; k++) sum[i] += source[k] * weight[4 * i + k];
  return sum;
#endif
}

// What becomes of the sums of some columns. It holds what it needs by value: bytes that are written might be a part of anything else.
class Columns {
 public:
  Columns(const ByteLayer &l, int column)
      : bias_(*(const V *)(l.bias + column)), scale_(*(const V *)(l.scale + column)), least_(V{} - (l.relu ? 0.f : __builtin_inff())), count_(l.outputs - column) {}

  void put(Sums sum, uint8_t *dst) const {
    if (count_ >= LANES) return UInt8::put<LANES>(value(sum), dst);
    uint8_t bytes[LANES];
    UInt8::put<LANES>(value(sum), bytes);
    for (int i = 0; i < count_; i++) dst[i] = bytes[i];
  }
  void put(Sums sum, float *dst) const {
    V v = value(sum);
    v = v > least_ ? v : least_;
    if (count_ >= LANES)
      *(V *)dst = v;
    else
      for (int i = 0; i < count_; i++) dst[i] = v[i];
  }

 private:
  typedef Vector<LANES>::V V;
  V value(Sums sum) const { return (__builtin_convertvector(sum, V) + bias_) * scale_; }
  const V bias_, scale_, least_;
  const int count_;
};

// pixels neighbouring results, vectors*LANES columns of each, all in registers while the source goes by.
template <int pixels, int vectors, class T>
inline void byte_block_of(const ByteLayer &l, const uint8_t *src, size_t pitch, int column, T *dst) {
  Sums sum[pixels][vectors] = {};
  const int row = l.kernel * l.inputs, columns = l.columns();
  const int8_t *weight = l.weight + 4 * column;
  for (int y = 0; y < l.kernel; y++)
    for (int k = 0; k < row; k += 4, weight += 4 * columns) {
      const uint8_t *from = src + y * pitch + k;
#pragma GCC unroll 24
      for (int p = 0; p < pixels; p++) {
        int32_t four;
        __builtin_memcpy(&four, from + size_t(p) * l.inputs, 4);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) sum[p][v] = dot(sum[p][v], four, weight + 4 * LANES * v);
      }
    }
#pragma GCC unroll 4
  for (int v = 0; v < vectors; v++) {
    const int first = column + v * LANES, outputs = l.outputs;
    if (first >= outputs) break;
    const Columns to(l, first);
#pragma GCC unroll 24
    for (int p = 0; p < pixels; p++) to.put(sum[p][v], dst + size_t(p) * outputs + first);
  }
}

template <int vectors, class T>
void byte_columns(const ByteLayer &l, const uint8_t *src, size_t pitch, int cols, int column, T *dst) {
  #if defined(ADAIN_VNNI)
  constexpr int pixels = (LANES == 16 ? 24 : 12) / vectors;
#else
  constexpr int pixels = (LANES == 16 ? 24 : 8) / vectors;  // two steps take registers between
#endif
  int x = 0;
  // The last block begins earlier and computes some results again.
  for (; cols >= pixels && x < cols; x += pixels) {
    if (x + pixels > cols) x = cols - pixels;
    byte_block_of<pixels, vectors>(l, src + size_t(x) * l.inputs, pitch, column, dst + size_t(x) * l.outputs);
  }
  for (; x < cols; x++) byte_block_of<1, vectors>(l, src + size_t(x) * l.inputs, pitch, column, dst + size_t(x) * l.outputs);
}

template <class T>
void byte_row(const ByteLayer &l, const uint8_t *src, size_t pitch, int cols, T *dst) {
  constexpr int most = 2;  // vectors of a block
  int column = 0;
  for (; l.columns() - column >= most * LANES; column += most * LANES) byte_columns<most>(l, src, pitch, cols, column, dst);
  if (column < l.columns()) byte_columns<1>(l, src, pitch, cols, column, dst);
}
