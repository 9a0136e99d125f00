#include "libgstcuda.h"
#include "adain.h"
#include <dlfcn.h>

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
  return TRUE;
}

static gpointer
load (gpointer unused)
{
  static AdaInCuda cuda;
  void *library;

  /* Asked first because GStreamer's library brings OpenGL along, some MB that a machine without a GPU need not spend. */
  if (!dlopen ("libcuda.so.1", RTLD_LAZY)) {
    GST_INFO ("no NVIDIA driver: %s", dlerror ());
    return NULL;
  }
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

/* Loads GStreamer's CUDA library at the first call. NULL where it or the driver is missing. Any thread. */
const AdaInCuda *
adain_cuda (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, load, NULL);
}
