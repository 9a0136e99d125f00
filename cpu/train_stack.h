// Encoder or decoder over a batch, forwards and backwards.
#pragma once

#include <memory>
#include <vector>

#include "kernel_gradients.h"
#include "layer_convolution.h"
#include "train_batch.h"
#include "train_product.h"

namespace adain {

// A layer's parameters in training: as the layer uses them, turned for the gradient of its input, and their own gradient.
class TrainedLayer {
 public:
  // frozen has no gradient of its parameters.
  TrainedLayer(const adain_cpu_layer &shape, const float *values, Factors factors, bool frozen);

  const adain_cpu_layer shape;
  const bool frozen;
  Parameters forward, backward;
  std::vector<float> weight_gradient, bias_gradient;  // (O,I,K,K), (O); empty if frozen

  // After forward's parameters have changed: first flip, then refresh the pieces, which may run at the same time.
  void flip();
  int refresh_pieces() const { return forward.refresh_pieces() + backward.refresh_pieces(); }
  void refresh(int piece);

  // With Factors::mixed: the product of weight gradients for a number of tiles, made when first asked for.
  TileProduct &product(size_t tiles, bool add, int threads);
  // Their implementations, a comma behind each.
  void append_products(std::string &text) const {
    for (const auto &p : products_) text.append(p->implementation()).append(",");
  }

 private:
  std::vector<std::unique_ptr<TileProduct>> products_;
};

// Memory that all stacks of a training use in turn.
struct Workspaces {
  Workspace gradients[2];       // of a layer's result, borders of two zero pixels; used in turn
  Workspace raw;                // of a layer's padded input
  Workspace inputs, products;   // weight gradients: transformed inputs and gradients, or partial sums
  Workspace points;             // weight gradients in Winograd's domain
  Workspace biases;             // partial sums of bias gradients
};

// What a loss adds to the gradient of a level's features: shift + slope * feature, (count,C) each; nullptr adds nothing.
struct Tap {
  const float *shift = nullptr, *slope = nullptr;
};

class Stack {
 public:
  // Layers in order, for up to count maps of rows x cols (multiples of what the poolings divide by). The layers and workspaces
  // outlive the stack. batch is what count is mostly a multiple of.
  Stack(std::vector<TrainedLayer *> layers, int count, int rows, int cols, Workspaces &workspaces, int threads, int batch);

  // Input maps with a border of one pixel: whoever fills a row calls finish_row.
  const Maps &input() const { return layers_.front().x; }
  // The last layer's result, no border.
  const Maps &output() const { return output_; }
  // What follows the ReLU of layer i where neither pooling nor upsampling follows: the interior is valid after forward.
  const Maps &features(int i) const { return size_t(i) + 1 < layers_.size() ? layers_[i + 1].x : output_; }

  // Runs the first count maps of the input through all layers; back keeps what backward needs.
  void forward(Threads &threads, int count, bool back);

  // Maps for the gradient of the last layer's convolution (of what goes into its ReLU), whose caller fills the interior
  // and clears the border of count maps.
  Maps seed(int count);

  // From the seed to the gradients of all layers that are not frozen and, with input, to the gradient of the input. taps[i]
  // belongs to features(i). The result, without border, is valid until the next stack uses the workspaces.
  Maps backward(Threads &threads, const Maps &seed, const std::vector<Tap> &taps, bool input);

  // oneDNN's implementation of each layer's convolutions and products, a comma behind each.
  std::string implementations() const;

 private:
  struct Layer {
    TrainedLayer *trained;
    Maps x;         // input
    Maps relu;      // features before a pooling or a bilinear upsampling, no border
    Chunks forward, backward;
    bool bilinear() const { return trained->shape.upsample == ADAIN_BILINEAR; }
  };
  // The next layer's input, or the output.
  const Maps &after(const Layer &layer) const { return features(int(&layer - layers_.data())); }
  void forward(const Layer &layer, int first, int last, int chunk, int thread, bool back) const;
  void stretch(const Layer &layer, int n) const;
  void finish(const Layer &layer, int n, int y, int rows, const float *result) const;
  Maps input_gradient(Threads &threads, const Layer &layer, const Maps &gradient);
  void through(const Layer &before, const Maps &raw, const Maps &to, int n, int y, const Tap &tap) const;
  void weight_gradient(Threads &threads, const Layer &layer, const Maps &gradient);
  void wide_gradient(Threads &threads, const Layer &layer, const Maps &gradient);
  void narrow_gradient(Threads &threads, const Layer &layer, const Maps &gradient);

  // Maps that a thread takes at once where that saves loading weights. It hangs on batch and threads only, so that a training that goes
  // on from a state divides its work as one that was never interrupted.
  const int group_;
  std::vector<Memory> memory_;
  std::vector<Layer> layers_;
  Maps output_;
  Workspaces &workspaces_;
};

}  // namespace adain
