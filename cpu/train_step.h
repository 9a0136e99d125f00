// One step of training: losses, gradients, Adam. model.TrainingEngine in Go says what is computed.
#pragma once

#include "train_features.h"
#include "train_api.h"

namespace adain {

// What one step reads; the memory is the caller's.
struct Batch {
  const float *content, *style;  // (N,3,H,W)
  const float *alpha;            // (N)
  const float *moved;            // (N,3,H,W) or nullptr
  const float *motion;           // (N,6) or nullptr
  const uint64_t *content_key, *style_key;  // (N) or nullptr
};

// The values of a training's state, one for each trained parameter.
struct State {
  std::vector<float> parameters, first, second, average;
  int64_t steps = 0;
};

class Training {
 public:
  // loss: the encoder's nine layers with the colour layer folded in. network: the layers that are trained, conv1_1 unfolded;
  // colour (12): weight (3,3) and bias (3) of the colour layer before it. parameters are weight and bias of each in turn.
  Training(const adain_cpu_layer *loss, const float *loss_parameters, const adain_cpu_layer *network, int layers, const float *colour,
           const float *parameters, const adain_cpu_training_options &options);

  void step(const Batch &batch, const adain_cpu_update &update, adain_cpu_losses &losses);
  const State &state() const { return state_; }
  // Takes the values over and makes the layers' parameters of them.
  void restore(const float *parameters, const float *first, const float *second, const float *average, int64_t steps);
  std::string implementations() const;

 private:
  using Extracts = std::vector<std::shared_ptr<const Extract>>;
  // Which results a step makes, each kind for N pictures, and where they lie among the decoder's maps; -1 where it makes none.
  struct Results {
    int count = 0, styled = -1, identity = -1, moved = -1;
  };
  Results results(const Batch &b, const adain_cpu_update &u) const;
  Extracts extracts(const float *pictures, const uint64_t *keys, FeatureCache &cache, bool features);
  void encode(const Batch &b, const Results &r);
  const float *features(int picture) const;
  void adapt(const Batch &b, const Results &r);
  Maps judge(const Batch &b, const adain_cpu_update &u, adain_cpu_losses &losses);
  double compare_features(const Batch &b, double weight, const Maps &seed, const Tap &tap);
  std::vector<double> shares(double floor) const;
  double compare_statistics(const Batch &b, int level, double weight, const std::vector<double> &shares, std::vector<float> &shift, std::vector<float> &slope);
  Maps result_gradients(const Batch &b, const adain_cpu_update &u, const Results &r, adain_cpu_losses &losses);
  double consistency(const Batch &b, double weight, const Results &r, const Maps &seed);
  double lattice(double weight, const Results &r, const Maps &seed);
  Maps feature_gradients(const Batch &b, const Results &r, const Maps &input);
  void gather();
  void update(const adain_cpu_update &u, adain_cpu_losses &losses);
  void distribute();
  Stack &stack(std::unique_ptr<Stack> &kept, int &capacity, std::vector<std::unique_ptr<TrainedLayer>> &layers, int count, int rows, int cols);

  const adain_cpu_training_options options_;
  const int N_, H_, W_;
  const std::vector<float> colour_;
  std::vector<std::unique_ptr<TrainedLayer>> loss_layers_, encoder_layers_, decoder_layers_;
  State state_;
  std::vector<float> gradient_;  // of all trained parameters
  std::vector<int> pictures_;    // of each decoder map: the picture that it shows, in the order of encode
  Workspaces workspaces_;
  Workspace moments_;
  std::unique_ptr<Stack> loss_, encoder_, decoder_;
  int loss_count_ = 0, encoder_count_ = 0, decoder_count_ = 0;
  FeatureCache content_cache_, style_cache_;
  Extracts contents_, styles_, moved_;
  Statistics statistics_;            // of relu4_1 of all pictures that were encoded
  std::vector<float> scale_, shift_; // AdaIN of each decoder map, (results,C)
  Threads threads_;                  // last: ends before what it uses
};

}  // namespace adain
