#include "train_api.h"

#include <algorithm>
#include <cmath>

#include "engine_guard.h"
#include "train_step.h"

using adain::guarded;

struct adain_cpu_training {
  adain::Training training;
};

struct adain_cpu_features {
  std::vector<std::unique_ptr<adain::TrainedLayer>> layers;
  adain::Workspaces workspaces;
  adain::Workspace moments;
  std::unique_ptr<adain::Stack> stack;
  adain::Threads threads;
};

extern "C" {

adain_cpu_training *adain_cpu_training_open(const adain_cpu_layer *loss, const float *loss_parameters, const adain_cpu_layer *network, int layers,
                                            const float *colour, const float *parameters, const adain_cpu_training_options *options, char *error) {
  adain_cpu_training *training = nullptr;
  guarded(error, [&] { training = new adain_cpu_training{{loss, loss_parameters, network, layers, colour, parameters, *options}}; });
  return training;
}

void adain_cpu_training_close(adain_cpu_training *training) { delete training; }

int adain_cpu_training_step(adain_cpu_training *training, const float *content, const float *style, const float *alpha, const float *moved,
                            const float *motion, const uint64_t *content_key, const uint64_t *style_key, const adain_cpu_update *update,
                            adain_cpu_losses *losses, char *error) {
  return guarded(error, [&] { training->training.step({content, style, alpha, moved, motion, content_key, style_key}, *update, *losses); });
}

int64_t adain_cpu_training_state(const adain_cpu_training *training, float *parameters, float *first, float *second, float *average) {
  const adain::State &s = training->training.state();
  std::copy(s.parameters.begin(), s.parameters.end(), parameters);
  std::copy(s.first.begin(), s.first.end(), first);
  std::copy(s.second.begin(), s.second.end(), second);
  std::copy(s.average.begin(), s.average.end(), average);
  return s.steps;
}

int adain_cpu_training_restore(adain_cpu_training *training, const float *parameters, const float *first, const float *second, const float *average,
                               int64_t steps, char *error) {
  return guarded(error, [&] { training->training.restore(parameters, first, second, average, steps); });
}

void adain_cpu_training_implementations(const adain_cpu_training *training, char *text, int size) {
  char error[ADAIN_CPU_ERROR];
  text[0] = 0;
  guarded(error, [&] { std::snprintf(text, size, "%s", training->training.implementations().c_str()); });
}

adain_cpu_features *adain_cpu_features_open(const adain_cpu_layer *loss, const float *loss_parameters, int height, int width, int threads, char *error) {
  adain_cpu_features *features = nullptr;
  guarded(error, [&] {
    std::unique_ptr<adain_cpu_features> f(new adain_cpu_features{{}, {}, {}, nullptr, adain::Threads(threads)});
    std::vector<adain::TrainedLayer *> layers;
    for (int i = 0; i <= adain::kLevelLayer[adain::kLevels - 1]; i++) {
      f->layers.push_back(std::make_unique<adain::TrainedLayer>(loss[i], loss_parameters, adain::Factors::float32, true));
      layers.push_back(f->layers.back().get());
      loss_parameters += f->layers.back()->forward.weight.size() + loss[i].out;
    }
    f->stack = std::make_unique<adain::Stack>(layers, 1, height, width, f->workspaces, threads, 1);
    features = f.release();
  });
  return features;
}

void adain_cpu_features_close(adain_cpu_features *features) { delete features; }

int adain_cpu_features_extract(adain_cpu_features *f, const float *picture, float *relu4, float *statistics, char *error) {
  return guarded(error, [&] {
    const adain::Maps &in = f->stack->input();
    adain::fill(f->threads, picture, 1, in, 0);
    f->stack->forward(f->threads, 1, false);
    const auto seen = adain::extract(f->threads, *f->stack, 1, true, f->moments).front();
    for (const adain::Statistics &s : seen->level) {
      statistics = std::copy(s.mean.begin(), s.mean.end(), statistics);
      statistics = std::copy(s.std.begin(), s.std.end(), statistics);
    }
    const int C = f->stack->output().channels;
    const size_t pixels = seen->features.size() / C;
    for (size_t p = 0; p < pixels; p++)
      for (int c = 0; c < C; c++) relu4[c * pixels + p] = seen->features[p * C + c];
  });
}

}  // extern "C"
