/* The training engine as Go sees it: plain C, no exception crosses it. */
#ifndef ADAIN_CPU_TRAIN_API_H
#define ADAIN_CPU_TRAIN_API_H

#include "engine.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct adain_cpu_training adain_cpu_training;

/* model.TrainingOptions. */
typedef struct {
  int32_t encoder, half, batch, height, width, threads;
  int64_t cache;
} adain_cpu_training_options;

/* model.Update. */
typedef struct {
  double content, style, identity, consistency, lattice;
  double rate, encoder_rate, first_rate, clip_norm, average;
  double balance_floor; /* of a balanced style loss; below 0: not balanced */
} adain_cpu_update;

/* model.Losses. */
typedef struct {
  double content, style, identity, consistency, lattice, total, gradient;
} adain_cpu_losses;

/* Opens a training. loss are the nine layers of the loss network, the colour layer folded in; network are the trained layers in
 * order, conv1_1 as the weights file has it, and colour (12) the weight and bias of the colour layer before it. parameters are weight
 * and bias of each layer in turn; they are copied. NULL on failure, error says why. */
adain_cpu_training *adain_cpu_training_open(const adain_cpu_layer *loss, const float *loss_parameters, const adain_cpu_layer *network, int layers,
                                            const float *colour, const float *parameters, const adain_cpu_training_options *options, char *error);
void adain_cpu_training_close(adain_cpu_training *training);

/* model.TrainingEngine.Step; pointers to what a batch lacks are NULL. 0 on success. */
int adain_cpu_training_step(adain_cpu_training *training, const float *content, const float *style, const float *alpha, const float *moved,
                            const float *motion, const uint64_t *content_key, const uint64_t *style_key, const adain_cpu_update *update,
                            adain_cpu_losses *losses, char *error);

/* Copies the state out or in; each vector has one value for each trained parameter. */
int64_t adain_cpu_training_state(const adain_cpu_training *training, float *parameters, float *first, float *second, float *average);
int adain_cpu_training_restore(adain_cpu_training *training, const float *parameters, const float *first, const float *second, const float *average,
                               int64_t steps, char *error);

/* Implementations of all convolutions, a comma behind each, at most size bytes. */
void adain_cpu_training_implementations(const adain_cpu_training *training, char *text, int size);

/* The loss network alone, for pictures (3,height,width) of one size. */
typedef struct adain_cpu_features adain_cpu_features;
adain_cpu_features *adain_cpu_features_open(const adain_cpu_layer *loss, const float *loss_parameters, int height, int width, int threads, char *error);
void adain_cpu_features_close(adain_cpu_features *features);
/* features (C,H/8,W/8) of relu4_1; statistics of relu1_1 to relu4_1: mean and std of each level in turn. 0 on success. */
int adain_cpu_features_extract(adain_cpu_features *features, const float *picture, float *relu4, float *statistics, char *error);

#ifdef __cplusplus
}
#endif
#endif
