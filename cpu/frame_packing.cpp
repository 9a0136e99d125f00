#include "frame_packing.h"

#include <algorithm>
#include <cstring>

namespace adain {

namespace {

constexpr int kRows = 4;  // of a group: any format's rows of chroma belong to one

int groups(int rows) { return (rows + kRows - 1) / kRows; }

// Whether a channel's samples lie in a frame as they do in a plane of their own. What is read must also use all bits of its words.
bool plain(const Frame &frame, int c, bool all_bits) {
  const adain_cpu_channel &k = frame.form.channel[c];
  const int bytes = sample_bytes(frame.form);
  return k.count == 1 && k.word == bytes && k.step == bytes && k.offset[0] == 0 && k.shift[0] == 0 && (!all_bits || k.depth == 8 * bytes) &&
         (reinterpret_cast<uintptr_t>(frame.plane[k.plane]) | size_t(frame.form.stride[k.plane])) % bytes == 0;
}

// The channels of a frame, some of them in a buffer, which is made if there is need of one.
Picture channels(const Frame &frame, bool all_bits, std::unique_ptr<FrameBuffer> &buffer, bool &needed) {
  Picture p{frame.form, {}, {}};
  needed = false;
  for (int c = 0; c < frame.form.channels; c++) needed |= !plain(frame, c, all_bits);
  if (needed && (!buffer || !same_shape(buffer->form, frame.form))) {
    buffer.reset();  // before the new one takes its memory
    buffer = std::make_unique<FrameBuffer>(frame.form, frame.form.width, frame.form.height);
  }
  for (int c = 0; c < frame.form.channels; c++) {
    const int i = frame.form.channel[c].plane;
    if (plain(frame, c, all_bits)) {
      p.channel[c] = frame.plane[i];
      p.pitch[c] = frame.form.stride[i];
    } else {
      const Picture own = buffer->picture();
      p.channel[c] = own.channel[c];
      p.pitch[c] = own.pitch[c];
    }
  }
  return p;
}

// The rows of a channel that belong to the group from y on.
struct Range {
  int begin, end;
};
Range range(const adain_cpu_image &form, int c, int y) {
  const int sub = c < 3 ? sub_y(form, c) : 0;
  const int high = c < 3 ? rows(form, c) : form.height;
  return {y >> sub, std::min(high, (y + kRows) >> sub)};
}

}  // namespace

Picture Unpack::next(const Frame &frame) {
  frame_ = frame;
  picture_ = channels(frame, true, buffer_, needed_);
  down_ = Division(groups(frame.form.height), groups(frame.form.height) / 4);
  return picture_;
}

void Unpack::run(int chunk, int) {
  for (int g = down_.begin(chunk), end = g + down_.size(chunk); g < end; g++)
    for (int c = 0; c < picture_.form.channels; c++) {
      if (plain(frame_, c, true)) continue;
      const Range r = range(picture_.form, c, kRows * g);
      const adain_cpu_channel &k = picture_.form.channel[c];
      with_samples(picture_.form, [&](auto sample) {
        using Sample = decltype(sample);
        for (int y = r.begin; y < r.end; y++) sample_kernels<Sample>().unpack(frame_.row(k.plane, y), k, cols(picture_.form, c), picture_.row<Sample>(c, y));
      });
    }
}

Picture Pack::next(const Frame &frame, const Frame &content) {
  frame_ = frame;
  content_ = content;
  picture_ = channels(frame, false, buffer_, needed_);
  needed_ |= frame.form.channel[3].count > 0;
  down_ = Division(groups(frame.form.height), groups(frame.form.height) / 4);
  return picture_;
}

void Pack::run(int chunk, int) {
  const adain_cpu_image &form = frame_.form;
  for (int g = down_.begin(chunk), end = g + down_.size(chunk); g < end; g++)
    for (int i = 0; i < form.planes; i++) {
      int c = 0;
      while (c < 3 && (c >= form.channels || form.channel[c].plane != i)) c++;
      const Range r = range(form, c, kRows * g);
      for (int y = r.begin; y < r.end; y++) row(i, y);
    }
}

// Row y of a plane.
void Pack::row(int plane, int y) const {
  const adain_cpu_image &form = frame_.form;
  uint8_t *to = frame_.row(plane, y);
  size_t used = 0, bytes = 0;  // of the row: by samples, and up to the last of them
  for (int c = 0; c < 4; c++) {
    const adain_cpu_channel &k = form.channel[c];
    if (k.count == 0 || k.plane != plane || (c < 3 && c >= form.channels)) continue;
    const int n = c < 3 ? cols(form, c) : form.width;
    used += k.word < 4 ? size_t(n) * k.word : 0;
    for (int j = 0; j < std::min(k.count, n); j++)
      bytes = std::max(bytes, size_t((n - 1 - j) / k.count) * k.step + k.offset[j] + k.word);
  }
  if (used < bytes) std::memset(to, 0, bytes);
  for (int c = 0; c < form.channels; c++) {
    if (form.channel[c].plane != plane || plain(frame_, c, false)) continue;
    with_samples(form, [&](auto sample) {
      using Sample = decltype(sample);
      sample_kernels<Sample>().pack(picture_.row<Sample>(c, y), form.channel[c], cols(form, c), to);
    });
  }
  if (form.channel[3].count > 0 && form.channel[3].plane == plane)
    sample_kernels<uint8_t>().copy(content_.row(plane, y), form.channel[3], form.width, to);
}

GatherChroma::GatherChroma(const adain_cpu_image &form)
    : form_(form), memory_(allocate(4 * size_t(form.width) * form.height)), down_(groups(form.height), groups(form.height) / 4) {}

void GatherChroma::next(Canvas &canvas, const Picture &content) {
  canvas.chroma[0] = reinterpret_cast<uint16_t *>(memory_.get());
  canvas.chroma[1] = canvas.chroma[0] + size_t(form_.width) * form_.height;
  picture_ = canvas.picture;
  content_ = content;
  preserve_ = canvas.preserve_color;
}

void GatherChroma::run(int chunk, int) {
  for (int g = down_.begin(chunk), end = g + down_.size(chunk); g < end; g++)
    for (int c = 1; c < 3; c++) {
      const Range r = range(picture_.form, c, kRows * g);
      for (int y = r.begin; y < r.end; y++) {
        if (preserve_)
          std::memcpy(picture_.bytes(c, y), content_.bytes(c, y), picture_.row_bytes(c));
        else
          row(c, y);
      }
    }
}

void GatherChroma::row(int c, int y) const {
  const adain_cpu_image &form = picture_.form;
  const int n = form.width, m = cols(form, 1), all = 1 << form.sub_x;
  const uint16_t *from = reinterpret_cast<const uint16_t *>(memory_.get()) + (c - 1) * size_t(n) * form.height;
  float *line = scratch_floats(Scratch::channels, size_t(n) + 16 + m) + 8, *out = line + n + 8;
  const RowKernels &k = row_kernels();
  auto take = [&](int at, float share, int add) { k.scaled(from + size_t(at) * n, share / float(1 << (16 - form.depth)), add, n, line); };
  if (form.sub_y == 0 || (form.cosited_y && !form.interlaced)) {
    take(y << form.sub_y, 1, 0);
  } else if (form.interlaced) {
    const int field = y & 1, at = (y & ~1) * 2 + field, below = at + 2 < form.height ? at + 2 : at;
    take(at, field ? .25f : .75f, 0);
    take(below, field ? .75f : .25f, 1);
  } else {
    take(2 * y, .5f, 0);
    take(std::min(2 * y + 1, form.height - 1), .5f, 1);
  }
  for (int i = 1; i < 4; i++) line[-i] = line[0], line[n + i - 1] = line[n - 1];
  // Weights of the pixels from three before to three behind a sample's first; the last sample has others, as in model/ref/chroma.go.
  float w[7] = {0, 0, 0, 1, 0, 0, 0}, end[7] = {0, 0, 0, 1, 0, 0, 0};
  auto set = [](float (&to)[7], std::initializer_list<float> v) { std::copy(v.begin(), v.end(), to); };
  if (all == 2 && form.cosited_x) set(w, {0, 0, .25f, .5f, .25f, 0, 0}), set(end, {0, 0, .25f, .75f, 0, 0, 0});
  if (all == 2 && !form.cosited_x) set(w, {0, 0, 0, .5f, .5f, 0, 0}), set(end, {0, 0, 0, .5f, .5f, 0, 0});
  if (all == 4 && n >= 4) {
    if (form.cosited_x)
      set(w, {.0625f, .125f, .1875f, .25f, .1875f, .125f, .0625f}), set(end, {.0625f, .125f, .1875f, .625f, 0, 0, 0});
    else
      set(w, {0, 0, 0, .125f, .375f, .375f, .125f});
  }
  if (m == 1 && form.cosited_x) std::copy_n(w, 7, end);
  k.gather_chroma(line, w, form.sub_x, m - 1, out);
  k.gather_chroma(line + (size_t(m - 1) << form.sub_x), end, form.sub_x, 1, out + m - 1);
  with_samples(form, [&](auto sample) {
    using Sample = decltype(sample);
    sample_kernels<Sample>().round(out, form.max, m, picture_.row<Sample>(c, y));
  });
}

}  // namespace adain
