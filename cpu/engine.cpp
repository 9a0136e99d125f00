#include "engine.h"

#include "guarded.h"
#include "plan.h"

using adain::guarded;

struct adain_cpu_engine {
  adain::Threads threads;
  adain::Network network;
  int encoder_layers;
  std::unique_ptr<adain::Plan> plan;
  adain::Smoothing smoothing;  // here and not in the plan, which statistics of another size replace

  adain::Plan &plan_for(const adain_cpu_image &image, bool decoder) {
    if (!plan || !plan->fits(image.height, image.width, decoder)) {
      plan.reset();  // before the new one takes its memory
      plan = std::make_unique<adain::Plan>(network, encoder_layers, image.height, image.width, decoder, threads.size());
    }
    return *plan;
  }
};

extern "C" {

adain_cpu_engine *adain_cpu_open(const adain_cpu_layer *shapes, int layers, int encoder_layers, const float *parameters, int threads, int half,
                                 char *error) {
  adain_cpu_engine *engine = nullptr;
  guarded(error, [&] {
    auto e = std::unique_ptr<adain_cpu_engine>(new adain_cpu_engine{adain::Threads(threads), {}, encoder_layers, nullptr, {}});
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
    engine->plan_for(*src, false).statistics(engine->threads, picture, mean, std);
  });
}

int adain_cpu_stylize(adain_cpu_engine *engine, const adain_cpu_image *dst, uint8_t *d0, uint8_t *d1, uint8_t *d2,
                      const adain_cpu_image *src, const uint8_t *s0, const uint8_t *s1, const uint8_t *s2,
                      const float *mean, const float *std, const float *second_mean, const float *second_std, const float *shares,
                      const adain_cpu_look *look, char *error) {
  return guarded(error, [&] {
    const adain::Picture content{*src, {s0, s1, s2}};
    const adain::Canvas result{*dst, {d0, d1, d2}, look->preserve_color != 0};
    if (look->fresh) engine->smoothing.forget();
    const adain::Target target{{{mean, std}, {second_mean, second_std}}, shares, look->alpha, look->smoothing, look->scene_cut, &engine->smoothing};
    engine->plan_for(*src, true).stylize(engine->threads, result, content, target);
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
