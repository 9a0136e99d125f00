#include "libgstcuda.h"
#include "adain.h"
#include <dlfcn.h>

static void
find_streams (void *library, AdaInCuda * cuda)
{
  const struct {
    const char *name;
    void *function;
  } streams[] = {
    {"gst_cuda_stream_new", &cuda->stream_new},
    {"gst_cuda_stream_get_handle", &cuda->stream_get_handle},
    {"gst_cuda_memory_get_stream", &cuda->memory_get_stream},
    {"gst_buffer_pool_config_get_cuda_stream", &cuda->config_get_stream},
    {"gst_buffer_pool_config_set_cuda_stream", &cuda->config_set_stream},
  };
  gboolean all = TRUE;

  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    all &= (*(void **) streams[i].function = dlsym (library, streams[i].name)) != NULL;
  for (guint i = 0; i < G_N_ELEMENTS (streams) && !all; i++)
    *(void **) streams[i].function = NULL;
}

static gboolean
find_functions (void *library, AdaInCuda * cuda)
{
  const struct {
    const char *name;
    void *function;
  } wanted[] = {
    {"gst_cuda_load_library", &cuda->load_library},
    {"gst_cuda_memory_init_once", &cuda->memory_init_once},
    {"gst_cuda_ensure_element_context", &cuda->ensure_element_context},
    {"gst_cuda_handle_set_context", &cuda->handle_set_context},
    {"gst_cuda_handle_context_query", &cuda->handle_context_query},
    {"gst_cuda_context_get_handle", &cuda->context_get_handle},
    {"gst_cuda_buffer_pool_get_type", &cuda->buffer_pool_get_type},
    {"gst_cuda_buffer_pool_new", &cuda->buffer_pool_new},
    {"gst_is_cuda_memory", &cuda->is_cuda_memory},
  };

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++) {
    *(void **) wanted[i].function = dlsym (library, wanted[i].name);
    if (!*(void **) wanted[i].function) {
      GST_WARNING ("GStreamer's CUDA library has no %s", wanted[i].name);
      return FALSE;
    }
  }
  *(void **) &cuda->memory_sync = dlsym (library, "gst_cuda_memory_sync");
  find_streams (library, cuda);
  return TRUE;
}

/* Asked before GStreamer's library, which brings OpenGL along, some MB that a machine without a GPU need not spend, and which
 * up to 1.22 waits for itself for ever when it is asked for a second context after the driver has not started. */
static gboolean
driver_starts (void)
{
  void *driver = dlopen ("libcuda.so.1", RTLD_LAZY);
  __typeof__ (cuInit) *init;
  CUresult result;

  if (!driver) {
    GST_INFO ("no NVIDIA driver: %s", dlerror ());
    return FALSE;
  }
  *(void **) &init = dlsym (driver, "cuInit");
  result = init ? init (0) : CUDA_ERROR_NOT_FOUND;
  if (result != CUDA_SUCCESS)
    GST_INFO ("the NVIDIA driver does not start: CUresult %d", result);
  return result == CUDA_SUCCESS;
}

static gpointer
load (gpointer unused)
{
  static AdaInCuda cuda;
  void *library;

  if (!driver_starts ())
    return NULL;
  library = dlopen ("libgstcuda-1.0.so.0", RTLD_LAZY);
  if (!library) {
    GST_INFO ("frames in GPU memory need GStreamer's CUDA library: %s", dlerror ());
    return NULL;
  }
  if (!find_functions (library, &cuda) || !cuda.load_library ())
    return NULL;
  /* Only the plugin nvcodec calls this, and it may not be loaded: without it pools find no allocator. */
  cuda.memory_init_once ();
  return &cuda;
}

/* Loads GStreamer's CUDA library at the first call. NULL where it or a driver that works is missing. Any thread. */
const AdaInCuda *
adain_cuda (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, load, NULL);
}
