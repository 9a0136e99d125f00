#ifndef ADAIN_LIBGSTCUDA_H
#define ADAIN_LIBGSTCUDA_H

#define GST_USE_UNSTABLE_API
#include <gst/cuda/gstcudabufferpool.h>
#include <gst/cuda/gstcudaloader.h>
#include <gst/cuda/gstcudautils.h>

/* The functions of GStreamer's CUDA library. It is not linked: a machine without a GPU need not have it. */
typedef struct {
  __typeof__ (gst_cuda_load_library) *load_library;
  __typeof__ (gst_cuda_memory_init_once) *memory_init_once;
  __typeof__ (gst_cuda_ensure_element_context) *ensure_element_context;
  __typeof__ (gst_cuda_handle_set_context) *handle_set_context;
  __typeof__ (gst_cuda_handle_context_query) *handle_context_query;
  __typeof__ (gst_cuda_context_get_handle) *context_get_handle;
  __typeof__ (gst_cuda_buffer_pool_get_type) *buffer_pool_get_type;
  __typeof__ (gst_cuda_buffer_pool_new) *buffer_pool_new;
  __typeof__ (gst_is_cuda_memory) *is_cuda_memory;
  void (*memory_sync) (GstCudaMemory * memory);         /* NULL before GStreamer 1.24 */
  /* Streams (GstCudaStream, a GstMiniObject) as objects that memory and pools have; all NULL before GStreamer 1.24. */
  gpointer (*stream_new) (GstCudaContext * context);
  CUstream (*stream_get_handle) (gpointer stream);
  gpointer (*memory_get_stream) (GstCudaMemory * memory);
  gpointer (*config_get_stream) (GstStructure * config);        /* gives a reference */
  void (*config_set_stream) (GstStructure * config, gpointer stream);
} AdaInCuda;

const AdaInCuda *adain_cuda (void);

#endif
