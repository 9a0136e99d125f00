/* The CUDA context that neighbouring elements share. It is found or made on the way to PAUSED, unless an engine on the CPU is
 * wanted, or when frames in GPU memory are announced; it goes at stop. */
#include "libgstcuda.h"
#include "_cgo_export.h"

static gint
wanted_gpu (GstAdaInFilter * self)
{
  gint id;

  GST_OBJECT_LOCK (self);
  id = self->settings.device_id;
  GST_OBJECT_UNLOCK (self);
  return id;
}

static gboolean
suits (GstAdaInFilter * self, GstCudaContext * context, guint * gpu)
{
  gint wanted = wanted_gpu (self);

  g_object_get (context, "cuda-device-id", gpu, NULL);
  return wanted < 0 || (guint) wanted == *gpu;
}

/* Returns the context that was there before. */
static GstCudaContext *
exchange (GstAdaInFilter * self, GstCudaContext * context)
{
  GstCudaContext *old;

  GST_OBJECT_LOCK (self);
  old = self->context;
  self->context = context;
  GST_OBJECT_UNLOCK (self);
  return old;
}

/* A reference to the context, NULL where there is none. Any thread. */
GstCudaContext *
adain_context_ref (GstAdaInFilter * self)
{
  GstCudaContext *context;

  GST_OBJECT_LOCK (self);
  context = self->context ? gst_object_ref (self->context) : NULL;
  GST_OBJECT_UNLOCK (self);
  return context;
}

/* context may be NULL. */
void
adain_context_unref (GstCudaContext * context)
{
  gst_clear_object (&context);
}

/* The driver's CUcontext, 0 for NULL. */
guintptr
adain_context_handle (GstCudaContext * context)
{
  return context ? (guintptr) adain_cuda ()->context_get_handle (context) : 0;
}

void
adain_context_release (GstAdaInFilter * self)
{
  adain_stream_release (self);
  adain_context_unref (exchange (self, NULL));
}

/* Finds the context of the elements around or of the application, or makes one on the wanted GPU. FALSE where that fails.
 * By the thread that changes the state to PAUSED or the streaming thread. */
gboolean
adain_context_ensure (GstAdaInFilter * self)
{
  const AdaInCuda *cuda = adain_cuda ();
  guint gpu;

  if (!cuda)
    return FALSE;
  /* device-id may have been set after the context. */
  if (self->context && !suits (self, self->context, &gpu))
    adain_context_release (self);
  /* This writes without our lock, but never over a context that is there. */
  return cuda->ensure_element_context (GST_ELEMENT (self), wanted_gpu (self), &self->context);
}

/* Another context's addresses mean nothing in ours: where a frame comes from one, engine and pool move into it. FALSE, with an
 * error posted, where they must not or cannot. */
gboolean
adain_context_follow (GstAdaInFilter * self, GstBuffer * buffer)
{
  GstMemory *memory = gst_buffer_n_memory (buffer) ? gst_buffer_peek_memory (buffer, 0) : NULL;
  GstCudaContext *context, *old;
  AdaInError e = { 0 };
  guint gpu;

  if (!adain_cuda ()->is_cuda_memory (memory))
    return TRUE;
  context = ((GstCudaMemory *) memory)->context;
  if (context == self->context)
    return TRUE;
  if (self->gpu_engine && !suits (self, context, &gpu)) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("The frames lie on GPU %u, but device-id is %d.", gpu, wanted_gpu (self)),
        ("%" GST_PTR_FORMAT, context));
    return FALSE;
  }
  GST_INFO_OBJECT (self, "following the frames from %" GST_PTR_FORMAT " into %" GST_PTR_FORMAT, self->context, context);
  old = exchange (self, gst_object_ref (context));
  if (!goAdaInFollow (self, &e)) {
    adain_post_error (self, &e);
    adain_context_unref (exchange (self, old));
    return FALSE;
  }
  adain_context_unref (old);
  gst_base_transform_reconfigure_src (GST_BASE_TRANSFORM (self));
  return TRUE;
}

/* By any thread in any state: of the application, or of an element around that has made a context. */
static void
set_context (GstElement * element, GstContext * context)
{
  GstAdaInFilter *self = ADAIN_FILTER (element);
  GstCudaContext *offered = NULL;

  if (context && gst_context_has_context_type (context, GST_CUDA_CONTEXT_TYPE) && adain_cuda ())
    adain_cuda ()->handle_set_context (element, context, wanted_gpu (self), &offered);
  if (offered) {
    GST_OBJECT_LOCK (self);
    if (!self->context)
      self->context = g_steal_pointer (&offered);
    GST_OBJECT_UNLOCK (self);
    adain_context_unref (offered);
  }
  GST_ELEMENT_CLASS (adain_parent_class)->set_context (element, context);
}

/* Elements around ask for the context. Any thread. */
static gboolean
query (GstBaseTransform * base, GstPadDirection direction, GstQuery * query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT) {
    GstCudaContext *context = adain_context_ref (ADAIN_FILTER (base));
    gboolean answered = context && adain_cuda ()->handle_context_query (GST_ELEMENT (base), query, context);

    adain_context_unref (context);
    if (answered)
      return TRUE;
  }
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY && direction == GST_PAD_SRC)
    return adain_answer_latency (ADAIN_FILTER (base), query);
  return adain_parent_class->query (base, direction, query);
}

void
adain_install_context (GstElementClass * element, GstBaseTransformClass * base)
{
  element->set_context = set_context;
  base->query = query;
}
