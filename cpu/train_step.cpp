#include "train_step.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernel_network.h"

namespace adain {

namespace {

std::vector<TrainedLayer *> pointers(const std::vector<std::unique_ptr<TrainedLayer>> &layers) {
  std::vector<TrainedLayer *> p;
  for (const auto &l : layers) p.push_back(l.get());
  return p;
}

size_t parameter_count(const adain_cpu_layer &s) { return size_t(s.out) * s.in * s.kernel * s.kernel + s.out; }

// conv1_1 with the 1x1 colour layer folded in, as model.FoldColour does it: weight (C,3,3,3) and bias (C).
void fold_colour(const float *colour, const float *weight, const float *bias, int channels, float *to_weight, float *to_bias) {
  for (int o = 0; o < channels; o++) {
    double sum = bias[o];
    for (int t = 0; t < 9; t++) {
      for (int m = 0; m < 3; m++) sum += double(weight[(o * 3 + m) * 9 + t]) * colour[9 + m];
      for (int i = 0; i < 3; i++) {
        double v = 0;
        for (int m = 0; m < 3; m++) v += double(weight[(o * 3 + m) * 9 + t]) * colour[m * 3 + i];
        to_weight[(o * 3 + i) * 9 + t] = float(v);
      }
    }
    to_bias[o] = float(sum);
  }
}

// The gradient of conv1_1 from that of its folding, which is linear.
void unfold_gradient(const float *colour, const float *weight, const float *bias, int channels, float *to_weight, float *to_bias) {
  for (int o = 0; o < channels; o++) {
    for (int m = 0; m < 3; m++)
      for (int t = 0; t < 9; t++) {
        double v = double(bias[o]) * colour[9 + m];
        for (int i = 0; i < 3; i++) v += double(weight[(o * 3 + i) * 9 + t]) * colour[m * 3 + i];
        to_weight[(o * 3 + m) * 9 + t] = float(v);
      }
    to_bias[o] = bias[o];
  }
}

}  // namespace

Training::Training(const adain_cpu_layer *loss, const float *loss_parameters, const adain_cpu_layer *network, int layers, const float *colour,
                   const float *parameters, const adain_cpu_training_options &options)
    : options_(options),
      N_(options.batch),
      H_(options.height),
      W_(options.width),
      colour_(colour, colour + 12),
      content_cache_(size_t(options.cache)),
      style_cache_(size_t(options.cache) / 8),
      threads_(options.threads) {
  const Factors factors = options.half ? Factors::mixed : Factors::float32;
  for (int i = 0; i <= kLevelLayer[kLevels - 1]; i++) {
    loss_layers_.push_back(std::make_unique<TrainedLayer>(loss[i], loss_parameters, factors, true));
    loss_parameters += parameter_count(loss[i]);
  }
  size_t count = 0;
  for (int i = 0; i < layers; i++) {
    auto &side = options.encoder && i <= kLevelLayer[kLevels - 1] ? encoder_layers_ : decoder_layers_;
    side.push_back(std::make_unique<TrainedLayer>(network[i], parameters + count, factors, false));
    count += parameter_count(network[i]);
  }
  state_.parameters.assign(parameters, parameters + count);
  state_.average = state_.parameters;
  state_.first.resize(count);
  state_.second.resize(count);
  gradient_.resize(count);
  distribute();
}

void Training::restore(const float *parameters, const float *first, const float *second, const float *average, int64_t steps) {
  const size_t n = state_.parameters.size();
  std::copy_n(parameters, n, state_.parameters.data());
  std::copy_n(first, n, state_.first.data());
  std::copy_n(second, n, state_.second.data());
  std::copy_n(average, n, state_.average.data());
  state_.steps = steps;
  distribute();
}

// Gives each layer its parameters.
void Training::distribute() {
  std::vector<TrainedLayer *> all = pointers(encoder_layers_);
  for (TrainedLayer *t : pointers(decoder_layers_)) all.push_back(t);
  std::vector<std::pair<TrainedLayer *, const float *>> from;
  const float *p = state_.parameters.data();
  for (TrainedLayer *t : all) {
    from.emplace_back(t, p);
    p += parameter_count(t->shape);
  }
  each(threads_, int(from.size()), [&](int i, int) {
    auto [t, values] = from[i];
    const size_t n = t->forward.weight.size();
    if (i == 0 && options_.encoder) {
      fold_colour(colour_.data(), values, values + n, t->shape.out, t->forward.weight.data(), t->forward.bias.data());
    } else {
      std::copy_n(values, n, t->forward.weight.data());
      std::copy_n(values + n, t->shape.out, t->forward.bias.data());
    }
    t->flip();
  });
  std::vector<std::pair<TrainedLayer *, int>> pieces;
  for (TrainedLayer *t : all)
    for (int i = 0; i < t->refresh_pieces(); i++) pieces.emplace_back(t, i);
  each(threads_, int(pieces.size()), [&](int i, int) { pieces[i].first->refresh(pieces[i].second); });
}

// The gradients of all layers as one vector.
void Training::gather() {
  float *to = gradient_.data();
  auto copy = [&](const TrainedLayer &t, bool first) {
    const size_t n = t.weight_gradient.size();
    if (first) {
      unfold_gradient(colour_.data(), t.weight_gradient.data(), t.bias_gradient.data(), t.shape.out, to, to + n);
    } else {
      std::copy_n(t.weight_gradient.data(), n, to);
      std::copy_n(t.bias_gradient.data(), t.shape.out, to + n);
    }
    to += n + t.shape.out;
  };
  for (const auto &t : encoder_layers_) copy(*t, t == encoder_layers_.front());
  for (const auto &t : decoder_layers_) copy(*t, false);
}

// Adam on all parameters, from gradient_.
void Training::update(const adain_cpu_update &u, adain_cpu_losses &losses) {
  constexpr int kPiece = 1 << 14;
  const int n = int(gradient_.size()), pieces = (n + kPiece - 1) / kPiece;
  std::vector<double> squares(pieces);
  each(threads_, pieces, [&](int i, int) {
    for (int k = i * kPiece; k < std::min(n, (i + 1) * kPiece); k++) squares[i] += double(gradient_[k]) * gradient_[k];
  });
  double square = 0;
  for (double s : squares) square += s;
  losses.gradient = std::sqrt(square);
  if (!std::isfinite(losses.total) || !std::isfinite(losses.gradient))
    throw std::runtime_error("the loss is " + std::to_string(losses.total) + " and the gradient " + std::to_string(losses.gradient) +
                             ", wanted finite numbers: a smaller rate or a clip-norm may help");
  const double scale = u.clip_norm > 0 ? std::min(1., u.clip_norm / (losses.gradient + 1e-6)) : 1;
  state_.steps++;
  const double root = 1 / std::sqrt(1 - std::pow(.999, double(state_.steps))), correction = 1 / (1 - std::pow(.9, double(state_.steps)));
  size_t at = 0;
  auto move = [&](size_t count, double rate) {
    const size_t begin = at;
    each(threads_, int((count + kPiece - 1) / kPiece), [&](int i, int) {
      const size_t k = begin + size_t(i) * kPiece, some = std::min<size_t>(kPiece, begin + count - k);
      gradients().adam(&gradient_[k], float(scale), float(rate * correction), float(root), float(u.average), some, &state_.parameters[k],
                       &state_.first[k], &state_.second[k], &state_.average[k]);
    });
    at += count;
  };
  size_t encoder = 0;
  for (const auto &t : encoder_layers_) encoder += parameter_count(t->shape);
  if (encoder) {
    const size_t first = parameter_count(encoder_layers_.front()->shape);
    move(first, u.first_rate);
    move(encoder - first, u.encoder_rate);
  }
  move(gradient_.size() - at, u.rate);
  distribute();
}

Stack &Training::stack(std::unique_ptr<Stack> &kept, int &capacity, std::vector<std::unique_ptr<TrainedLayer>> &layers, int count, int rows, int cols) {
  if (count > capacity) {
    kept.reset();  // before the new one takes its memory
    capacity = 0;
    kept = std::make_unique<Stack>(pointers(layers), count, rows, cols, workspaces_, options_.threads, N_);
    capacity = count;
  }
  return *kept;
}

Training::Results Training::results(const Batch &b, const adain_cpu_update &u) const {
  Results r;
  auto take = [&](int &place) {
    place = r.count;
    r.count += N_;
  };
  if (u.content > 0 || u.style > 0 || u.consistency > 0 || u.lattice > 0) take(r.styled);
  if (u.identity > 0) {
    // At alpha 0 the stylised result is the identity's.
    if (r.styled >= 0 && std::all_of(b.alpha, b.alpha + N_, [](float a) { return a == 0; }))
      r.identity = r.styled;
    else
      take(r.identity);
  }
  if (u.consistency > 0) take(r.moved);
  return r;
}

void Training::step(const Batch &b, const adain_cpu_update &u, adain_cpu_losses &losses) {
  losses = {};
  const Results r = results(b, u);
  const bool judged = u.content > 0 || u.style > 0;
  if (judged || !options_.encoder) {
    contents_ = extracts(b.content, b.content_key, content_cache_, true);
    styles_ = extracts(b.style, b.style_key, style_cache_, false);
  }
  encode(b, r);
  Stack &decoder = stack(decoder_, decoder_count_, decoder_layers_, r.count, H_ / 8, W_ / 8);
  adapt(b, r);
  decoder.forward(threads_, r.count, true);
  const Maps seed = result_gradients(b, u, r, losses);
  const Maps input = decoder.backward(threads_, seed, {}, options_.encoder);
  if (options_.encoder) encoder_->backward(threads_, feature_gradients(b, r, input), {}, false);
  losses.total = u.content * losses.content + u.style * losses.style + u.identity * losses.identity + u.consistency * losses.consistency +
                 u.lattice * losses.lattice;
  gather();
  update(u, losses);
}

std::string Training::implementations() const {
  std::string text;
  for (const Stack *c : {loss_.get(), encoder_.get(), decoder_.get()})
    if (c) text.append(c->implementations());
  return text;
}

}  // namespace adain
