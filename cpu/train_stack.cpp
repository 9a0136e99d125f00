#include "train_stack.h"

#include <algorithm>
#include <cstring>

#include "kernel_network.h"

namespace adain {

TrainedLayer::TrainedLayer(const adain_cpu_layer &s, const float *values, Factors factors, bool frozen)
    : shape(s),
      frozen(frozen),
      forward(s, values, factors),
      backward({s.out, s.in, s.kernel, 0, 0, 0, 0, 0, 0}, std::vector<float>(size_t(s.out) * s.in * s.kernel * s.kernel + s.in).data(), factors) {
  if (!frozen) {
    weight_gradient.resize(forward.weight.size());
    bias_gradient.resize(forward.bias.size());
  }
  flip();
}

void TrainedLayer::flip() {
  const int taps = shape.kernel * shape.kernel;
  for (int o = 0; o < shape.out; o++)
    for (int i = 0; i < shape.in; i++)
      for (int t = 0; t < taps; t++)
        backward.weight[(size_t(i) * shape.out + o) * taps + taps - 1 - t] = forward.weight[(size_t(o) * shape.in + i) * taps + t];
}

void TrainedLayer::refresh(int piece) {
  if (const int own = forward.refresh_pieces(); piece < own)
    forward.refresh(piece);
  else
    backward.refresh(piece - own);
}

TileProduct &TrainedLayer::product(size_t tiles, bool add, int threads) {
  for (const auto &p : products_)
    if (p->fits(tiles, add)) return *p;
  products_.push_back(std::make_unique<TileProduct>(shape.in, shape.out, tiles, add, threads));
  return *products_.back();
}

Stack::Stack(std::vector<TrainedLayer *> layers, int count, int rows, int cols, Workspaces &workspaces, int threads, int batch)
    : group_(std::max(1, batch / threads)), workspaces_(workspaces) {
  auto allocate_maps = [&](int rows, int cols, int channels, int border) {
    Maps m{nullptr, count, rows, cols, channels, border};
    memory_.push_back(allocate(4 * m.floats()));
    m.data = reinterpret_cast<float *>(memory_.back().get());
    return m;
  };
  for (TrainedLayer *t : layers) {
    const adain_cpu_layer &s = t->shape;
    const int per = s.pool ? 2 : 1;
    // A batch has maps for all threads: a chunk need only fit the cache.
    layers_.push_back({t, allocate_maps(rows, cols, s.in, 1), {}, Chunks(t->forward, rows / per, cols, per, threads, 1, group_),
                       Chunks(t->backward, rows + 2, cols + 2, 1, threads, 1, group_)});
    layers_.back().x.repeat = s.repeat;
    if (s.pool || s.upsample == ADAIN_BILINEAR) layers_.back().relu = allocate_maps(rows, cols, s.out, 0);
    if (s.pool) rows /= 2, cols /= 2;
    if (s.upsample) rows *= 2, cols *= 2;
  }
  output_ = allocate_maps(rows, cols, layers.back()->shape.out, 0);
}

void Stack::forward(Threads &threads, int count, bool back) {
  const int groups = (count + group_ - 1) / group_;
  if (groups % threads.size() == 0) {
    // Every thread takes whole maps, so that a layer's result is still in the cache for the next.
    each(threads, groups, [&](int i, int thread) {
      const int first = i * group_, last = std::min(count, first + group_);
      for (size_t from = 0, to; from < layers_.size(); from = to) {
        to = from + 1;
        if (layers_[from].forward.whole()) {
          forward(layers_[from], first, last, 0, thread, back);
          for (int n = first; n < last; n++) stretch(layers_[from], n);
          continue;
        }
        while (to < layers_.size() && !layers_[to].forward.whole()) to++;
        for (int n = first; n < last; n++)
          for (size_t k = from; k < to; k++) {
            for (int chunk = 0; chunk < layers_[k].forward.count(); chunk++) forward(layers_[k], n, n + 1, chunk, thread, back);
            stretch(layers_[k], n);
          }
      }
    });
    return;
  }
  for (const Layer &l : layers_) {
    const int chunks = l.forward.count(), maps = l.forward.whole() ? group_ : 1;
    each(threads, (count + maps - 1) / maps * chunks, [&](int i, int thread) {
      const int n = i / chunks * maps;
      forward(l, n, std::min(count, n + maps), i % chunks, thread, back);
    });
    // Rows of a chunk's neighbours go into its edge's, so all must be there.
    if (l.bilinear()) each(threads, count, [&](int n, int) { stretch(l, n); });
  }
}

// One chunk of maps first to last-1 of a layer; of several where it is a whole map.
void Stack::forward(const Layer &layer, int first, int last, int chunk, int thread, bool back) const {
  const Chunks &chunks = layer.forward;
  const int per = layer.trained->shape.pool ? 2 : 1, y = per * chunks.begin(chunk);
  // What a pooling reads is kept for the way back, and what a bilinear upsampling reads until all of it is there.
  const bool kept = layer.bilinear() || (layer.relu.data && back);
  const size_t step = kept ? layer.relu.one() : chunks.result_floats();
  float *result = kept ? layer.relu.at(first, y, 0) : scratch_floats(Scratch::result, (last - first) * step);
  const float *from = layer.x.at(first, y - 1, -1);
  if (chunks.whole())
    chunks.run(thread, from, layer.x.one(), last - first, result, step);
  else
    chunks.run(chunk, thread, from, result);
  for (int n = first; n < last; n++) finish(layer, n, y, per * chunks.size(chunk), result + (n - first) * step);
}

// Bilinear upsampling of map n where the layer has one: two rows of the next layer's input from each row.
void Stack::stretch(const Layer &layer, int n) const {
  if (!layer.bilinear()) return;
  const Maps &relu = layer.relu, &to = after(layer);
  for (int i = 0; i < 2 * relu.rows; i++) {
    const int y = i / 2, beside = std::clamp(y + 2 * (i % 2) - 1, 0, relu.rows - 1);
    gradients().stretch(relu.at(n, y, 0), relu.at(n, beside, 0), relu.cols, relu.channels, to.at(n, i, 0));
    to.finish_row(n, i);
  }
}

// Rows y to y+rows-1 of a convolution's result, after ReLU, become the next layer's input.
void Stack::finish(const Layer &layer, int n, int y, int rows, const float *result) const {
  const Maps &to = after(layer);
  const adain_cpu_layer &s = layer.trained->shape;
  const size_t row = layer.x.cols * size_t(s.out);
  auto done = [&](int y) {
    if (to.border) to.finish_row(n, y);
  };
  for (int i = 0; i < rows; i++, result += row) {
    if (s.pool) {
      if (i % 2 == 0) continue;
      kernels(false).pool(result - row, result, layer.x.cols, s.out, to.at(n, (y + i) / 2, 0));
      done((y + i) / 2);
    } else if (layer.bilinear()) {
      return;  // stretch reads the rows where they are
    } else if (s.upsample) {
      float *p = to.at(n, 2 * (y + i), 0);
      for (int x = 0; x < layer.x.cols; x++, p += 2 * s.out) {
        std::memcpy(p, result + size_t(x) * s.out, 4 * s.out);
        std::memcpy(p + s.out, result + size_t(x) * s.out, 4 * s.out);
      }
      std::memcpy(to.at(n, 2 * (y + i) + 1, 0), to.at(n, 2 * (y + i), 0), 8 * row);
      done(2 * (y + i));
      done(2 * (y + i) + 1);
    } else {
      std::memcpy(to.at(n, y + i, 0), result, 4 * row);
      done(y + i);
    }
  }
}

Maps Stack::seed(int count) {
  const Layer &last = layers_.back();
  return workspaces_.gradients[(layers_.size() - 1) % 2].maps(count, last.x.rows, last.x.cols, last.trained->shape.out, 2);
}

Maps Stack::backward(Threads &threads, const Maps &seed, const std::vector<Tap> &taps, bool input) {
  Maps gradient = seed;
  for (int i = int(layers_.size()) - 1;; i--) {
    const Layer &layer = layers_[i];
    if (!layer.trained->frozen) weight_gradient(threads, layer, gradient);
    if (i == 0 && !input) return {};
    const Maps raw = input_gradient(threads, layer, gradient);
    if (i == 0) {
      Maps result = workspaces_.gradients[1].maps(gradient.count, layer.x.rows, layer.x.cols, layer.x.channels, 0);
      each(threads, gradient.count * layer.x.rows, [&](int k, int) {
        const int n = k / layer.x.rows, y = k % layer.x.rows;
        through(layer, raw, result, n, y, {});
      });
      return result;
    }
    const Layer &before = layers_[i - 1];
    gradient = workspaces_.gradients[(i - 1) % 2].maps(gradient.count, before.x.rows, before.x.cols, before.trained->shape.out, 2);
    const Tap tap = taps.empty() ? Tap{} : taps[i - 1];
    // Rows of the smaller of the two sides.
    const int rows = std::min(before.x.rows, layer.x.rows);
    each(threads, gradient.count * rows, [&](int k, int) { through(before, raw, gradient, k / rows, k % rows, tap); });
  }
}

// The gradient of the padded input: each output's gradient, with zeros around, through the turned weights.
Maps Stack::input_gradient(Threads &threads, const Layer &layer, const Maps &gradient) {
  const Maps &x = layer.x;
  const Maps raw = workspaces_.raw.maps(gradient.count, x.rows, x.cols, x.channels, 1);
  const Chunks &chunks = layer.backward;
  if (chunks.whole()) {
    each(threads, (gradient.count + group_ - 1) / group_, [&](int i, int thread) {
      const int n = i * group_;
      chunks.run(thread, gradient.at(n, -2, -2), gradient.one(), std::min(group_, gradient.count - n), raw.at(n, -1, -1), raw.one());
    });
    return raw;
  }
  each(threads, gradient.count * chunks.count(), [&](int i, int thread) {
    const int n = i / chunks.count(), chunk = i % chunks.count(), y = chunks.begin(chunk) - 1;
    chunks.run(chunk, thread, gradient.at(n, y - 1, -2), raw.at(n, y, -1));
  });
  return raw;
}

namespace {

// The gradient of row y of a map from that of the map with its reflected border: the border's gradients belong to the pixels
// it repeats.
const float *unreflected(const Maps &raw, int n, int y, float *line) {
  const int c = raw.channels;
  std::memcpy(line, raw.at(n, y, -1), 4 * raw.pitch());
  if (y == mirror(-1, raw.rows)) gradients().add(raw.at(n, -1, -1), raw.pitch(), line);
  if (y == mirror(raw.rows, raw.rows)) gradients().add(raw.at(n, raw.rows, -1), raw.pitch(), line);
  gradients().add(line, c, line + size_t(1 + mirror(-1, raw.cols)) * c);
  gradients().add(line + size_t(1 + raw.cols) * c, c, line + size_t(1 + mirror(raw.cols, raw.cols)) * c);
  return line + c;
}

}  // namespace

// One row (two where a pooling lies between, or of an upsampling's input) of the gradient of before's convolution, or, where
// `to` has no border, of the stack's input.
void Stack::through(const Layer &before, const Maps &raw, const Maps &to, int n, int y, const Tap &tap) const {
  const adain_cpu_layer &s = before.trained->shape;
  const Gradients &k = gradients();
  float *line = scratch_floats(Scratch::inputs, 2 * raw.pitch());
  if (to.border == 0) {
    std::memcpy(to.at(n, y, 0), unreflected(raw, n, y, line), 4 * to.row());
    return;
  }
  if (s.pool) {
    k.unpool(unreflected(raw, n, y, line), before.relu.at(n, 2 * y, 0), before.relu.at(n, 2 * y + 1, 0), raw.cols, raw.channels, to.at(n, 2 * y, 0),
             to.at(n, 2 * y + 1, 0));
    to.clear(n, 2 * y);
    to.clear(n, 2 * y + 1);
    return;
  }
  if (s.upsample == ADAIN_BILINEAR) {
    // As unstretch has the columns.
    const bool first = y == 0, last = 2 * y + 2 == raw.rows;
    const float shares[] = {first ? 1.f : .25f, first ? 1.f : .75f, last ? 1.f : .75f, last ? 1.f : .25f};
    std::fill_n(line, raw.pitch(), 0.f);
    for (int i = 0; i < 4; i++) k.add_scaled(raw.at(n, 2 * y - 1 + i, -1), shares[i], raw.pitch(), line);
    k.unstretch(line, before.relu.at(n, y, 0), to.cols, to.channels, to.at(n, y, 0));
    to.clear(n, y);
    return;
  }
  const Maps &features = (&before + 1)->x;  // the layer after it
  if (s.upsample) {
    const float *above = unreflected(raw, n, 2 * y, line), *below = unreflected(raw, n, 2 * y + 1, line + raw.pitch());
    k.unrepeat(above, below, features.at(n, 2 * y, 0), to.cols, to.channels, to.at(n, y, 0));
  } else if (tap.shift) {
    const size_t at = size_t(n) * to.channels;
    k.mask_affine(unreflected(raw, n, y, line), features.at(n, y, 0), to.cols, to.channels, tap.shift + at, tap.slope + at, to.at(n, y, 0));
  } else {
    k.mask(unreflected(raw, n, y, line), features.at(n, y, 0), to.row(), to.at(n, y, 0));
  }
  to.clear(n, y);
}

std::string Stack::implementations() const {
  std::string text;
  for (const Layer &l : layers_) {
    text.append(l.forward.implementation()).append(",").append(l.backward.implementation()).append(",");
    l.trained->append_products(text);
  }
  return text;
}

}  // namespace adain
