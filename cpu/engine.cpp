#include "engine.h"

#include "engine_guard.h"
#include "frame_blend.h"
#include "frame_packing.h"
#include "frame_resized.h"
#include "frame_schedule.h"
#include "kernel_bytes.h"
#include "layer_choice.h"

#include <array>
#include <cstring>
#include <stdexcept>
#include <string>

using adain::guarded;

struct adain_cpu_engine {
  adain::Threads threads;
  adain::Network network;
  int encoder_layers;
  std::unique_ptr<adain::Schedule> schedule;
  // What goes on from frame to frame is here and not in the schedule, which statistics of another size replace.
  adain::Smoothing smoothing;
  std::unique_ptr<adain::TemporalBlend> temporal_blend;  // while smoothing is on
  std::unique_ptr<adain::Resized> resized;               // while the network runs at another size
  std::unique_ptr<adain::GatherChroma> gather;           // for formats whose pixels share chroma
  adain::Unpack unpack;
  adain::Pack pack;
  std::vector<adain::Stage *> stages;  // of the frame
  std::vector<double> seconds;         // of each, while they are measured
  std::string methods;                 // of the layers, empty in float32

  adain::Schedule &schedule_for(int height, int width, bool decoder) {
    if (!schedule || !schedule->fits(height, width, decoder)) {
      schedule.reset();  // before the new one takes its memory
      schedule = std::make_unique<adain::Schedule>(network, encoder_layers, height, width, decoder, threads.size());
    }
    return *schedule;
  }

  // What the network writes a picture of form into.
  adain::GatherChroma *gather_for(const adain_cpu_image &form) {
    if (!adain::shares_chroma(form)) {
      gather.reset();
    } else if (!gather || !gather->fits(form)) {
      gather.reset();
      gather = std::make_unique<adain::GatherChroma>(form);
    }
    return gather.get();
  }

  void statistics(const adain::Frame &frame, float *mean, float *std) {
    const adain::Picture picture = unpack.next(frame);
    stages.clear();
    if (unpack.needed()) stages.push_back(&unpack);
    schedule_for(frame.form.height, frame.form.width, false).statistics(threads, picture, stages, mean, std);
  }

  void stylize(const adain::Frame &dst, const adain::Frame &frame, const adain_cpu_stylization &stylization, const adain::Target &target,
               const adain::Lookup &before, const adain::Lookup &after) {
    const bool resizing = stylization.width != frame.form.width || stylization.height != frame.form.height;
    if (!resizing || !resized || !resized->fits(frame.form, stylization.width, stylization.height)) resized.reset();
    if (stylization.smoothing == 0 || !temporal_blend || !temporal_blend->fits(frame.form)) temporal_blend.reset();
    adain::Schedule &network_stages = schedule_for(stylization.height, stylization.width, true);
    if (resizing && !resized) resized = std::make_unique<adain::Resized>(frame.form, stylization.width, stylization.height);
    if (stylization.smoothing > 0 && !temporal_blend)
      temporal_blend = std::make_unique<adain::TemporalBlend>(frame.form, stylization.motion_shift);
    else if (temporal_blend)
      temporal_blend->follow(stylization.motion_shift);

    if (stylization.discontinuity) smoothing.forget();
    smoothing.begin();
    stages.clear();
    const adain::Picture src = unpack.next(frame);
    if (unpack.needed()) stages.push_back(&unpack);
    const bool preserve = stylization.preserve_color != 0;
    const adain::Canvas last{pack.next(dst, frame), preserve, {}};
    adain::Canvas result = last;
    result.preserve_color = preserve && !temporal_blend;
    if (resized) {
      resized->next(result, src);
      resized->add_before(stages);
      add_network(network_stages, resized->result(), resized->frame(), target, before, after);
      resized->add_behind(stages);
    } else {
      add_network(network_stages, result, src, target, before, after);
    }
    if (temporal_blend)
      temporal_blend->add(stages, {last, src, stylization.blend_weight, stylization.blend != 0, stylization.moves != 0, &smoothing});
    if (pack.needed()) stages.push_back(&pack);
    threads.run(stages);
  }

  adain::Map input(const adain::Frame &frame, const adain::Target &target, int layer) {
    adain::Schedule &network_stages = schedule_for(frame.form.height, frame.form.width, true);
    smoothing.forget();
    smoothing.begin();
    stages.clear();
    const adain::Picture src = unpack.next(frame);
    if (unpack.needed()) stages.push_back(&unpack);
    network_stages.stylize({}, src, target, {}, {}, stages);
    const adain::Map map = network_stages.input(layer, stages);
    if (map.number != adain::Number::float32) throw std::invalid_argument("inputs of layers are to be had in float32 only");
    threads.run(stages);
    return map;
  }

  // Takes a letter for each layer; none stands for the rule's.
  void use(std::string letters) {
    if (letters.empty())
      for (size_t i = 0; i < methods.size(); i++) letters += adain::methods(network[i]->shape)[0];
    if (letters == methods) return;
    if (letters.size() != methods.size()) throw std::invalid_argument("methods for another number of layers");
    std::vector<adain::Method> taken;
    for (size_t i = 0; i < letters.size(); i++) taken.push_back(adain::method(network[i]->shape, letters[i]));
    schedule.reset();
    for (size_t i = 0; i < letters.size(); i++)
      if (letters[i] != methods[i]) network[i]->use(taken[i].factors, taken[i].product);
    methods = letters;
  }

  void add_network(adain::Schedule &network_stages, adain::Canvas dst, const adain::Picture &src, const adain::Target &target,
                   const adain::Lookup &before, const adain::Lookup &after) {
    adain::GatherChroma *g = gather_for(dst.picture.form);
    if (g) g->next(dst, src);
    network_stages.stylize(dst, src, target, before, after, stages);
    if (g) stages.push_back(g);
  }
};

namespace {

// A picture to read. Nobody writes there: a frame's planes are what Unpack reads, and Pack copies from.
adain::Frame frame(const adain_cpu_image &form, const uint8_t *p0, const uint8_t *p1, const uint8_t *p2, const uint8_t *p3) {
  return {form, {const_cast<uint8_t *>(p0), const_cast<uint8_t *>(p1), const_cast<uint8_t *>(p2), const_cast<uint8_t *>(p3)}};
}

// A layer's parameters with results in the steps of their channels: ReLU, pooling and upsampling do not mind.
std::vector<float> in_steps(const adain_cpu_layer &s, const float *parameters, const float *steps, int channels) {
  const size_t taps = size_t(s.in) * s.kernel * s.kernel;
  std::vector<float> own(parameters, parameters + s.out * (taps + 1));
  for (int o = 0; o < s.out; o++) {
    for (size_t i = 0; i < taps; i++) own[o * taps + i] /= steps[o % channels];
    own[s.out * taps + o] /= steps[o % channels];
  }
  return own;
}

}  // namespace

extern "C" {

adain_cpu_engine *adain_cpu_open(const adain_cpu_layer *shapes, int layers, int encoder_layers, const float *parameters, const float *steps, int threads,
                                 int half, char *error) {
  adain_cpu_engine *engine = nullptr;
  guarded(error, [&] {
    auto e = std::unique_ptr<adain_cpu_engine>(new adain_cpu_engine{adain::Threads(threads), {}, encoder_layers, nullptr, {}, nullptr, nullptr, nullptr, {}, {}, {}, {}, {}});
    for (int i = 0; i < layers; i++) {
      const adain_cpu_layer &s = shapes[i];
      const adain::Method method = s.bytes ? adain::Method{adain::Factors::int8, adain::Product::own} : adain::by_rule(s, half != 0, i == layers - 2);
      if (half) e->methods += adain::methods(s)[0];
      const size_t count = size_t(s.out) * s.in * s.kernel * s.kernel + s.out;
      const float *step = s.bytes ? steps : nullptr;
      if (s.bytes) steps += s.in;
      const bool counted = !s.bytes && i + 1 < layers && shapes[i + 1].bytes;  // the next layer takes bytes
      const std::vector<float> own = counted ? in_steps(s, parameters, steps, shapes[i + 1].in) : std::vector<float>();
      e->network.push_back(std::make_unique<adain::Parameters>(s, counted ? own.data() : parameters, method.factors, method.product, step));
      parameters += count;
    }
    engine = e.release();
  });
  return engine;
}

void adain_cpu_close(adain_cpu_engine *engine) { delete engine; }

int adain_cpu_statistics(adain_cpu_engine *engine, const adain_cpu_image *src, const uint8_t *s0, const uint8_t *s1, const uint8_t *s2, const uint8_t *s3,
                         float *mean, float *std, char *error) {
  return guarded(error, [&] {
    engine->statistics(frame(*src, s0, s1, s2, s3), mean, std);
  });
}

int adain_cpu_stylize(adain_cpu_engine *engine, const adain_cpu_image *dst, uint8_t *d0, uint8_t *d1, uint8_t *d2, uint8_t *d3,
                      const adain_cpu_image *src, const uint8_t *s0, const uint8_t *s1, const uint8_t *s2, const uint8_t *s3,
                      const float *mean, const float *std, const float *second_mean, const float *second_std, const float *shares,
                      const float *before, const float *after, const adain_cpu_stylization *stylization, char *error) {
  return guarded(error, [&] {
    const adain::Target target{{{mean, std}, {second_mean, second_std}}, shares, stylization->alpha, stylization->smoothing, stylization->scene_cut,
                               &engine->smoothing};
    engine->stylize({*dst, {d0, d1, d2, d3}}, frame(*src, s0, s1, s2, s3), *stylization, target, {stylization->before, before},
                    {stylization->after, after});
  });
}

int adain_cpu_input(adain_cpu_engine *engine, const adain_cpu_image *src, const uint8_t *s0, const uint8_t *s1, const uint8_t *s2, const uint8_t *s3,
                    const float *mean, const float *std, float alpha, int layer, float *values, int32_t *height, int32_t *width, char *error) {
  return guarded(error, [&] {
    const adain::Target target{{{mean, std}, {}}, nullptr, alpha, 0, 0, &engine->smoothing};
    const adain::Map map = engine->input(frame(*src, s0, s1, s2, s3), target, layer);
    *height = map.rows;
    *width = map.cols;
    std::memcpy(values, map.at(-1, -1), size_t(map.rows + 2) * map.pitch());
  });
}

void adain_cpu_methods(adain_cpu_engine *engine, char *text, int size) {
  char error[ADAIN_CPU_ERROR];
  text[0] = 0;
  guarded(error, [&] {
    std::string all;
    if (!engine->methods.empty())
      for (const auto &layer : engine->network) all += adain::methods(layer->shape) + " ";
    std::snprintf(text, size, "%s", all.c_str());
  });
}

int adain_cpu_use_methods(adain_cpu_engine *engine, const char *methods, char *error) {
  return guarded(error, [&] { engine->use(methods); });
}

void adain_cpu_time_stages(adain_cpu_engine *engine, int on) {
  engine->seconds.clear();
  engine->threads.time(on ? &engine->seconds : nullptr);
}

int adain_cpu_stages(adain_cpu_engine *engine, adain_cpu_stage *stages, int room) {
  char error[ADAIN_CPU_ERROR];
  int n = 0;
  guarded(error, [&] {
    if (!engine->schedule || engine->seconds.size() != engine->stages.size()) return;
    for (; n < room && n < int(engine->stages.size()); n++) {
      adain_cpu_stage &s = stages[n];
      s = {-1, -1, engine->stages[n]->chunks(), engine->seconds[n], {}};
      if (const adain::Schedule::Part *p = engine->schedule->part(engine->stages[n])) {
        s.first = p->first, s.last = p->last;
        std::snprintf(s.implementation, sizeof s.implementation, "%s", p->implementation->c_str());
      }
    }
  });
  return n;
}

int adain_cpu_has_bfloat16(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") && dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_bf16;
#else
  return 0;
#endif
}

const char *adain_cpu_kernels(void) { return adain::kernels_name(); }

int adain_cpu_use_kernels(const char *name) { return adain::use_kernels(name); }

const char *adain_cpu_byte_kernels(void) { return adain::byte_kernels().name; }

int adain_cpu_use_byte_kernels(const char *name) { return adain::use_byte_kernels(name); }

const char *adain_cpu_library(void) {
  static const auto name = [] {  // an array: there may be no memory for a string
    std::array<char, 32> text;
    const dnnl_version_t *v = dnnl_version();
    std::snprintf(text.data(), text.size(), "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    return text;
  }();
  return name.data();
}

void adain_cpu_implementations(adain_cpu_engine *engine, char *text, int size) {
  char error[ADAIN_CPU_ERROR];
  text[0] = 0;
  guarded(error, [&] {
    if (engine->schedule) std::snprintf(text, size, "%s", engine->schedule->implementations().c_str());
  });
}

}  // extern "C"
