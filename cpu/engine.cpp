#include "engine.h"

#include "guarded.h"
#include "plan.h"
#include "resized.h"
#include "steady.h"

using adain::guarded;

struct adain_cpu_engine {
  adain::Threads threads;
  adain::Network network;
  int encoder_layers;
  std::unique_ptr<adain::Plan> plan;
  // What goes on from frame to frame is here and not in the plan, which statistics of another size replace.
  adain::Smoothing smoothing;
  std::unique_ptr<adain::Steady> steady;    // while smoothing is on
  std::unique_ptr<adain::Resized> resized;  // while the network runs at another size
  std::vector<adain::Step *> steps;         // of the frame

  adain::Plan &plan_for(int height, int width, bool decoder) {
    if (!plan || !plan->fits(height, width, decoder)) {
      plan.reset();  // before the new one takes its memory
      plan = std::make_unique<adain::Plan>(network, encoder_layers, height, width, decoder, threads.size());
    }
    return *plan;
  }

  void stylize(const adain::Canvas &dst, const adain::Picture &src, const adain_cpu_look &look, const adain::Target &target) {
    const bool resizing = look.width != src.form.width || look.height != src.form.height;
    if (!resizing || !resized || !resized->fits(src.form, look.width, look.height)) resized.reset();
    if (look.smoothing == 0 || !steady || !steady->fits(src.form)) steady.reset();
    adain::Plan &network_steps = plan_for(look.height, look.width, true);
    if (resizing && !resized) resized = std::make_unique<adain::Resized>(src.form, look.width, look.height);
    if (look.smoothing > 0 && !steady) steady = std::make_unique<adain::Steady>(src.form);

    if (look.fresh) smoothing.forget();
    smoothing.begin();
    steps.clear();
    adain::Canvas result = dst;
    result.keep_colour = dst.keep_colour && !steady;
    if (resized) {
      resized->next(result, src);
      resized->add_before(steps);
      network_steps.stylize(resized->result(), resized->frame(), target, steps);
      resized->add_behind(steps);
    } else {
      network_steps.stylize(result, src, target, steps);
    }
    if (steady) {
      steady->next(dst, src, look.blend_weight, look.follow != 0, smoothing);
      steps.push_back(steady.get());
    }
    threads.run(steps);
  }
};

extern "C" {

adain_cpu_engine *adain_cpu_open(const adain_cpu_layer *shapes, int layers, int encoder_layers, const float *parameters, int threads, int half,
                                 char *error) {
  adain_cpu_engine *engine = nullptr;
  guarded(error, [&] {
    auto e = std::unique_ptr<adain_cpu_engine>(new adain_cpu_engine{adain::Threads(threads), {}, encoder_layers, nullptr, {}, nullptr, nullptr, {}});
    for (int i = 0; i < layers; i++) {
      const adain_cpu_layer &s = shapes[i];
      // The first and the last layer are kernels of our own, in float.
      e->network.push_back(std::make_unique<adain::Parameters>(s, parameters, half != 0));
      parameters += size_t(s.out) * s.in * s.kernel * s.kernel + s.out;
    }
    engine = e.release();
  });
  return engine;
}

void adain_cpu_close(adain_cpu_engine *engine) { delete engine; }

int adain_cpu_statistics(adain_cpu_engine *engine, const adain_cpu_image *src, const uint8_t *s0, const uint8_t *s1, const uint8_t *s2,
                         float *mean, float *std, char *error) {
  return guarded(error, [&] {
    const adain::Picture picture{*src, {s0, s1, s2}};
    engine->plan_for(src->height, src->width, false).statistics(engine->threads, picture, mean, std);
  });
}

int adain_cpu_stylize(adain_cpu_engine *engine, const adain_cpu_image *dst, uint8_t *d0, uint8_t *d1, uint8_t *d2,
                      const adain_cpu_image *src, const uint8_t *s0, const uint8_t *s1, const uint8_t *s2,
                      const float *mean, const float *std, const float *second_mean, const float *second_std, const float *shares,
                      const adain_cpu_look *look, char *error) {
  return guarded(error, [&] {
    const adain::Picture content{*src, {s0, s1, s2}};
    const adain::Canvas result{*dst, {d0, d1, d2}, look->preserve_color != 0};
    const adain::Target target{{{mean, std}, {second_mean, second_std}}, shares, look->alpha, look->smoothing, look->scene_cut, &engine->smoothing};
    engine->stylize(result, content, *look, target);
  });
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

const char *adain_cpu_library(void) {
  static const std::string name = [] {
    const dnnl_version_t *v = dnnl_version();
    return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
  }();
  return name.c_str();
}

void adain_cpu_implementations(adain_cpu_engine *engine, char *text, int size) {
  std::snprintf(text, size, "%s", engine->plan ? engine->plan->implementations().c_str() : "");
}

}  // extern "C"
