#include "frame_schedule.h"

#include <algorithm>
#include <stdexcept>

namespace adain {

namespace {

int half(int n) { return (n + 1) / 2; }

// The map that a layer's result becomes, whatever its place in memory.
Map shape(const Map &src, const adain_cpu_layer &s, const Parameters &next) {
  Map m = src;
  int channels = s.out;
  if (s.pool) m.rows = half(src.rows), m.cols = half(src.cols);
  if (s.phases) m.rows = 2 * src.rows, m.cols = 2 * src.cols, channels = s.out / 4;
  m.number = next.source();
  m.pixel = size_t(channels) * bytes(m.number);
  m.border = next.shape.phases ? Border::replicate : Border::reflect;
  return m;
}

PostOp post_op(const adain_cpu_layer &s) { return s.pool ? PostOp::pool : s.phases ? PostOp::interleave : PostOp::store; }

}  // namespace

Schedule::Schedule(Network &network, int encoder_layers, int rows, int cols, bool decoder, int threads)
    : rows_(rows), cols_(cols), decoder_(decoder) {
  // First the shapes, so that each of the two memories is taken once at its largest.
  Map frame;
  frame.rows = rows;
  frame.cols = cols;
  std::vector<Map> &maps = maps_;
  const size_t last_map = decoder ? network.size() - 2 : size_t(encoder_layers) - 1;
  for (size_t i = 1; i < last_map; i++) maps.push_back(shape(i == 1 ? frame : maps.back(), network[i]->shape, *network[i + 1]));
  size_t bytes[2] = {0, 0};
  for (size_t i = 0; i < maps.size(); i++) bytes[i % 2] = std::max(bytes[i % 2], maps[i].bytes());
  for (int i = 0; i < 2; i++)
    if (bytes[i]) memory_[i] = allocate(bytes[i]);
  for (size_t i = 0; i < maps.size(); i++) maps[i].data = memory_[i % 2].get();

  head_ = std::make_unique<Head>(*network[0], *network[1], *network[2], rows, cols, maps[0], threads);
  add(head_.get());
  note(*head_, 0, 1);
  add(std::make_unique<Edge>(maps[0]));
  // maps[i-1] is what layer i makes.
  for (int i = 2; i < encoder_layers - 1; i++) convolve(network, i, maps[i - 2], maps[i - 1], threads);
  features_ = std::make_unique<Features>(*network[encoder_layers - 1], maps[encoder_layers - 3], threads);
  add(features_.get());
  note(*features_, encoder_layers - 1, encoder_layers - 1);
  encoder_stages_ = stages_;
  if (!decoder) return;

  adapt_ = std::make_unique<Adapt>(*features_);
  add(adapt_.get());
  add(std::make_unique<Apply>(*features_, *adapt_, maps[encoder_layers - 2]));
  for (size_t i = encoder_layers; i < last_map; i++) convolve(network, int(i), maps[i - 2], maps[i - 1], threads);
  tail_ = std::make_unique<Tail>(*network[last_map], *network[last_map + 1], maps.back(), rows, cols, threads);
  add(tail_.get());
  note(*tail_, int(last_map), int(last_map) + 1);
}

void Schedule::add(std::unique_ptr<Stage> stage) {
  add(stage.get());
  others_.push_back(std::move(stage));
}

void Schedule::convolve(Network &network, int layer, Map src, Map dst, int threads) {
  Parameters &parameters = *network[layer];
  const Parameters &next = *network[layer + 1];
  if (parameters.bytes && next.bytes) {
    auto stage = std::make_unique<ByteRows>(parameters, next, src, dst, post_op(parameters.shape), threads);
    note(*stage, layer, layer);
    return add(std::move(stage));
  }
  auto stage = std::make_unique<Rows>(parameters, src, dst, post_op(parameters.shape), threads);
  note(*stage, layer, layer);
  add(std::move(stage));
}

void Schedule::statistics(Threads &threads, const Picture &src, std::vector<Stage *> &before, float *mean, float *std) {
  head_->src = src;
  head_->before = Lookup{};
  features_->shares = nullptr;
  before.insert(before.end(), encoder_stages_.begin(), encoder_stages_.end());
  threads.run(before);
  features_->statistics(0, mean, std);
}

const Map &Schedule::input(int layer, std::vector<Stage *> &stages) const {
  const auto made = [&](const Stage *stage) {
    const Part *p = part(stage);
    return p && p->last == layer - 1;
  };
  const auto at = std::find_if(stages.begin(), stages.end(), made);
  if (layer < 2 || size_t(layer) >= maps_.size() + 2 || at == stages.end()) throw std::invalid_argument("no map is the input of that layer");
  // Behind Head comes what completes its map, behind the encoder AdaIN.
  const bool statistics = *at == features_.get();
  stages.erase(at + (*at == head_.get() ? 2 : statistics ? 3 : 1), stages.end());
  return maps_[layer - 2];
}

void Schedule::stylize(const Canvas &dst, const Picture &src, const Target &target, const Lookup &before, const Lookup &after,
                       std::vector<Stage *> &stages) {
  head_->src = src;
  head_->before = before;
  features_->shares = target.shares;
  adapt_->target = target;
  tail_->dst = dst;
  tail_->after = after;
  tail_->content = src;
  stages.insert(stages.end(), stages_.begin(), stages_.end());
}

const Schedule::Part *Schedule::part(const Stage *stage) const {
  for (const Part &p : parts_)
    if (p.stage == stage) return &p;
  return nullptr;
}

std::string Schedule::implementations() const {
  std::string text;
  for (const Part &p : parts_) text += (text.empty() ? "" : ",") + *p.implementation;
  return text;
}

}  // namespace adain
