/* The CPU engine as Go sees it: plain C, no exception crosses it. */
#ifndef ADAIN_CPU_ENGINE_H
#define ADAIN_CPU_ENGINE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct adain_cpu_engine adain_cpu_engine;

/* model.Channel: samples lie in groups of count, step bytes apart. */
typedef struct {
  int32_t plane, step, word, depth, count;
  int32_t offset[6], shift[6];
} adain_cpu_channel;

/* model.Colour, same order. */
enum adain_cpu_colour { ADAIN_COLOUR_RGB, ADAIN_COLOUR_YUV, ADAIN_COLOUR_GRAY };

/* A picture without its samples, which travel as arguments of their own so that Go memory may be passed: model.Layout, Colorimetry and
 * Conversion. */
typedef struct {
  int32_t format;  /* model.Format, to compare only */
  int32_t width, height, planes;
  int32_t stride[4]; /* bytes from row to row */
  int32_t colour, depth, channels, sub_x, sub_y;
  int32_t cosited_x, cosited_y, interlaced;
  adain_cpu_channel channel[4]; /* the last is what is copied, with a count of 0 if nothing is */
  float to_rgb[3][4], from_rgb[3][4], luminance[3], max;
} adain_cpu_image;

/* lut.Table without its values, which travel by themselves like samples: (size,4), or with a cube (size,size,size,4) with blue first. */
typedef struct {
  int32_t size; /* 0: there is none */
  int32_t cube;
  float low[3], scale[3]; /* a colour's place is (x - low) * scale, limited to 0 to size-1 */
} adain_cpu_lut;

/* model.Stylization but for its statistics. */
typedef struct {
  float alpha, smoothing;
  double scene_cut;       /* model.SceneCut */
  int32_t blend_weight;   /* model.BlendWeight of smoothing */
  int32_t discontinuity;  /* there is nothing that smoothing goes on from */
  int32_t blend;          /* as far as that is known beforehand, pixels go on from the frame before, which smoothing was above 0 for */
  int32_t motion_shift;   /* model.MotionShift; 0: pixels stay where they are */
  int32_t moves;          /* the frame before had a motion_shift too, and goes on */
  int32_t preserve_color; /* as model.Stylization says */
  int32_t width, height;  /* at which the network runs: both the frame's, or neither larger */
  adain_cpu_lut before, after; /* the network */
} adain_cpu_stylization;

/* model.Upsampling, same order. */
enum adain_cpu_upsampling { ADAIN_NO_UPSAMPLING, ADAIN_NEAREST, ADAIN_BILINEAR };

/* One convolution: weight (O,I,K,K), bias (O), row-major; a ReLU and a 2x2 maximum may follow. With phases it is an upsampling and a 3x3
 * convolution folded into one, of kernel 2 (nearest) or 3 (bilinear): its 4 phases of O/4 outputs are in the order 2*(odd row) + (odd column). */
typedef struct {
  int32_t in, out, kernel, relu, pool, phases;
  int32_t upsample; /* adain_cpu_upsampling afterwards, in training, which folds nothing */
  int32_t repeat;   /* the padding repeats the edge instead of reflecting, in training */
  int32_t bytes;    /* its input and its weights are rounded to 8 bits, in frames; not of the first, the last and the decoder's first layer */
} adain_cpu_layer;

enum { ADAIN_CPU_ERROR = 256 }; /* bytes of every error text */

/* Opens an engine. shapes holds the layers of the network as an engine computes them: conv1_1 with the colour layer folded
 * in, then the others in order; the first encoder_layers end with conv4_1. parameters are weight and bias of each
 * layer in turn; they are copied. half computes the layers without bytes in bfloat16. steps are those of each layer with bytes in turn, (I): of what
 * its input's bytes count, above 0. NULL on failure, error says why. */
adain_cpu_engine *adain_cpu_open(const adain_cpu_layer *shapes, int layers, int encoder_layers, const float *parameters, const float *steps, int threads,
                                 int half, char *error);
void adain_cpu_close(adain_cpu_engine *engine);

/* (C) mean and standard deviation of relu4_1. 0 on success. */
int adain_cpu_statistics(adain_cpu_engine *engine, const adain_cpu_image *src, const uint8_t *s0, const uint8_t *s1, const uint8_t *s2,
                         const uint8_t *s3,
                         float *mean, float *std, char *error);

/* One frame: encoder, AdaIN with the style's mean and std (C), decoder. With a mask shares is (2,H/8,W/8) of stylization's size, what of
 * each pixel of relu4_1 belongs to the first and to the second region, and second_mean and second_std (C) are the style of the latter; without one
 * all three are NULL. before and after are the values of the tables, NULL without. 0 on success; after a failure the next frame must be a discontinuity. */
int adain_cpu_stylize(adain_cpu_engine *engine, const adain_cpu_image *dst, uint8_t *d0, uint8_t *d1, uint8_t *d2, uint8_t *d3,
                      const adain_cpu_image *src, const uint8_t *s0, const uint8_t *s1, const uint8_t *s2, const uint8_t *s3,
                      const float *mean, const float *std, const float *second_mean, const float *second_std, const float *shares,
                      const float *before, const float *after, const adain_cpu_stylization *stylization, char *error);

/* The input of a layer in a frame that is stylised whole with the style's mean and std, in an engine in float32: (H+2,W+2,I) with the border that
 * the layer reads, of the third layer and those behind it but for the last. values has room for (height+2,width+2,I) of the frame; height and width are
 * those of the input. 0 on success. */
int adain_cpu_input(adain_cpu_engine *engine, const adain_cpu_image *src, const uint8_t *s0, const uint8_t *s1, const uint8_t *s2, const uint8_t *s3,
                    const float *mean, const float *std, float alpha, int layer, float *values, int32_t *height, int32_t *width, char *error);

/* What each layer may be computed with in bfloat16, in the order of adain_cpu_open: letters, the one that the rule of thumb takes first, behind
 * each layer a space; at most size bytes. Empty for an engine in float32. */
void adain_cpu_methods(adain_cpu_engine *engine, char *text, int size);
/* Computes frames by these methods from now on, a letter for each layer, or by the rule where methods is empty. 0 on success; else nothing
 * has changed, and error says why. */
int adain_cpu_use_methods(adain_cpu_engine *engine, const char *methods, char *error);

/* Measures from now on how long each stage of a frame takes, or no more. */
void adain_cpu_time_stages(adain_cpu_engine *engine, int on);

/* A stage of the frame before: the convolutions that it computes, in the order of adain_cpu_open, and how; first is -1 where it computes none. Its
 * chunks are what threads take one after another. */
typedef struct {
  int32_t first, last, chunks;
  double seconds;
  char implementation[120];
} adain_cpu_stage;

/* Fills stages and returns how many there are, at most room; 0 where nothing was measured. */
int adain_cpu_stages(adain_cpu_engine *engine, adain_cpu_stage *stages, int room);

enum adain_cpu_number { ADAIN_FLOAT32, ADAIN_BFLOAT16, ADAIN_INT8 };
/* Operations a second of oneDNN's matrix product on that many threads, of such numbers, with matrices that lie in caches: the
 * most that a convolution can reach here. 0 on failure, error says why. */
double adain_cpu_peak(int threads, int number, char *error);

/* 1 where the processor multiplies bfloat16 itself; the names of what computes. */
int adain_cpu_has_bfloat16(void);
const char *adain_cpu_kernels(void);   /* "AVX-512", "AVX2" or "128-bit vectors": our own kernels */
/* Takes our own kernels from now on by name, for tests; 0 and no change where the processor lacks them. */
int adain_cpu_use_kernels(const char *name);
const char *adain_cpu_byte_kernels(void);  /* the same of what multiplies bytes: "AMX", "AVX-512 VNNI", "AVX-VNNI", "AVX-512", "AVX2" or "128-bit vectors" */
int adain_cpu_use_byte_kernels(const char *name);
const char *adain_cpu_library(void);   /* "oneDNN 2.6.3" */
/* What computes each convolution of the current frame size, comma separated, at most size bytes. */
void adain_cpu_implementations(adain_cpu_engine *engine, char *text, int size);

#ifdef __cplusplus
}
#endif
#endif
