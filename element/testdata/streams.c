/* What GStreamer's CUDA library has of streams since 1.24, for tests with an older one, which this library stands before. Buffers mapped for
 * writing are of the stream that a pool was configured with last, those mapped for reading of another; with STREAMS=none of none. Each call
 * that tells something is a line in the file that STREAMS_LOG names. */
#include <dlfcn.h>
#include <stdio.h>
#include <gst/gst.h>

typedef struct {
  GstMiniObject parent;
  void *handle;
} Stream;

gboolean gst_cuda_context_push (void *context);
gboolean gst_cuda_context_pop (void **context);

static Stream *configured, *foreign;

static void
note (const char *what, GstMemory * memory)
{
  FILE *f = fopen (g_getenv ("STREAMS_LOG"), "a");
  int flags = memory ? GST_MINI_OBJECT_CAST (memory)->lockstate : 0;

  fprintf (f, "%s%s\n", what, !memory ? "" : flags & GST_LOCK_FLAG_WRITE ? " written" : flags & GST_LOCK_FLAG_READ ? " read" : " unmapped");
  fclose (f);
}

static void
stream_free (GstMiniObject * object)
{
  int (*destroy) (void *) = (int (*) (void *)) dlsym (RTLD_DEFAULT, "cuStreamDestroy_v2");

  if (!destroy)
    destroy = (int (*) (void *)) dlsym (dlopen ("libcuda.so.1", RTLD_NOW), "cuStreamDestroy_v2");
  destroy (((Stream *) object)->handle);
  note ("stream freed", NULL);
  g_free (object);
}

Stream *
gst_cuda_stream_new (void *context)
{
  int (*create) (void **, unsigned) = (int (*) (void **, unsigned)) dlsym (dlopen ("libcuda.so.1", RTLD_NOW), "cuStreamCreate");
  Stream *s = g_new0 (Stream, 1);

  gst_mini_object_init (&s->parent, 0, G_TYPE_POINTER, NULL, NULL, stream_free);
  gst_cuda_context_push (context);
  create (&s->handle, 1);
  if (!foreign)
    foreign = g_new0 (Stream, 1), create (&foreign->handle, 1);
  gst_cuda_context_pop (NULL);
  note ("stream made", NULL);
  return s;
}

void *
gst_cuda_stream_get_handle (Stream * s)
{
  return s->handle;
}

Stream *
gst_cuda_memory_get_stream (GstMemory * memory)
{
  if (!g_strcmp0 (g_getenv ("STREAMS"), "none"))
    return NULL;
  return GST_MINI_OBJECT_CAST (memory)->lockstate & GST_LOCK_FLAG_WRITE ? configured : foreign;
}

void
gst_cuda_memory_sync (GstMemory * memory)
{
  note ("sync", memory);
}

Stream *
gst_buffer_pool_config_get_cuda_stream (GstStructure * config)
{
  Stream *s = NULL;

  gst_structure_get (config, "cuda-stream", G_TYPE_POINTER, &s, NULL);
  return s ? (Stream *) gst_mini_object_ref (GST_MINI_OBJECT_CAST (s)) : NULL;
}

void
gst_buffer_pool_config_set_cuda_stream (GstStructure * config, Stream * s)
{
  gst_structure_set (config, "cuda-stream", G_TYPE_POINTER, s, NULL);
  configured = s;
  note ("pool", NULL);
}
